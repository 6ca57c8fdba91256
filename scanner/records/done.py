"""Which items of a run are done, and what they were about: two bits an item, whatever their number.

That the input still says the same is seen without keeping what it said: the items of a block have one sum of hashes,
in whatever order they were done. Where the sums differ, that block's records are read again to name the difference.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

BLOCK_ITEMS = 1024
"""Items whose hashes are added up: 8 bytes for as many."""
SEQ_LIMIT = 2**33
"""Items of a run, at most: beyond it, a damaged file would have us take gigabytes for its bits."""
HASH_MASK = 2**64 - 1


class Said(NamedTuple):
    """What an item is about. `who`: what its records always say; `recipient`: only where it was said to somebody."""

    who: Hashable
    recipient: str | None


class Bits:
    """A set of small numbers, a bit each."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def add(self, number: int) -> None:
        """One more."""
        place = number >> 3
        if place >= len(self.bytes):
            self.bytes += bytes(place + 1 - len(self.bytes))
        self.bytes[place] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self.bytes) and bool(self.bytes[place] >> (number & 7) & 1)


class Done:
    """The items that have their records.

    Attributes:
        count: how many.
        end: the number after the last of them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.end = 0
        self.items = Bits()
        self.with_recipient = Bits()
        self.sums = array("Q")

    def add(self, seq: int, said: Said) -> None:
        """One more, which is not among them yet."""
        self.items.add(seq)
        if said.recipient is not None:
            self.with_recipient.add(seq)
        self.count += 1
        self.end = max(self.end, seq + 1)
        block = seq // BLOCK_ITEMS
        if block >= len(self.sums):
            self.sums.extend([0] * (block + 1 - len(self.sums)))
        self.sums[block] = self.sums[block] + hash_of(seq, said) & HASH_MASK

    def __contains__(self, seq: int) -> bool:
        return seq in self.items


class Comparison:
    """Follows the input up to the last item that is done; `differs` names the block where it says something else.

    Args:
        done: what the records say.
    """

    def __init__(self, done: Done) -> None:
        self.done = done
        self.sum = 0

    def take(self, seq: int, said: Said) -> bool:
        """The next item, in order, that is done or not. Whether its block is over, and differs."""
        if seq in self.done:
            known = said if seq in self.done.with_recipient else said._replace(recipient=None)
            self.sum = self.sum + hash_of(seq, known) & HASH_MASK
        if (seq + 1) % BLOCK_ITEMS and seq + 1 != self.done.end:
            return False
        differs = self.sum != self.done.sums[seq // BLOCK_ITEMS]
        self.sum = 0
        return differs


def hash_of(seq: int, said: Said) -> int:
    """64 bits; the same within a process only. Of text: tuples of small numbers are mixed so little that sums agree."""
    return hash(f"{seq} {said.who!r} {said.recipient!r}") & HASH_MASK
