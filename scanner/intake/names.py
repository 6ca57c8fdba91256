"""Names that the operator gives: domains, mailboxes, our HELO name and sender.

Forgiving where the meaning is plain (blanks around, a byte order mark, upper case, one final dot, international names),
strict in the rest: what leaves here is in lower case, A-labels, letters, digits and hyphens (RFC 5321 4.1.2, RFC 1123
2.1), fit for DNS and for a command line of SMTP. Every function raises `BadName` and nothing else.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from scanner.escape import quoted, safe_text
from scanner.terms import UsageError

BLANKS = " \t\r\ufeff"
"""What may stand around a name: blanks, the CR of a CRLF, a byte order mark (also where files were joined)."""

NAME_LIMIT_OCTETS = 253  # RFC 1035 2.3.4: 255 on the wire, which counts a length octet more and the root
LABEL_LIMIT_OCTETS = 63
LOCAL_PART_LIMIT_OCTETS = 64  # RFC 5321 4.5.3.1.1
MAILBOX_LIMIT_OCTETS = 254  # RFC 5321 4.5.3.1.3: a path of 256 with its angle brackets

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
"""One label as a mail domain has it. No underscore: DNS knows them, host names and RFC 5321 do not."""

COMMON_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
COMMON_NAME = re.compile(rf"(?:{COMMON_LABEL}\.)+(?=[a-z]){COMMON_LABEL}")
"""Nearly every domain, once it is in lower case: nothing else need be asked about it."""

ATEXT = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
QUOTED_STRING = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
LOCAL_PART = re.compile(rf"{ATEXT}(?:\.{ATEXT})*|{QUOTED_STRING}")
"""Dot-string or quoted string (RFC 5321 4.1.2)."""


class BadName(UsageError, ValueError):  # noqa: N818 - reads like its siblings UsageError and LocalFault
    """A name that cannot be used; the sentence repeats it, made safe, and says why."""


class Mailbox(NamedTuple):
    """A mailbox (RFC 5321 4.1.2): `local` as written, quotation marks included, and its domain or address literal."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def parse_domain(text: str) -> str:
    """A domain name, in lower case and A-labels, without its final dot.

    A single label is a domain too (some top-level domains have exchangers). A-labels are taken as they are: names that
    IDNA no longer allows exist in DNS.
    """
    name = text.strip(BLANKS)
    # Before IDNA, whose work grows with the length; no name of this many characters fits into 253 octets.
    if len(name) > NAME_LIMIT_OCTETS + 1:
        raise BadName(f"{quoted(name)} is no domain: longer than {NAME_LIMIT_OCTETS} octets")
    if not name.isascii():
        name = a_labels(name)
    name = name.lower().removesuffix(".")
    fault = domain_fault(name)
    if fault:
        raise BadName(f"{quoted(text.strip(BLANKS))} is no domain: {fault}")
    return name


def domain_fault(name: str) -> str | None:
    """What keeps a name in lower case from being a domain; None where nothing does."""
    if len(name) <= NAME_LIMIT_OCTETS and COMMON_NAME.fullmatch(name):
        return None
    if not name:
        return "it is empty"
    if is_address(name):
        return "it is an address, which has no exchangers to ask"
    if len(name) > NAME_LIMIT_OCTETS:
        return f"longer than {NAME_LIMIT_OCTETS} octets"
    labels = name.split(".")
    fault = next(filter(None, map(label_fault, labels)), None)
    # No top-level domain is a number (RFC 3696 2): this is part of an address or a column of figures.
    return "it ends in a number" if fault is None and labels[-1].isdigit() else fault


def label_fault(label: str) -> str | None:
    """What keeps a text in lower case from being a label of a mail domain."""
    if not label:
        return "a label is empty"
    if len(label) > LABEL_LIMIT_OCTETS:
        return f"a label is longer than {LABEL_LIMIT_OCTETS} octets"
    return None if LABEL.fullmatch(label) else f"{quoted(label)} is not made of letters, digits and inner hyphens"


