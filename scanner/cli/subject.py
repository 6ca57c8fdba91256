"""What the operator typed behind `probe`: a domain, a host, an address, or a mailbox at one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.addresses import literal_of, parse_address
from scanner.escape import quoted
from scanner.intake.names import BLANKS, is_address, parse_domain, parse_literal, parse_mailbox
from scanner.run.look import Subject
from scanner.terms import UsageError

if TYPE_CHECKING:
    from scanner.addresses import Address

WITH_PORT = re.compile(r"(?:[^:@\[\]]+|\[[^\]]*\]):[0-9]+")
"""`mx.example:25` and `[2001:db8::1]:25`: the same port is asked of all exchangers, so it is an option."""


def parse_subject(text: str) -> Subject:
    """One TARGET.

    Raises:
        UsageError: it is none of these; names it.
    """
    whole = text.strip(BLANKS)
    if WITH_PORT.fullmatch(whole):
        raise UsageError(f"{quoted(whole)}: a port is said with --port")
    if "@" in whole:
        mailbox = parse_mailbox(whole, literal=True)
        address = str(inside(mailbox.domain)) if mailbox.domain.startswith("[") else None
        return Subject(mailbox.domain, address, str(mailbox))
    if is_address(whole):
        found = inside(whole) if whole.startswith("[") else parse_address(whole)
        return Subject(literal_of(found), str(found))
    return Subject(parse_domain(whole))


def inside(text: str) -> Address:
    """The address of a literal, [192.0.2.1] or [IPv6:2001:db8::1]; the tag may be missing (RFC 3986 writes it so)."""
    try:
        bare = parse_address(text[1:-1]) if text.endswith("]") else None
    except UsageError:
        bare = None
    return bare or parse_address(parse_literal(text)[1:-1].removeprefix("IPv6:"))
