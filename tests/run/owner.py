"""A window's owner as the tests play it: it knows what is under way, who is paused, who is dead."""

from __future__ import annotations

from typing import NamedTuple

from scanner.run.spool import Spool
from scanner.run.window import Window


class Asked(NamedTuple):
    """An item of these tests: its number, what it holds in memory, whom it asks."""

    number: int
    size: int
    addresses: tuple[str, ...]

    def encode(self) -> bytes:
        return f"{self.number} {self.size} {' '.join(self.addresses)}".encode().ljust(200)


def decode(data: bytes) -> Asked:
    number, size, *addresses = data.decode().split()
    return Asked(int(number), int(size), tuple(addresses))


class Owner:
    """A window with all that it knows nothing of: which probes are under way, who is paused, who is dead."""

    def __init__(self, size: int = 100, full_at: int = 2) -> None:
        self.spool = Spool()
        self.window: Window[Asked] = Window(
            size, full_at, self.spool, paused=self.is_paused, admit=self.admit, decode=self.decode
        )
        self.admitted: list[Asked] = []
        self.under_way: dict[int, tuple[Asked, list[str]]] = {}
        self.paused: set[str] = set()
        self.dead: set[str] = set()
        self.offered = 0
        self.tried = 0
        self.depth = self.deepest = 0
        self.keeps_groups = False
        self.unwritten: list[Asked] = []

    def is_paused(self, address: str) -> bool:
        return address in self.paused

    def decode(self, data: bytes) -> Asked:
        self.tried += 1
        return decode(data)

    def admit(self, item: Asked) -> None:
        self.depth += 1
        self.deepest = max(self.depth, self.deepest)
        self.admitted.append(item)
        self.under_way[item.number] = (item, list(item.addresses))
        if not item.addresses:
            self.group(item)
        for address in item.addresses:
            if address in self.dead:
                self.end(item.number, address)
        self.depth -= 1

    def end(self, number: int, address: str) -> None:
        """One probe has its answer; the item's last one finishes it."""
        item, left = self.under_way[number]
        left.remove(address)
        self.window.ended(address)
        if not left:
            self.group(item)

    def group(self, item: Asked) -> None:
        del self.under_way[item.number]
        if self.keeps_groups:
            self.unwritten.append(item)
        else:
            self.window.finished(item.size)

    def item(self, *addresses: str, size: int = 0) -> Asked:
        self.offered += 1
        return Asked(self.offered - 1, size or max(1, len(addresses)), addresses)

    def offer(self, *addresses: str, size: int = 0) -> bool:
        return self.window.offer(self.item(*addresses, size=size))

    def numbers(self) -> list[int]:
        return [item.number for item in self.admitted]

    def end_oldest_at(self, address: str) -> None:
        self.end(next(number for number, (_, left) in self.under_way.items() if address in left), address)

    def drain(self) -> None:
        """End whatever is under way, oldest first, until nothing is, as a run that lives long enough would."""
        while self.under_way or self.unwritten or self.window.behind:
            self.window.advance()
            for item in self.unwritten:
                self.window.finished(item.size)
            self.unwritten.clear()
            for number, (_, left) in list(self.under_way.items()):
                for address in list(left):
                    self.end(number, address)

    def assert_empty(self) -> None:
        window = self.window
        assert sorted(self.numbers()) == list(range(self.offered)), "each item once"
        assert (window.parked, window.used, window.wanted) == (0, 0, 0)
        assert (window.held, window.lines, window.ready) == ({}, {}, {})
        assert self.spool.living == [0]
