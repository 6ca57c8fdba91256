"""A host's addresses out of its A and AAAA answers. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from scanner.resolve.answer import Status
from scanner.terms import ProbeVerdict

if TYPE_CHECKING:
    from scanner.resolve.answer import Answer

NEGATIVE_TTL_S = 60
"""How long "no address" is remembered. c-ares keeps the SOA of a negative answer to itself (RFC 2308 5)."""

FAILURE_TTL_S = 30
"""How long a failed look-up is remembered; RFC 2308 7 allows five minutes."""


class HostAddresses(NamedTuple):
    """The fields of an ExchangeRoute that belong to the host, and how long they hold. `aliased`: a CNAME led there."""

    addresses: tuple[str, ...]
    trouble: ProbeVerdict | None
    error: str | None
    notes: tuple[str, ...]
    aliased: bool
    ttl_s: int


def combine(a: Answer, aaaa: Answer) -> HostAddresses:
    """IPv4 first, then IPv6, canonical, each once.

    Where only one family's look-up failed, the other's addresses count, with a note. No address is NO_ADDRESS only
    where DNS says so for both; a failure of one leaves it open, unless the other says that there is no such name.
    """
    addresses = tuple(
        dict.fromkeys(str(ipaddress.ip_address(record.value)) for answer in (a, aaaa) for record in answer.records)
    )
    notes = tuple(dict.fromkeys(a.notes + aaaa.notes))
    aliased = a.aliased or aaaa.aliased
    failures = tuple(
        f"{family} look-up failed: {answer.error}" for family, answer in (("A", a), ("AAAA", aaaa)) if answer.error
    )
    if addresses:
        ttl_s = FAILURE_TTL_S if failures else min(answer.ttl_s for answer in (a, aaaa) if answer.records)
        return HostAddresses(addresses, None, None, notes + failures, aliased, ttl_s)
    if Status.NXDOMAIN in {a.status, aaaa.status}:
        error = "exchange name does not exist"
        return HostAddresses((), ProbeVerdict.NO_ADDRESS, error, notes, aliased, NEGATIVE_TTL_S)
    if failures:
        return HostAddresses((), ProbeVerdict.DNS_FAILED, ", ".join(failures), notes, aliased, FAILURE_TTL_S)
    return HostAddresses((), ProbeVerdict.NO_ADDRESS, "exchange has no address", notes, aliased, NEGATIVE_TTL_S)
