"""Which blocklist or reputation service a refusal names, in its words or in a link, and where an address is looked up.

Sources: the services' own look-up pages; Postfix's `default_rbl_reply` (`blocked using ZONE`).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Blocklist(NamedTuple):
    """A service by the name that people use, what its zones and pages are called in replies, and its look-up page."""

    name: str
    marks: re.Pattern[str]
    page: str | None = None


def blocklist(name: str, marks: str, page: str | None = None) -> Blocklist:
    """A row of the table."""
    return Blocklist(name, re.compile(marks, re.IGNORECASE), page)


BLOCKLISTS: tuple[Blocklist, ...] = (
    blocklist("Spamhaus", r"spamhaus|\babuseat\.org", "https://check.spamhaus.org/"),
    blocklist("SpamCop", r"spamcop", "https://www.spamcop.net/bl.shtml"),
    blocklist("Barracuda", r"barracudacentral", "https://www.barracudacentral.org/lookups"),
    blocklist("UCEPROTECT", r"uceprotect", "https://www.uceprotect.net/en/rblcheck.php"),
    blocklist("Backscatterer", r"backscatterer\.org", "https://www.backscatterer.org/"),
    blocklist("PSBL", r"\bpsbl\b|surriel", "https://psbl.org/"),
    blocklist("Mailspike", r"mailspike", "https://mailspike.io/ip_verify"),
    blocklist("Proofpoint", r"ipcheck\.proofpoint", "https://ipcheck.proofpoint.com/"),
    blocklist("Cloudmark", r"\bcloudmark\b", "https://csi.cloudmark.com/en/reset/"),
    blocklist("Cisco Talos", r"senderbase|talosintelligence", "https://talosintelligence.com/reputation_center"),
    blocklist("Validity Sender Score", r"sender ?score", "https://senderscore.org/"),
    blocklist("Microsoft 365's list", r"sender\.office\.com", "https://sender.office.com/"),
    blocklist("Invaluement", r"invaluement", "https://www.invaluement.com/lookup/"),
    blocklist("Hostkarma", r"junkemailfilter|hostkarma"),
    blocklist("SORBS, closed in 2024", r"\bsorbs\b"),
    blocklist("NJABL, closed in 2013", r"\bnjabl\b"),
)

# A zone's name as servers quote it. Possessive, so that what a stranger sent costs no more than its length.
ZONE = re.compile(
    r"(?:blocked (?:using|by)|listed (?:in|at|on|by)|(?:black|block) ?list(?:ed)? (?:in|at|on|by))"
    r" (?:the )?\W?((?:[a-z0-9_-]{1,63}+\.){1,8}[a-z]{2,24})\b",
    re.IGNORECASE,
)


def lists_named(text: str) -> tuple[str, str | None] | None:
    """The list that a refusal's text names and its look-up page, if any; None where it names none.

    A service that is known by its words or link comes first; else the zone is named as the server names it.
    """
    for each in BLOCKLISTS:
        if each.marks.search(text):
            return each.name, each.page
    found = ZONE.search(text)
    return (found.group(1).lower(), None) if found else None
