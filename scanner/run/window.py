"""What may be in memory: at most so many probes in all, and so many of one target; the rest is parked on disk.

An item is admitted whole or not at all, so nothing is held while it waits and nothing can deadlock. One that meets a
full target is parked in that target's line; the reader goes on. When a probe of a target ends, its oldest parked item
is tried; still blocked elsewhere, it moves to the line there, before all that wait for that target alone.

Whatever is parked has an event to come: its target is full (so one of its probes will end), or it is `ready` to be
tried now or as soon as there is room, or it is `idle`: its items were blocked elsewhere, and anybody's next event tries
it again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from scanner.run.spool import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scanner.run.spool import Spool

TRIES = 8
"""Parked items that one event tries: what it costs stays bounded, the rest is tried in the loop's next turns."""


class Entry(Protocol):
    """An item with its plan."""

    @property
    def size(self) -> int:
        """Probes that it holds in memory while admitted, at least 1."""

    @property
    def addresses(self) -> Sequence[str]:
        """Targets in which it needs a place: one for each probe that is still to be asked, none twice."""

    def encode(self) -> bytes:
        """All of it, to be parked."""


E = TypeVar("E", bound=Entry)


class Line:
    """The items parked at one target, oldest first, as references to the spool.

    Those that `moved` here have waited elsewhere before and go first. What is blocked at two hot targets would
    otherwise wait at the end of one line after the other.
    """

    __slots__ = ("moved", "waiting")

    def __init__(self) -> None:
        self.moved: Queue[int] = Queue("Q")
        self.waiting: Queue[int] = Queue("Q")

    def __len__(self) -> int:
        return len(self.moved) + len(self.waiting)


