"""Postfix as real sites set it up to turn somebody away: who is refused, in which words, and what that amounts to.

Settings, tables and texts are those of Postfix's documentation and of what goes with it (postscreen, Dovecot's quota,
Spamhaus' and others' lists). Expectations are written from what each site means, not from a run of ours.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.real.refusing import NEXT, STORE
from tests.real.roles import SENDER, SENDER_HELO, ZONE


class Asker(NamedTuple):
    """Who asks: one run of the command each."""

    helo: str
    sender: str


US = Asker(SENDER_HELO, SENDER)
NOWHERE = Asker("nowhere.test", "postmaster@nowhere.test")
"""Not in DNS, neither as a host nor as a domain."""
NO_MAIL = Asker(SENDER_HELO, "postmaster@nomail.test")
"""Its domain says by a null MX that it takes no mail: nobody could answer it (RFC 7505)."""
THEIRS = Asker(SENDER_HELO, "nobody@users.test")
"""In a domain of the server asked, which would know the address if it existed."""


class Refusal(NamedTuple):
    """A domain, who refuses mail for it, and what must be found.

    `server` is its only exchanger, or its secondary where `primary` names another; `text` is all of the reply but its
    basic code, with `{to}`, `{sender}` and `{helo}` for what was said; `found` is the domain's verdict.
    """

    name: str
    server: str
    code: int
    text: str
    verdict: str
    standing: str
    found: str
    stage: str = "rcpt"
    confidence: str = "high"
    asker: Asker = US
    primary: str | None = None
    asked: str = "postmaster"

    @property
    def domain(self) -> str:
        return f"{self.name}.{ZONE}"

    @property
    def recipient(self) -> str:
        return f"{self.asked}@{self.domain}"

    @property
    def said(self) -> str:
        """The text with all names in it."""
        return self.text.format(to=self.recipient, sender=self.asker.sender, helo=self.asker.helo)

    @property
    def enhanced(self) -> str:
        """Postfix puts one into each refusal, right after the basic code."""
        return self.text.partition(" ")[0]

    @property
    def records(self) -> list[str]:
        """Its lines of the zone: the refusing server comes second to the primary."""
        exchanges = [self.primary, self.server] if self.primary else [self.server]
        return [f"{self.name} MX {10 * place} {host}.mx" for place, host in enumerate(exchanges, 1)]


def of_recipient(name: str, code: int, text: str, verdict: str) -> Refusal:
    """A line of the recipient access map: about the one recipient, so the domain is served."""
    enhanced, _, words = text.partition(" ")
    said = f"{enhanced} <{{to}}>: Recipient address rejected: {words}"
    return Refusal(name, "access", code, said, verdict, "serves", "recipient_refused")


def of_us(name: str, server: str, code: int, text: str, verdict: str) -> Refusal:
    """A refusal about us, which tells nothing about the domain."""
    return Refusal(name, server, code, text, verdict, "undecided", "refuses_us")


LISTED = "https://www.spamhaus.org/query/ip/127.0.0.1"
"""The list's text record: where to read why."""

IN_ACCESS_MAPS = (
    of_recipient("full", 452, "4.2.2 Mailbox is full", "mailbox_full"),
    of_recipient("over", 552, "5.2.2 Quota exceeded (mailbox for user is full)", "mailbox_full"),
    of_recipient("disabled", 550, "5.2.1 This mailbox has been disabled", "mailbox_disabled"),
    of_recipient("members", 554, "5.7.2 Only members may post to this list", "recipient_restricted"),
    of_recipient("left", 554, "5.1.2 We no longer accept mail for this domain", "not_accepting")._replace(
        standing="broken", found="undeliverable"
    ),
    # REJECT without a text could mean anything: no finding rests on it.
    of_recipient("plain", 554, "5.7.1 Access denied", "policy_rejected")._replace(
        standing="undecided", found="refuses_us", confidence="low"
    ),
    of_us(
        "blocked",
        "client",
        554,
        "5.7.1 <localhost[127.0.0.1]>: Client host rejected: Your network is on our blocklist",
        "client_blocked",
    ),
    of_us(
        "shunned",
        "sender",
        550,
        "5.7.1 <{sender}>: Sender address rejected: We have had too much from this sender",
        "sender_rejected",
    ),
    of_us("impostor", "helo", 554, "5.7.1 <{helo}>: Helo command rejected: You are not who you say", "helo_rejected"),
)