def is_address(name: str) -> bool:
    """Whether the name is an IP address, or looks like an address literal."""
    try:
        ip_address(name)
    except ValueError:
        return name.startswith("[")
    return True


def a_labels(name: str) -> str:
    """An international name as DNS has it, by UTS 46 and IDNA 2008.

    Python's own codec knows IDNA 2003 only, which turns straße.de into another domain, strasse.de.
    """
    import idna  # noqa: PLC0415 - 15 ms and 2 MB that most runs do not need; a run preloads it before it opens sockets

    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError as error:
        raise BadName(f"{quoted(name)} is no international domain name: {safe_text(str(error))}") from None


def preload() -> None:
    """Load what international names need, before descriptors can run short: an import opens files."""
    a_labels("bücher.example")


def parse_mailbox(text: str, *, literal: bool = False) -> Mailbox:
    """USER@DOMAIN; with `literal` also USER@[192.0.2.1]."""
    whole = text.strip(BLANKS)
    # A domain holds no "@", a quoted local part may: the last one divides.
    local, at, domain = whole.rpartition("@")
    if not at:
        raise BadName(f"{quoted(whole)} is no mailbox: it has no @")
    if not local.isascii():
        raise BadName(f"{quoted(whole)}: a local part beyond ASCII needs SMTPUTF8, which is not spoken here")
    if len(local) > LOCAL_PART_LIMIT_OCTETS:
        raise BadName(f"{quoted(whole)} is no mailbox: its local part is longer than {LOCAL_PART_LIMIT_OCTETS} octets")
    if not LOCAL_PART.fullmatch(local):
        raise BadName(f"{quoted(whole)} is no mailbox: {quoted(local)} is no local part (RFC 5321 4.1.2)")
    # Blanks are forgiven around the whole only: in "user@ example.com" something is missing.
    if domain != domain.strip(BLANKS):
        raise BadName(f"{quoted(whole)} is no mailbox: a blank follows the @")
    try:
        mailbox = Mailbox(local, parse_literal(domain) if literal and domain.startswith("[") else parse_domain(domain))
    except BadName as error:
        raise BadName(f"{quoted(whole)} is no mailbox: {error}") from None
    if len(str(mailbox)) > MAILBOX_LIMIT_OCTETS:
        raise BadName(f"{quoted(whole)} is no mailbox: longer than {MAILBOX_LIMIT_OCTETS} octets")
    return mailbox


def parse_literal(text: str) -> str:
    """An address literal (RFC 5321 4.1.3), [192.0.2.1] or [IPv6:2001:db8::1], in canonical form."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else ""
    tag, colon, address = inner.partition(":")
    try:
        if not colon:
            return f"[{IPv4Address(inner)}]"
        if tag.lower() == "ipv6" and "%" not in address:
            return f"[IPv6:{IPv6Address(address)}]"
    except ValueError:
        pass
    raise BadName(f"{quoted(text)} is no address literal such as [192.0.2.1] or [IPv6:2001:db8::1]")


def parse_helo(text: str) -> str:
    """The name for our EHLO: a dotted host name or an address literal.

    A name without a dot is refused: servers refuse it in turn (Postfix: reject_non_fqdn_helo_hostname), and the run
    would measure that.
    """
    name = text.strip(BLANKS)
    if name.startswith("["):
        return parse_literal(name)
    domain = parse_domain(name)
    if "." not in domain:
        raise BadName(f"{quoted(name)} is no name to greet with: it has no dot; the host's full name is wanted")
    return domain


def parse_sender(text: str) -> str:
    """The mailbox for MAIL FROM, without angle brackets; empty for the null sender, written `<>` or as nothing."""
    whole = text.strip(BLANKS)
    if whole.startswith("<") and whole.endswith(">"):
        whole = whole[1:-1]
    return str(parse_mailbox(whole, literal=True)) if whole else ""
