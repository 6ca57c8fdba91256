"""In which order targets are visited: as they come, or shuffled; all of them, or one shard of that order.

As they come they are streamed, whatever their number. Shuffling needs to know all ranges first; they are kept in 28
bytes each, never as addresses.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

from scanner.addresses import Range
from scanner.targets.permutation import Permutation
from scanner.targets.sieve import size
from scanner.terms import Target, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 2**63
"""Targets that can be shuffled: an IPv6 /64 is twice as many, and would take longer than anybody has."""
LOW = 2**64 - 1


class Block(NamedTuple):
    """Neighbouring addresses that are asked at the same ports. `name`: of the host that they are the addresses of."""

    addresses: Range
    ports: tuple[int, ...]
    name: str | None = None


class Place(NamedTuple):
    """One target in its order. `number`: its place in the order of all shards."""

    number: int
    target: Target
    name: str | None


class Shard(NamedTuple):
    """Every `of`-th target, from the one of `number`, which counts from 1."""

    number: int = 1
    of: int = 1

    def share(self, number: int) -> int:
        """How many of so many are its own."""
        return len(range(self.number - 1, number, self.of))


WHOLE = Shard()


def parse_shard(text: str) -> Shard:
    """`I/N`, I from 1 to N.

    Raises:
        UsageError: it is not.
    """
    number, slash, of = text.partition("/")
    if slash and all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (number, of)):
        shard = Shard(int(number), int(of))
        if 1 <= shard.number <= shard.of:
            return shard
    raise UsageError(f"{text!r} is no shard: I/N, as 1/4 to 4/4")


def count_of(block: Block) -> int:
    """How many targets a block holds."""
    return size(block.addresses) * len(block.ports)


def target_at(block: Block, number: int) -> Target:
    """A block's target by its number: address by address, at each all ports."""
    offset, port = divmod(number, len(block.ports))
    value = block.addresses.first + offset
    address = IPv4Address(value) if block.addresses.version == 4 else IPv6Address(value)
    return Target(str(address), block.ports[port])


def as_they_come(block: Block, before: int, shard: Shard = WHOLE) -> Iterator[Place]:
    """A block's targets, in order, so many others before them; only the shard's are made."""
    for number in range((shard.number - 1 - before) % shard.of, count_of(block), shard.of):
        yield Place(before + number, target_at(block, number), block.name)


class Blocks:
    """Blocks in their order, packed; a target is found by its number."""

    def __init__(self) -> None:
        self.highs = array("Q")
        self.lows = array("Q")
        self.ends = array("Q")
        self.kinds = array("I")
        self.known: list[tuple[int, tuple[int, ...], str | None]] = []
        self.numbers: dict[tuple[int, tuple[int, ...], str | None], int] = {}

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __iter__(self) -> Iterator[Block]:
        return map(self.block, range(len(self.ends)))

    def add(self, block: Block) -> None:
        """One more.

        Raises:
            UsageError: more targets than can be shuffled.
        """
        end = len(self) + count_of(block)
        kind = (block.addresses.version, block.ports, block.name)
        number = self.numbers.setdefault(kind, len(self.known))
        if number == len(self.known):
            self.known.append(kind)
        if end >= MOST:
            raise UsageError("too many targets to shuffle: name fewer, or leave --shuffle out")
        self.highs.append(block.addresses.first >> 64)
        self.lows.append(block.addresses.first & LOW)
        self.ends.append(end)
        self.kinds.append(number)

    def block(self, place: int) -> Block:
        """The block at a place."""
        version, ports, name = self.known[self.kinds[place]]
        first = self.highs[place] << 64 | self.lows[place]
        before = self.ends[place - 1] if place else 0
        addresses = (self.ends[place] - before) // len(ports)
        return Block(Range(version, first, first + addresses - 1), ports, name)

    def target(self, number: int) -> tuple[Target, str | None]:
        """A target by its number, and the host that it belongs to."""
        place = bisect_right(self.ends, number)
        block = self.block(place)
        return target_at(block, number - (self.ends[place - 1] if place else 0)), block.name


def shuffled(blocks: Blocks, seed: int, shard: Shard = WHOLE) -> Iterator[Place]:
    """All targets, or the shard's, in the order of the seed."""
    order = Permutation(len(blocks), seed) if len(blocks) else ()
    for place in range(shard.number - 1, len(blocks), shard.of):
        yield Place(place, *blocks.target(order[place]))


def ports_of(ports: Sequence[int], own: int | None) -> tuple[int, ...]:
    """The ports at which an entry's addresses are asked."""
    return tuple(ports) if own is None else (own,)
