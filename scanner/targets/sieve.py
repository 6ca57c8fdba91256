"""What is taken out of the ranges that were named: exclusions, and what is never dialled. Always applied last."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from scanner.addresses import NEVER, Intervals, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.addresses import Networks


class Sieve:
    """Takes addresses out of ranges and counts them.

    Attributes:
        excluded: how many --exclude took.
        never: how many are never dialled (multicast, 0.0.0.0/8, 240.0.0.0/4).
    """

    def __init__(self, exclude: Networks) -> None:
        self.exclude = exclude
        self.excluded = 0
        self.never = 0

    def left_of(self, named: Range) -> Iterator[Range]:
        """The parts of a range that are asked, in order."""
        for part in without(named, of_family(self.exclude, named)):
            self.excluded -= size(part)
            for left in without(part, of_family(NEVER, part)):
                self.never -= size(left)
                yield left
            self.never += size(part)
        self.excluded += size(named)


def size(part: Range) -> int:
    """How many addresses."""
    return part.last - part.first + 1


def of_family(networks: Networks, part: Range) -> Intervals:
    """The networks that may hold some of a range."""
    return networks.v4 if part.version == 4 else networks.v6


def without(part: Range, taken: Intervals) -> Iterator[Range]:
    """What intervals leave of a range; one bisection, then as many steps as there are cuts."""
    first = part.first
    place = bisect_left(taken.lasts, first)
    while place < len(taken.firsts) and taken.firsts[place] <= part.last:
        if first < taken.firsts[place]:
            yield Range(part.version, first, taken.firsts[place] - 1)
        first = taken.lasts[place] + 1
        place += 1
    if first <= part.last:
        yield Range(part.version, first, part.last)