BY_DNS = (
    of_us(
        "listed",
        "dnsbl",
        554,
        f"5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.test; {LISTED}",
        "client_blocked",
    ),
    of_us(
        "door",
        "dnsbl-door",
        554,
        f"5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.test; {LISTED}",
        "client_blocked",
    )._replace(stage="banner"),
    of_us(
        "reputation",
        "dbl",
        554,
        "5.7.1 Service unavailable; Sender address [{sender}] blocked using dbl.test",
        "sender_rejected",
    ),
    of_us(
        "strict",
        "resolving",
        450,
        "4.1.8 <{sender}>: Sender address rejected: Domain not found",
        "sender_rejected",
    )._replace(asker=NOWHERE),
    of_us(
        "stricter",
        "resolving-550",
        550,
        "5.1.8 <{sender}>: Sender address rejected: Domain not found",
        "sender_rejected",
    )._replace(asker=NOWHERE),
    of_us(
        "greeted",
        "helo-resolving",
        450,
        "4.7.1 <{helo}>: Helo command rejected: Host not found",
        "helo_rejected",
    )._replace(asker=NOWHERE),
    of_us(
        "answering",
        "resolving",
        550,
        "5.7.27 <{sender}>: Sender address rejected: Domain nomail.test does not accept mail (nullMX)",
        "sender_rejected",
    )._replace(asker=NO_MAIL),
    of_us(
        "nameless",
        "ptr",
        450,
        "4.7.25 Client host rejected: cannot find your hostname, [127.0.0.1]",
        "ptr_required",
    ),
    # "User unknown", of the sender: it says nothing about the recipient.
    of_us(
        "home",
        "unlisted",
        550,
        "5.1.0 <{sender}>: Sender address rejected: User unknown in virtual mailbox table",
        "sender_rejected",
    )._replace(asker=THEIRS),
)

UNKNOWN_AT_STORE = (
    f"host {STORE}[{STORE}] said: 550 5.1.1 <{{to}}>: Recipient address rejected: "
    "User unknown in virtual mailbox table (in reply to RCPT TO command)"
)
DENIED_AT_NEXT = f"host {NEXT}[{NEXT}] said: 554 5.7.1 <{{%s}}>: Relay access denied (in reply to RCPT TO command)"

BY_VERIFICATION = (
    Refusal(
        "asking",
        "verifying",
        450,
        f"4.1.1 <{{to}}>: Recipient address rejected: unverified address: {UNKNOWN_AT_STORE}",
        "user_unknown",
        "serves",
        "recipient_refused",
    ),
    Refusal(
        "asked",
        "verifying-550",
        550,
        f"5.1.1 <{{to}}>: Recipient address rejected: undeliverable address: {UNKNOWN_AT_STORE}",
        "user_unknown",
        "serves",
        "recipient_refused",
    ),
    # The host behind it refuses the domain: the reason that is quoted is the reason.
    Refusal(
        "behind",
        "verifying-550",
        550,
        f"5.1.1 <{{to}}>: Recipient address rejected: undeliverable address: {DENIED_AT_NEXT % 'to'}",
        "relay_denied",
        "broken",
        "primary_rejects_relay",
    ),
    # Neither its answer nor ours: the host behind it greets late, or is down.
    Refusal(
        "pending",
        "verifying-once",
        450,
        "4.1.1 <{to}>: Recipient address rejected: unverified address: Address verification in progress",
        "service_unavailable",
        "undecided",
        "inconclusive",
    ),
    # A relay refusal that the sender's host gave: it is about the sender.
    of_us(
        "suspicious",
        "verifying-sender",
        450,
        f"4.1.7 <{{sender}}>: Sender address rejected: unverified address: {DENIED_AT_NEXT % 'sender'}",
        "sender_rejected",
    ),
)

