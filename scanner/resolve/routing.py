"""A domain on its way to its route: first its MX answer, then the addresses of its exchanges where they are not known.

Told by the look-up, it tells who asked: without a task, and where the MX set is known without a future either, for both
cost as much as all else that is done here for a domain.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from scanner.resolve import mx
from scanner.resolve.answer import Answer, RecordType, Status
from scanner.resolve.cache import Cache
from scanner.resolve.host import HostAddresses, combine
from scanner.terms import DomainRoute, DomainVerdict, ExchangeRoute, LocalFault, ProbeVerdict, Role

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping

    from scanner.resolve.lookup import Lookups
    from scanner.terms import Exchange

MxSet = tuple[tuple[int, str], ...]
Found = TypeVar("Found", Answer, dict[str, HostAddresses])

SET_TTL_S = 300
"""How long the route of an MX set is kept at most, where its hosts' records do not say less."""


class Known:
    """What the look-ups of a run have found out and share: hosts' addresses, and the routes of MX sets.

    A provider's set stands in thousands of domains' answers: its route is worked out once. `clock`: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.hosts: Cache[str, HostAddresses] = Cache(clock)
        self.sets: Cache[MxSet, DomainRoute] = Cache(clock)

    def put_set(self, mx_set: MxSet, route: DomainRoute) -> None:
        """Remember a set's route for as long as all of its hosts' addresses hold."""
        hosts = [known.exchange.name for known in route.exchanges if known.exchange.name in self.hosts]
        self.sets.put(mx_set, route, min([SET_TTL_S, *map(self.hosts.left_s, hosts)]))


class AddressLookup:
    """The addresses of some hosts: from what is known where it is fresh, else from A and AAAA, all asked at once.

    `told` is called once, later, from the loop: with the addresses by name, an exception as `Routing` has it, or None
    where the resolver was closed. `drop` to hear nothing any more.
    """

    def __init__(
        self,
        names: Iterable[str],
        lookups: Lookups,
        known: Known,
        told: Callable[[dict[str, HostAddresses] | Exception | None], None],
    ) -> None:
        self.known = known
        self.told = told
        self.over = False
        self.found: dict[str, HostAddresses] = {}
        self.asked: dict[tuple[str, RecordType], asyncio.Future[Answer | LocalFault]] = {}
        for name in names:
            addresses = known.hosts.get(name)
            if addresses is not None:
                self.found[name] = addresses
            else:
                for record_type in (RecordType.A, RecordType.AAAA):
                    self.asked[name, record_type] = lookups.begin(name, record_type)
        self.left = len(self.asked)
        for future in self.asked.values():
            future.add_done_callback(self.landed)
        if not self.asked:
            lookups.loop.call_soon(self.tell)

    def landed(self, _: object) -> None:
        """One more has ended."""
        self.left -= 1
        if not self.left:
            self.tell()

    def tell(self) -> None:
        """All have ended."""
        if self.over:
            return
        end: dict[str, HostAddresses] | Exception | None
        try:
            end = self.addresses()
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits has to hear of it
            end = error
        self.told(end)

    def addresses(self) -> dict[str, HostAddresses] | LocalFault | None:
        """What the answers come to. A fault of ours, or the close, ends all look-ups together."""
        answers: dict[tuple[str, RecordType], Answer] = {}
        for question, future in self.asked.items():
            end = None if future.cancelled() else future.result()
            if not isinstance(end, Answer):
                return end
            answers[question] = end
        for name in dict.fromkeys(name for name, _ in answers):
            addresses = combine(answers[name, RecordType.A], answers[name, RecordType.AAAA])
            self.found[name] = addresses
            self.known.hosts.put(name, addresses, addresses.ttl_s)
        return self.found

    def drop(self) -> None:
        """Nobody waits any longer; what is not asked yet will not be."""
        self.over = True
        for future in self.asked.values():
            future.cancel()


class Routing:
    """One domain's route under way, and the waiter of its MX look-up.

    `told(end)` is called once, later, from the loop: with the route, LocalFault where the resolver is gone, any other
    exception where we have a bug, None where the resolver was closed. `drop` to hear nothing any more.
    """

    __slots__ = ("addresses", "domain", "known", "lookups", "over", "told")

    def __init__(
        self, domain: str, lookups: Lookups, known: Known, told: Callable[[DomainRoute | Exception | None], None]
    ) -> None:
        self.domain = domain
        self.lookups = lookups
        self.known = known
        self.told = told
        self.addresses: AddressLookup | None = None
        self.over = False
        lookups.join(domain, RecordType.MX, self)

    def done(self) -> bool:
        """Whether nobody waits any longer; with `set_result` and `cancel` what a look-up knows of a waiter."""
        return self.over

    def set_result(self, answer: Answer | LocalFault) -> None:
        """The MX answer. It comes from within c-ares, which is no place to go on from."""
        self.lookups.loop.call_soon(self.go_on, self.after_mx, answer)

    def cancel(self) -> None:
        """The resolver is closed."""
        self.lookups.loop.call_soon(self.end, None)

    def drop(self) -> None:
        """Nobody waits any longer; what is not asked yet will not be."""
        self.over = True
        if self.addresses is not None:
            self.addresses.drop()

    def end(self, end: DomainRoute | Exception | None) -> None:
        """Tell, once."""
        if not self.over:
            self.over = True
            self.told(end)

    def go_on(self, step: Callable[[Found], DomainRoute | None], found: Found | Exception | None) -> None:
        """Take the next step with what was found. It gives the route, or None where more has to be looked up."""
        if self.over:
            return
        if self.lookups.closed:
            found = None
        if found is None or isinstance(found, Exception):
            self.end(found)
            return
        end: DomainRoute | Exception | None
        try:
            end = step(found)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits has to hear of it
            end = error
        if end is not None:
            self.end(end)

    def after_mx(self, answer: Answer) -> DomainRoute | None:
        """What the MX answer leads to."""
        if answer.status is Status.FOUND:
            mx_set = tuple(sorted([(record.preference, record.value) for record in answer.records]))
            route = self.known.sets.get(mx_set)
            if route is not None:
                return with_notes(answer.notes, route)
            self.look_up(mx.plan(answer.records), answer.notes, mx_set)
            return None
        if answer.status is Status.NODATA:
            alone = mx.MailPlan(null=False, exchanges=(mx.implicit(self.domain),), exchange_count=1)
            self.look_up(alone, answer.notes, None)
            return None
        if answer.status is Status.NXDOMAIN:
            return DomainRoute(DomainVerdict.NO_DOMAIN, error="the domain does not exist (NXDOMAIN)")
        return DomainRoute(DomainVerdict.DNS_FAILED, error=f"MX look-up failed: {answer.error}", notes=answer.notes)

    def look_up(self, plan: mx.MailPlan, notes: tuple[str, ...], mx_set: MxSet | None) -> None:
        """The addresses of a plan's exchanges."""
        names = [named.exchange.name for named in plan.exchanges if named.unusable is None]
        step = partial(self.after_addresses, plan, notes, mx_set)
        self.addresses = AddressLookup(names, self.lookups, self.known, partial(self.go_on, step))

    def after_addresses(
        self, plan: mx.MailPlan, notes: tuple[str, ...], mx_set: MxSet | None, found: dict[str, HostAddresses]
    ) -> DomainRoute:
        """The route."""
        route = planned_route(plan, found)
        if mx_set is not None:
            self.known.put_set(mx_set, route)
        return with_notes(notes, route)


