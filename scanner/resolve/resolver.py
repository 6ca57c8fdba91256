"""Where a domain's mail goes, as DNS says: the face of this room.

MX first; only an answer "no such record" leads to the domain's own address (RFC 5321 5.1), a failed look-up never does.
What DNS says is a value, failures included. LocalFault is raised where our resolver is gone or we have no descriptors,
UsageError where a name cannot be asked.
"""

from __future__ import annotations

import asyncio
import ipaddress
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from scanner.resolve import mx
from scanner.resolve.answer import RecordType, Status
from scanner.resolve.channel import Channel
from scanner.resolve.lookup import LookupLimits, Lookups
from scanner.resolve.routing import AddressLookup, Known, Routing, exchange_route
from scanner.terms import Exchange, ExchangeRoute, LocalFault, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from scanner.resolve.answer import Answer
    from scanner.resolve.host import HostAddresses
    from scanner.terms import DomainRoute

End = TypeVar("End")

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
        self.loop = asyncio.get_running_loop()
        self.known = Known(clock or self.loop.time)

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

    def begin_route(self, domain: str, told: Callable[[DomainRoute | Exception | None], None]) -> Routing:
        """Look up where the domain's mail goes. `domain`: A-labels, no final dot.

        `told(end)` is called once, later, from the loop: with the route, LocalFault where our resolver is gone, another
        exception where we have a bug, None where the resolver was closed first. Who waits no longer drops what this
        returns, and hears nothing.

        Raises: UsageError where the name cannot be asked.
        """
        return Routing(domain.lower(), self.lookups, self.known, told)

    async def route(self, domain: str) -> DomainRoute:
        """`begin_route` for one who can wait. Raises LocalFault, UsageError."""
        future: asyncio.Future[DomainRoute | Exception] = self.loop.create_future()
        routing = self.begin_route(domain, partial(settle, future))
        try:
            return unless_error(await future)
        finally:
            routing.drop()

    async def addresses(self, host: str) -> ExchangeRoute:
        """The addresses of a host (or address) that the operator typed; role direct, notes on what was cut."""
        exchange = Exchange(host.lower().removesuffix("."), None, Role.DIRECT)
        try:
            found: tuple[str, ...] = (str(ipaddress.ip_address(host)),)
        except ValueError:
            found = LOOPBACK if exchange.name == "localhost" else ()
        if found:
            return ExchangeRoute(exchange, found)
        addresses = await self.host_addresses(exchange.name)
        (route,), cuts = mx.within_caps([exchange_route(exchange, addresses)], 1)
        return route._replace(notes=route.notes + cuts)

    async def exists(self, name: str) -> bool | None:
        """Whether a name has an MX, an A or an AAAA record; None where DNS cannot tell."""
        name = name.lower().removesuffix(".")
        answers = await self.answers([(name, kind) for kind in (RecordType.MX, RecordType.A, RecordType.AAAA)])
        if any(answer.status is Status.FOUND for answer in answers):
            return True
        return None if any(answer.error is not None for answer in answers) else False

    async def name_of(self, address: str) -> str | None:
        """The name of an address in reverse DNS (RFC 1035 3.5), the first of several; None: none, or no answer."""
        pointer = ipaddress.ip_address(address).reverse_pointer
        (answer,) = await self.answers([(pointer, RecordType.PTR)])
        return answer.records[0].value.lower().removesuffix(".") if answer.records else None

    async def host_addresses(self, name: str) -> HostAddresses:
        """What the name's A and AAAA records say, from what is known where it is fresh."""
        future: asyncio.Future[dict[str, HostAddresses] | Exception] = self.loop.create_future()
        lookup = AddressLookup([name], self.lookups, self.known, partial(settle, future))
        try:
            return unless_error(await future)[name]
        finally:
            lookup.drop()

    async def answers(self, questions: Iterable[tuple[str, RecordType]]) -> list[Answer]:
        """Ask all at once, wait for all; without tasks, a future each."""
        futures = [self.lookups.begin(name, kind) for name, kind in questions]
        try:
            return [unless_error(await future) for future in futures]
        finally:
            for future in futures:
                future.cancel()


def settle(future: asyncio.Future[End | Exception], end: End | Exception | None) -> None:
    """End a future with what was told; None cancels it.

    An exception is its result too, as the loop complains of one that nobody fetches: who is cancelled meanwhile.
    """
    if end is None:
        future.cancel()
    elif not future.done():
        future.set_result(end)


def unless_error(end: End | Exception) -> End:
    """What was asked for. Raises what was told in its place; each has a LocalFault of his own, with his traceback."""
    if isinstance(end, LocalFault):
        raise LocalFault(*end.args)
    if isinstance(end, Exception):
        raise end
    return end
