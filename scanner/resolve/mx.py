"""From MX records to the exchanges that are asked, in order (RFC 5321 5.1). Pure: no I/O.

What strangers put into the right-hand side is data here: a name that is no host name, an address in its place or a name
without a dot becomes an exchange without address, and no further query is made of it.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from scanner.escape import cut, safe_text
from scanner.terms import Exchange, ExchangeRoute, ProbeVerdict, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.resolve.answer import Record

EXCHANGES_AT_MOST = 16
ADDRESSES_AT_MOST = 8
"""Of one exchange. Postfix stops at 5 addresses a message; more than these is an amplifier pointed at strangers."""

EXCHANGES_REMEMBERED = 8192
"""Exchanges that are read once: a provider's stand in thousands of domains' answers."""

PROBES_AT_MOST = 32
"""Of one domain."""

HOST_NAME = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))+")
"""At least two labels of letters, digits and inner hyphens (RFC 1123 2.1), in lower case."""

NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
"""A last label that makes a name an address to getaddrinfo and its kin: `127.1`, `0177.0.0.1`, `2130706433`."""

NULL_BESIDE_OTHERS = "null mx beside others"
IS_AN_ADDRESS = "mx is an address"
IS_A_CNAME = "mx is a cname"


class Named(NamedTuple):
    """An exchange as DNS names it. `unusable`: why it is not looked up, or None. `note`: for domain and probe."""

    exchange: Exchange
    unusable: str | None = None
    note: str | None = None


class MailPlan(NamedTuple):
    """What an MX answer asks for.

    `null`: the domain takes no mail (RFC 7505). `exchanges`: in order of preference, then name, within the cap.
    `exchange_count`: how many DNS names, each once. `notes`: for the domain.
    """

    null: bool
    exchanges: tuple[Named, ...] = ()
    exchange_count: int = 0
    notes: tuple[str, ...] = ()


def plan(records: Iterable[Record]) -> MailPlan:
    """The exchanges of an MX answer, which has at least one record.

    An exchange named twice counts once, with its lowest preference. A null MX beside others is ignored, and said.
    """
    preferences: dict[str, int] = {}
    for record in records:
        name = record.value.removesuffix(".").lower()
        preferences[name] = min(record.preference, preferences.get(name, record.preference))
    null = preferences.pop("", None) is not None
    if not preferences:
        return MailPlan(null=True)
    lowest = min(preferences.values())
    ordered = sorted(preferences.items(), key=lambda item: (item[1], item[0]))
    exchanges = tuple(
        named(name, preference, Role.PRIMARY if preference == lowest else Role.SECONDARY)
        for name, preference in ordered[:EXCHANGES_AT_MOST]
    )
    notes = [NULL_BESIDE_OTHERS] if null else []
    notes += dict.fromkeys(exchange.note for exchange in exchanges if exchange.note)
    return MailPlan(null=False, exchanges=exchanges, exchange_count=len(ordered), notes=tuple(notes))


def implicit(domain: str) -> Named:
    """The domain itself, where it has no MX (RFC 5321 5.1)."""
    return Named(Exchange(domain, None, Role.IMPLICIT))


@lru_cache(maxsize=EXCHANGES_REMEMBERED)
def named(name: str, preference: int, role: Role) -> Named:
    """One exchange, in lower case and without final dot, and whether it can be looked up."""
    if is_address(name):
        unusable = "the mx is an address, not a name"
        return Named(Exchange(safe_text(name), preference, role), unusable, IS_AN_ADDRESS)
    if HOST_NAME.fullmatch(name):
        return Named(Exchange(name, preference, role))
    shown = cut(safe_text(name))
    unusable = "exchange name has no dot" if HOST_NAME.fullmatch(name + ".x") else "exchange name is not a host name"
    return Named(Exchange(shown, preference, role), f"{unusable}: {shown}")


def is_address(name: str) -> bool:
    """Whether this is an IP address, or would become one in getaddrinfo."""
    if NUMBER.fullmatch(name.rpartition(".")[2]):
        return True
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]").removeprefix("ipv6:"))
    except ValueError:
        return False
    return True


def without_address(exchange: Exchange, error: str, notes: tuple[str, ...] = ()) -> ExchangeRoute:
    """An exchange that has no address."""
    return ExchangeRoute(exchange, (), ProbeVerdict.NO_ADDRESS, error, notes)


def within_caps(
    routes: Sequence[ExchangeRoute], exchange_count: int
) -> tuple[tuple[ExchangeRoute, ...], tuple[str, ...]]:
    """The routes with at most 8 addresses each and 32 for the domain, and the notes on what was cut.

    Two exchanges on one address are one probe. An exchange that is left without any address is left out.
    `exchange_count`: how many DNS names, those that never became a route included.
    """
    kept: list[ExchangeRoute] = []
    seen: set[str] = set()
    addresses_cut = 0
    for route in routes:
        addresses = []
        for address in route.addresses[:ADDRESSES_AT_MOST]:
            if address in seen or len(seen) < PROBES_AT_MOST:
                seen.add(address)
                addresses.append(address)
        addresses_cut += len(route.addresses) - len(addresses)
        if addresses or not route.addresses:
            whole = len(addresses) == len(route.addresses)
            kept.append(route if whole else route._replace(addresses=tuple(addresses)))
    notes = cut_note(exchange_count - len(kept), "exchange", "exchanges")
    return tuple(kept), notes + cut_note(addresses_cut, "address", "addresses")


def cut_note(count: int, one: str, many: str) -> tuple[str, ...]:
    """`cut: 3 exchanges`; nothing where nothing was cut."""
    return (f"cut: {count} {one if count == 1 else many}",) if count else ()