def planned_route(plan: mx.MailPlan, found: Mapping[str, HostAddresses]) -> DomainRoute:
    """The exchanges of a plan with their addresses, which all usable ones have in `found`."""
    if plan.null:
        return DomainRoute(DomainVerdict.NO_MAIL, error="null MX: the domain takes no mail (RFC 7505)")
    routes, cuts = mx.within_caps(
        [
            exchange_route(named.exchange, found[named.exchange.name])
            if named.unusable is None
            else mx.without_address(named.exchange, named.unusable, (named.note,) if named.note else ())
            for named in plan.exchanges
        ],
        plan.exchange_count,
    )
    none_has = all(route.trouble is ProbeVerdict.NO_ADDRESS for route in routes)
    aliases = (mx.IS_A_CNAME,) if any(mx.IS_A_CNAME in route.notes for route in routes) else ()
    return DomainRoute(
        DomainVerdict.NO_ROUTE if none_has else None,
        routes,
        plan.exchange_count,
        plan.notes + aliases + cuts,
        "no exchange has an address" if none_has else None,
    )


def with_notes(notes: tuple[str, ...], route: DomainRoute) -> DomainRoute:
    """The route with an answer's notes before its own."""
    return route._replace(notes=notes + route.notes) if notes else route


def exchange_route(exchange: Exchange, host: HostAddresses) -> ExchangeRoute:
    """An exchange with its host's addresses. An MX must not name an alias (RFC 2181 10.3): used, and said."""
    aliased = host.aliased and exchange.role in {Role.PRIMARY, Role.SECONDARY}
    notes = (*host.notes, mx.IS_A_CNAME) if aliased else host.notes
    return ExchangeRoute(exchange, host.addresses, host.trouble, host.error, notes)