BY_TABLES = (
    Refusal(
        "moved",
        "relocated",
        550,
        "5.1.6 <{to}>: Recipient address rejected: User has moved to info@users.test",
        "mailbox_disabled",
        "serves",
        "recipient_refused",
    ),
    Refusal(
        "users",
        "unlisted",
        550,
        "5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table",
        "user_unknown",
        "serves",
        "recipient_refused",
    ),
    Refusal(
        "local",
        "local-450",
        450,
        "4.1.1 <{to}>: Recipient address rejected: User unknown in local recipient table",
        "user_unknown",
        "serves",
        "recipient_refused",
        asked="nobody",
    ),
    Refusal(
        "alias",
        "alias",
        550,
        "5.1.1 <{to}>: Recipient address rejected: User unknown in virtual alias table",
        "user_unknown",
        "serves",
        "recipient_refused",
    ),
    Refusal(
        "untold",
        "stranger",
        554,
        "5.7.1 <{to}>: Relay access denied",
        "relay_denied",
        "broken",
        "secondary_rejects_relay",
        primary="taking",
    ),
    Refusal(
        "unsure",
        "deferring",
        454,
        "4.7.1 <{to}>: Relay access denied",
        "relay_denied",
        "broken",
        "secondary_rejects_relay",
        primary="taking",
    ),
)


def in_trouble(name: str, server: str, code: int, text: str, stage: str = "rcpt") -> Refusal:
    return Refusal(name, server, code, text, "service_unavailable", "undecided", "inconclusive", stage)


BY_TROUBLE = (
    in_trouble("maintenance", "retry", 450, "4.3.2 <{to}>: Recipient address rejected: system under maintenance"),
    in_trouble("disk", "disk", 452, "4.3.1 Insufficient system storage", "mail"),
    in_trouble("broken", "policy", 451, "4.3.5 <{to}>: Recipient address rejected: Server configuration problem"),
)

BY_POSTSCREEN = (
    # New to it, deep tests passed: it lets the client in the next time.
    Refusal("new", "deep", 450, "4.3.2 Service currently unavailable", "greylisted", "undecided", "inconclusive"),
    # Only who met the primary may come in through the secondary's address; here nobody ever may.
    Refusal(
        "veto",
        "vetoing",
        450,
        "4.3.2 Service currently unavailable",
        "greylisted",
        "undecided",
        "inconclusive",
        primary="screened",
    ),
    of_us("denied", "deny-door", 521, "5.3.2 Service currently unavailable", "client_blocked")._replace(stage="banner"),
    of_us("denied-late", "deny-late", 550, "5.3.2 Service currently unavailable", "client_blocked"),
    of_us(
        "screened-list",
        "screened-dnsbl",
        550,
        "5.7.1 Service unavailable; client [127.0.0.1] blocked using zen.test",
        "client_blocked",
    ),
)

REFUSALS = (*IN_ACCESS_MAPS, *BY_DNS, *BY_VERIFICATION, *BY_TABLES, *BY_TROUBLE, *BY_POSTSCREEN)


def zone_text(hosts: dict[str, str]) -> str:
    """The zone of all these domains, the exchangers by name and address, and the lists that name us."""
    head = [
        f"$ORIGIN {ZONE}.",
        "$TTL 60",
        "@ SOA ns hostmaster 1 3600 600 86400 60",
        "@ NS ns",
        "ns A 127.0.0.1",
        f"{SENDER_HELO}. A 127.0.0.1",
        f"{SENDER_HELO}. MX 10 {SENDER_HELO}.",
        "nomail MX 0 .",
        "1.0.0.127.zen A 127.0.0.2",
        f'1.0.0.127.zen TXT "{LISTED}"',
        f"{SENDER_HELO}.dbl A 127.0.1.2",
    ]
    exchangers = [f"{name}.mx A {address}" for name, address in hosts.items()]
    return "\n".join([*head, *exchangers, *(line for refusal in REFUSALS for line in refusal.records), ""])
