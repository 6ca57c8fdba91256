"""Where a domain's mail goes, as DNS says: the face of this room.

MX first; only an answer "no such record" leads to the domain's own address (RFC 5321 5.1), a failed look-up never does.
What DNS says is a value, failures included. LocalFault is raised where our resolver is gone or we have no descriptors,
UsageError where a name cannot be asked.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Self

from scanner.resolve import mx
from scanner.resolve.answer import RecordType, Status
from scanner.resolve.cache import Cache
from scanner.resolve.channel import Channel
from scanner.resolve.host import HostAddresses, combine
from scanner.resolve.lookup import LookupLimits, Lookups
from scanner.terms import DomainRoute, DomainVerdict, Exchange, ExchangeRoute, LocalFault, ProbeVerdict, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from scanner.resolve.answer import Answer

SET_TTL_S = 300
"""How long the route of an MX set is kept at most, where its hosts' records do not say less."""

LOOPBACK = ("127.0.0.1", "::1")
"""What `localhost` means, whatever DNS says (RFC 6761 6.3); only where the operator typed it."""


class Resolver:
    """One per run, made on the running loop and closed on it.

    Args:
        resolvers: (address, port) each, as `channel.parse_resolver` gives them; none: the system's.
        limits: of look-ups and of waiting for a dead resolver.
        warn: gets a sentence when look-ups have to wait for the resolver, or for descriptors, and when it is back.
        clock: monotonic seconds, for the cache; None: the loop's.
    """

    def __init__(
        self,
        resolvers: Sequence[tuple[str, int]] = (),
        *,
        limits: LookupLimits | None = None,
        warn: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.channel = Channel(resolvers)
        self.lookups = Lookups(self.channel, limits or LookupLimits(), warn=warn)
        clock = clock or asyncio.get_running_loop().time
        self.hosts: Cache[str, HostAddresses] = Cache(clock)
        self.sets: Cache[tuple[tuple[int, str], ...], DomainRoute] = Cache(clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what is under way; whoever still waits is cancelled."""
        self.lookups.close()
        await self.channel.close()

    async def route(self, domain: str) -> DomainRoute:
        """Where the domain's mail goes. `domain`: A-labels, no final dot. Raises LocalFault, UsageError."""
        domain = domain.lower()
        answer = await self.answer(domain, RecordType.MX)
        if answer.status is Status.FOUND:
            return await self.set_route(answer)
        if answer.status is Status.NODATA:
            alone = mx.MailPlan(null=False, exchanges=(mx.implicit(domain),), exchange_count=1)
            return with_notes(answer.notes, await self.planned_route(alone))
        if answer.status is Status.NXDOMAIN:
            return DomainRoute(DomainVerdict.NO_DOMAIN, error="the domain does not exist (NXDOMAIN)")
        return DomainRoute(DomainVerdict.DNS_FAILED, error=f"MX look-up failed: {answer.error}", notes=answer.notes)

    async def set_route(self, answer: Answer) -> DomainRoute:
        """The route of an MX set: worked out once, for a provider's set stands in thousands of domains' answers."""
        key = tuple(sorted([(record.preference, record.value) for record in answer.records]))
        route = self.sets.get(key)
        if route is None:
            route = await self.planned_route(mx.plan(answer.records))
            hosts = [known.exchange.name for known in route.exchanges if known.exchange.name in self.hosts]
            self.sets.put(key, route, min([SET_TTL_S, *map(self.hosts.left_s, hosts)]))
        return with_notes(answer.notes, route)

    async def planned_route(self, plan: mx.MailPlan) -> DomainRoute:
        """The exchanges of a plan with their addresses."""
        if plan.null:
            return DomainRoute(DomainVerdict.NO_MAIL, error="null MX: the domain takes no mail (RFC 7505)")
        routes, cuts = mx.within_caps(await self.exchange_routes(plan.exchanges), plan.exchange_count)
        none_has = all(route.trouble is ProbeVerdict.NO_ADDRESS for route in routes)
        aliases = (mx.IS_A_CNAME,) if any(mx.IS_A_CNAME in route.notes for route in routes) else ()
        return DomainRoute(
            DomainVerdict.NO_ROUTE if none_has else None,
            routes,
            plan.exchange_count,
            plan.notes + aliases + cuts,
            "no exchange has an address" if none_has else None,
        )

    async def addresses(self, host: str) -> ExchangeRoute:
        """The addresses of a host (or address) that the operator typed; role direct, notes on what was cut."""
        exchange = Exchange(host.lower().removesuffix("."), None, Role.DIRECT)
        try:
            found: tuple[str, ...] = (str(ipaddress.ip_address(host)),)
        except ValueError:
            found = LOOPBACK if exchange.name == "localhost" else ()
        if found:
            return ExchangeRoute(exchange, found)
        (addresses,) = await self.host_addresses([exchange.name])
        (route,), cuts = mx.within_caps([exchange_route(exchange, addresses)], 1)
        return route._replace(notes=route.notes + cuts)

    async def exists(self, name: str) -> bool | None:
        """Whether a name has an MX, an A or an AAAA record; None where DNS cannot tell."""
        name = name.lower().removesuffix(".")
        answers = await self.answers([(name, kind) for kind in (RecordType.MX, RecordType.A, RecordType.AAAA)])
        if any(answer.status is Status.FOUND for answer in answers):
            return True
        return None if any(answer.error is not None for answer in answers) else False

    async def exchange_routes(self, exchanges: Sequence[mx.Named]) -> list[ExchangeRoute]:
        """Each exchange with its addresses; all look-ups at once."""
        usable = [exchange.exchange.name for exchange in exchanges if exchange.unusable is None]
        known = dict(zip(usable, await self.host_addresses(usable), strict=True))
        return [
            exchange_route(named.exchange, known[named.exchange.name])
            if named.unusable is None
            else mx.without_address(named.exchange, named.unusable, (named.note,) if named.note else ())
            for named in exchanges
        ]

    async def host_addresses(self, names: Sequence[str]) -> list[HostAddresses]:
        """What the names' A and AAAA records say, from the cache where it is fresh."""
        known: dict[str, HostAddresses] = {}
        unknown: list[str] = []
        for name in names:
            remembered = self.hosts.get(name)
            if remembered is None:
                unknown.append(name)
            else:
                known[name] = remembered
        if unknown:
            kinds = (RecordType.A, RecordType.AAAA)
            answers = iter(await self.answers((name, kind) for name in unknown for kind in kinds))
            for name in unknown:
                known[name] = addresses = combine(next(answers), next(answers))
                self.hosts.put(name, addresses, addresses.ttl_s)
        return [known[name] for name in names]

    async def answer(self, name: str, record_type: RecordType) -> Answer:
        """One answer."""
        answer = await self.lookups.begin(name, record_type)
        if isinstance(answer, LocalFault):
            raise LocalFault(*answer.args)
        return answer

    async def answers(self, questions: Iterable[tuple[str, RecordType]]) -> list[Answer]:
        """Ask all at once, wait for all; without tasks, a future each."""
        futures = [self.lookups.begin(name, kind) for name, kind in questions]
        answers = []
        try:
            for future in futures:
                answer = await future
                if isinstance(answer, LocalFault):
                    raise LocalFault(*answer.args)
                answers.append(answer)
        finally:
            for future in futures:
                future.cancel()
        return answers


def with_notes(notes: tuple[str, ...], route: DomainRoute) -> DomainRoute:
    """The route with an answer's notes before its own."""
    return route._replace(notes=notes + route.notes) if notes else route


def exchange_route(exchange: Exchange, host: HostAddresses) -> ExchangeRoute:
    """An exchange with its host's addresses. An MX must not name an alias (RFC 2181 10.3): used, and said."""
    aliased = host.aliased and exchange.role in {Role.PRIMARY, Role.SECONDARY}
    notes = (*host.notes, mx.IS_A_CNAME) if aliased else host.notes
    return ExchangeRoute(exchange, host.addresses, host.trouble, host.error, notes)