class Window(Generic[E]):
    """Who is in memory, and who waits on disk for what.

    Args:
        size: probes in memory. A larger item is admitted when nothing else is there.
        full_at: admitted probes with which a target is full.
        spool: where parked items lie.
        paused: whether a target is paused; then it is full as soon as it holds a probe. (Without one it is not: no
            event would ever come for what waits there.)
        admit: gets each item, once. It may call back at once, thousands of times in a row: a target that is known to
            be dead answers without a dial.
        decode: the reverse of an entry's `encode`.
    """

    def __init__(  # noqa: PLR0913 - two limits, the disk, and the three things it asks of its owner
        self,
        size: int,
        full_at: int,
        spool: Spool,
        *,
        paused: Callable[[str], bool],
        admit: Callable[[E], None],
        decode: Callable[[bytes], E],
    ) -> None:
        self.size = size
        self.full_at = full_at
        self.spool = spool
        self.paused = paused
        self.admit = admit
        self.decode = decode
        self.used = 0
        """Probes in memory."""
        self.parked = 0
        """Items on disk."""
        self.held: dict[str, int] = {}
        """Admitted probes of each target."""
        self.lines: dict[str, Line] = {}
        self.ready: OrderedDict[str, bool] = OrderedDict()
        """Targets with a line that may have a place, in turn; whether those that moved there are tried, too."""
        self.idle: OrderedDict[str, None] = OrderedDict()
        """Targets without a probe whose line holds only what moved there and was blocked elsewhere again."""
        self.wanted = 0
        """Size of the item that is next and found no room; 0: none."""
        self.trying = False

    def offer(self, entry: E) -> bool:
        """A new item: admitted, or parked at a full target.

        Returns:
            False where the window has no room (or an older item waits for it): nothing is held, the caller keeps the
            item and comes again when something has `finished`.

        Raises:
            LocalFault: the spool's disk is full.
        """
        addresses = entry.addresses
        obstacle = self.obstacle(addresses) or (self.queued(addresses) if self.lines else None)
        if obstacle is not None:
            reference = self.spool.put(entry.encode())
            self.line(obstacle).waiting.push(reference)
            self.parked += 1
            return True
        if self.wanted or not self.fits(entry.size):
            return False
        self.let_in(entry)
        return True

    def ended(self, address: str) -> None:
        """An admitted probe of this target ended: its place is free, its oldest parked items are tried."""
        count = self.held[address] - 1
        if count:
            self.held[address] = count
        else:
            del self.held[address]
        if self.lines:
            if address in self.lines:
                self.ready[address] = True
            if self.idle:
                self.ready[self.idle.popitem(last=False)[0]] = True
            if self.ready:
                self.advance()

    def finished(self, size: int) -> None:
        """An item's group is written: its probes leave the memory."""
        self.used -= size
        if self.wanted and self.fits(self.wanted):
            self.wanted = 0
            self.advance()

    @property
    def behind(self) -> bool:
        """Whether something could be tried now: the tries of an event were used up. Its owner calls `advance` then."""
        return bool(self.ready) and not self.wanted

    def advance(self) -> bool:
        """Go on trying where an event left off; whether there is more to try: come again in the loop's next turn."""
        # While an item is being admitted its events come in here: they leave their target in `ready`, no more, so that
        # ten thousand items of a dead target are no ten thousand calls deep.
        if not self.trying:
            self.trying = True
            try:
                for _ in range(TRIES):
                    if self.wanted or not self.ready:
                        break
                    self.try_next()
            finally:
                self.trying = False
        return self.behind

    def parked_at(self) -> Iterator[tuple[str, int]]:
        """Each target with parked items, and how many."""
        return ((address, len(line)) for address, line in self.lines.items())

    def full(self, address: str) -> bool:
        """Whether a target takes no more; it holds at least one probe then, which will end."""
        count = self.held.get(address, 0)
        return count > 0 and (count >= self.full_at or self.paused(address))

    def obstacle(self, addresses: Sequence[str]) -> str | None:
        """One of these targets that is full, or None."""
        held, full_at = self.held, self.full_at
        for address in addresses:
            if held.get(address, 0) >= full_at:
                return address
        for address in addresses:  # who is paused is the dearer question: asked where nothing else forbids it
            if address in held and self.paused(address):
                return address
        return None

    def queued(self, addresses: Sequence[str]) -> str | None:
        """One of these targets that others wait for alone, or None: a new item may not overtake them."""
        lines = self.lines
        for address in addresses:
            if address in lines and lines[address].waiting.items:
                return address
        return None

    def fits(self, size: int) -> bool:
        """Whether there is room for an item of this size."""
        return self.used + size <= self.size or not self.used

    def line(self, address: str) -> Line:
        """The target's line."""
        line = self.lines.get(address)
        if line is None:
            line = self.lines[address] = Line()
        return line

    def try_next(self) -> None:
        """The oldest parked item of the target whose turn it is: admitted, moved, or waiting for room where it is."""
        address, moved_too = next(iter(self.ready.items()))
        line = self.lines.get(address)
        queue = None
        if line is not None and not self.full(address):
            queue = line.moved if moved_too and line.moved.items else line.waiting
        if line is None or queue is None or not queue.items:
            del self.ready[address]
            if line is not None and address not in self.held:
                self.idle[address] = None
            return
        reference = queue.first
        entry = self.decode(self.spool.read(reference))
        obstacle = self.obstacle(entry.addresses)
        if obstacle is None and not self.fits(entry.size):
            self.wanted = entry.size
            return
        queue.pop()
        del self.ready[address]
        if obstacle is not None:
            self.line(obstacle).moved.push(reference)
            # Of those that have moved before, one blocked again is enough for now: two hot targets with the same
            # thousands of items would pass them to and fro. The others are searched on for one that is not blocked.
            moved_too = False
        if not line.moved.items and not line.waiting.items:
            del self.lines[address]
        elif obstacle is not None or self.held.get(address, 0) + 1 < self.full_at:
            self.ready[address] = moved_too
        if obstacle is None:
            self.spool.drop(reference)
            self.parked -= 1
            self.let_in(entry)

    def let_in(self, entry: E) -> None:
        """An item takes its places and is admitted."""
        self.used += entry.size
        for address in entry.addresses:
            self.held[address] = self.held.get(address, 0) + 1
        self.admit(entry)
