"""The hosts that the operator named, in place of every domain's exchanges: asked before DNS points to them.

No domain is looked up. A host's own addresses come from the resolver, which keeps them for as long as DNS allows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self

from scanner.resolve.mx import within_caps
from scanner.terms import DomainRoute, DomainVerdict, ProbeVerdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from scanner.resolve.resolver import Resolver
    from scanner.terms import ExchangeRoute

ASK_AGAIN_S = 1.0
"""How often the resolver is asked: it keeps the shortest answer (TTL 0) as long. What it still knows costs nothing."""


class Routes(Protocol):
    """Where a domain's mail goes: DNS' answer (`Resolver`), or the operator's (`Via`)."""

    def begin_route(self, domain: str, told: Callable[[DomainRoute | Exception | None], None]) -> object:
        """Look it up. `domain`: A-labels, no final dot.

        `told(end)` is called once, later, from the loop: with the route, an exception (LocalFault: our resolver is
        gone), or None where the end came first. Raises UsageError where the name cannot be asked.
        """


class Via:
    """One per run, an async context manager; each domain gets the same route, one object until an answer changes.

    Args:
        hosts: names (lower case, A-labels, no final dot) and addresses (canonical), each once, in the order to ask.
        resolver: for the names' addresses.
        warn: gets a sentence for a host that has no address, or none that can be looked up: it is likely mistyped.
        clock: monotonic seconds; None: the loop's.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        resolver: Resolver,
        *,
        warn: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.hosts = hosts
        self.resolver = resolver
        self.warn = warn
        self.loop = asyncio.get_running_loop()
        self.clock = clock or self.loop.time
        self.tasks = asyncio.TaskGroup()
        self.asking = asyncio.Lock()
        self.found: list[ExchangeRoute] = []
        self.known = DomainRoute(None)
        self.fresh_until = float("-inf")

    async def __aenter__(self) -> Self:
        await self.tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.tasks.__aexit__(kind, error, trace)

    def begin_route(self, domain: str, told: Callable[[DomainRoute | Exception | None], None]) -> None:
        """As `Routes` has it: at once where the hosts are known."""
        if self.clock() < self.fresh_until:
            self.loop.call_soon(told, self.known)
        else:
            self.tasks.create_task(self.tell_route(domain, told))

    async def tell_route(self, domain: str, told: Callable[[DomainRoute | Exception | None], None]) -> None:
        """`route` for one who is called back."""
        end: DomainRoute | Exception | None = None
        try:
            end = await self.route(domain)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits has to hear of it
            end = error
        finally:
            told(end)

    async def route(self, _domain: str) -> DomainRoute:
        """The hosts as exchanges of role DIRECT, whatever the domain.

        Raises:
            LocalFault: our resolver is gone, or we have no descriptors.
        """
        if self.clock() >= self.fresh_until:
            async with self.asking:
                if self.clock() >= self.fresh_until:
                    await self.ask()
        return self.known

    async def ask(self) -> None:
        """Ask the resolver for all hosts; a changed answer makes a new route."""
        found = await self.addresses()
        if found != self.found:
            self.tell(found)
            self.found, self.known = found, route_of(found)
        self.fresh_until = self.clock() + ASK_AGAIN_S

    async def addresses(self) -> list[ExchangeRoute]:
        """Each host with its addresses; all look-ups at once."""
        try:
            async with asyncio.TaskGroup() as tasks:
                asked = [tasks.create_task(self.resolver.addresses(host)) for host in self.hosts]
        except ExceptionGroup as group:
            raise group.exceptions[0] from None  # one is enough, and whoever waits looks for it bare
        return [task.result() for task in asked]

    def tell(self, found: Sequence[ExchangeRoute]) -> None:
        """Warn of the hosts that have become useless."""
        for host in found:
            if host.trouble is not None and host not in self.found:
                self.warn(f"{host.exchange.name} is to be asked: {host.error}")


def route_of(hosts: Sequence[ExchangeRoute]) -> DomainRoute:
    """The hosts as the exchanges of any domain, within the bounds on probes."""
    routes, cuts = within_caps(hosts, len(hosts))
    if all(host.trouble is ProbeVerdict.NO_ADDRESS for host in hosts):
        return DomainRoute(DomainVerdict.NO_ROUTE, routes, len(hosts), cuts, "no host that was named has an address")
    return DomainRoute(None, routes, len(hosts), cuts)
