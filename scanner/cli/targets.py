"""A sweep's input to targets: read, sifted, checked, ordered.

Where the end of the input is known - arguments, a file - or the targets are to be shuffled, all ranges are read before
anything is asked: what makes the run senseless is said at once. A pipe that is not shuffled is streamed.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from scanner.addresses import Range
from scanner.cli import means
from scanner.escape import quoted
from scanner.relay.patterns import BASIC, BY_NAME, PATTERNS
from scanner.targets.order import WHOLE, Block, Blocks, as_they_come, count_of, parse_shard, ports_of, shuffled
from scanner.targets.sieve import Sieve, size
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from scanner.addresses import Address, Fence
    from scanner.cli.source import Source
    from scanner.intake.lines import BadLine
    from scanner.relay.patterns import Pattern
    from scanner.resolve.resolver import Resolver
    from scanner.settings import Settings
    from scanner.targets.entries import Entry
    from scanner.targets.order import Place

SMTP_PORT = 25
UNASKED_AT_MOST = 2**24
"""Addresses that one entry may hold without --yes: an IPv4 /8."""


def relay_tests(text: str) -> tuple[Pattern, ...]:
    """The tests that --tests asks for, in list order: `basic`, `all`, or names.

    Raises:
        UsageError: names what is no test.
    """
    if text.strip() == "all":
        return PATTERNS
    names = {name.strip() for name in text.split(",")} - {""}
    if "basic" in names:
        names = names - {"basic"} | set(BASIC)
    if unknown := sorted(names - BY_NAME.keys()):
        raise UsageError(f"--tests: no relay test is called {', '.join(map(quoted, unknown))}")
    if not names:
        raise UsageError("--tests: names no test")
    return tuple(pattern for pattern in PATTERNS if pattern.name in names)


class Reading:
    """The targets of a run.

    Args:
        settings: of the run.
        source: its input.
        fence: what must not be dialled, and our own addresses.
        on_bad_line: is told of each.
        warn: is told what the operator should know.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source[Entry],
        fence: Fence,
        on_bad_line: Callable[[BadLine], None],
        warn: Callable[[str], None],
    ) -> None:
        self.source = source
        self.own = fence.own
        self.on_bad_line = on_bad_line
        self.warn = warn
        self.ports = tuple(dict.fromkeys(settings.ports)) or (SMTP_PORT,)
        for port in self.ports:
            means.checked_port(port)
        self.shard = WHOLE if settings.shard is None else parse_shard(settings.shard)
        self.seed = settings.seed if settings.shuffle else None
        self.yes = settings.yes
        self.families = means.families(settings, typed=True)
        self.excluded_names = means.excluded_names(settings)
        self.sieve = Sieve(fence.exclude)
        self.not_asked: dict[str, int] = {}
        self.handlers: Mapping[Address, str] = {}
        self.canary_domain = ""
        self.blocks: Blocks | None = None
        self.names = 0
        self.warned_of_ourselves = False
        self.resolver: Resolver | None = None
        self.stopped = False

    @property
    def taken_out(self) -> int:
        """Addresses that were named and are not asked."""
        return self.sieve.excluded + self.sieve.never + sum(self.not_asked.values())

    def watch_for(self, handlers: Mapping[Address, str], domain: str) -> None:
        """Whom the targets must not hold: those who handle the canary's mail."""
        self.handlers = handlers
        self.canary_domain = domain

    def stop(self) -> None:
        """No target is given out any more."""
        self.stopped = True

    async def begin(self, resolver: Resolver | None) -> None:
        """Read what can be read before anything is asked; without a resolver, host names stay names.

        Raises:
            UsageError: a target handles the canary's mail, or there are too many to shuffle.
        """
        self.resolver = resolver
        if resolver is None or self.seed is not None or not self.source.is_piped:
            blocks = Blocks()
            async for block in self.read():
                blocks.add(block)
            self.source.intake.seq = self.shard.share(len(blocks))
            self.blocks = blocks
            if not len(blocks) and self.taken_out:
                self.warn(f"nothing is left to ask: all {self.taken_out} addresses that were named are taken out")

    async def targets(self) -> AsyncIterator[Place]:
        """The targets in their order."""
        if self.blocks is None:
            before = 0
            async for block in self.read():
                for place in as_they_come(block, before, self.shard):
                    if self.stopped:
                        return
                    yield place
                before += count_of(block)
                self.source.intake.seq = self.shard.share(before)
            return
        for place in self.ordered(self.blocks):
            if self.stopped:
                return
            yield place

    def ordered(self, blocks: Blocks) -> Iterator[Place]:
        """All that was read, in its order or shuffled."""
        if self.seed is not None:
            yield from shuffled(blocks, self.seed, self.shard)
            return
        before = 0
        for block in blocks:
            yield from as_they_come(block, before, self.shard)
            before += count_of(block)

    def counted(self) -> tuple[int, int]:
        """Targets of this run, and host names among them that were not resolved."""
        return self.shard.share(len(self.blocks or ())), self.names

    # -- entries to blocks -------------------------------------------------------------------------------------------

    async def read(self) -> AsyncIterator[Block]:
        """The input's entries as what is left of them to ask."""
        async for entry in self.source.items(self.on_bad_line):
            if entry.addresses is not None:
                for block in self.sifted(entry.addresses, entry.port, None):
                    yield block
            elif entry.name is not None:
                for addresses in await self.looked_up(entry.name):
                    for block in self.sifted(addresses, entry.port, entry.name):
                        yield block

    def sifted(self, named: Range, port: int | None, name: str | None) -> Iterator[Block]:
        """The parts of a range that are asked, each checked.

        Raises:
            UsageError: it is so large that it may be a slip.
        """
        if size(named) > UNASKED_AT_MOST:
            self.refuse(named)
        for part in self.sieve.left_of(named):
            reason = self.families.missing_for(str(spelled(part.version, part.first)))
            if reason is not None:
                self.not_asked[reason] = self.not_asked.get(reason, 0) + size(part)
                continue
            self.check(part)
            yield Block(part, ports_of(self.ports, port), name)

    def refuse(self, named: Range) -> None:
        """Say what is so large, unless --yes was said; everybody is never meant.

        Raises:
            UsageError: names the range.
        """
        first, last = spelled(named.version, named.first), spelled(named.version, named.last)
        bits = 32 if named.version == 4 else 128
        if size(named) == 1 << bits:
            raise UsageError(f"{first}/0 is all of IPv{named.version}: name the ranges that are yours")
        if not self.yes:
            raise UsageError(f"{first}-{last} holds {size(named)} addresses: more than 2^24 need --yes")

    def check(self, part: Range) -> None:
        """Whether a part holds somebody whose answers would mean nothing.

        Raises:
            UsageError: a host that handles the canary's domain takes its mail, and is no relay for that.
        """
        for address, exchange in self.handlers.items():
            if holds(part, address):
                raise UsageError(
                    f"--canary: {exchange} [{address}] is among the targets and handles the mail of"
                    f" {self.canary_domain}, so that it takes it without being a relay:"
                    " choose a mailbox elsewhere, or --exclude this host"
                )
        if not self.warned_of_ourselves and (own := next((each for each in self.own if holds(part, each)), None)):
            self.warned_of_ourselves = True
            self.warn(f"{own} is an address of this host and among the targets: from inside, everything looks open")

    async def looked_up(self, name: str) -> list[Range]:
        """A host's addresses; who has none is told of, as nothing can be asked."""
        if self.excluded_names.matches(name):
            self.not_asked["--exclude-domain"] = self.not_asked.get("--exclude-domain", 0) + 1
            return []
        if self.resolver is None:
            self.names += 1
            return []
        found = await self.resolver.addresses(name)
        if found.trouble is not None:
            self.warn(f"{name}: {found.error or found.trouble}: not asked")
        addresses = map(ip_address, found.addresses)
        return [Range(address.version, int(address), int(address)) for address in addresses]

    def say_what_was_taken_out(self) -> None:
        """In the run's warnings: what was named and not asked, and why."""
        for reason, number in {
            "excluded by --exclude": self.sieve.excluded,
            "multicast or reserved, never dialled": self.sieve.never,
            **self.not_asked,
        }.items():
            if number:
                self.warn(f"{number} addresses not asked: {reason}")


def spelled(version: int, value: int) -> Address:
    """An address by its number."""
    return IPv4Address(value) if version == 4 else IPv6Address(value)


def holds(part: Range, address: Address) -> bool:
    """Whether an address lies in a range."""
    return part.version == address.version and part.first <= int(address) <= part.last
