"""From a domain's route to the probes that are asked about it. Pure.

Every exchange yields something: a probe for each of its addresses, or one that is settled without a dial. Two
exchanges on one address are one server: one probe, the higher role's, with a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.terms import Exchange, ProbeVerdict, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.terms import DomainRoute, ExchangeRoute


class Planned(NamedTuple):
    """One probe of a domain. `trouble` settles it without a dial, at `stage`, with `error` in words."""

    exchange: Exchange | None
    address: str | None
    trouble: ProbeVerdict | None = None
    stage: Stage = Stage.CONNECT
    error: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_dialled(self) -> bool:
        """Whether there is somebody to ask."""
        return self.trouble is None and self.address is not None


class Plan(NamedTuple):
    """A domain's probes in order of preference, and what is to be said of what is not asked."""

    probes: tuple[Planned, ...]
    notes: tuple[str, ...] = ()


def plan(route: DomainRoute, missing_for: Callable[[str], str | None], excluded: Callable[[str], bool]) -> Plan:
    """The probes of a domain.

    Args:
        route: what DNS says; its exchanges are in order of preference and within the caps.
        missing_for: why an address's family is not asked from here, or None.
        excluded: whether a name is taken out by `--exclude-domain`.
    """
    probes: list[Planned] = []
    place: dict[str, int] = {}
    unasked: dict[str, int] = {}
    for exchange_route in route.exchanges:
        exchange = exchange_route.exchange
        if excluded(exchange.name):
            probes.append(Planned(exchange, None, ProbeVerdict.EXCLUDED, error="excluded by --exclude-domain"))
            continue
        for planned in of_exchange(exchange_route, missing_for, unasked):
            if planned.address is None:
                probes.append(planned)
            elif planned.address in place:
                probes[place[planned.address]] = with_note(probes[place[planned.address]], exchange)
            else:
                place[planned.address] = len(probes)
                probes.append(planned)
    return Plan(tuple(probes), tuple(f"{family} not asked: {number}" for family, number in unasked.items()))


def of_exchange(
    route: ExchangeRoute, missing_for: Callable[[str], str | None], unasked: dict[str, int]
) -> list[Planned]:
    """One exchange's probes.

    An address of a missing family is skipped (and counted) beside a usable one; alone it is an error of ours.
    """
    if route.trouble is not None:
        return [Planned(route.exchange, None, route.trouble, Stage.RESOLVE, route.error, route.notes)]
    reasons = {address: missing_for(address) for address in route.addresses}
    usable = [address for address in route.addresses if reasons[address] is None]
    if usable:
        for address in route.addresses:
            if reasons[address] is not None:
                family = "ipv6" if ":" in address else "ipv4"
                unasked[family] = unasked.get(family, 0) + 1
        return [Planned(route.exchange, address, notes=route.notes) for address in usable]
    return [
        Planned(route.exchange, address, ProbeVerdict.LOCAL_ERROR, error=reasons[address], notes=route.notes)
        for address in route.addresses
    ]


def with_note(planned: Planned, other: Exchange) -> Planned:
    """The probe that stands for another exchange too."""
    note = f"same address as {other.name}"
    known = planned.exchange is None or planned.exchange.name == other.name or note in planned.notes
    return planned if known else planned._replace(notes=(*planned.notes, note))
