"""The relay tests as data: what is said in MAIL and RCPT, and which misconfiguration takes it.

They are the shapes that nmap's smtp-open-relay, metasploit, Nessus and the MAPS relay test between them knew. An
accepted strong one is a relay: the path names a stranger's domain in so many words. An accepted weak one may merely be
the odd name of a local mailbox where every local part is taken, so it has a control: a random local part in the same
shape, which only such a catch-all takes.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from scanner.smtp.outcome import Question


class Strength(StrEnum):
    """What an accepted RCPT says. STRONG: a relay. WEAK: perhaps only a local mailbox's name."""

    STRONG = "strong"
    WEAK = "weak"


class Names(NamedTuple):
    """What the shapes are filled with.

    `canary`: local part and domain of the operator's mailbox that no swept host handles. `sender_domain`: of --sender;
    None for the null sender. `literal`: the target's address literal (RFC 5321 4.1.3). `host`: its name, or None.
    `word`: a local part that nobody has.
    """

    local_part: str
    domain: str
    sender_domain: str | None
    literal: str
    host: str | None
    word: str


class Pattern(NamedTuple):
    """One relay test.

    The shapes are those of `str.format`: `U` and `D` the canary's local part and domain, `L` the sender's domain, `I`
    the target's literal, `H` its name; in the control `R` stands for a random local part. `catches` says which
    misconfiguration takes it.
    """

    name: str
    sender: str
    recipient: str
    catches: str
    control: str | None = None
    bare: bool = False

    @property
    def strength(self) -> Strength:
        """A control makes it weak."""
        return Strength.STRONG if self.control is None else Strength.WEAK

    @property
    def needs_host(self) -> bool:
        """Whether it can only be said to a target that has a name."""
        return "{H}" in self.sender + self.recipient

    def may_be_said(self, names: Names) -> bool:
        """Whether its shape differs from others' here: a sender of the canary's own domain is `plain`."""
        if "{L}" in self.sender and names.sender_domain is None:
            return False
        return self.name != "sender-third" or names.sender_domain != names.domain

    def question(self, names: Names, *, data: bool = False) -> Question:
        """The test for one target; with `data` it goes as far as DATA."""
        return Question(filled(self.sender, names), filled(self.recipient, names), data, self.bare)

    def control_question(self, names: Names) -> Question | None:
        """What a catch-all takes as well; None where there is no doubt."""
        if self.control is None:
            return None
        return Question(filled(self.sender, names), filled(self.control, names))


def filled(shape: str, names: Names) -> str:
    """A shape with its names."""
    return shape.format(
        U=names.local_part, D=names.domain, L=names.sender_domain, I=names.literal, H=names.host, R=names.word
    )


CANARY = "{U}@{D}"

PATTERNS: tuple[Pattern, ...] = (
    Pattern("plain", CANARY, CANARY, "relays for anybody: mynetworks or relay hosts that hold the world"),
    Pattern("sender-null", "", CANARY, "takes every bounce, so that whoever says `<>` may relay"),
    Pattern("sender-bare", "{U}", CANARY, "completes a sender without a domain with its own, and trusts the result"),
    Pattern("sender-localhost", "{U}@localhost", CANARY, "takes a sender at localhost for a local one"),
    Pattern("sender-third", "{U}@{L}", CANARY, "lets some senders' domains relay, whoever says so"),
    Pattern("sender-host", "{U}@{H}", CANARY, "trusts a forged sender in its own domain"),
    Pattern("sender-ip", "{U}@{I}", CANARY, "trusts a forged sender at its own address literal"),
    Pattern("sender-postmaster", "postmaster@{H}", CANARY, "trusts a forged sender that exists there: its postmaster"),
    Pattern("sender-bang", "{L}!{U}", CANARY, "reads a UUCP sender as local and lets it relay"),
    Pattern("rcpt-nobrackets", CANARY, CANARY, "checks only what stands in brackets", bare=True),
    Pattern("route-host", CANARY, "@{H}:{U}@{D}", "follows a source route through itself (RFC 5321 C)"),
    Pattern("route-ip", CANARY, "@{I}:{U}@{D}", "follows a source route through its address literal"),
    Pattern("percent-host", CANARY, "{U}%{D}@{H}", "rewrites user%domain to user@domain", "{R}@{H}"),
    Pattern("percent-ip", CANARY, "{U}%{D}@{I}", "the same behind its address literal", "{R}@{I}"),
    Pattern("quoted", CANARY, '"{U}@{D}"', "takes the quotes off and looks again, after the check", '"{R}"'),
    Pattern("quoted-percent", CANARY, '"{U}%{D}"', "takes the quotes off, then rewrites the percent sign", '"{R}"'),
    Pattern("quoted-doubleat", CANARY, '"{U}@{D}@{H}"', "takes the quotes off, then its own name", '"{R}"'),
    Pattern("quotedat-host", CANARY, '"{U}@{D}"@{H}', "unquotes the local part of its own domain", '"{R}"@{H}'),
    Pattern("quotedat-ip", CANARY, '"{U}@{D}"@{I}', "the same behind its address literal", '"{R}"@{I}'),
    Pattern("doubleat-host", CANARY, "{U}@{D}@{H}", "takes its own name off and forwards what is left", "{R}@{H}"),
    Pattern("doubleat-ip", CANARY, "{U}@{D}@{I}", "the same behind its address literal", "{R}@{I}"),
    Pattern("bang", CANARY, "{D}!{U}", "speaks UUCP: domain!user is a route", "{R}"),
    Pattern("bang-host", CANARY, "{D}!{U}@{H}", "speaks UUCP behind its own name", "{R}@{H}"),
    Pattern("bang-ip", CANARY, "{D}!{U}@{I}", "speaks UUCP behind its address literal", "{R}@{I}"),
    Pattern("trailing-at", CANARY, "{U}@{D}@", "takes an empty last domain for its own", "{R}@"),
    Pattern("percent-trailing", CANARY, "{U}%{D}@", "the same, and rewrites the percent sign", "{R}@"),
)
"""In the order in which they are asked and listed: strong before weak."""

BASIC = ("plain", "sender-null", "sender-host", "percent-host", "route-host")
"""What finds nearly all relays that there are."""
BY_NAME = {pattern.name: pattern for pattern in PATTERNS}

NAME = re.compile(r"(?=.{1,255}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))+", re.IGNORECASE)


def host_of(banner: str | None) -> str | None:
    """A server's own name: the first word of the first line of its greeting, if it is a dotted name (RFC 5321 4.3.1).

    `220 ESMTP ready` and `220-Welcome` name nobody; nor does an address.
    """
    words = (banner or "").partition("\n")[0].split(maxsplit=1)
    if not words:
        return None
    word = words[0].rstrip(".,;:").lower()
    last = word.rpartition(".")[2]
    return word if NAME.fullmatch(word) and not last.isdigit() else None
