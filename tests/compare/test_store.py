from __future__ import annotations

import random
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from scanner.compare.change import State
from scanner.compare.output import Seen, Target
from scanner.compare.store import NEW, OLD, Pair, Store
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLOSED = State("closed", None, "rcpt", 554, "5.7.1", False, "5.7.1 no")
OPEN = State("open_relay_suspected", None, "rcpt", 250, None, False)


def target(number: int) -> Target:
    return Target(None, None, f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 25)


def seen(number: int, state: State = CLOSED, seq: int | None = None) -> Seen:
    return Seen(target(number), number if seq is None else seq, state, None)


def test_targets_of_both_runs_meet_whatever_their_order() -> None:
    with Store() as store:
        store.put(OLD, [seen(1), seen(2), seen(3)])
        store.put(NEW, [seen(4), seen(3, OPEN), seen(1)])
        assert list(store.pairs()) == [
            Pair(target(1), CLOSED, CLOSED),
            Pair(target(2), CLOSED, None),
            Pair(target(3), CLOSED, OPEN),
            Pair(target(4), None, CLOSED),
        ]


def test_a_target_that_comes_twice_is_compared_first_with_first_and_second_with_second() -> None:
    with Store() as store:
        store.put(OLD, [seen(1, CLOSED, 5), seen(1, OPEN, 9)])
        store.put(NEW, [seen(1, OPEN, 7), seen(1, CLOSED, 2), seen(1, CLOSED, 8)])
        assert [(pair.old, pair.new) for pair in store.pairs()] == [(CLOSED, CLOSED), (OPEN, OPEN), (None, CLOSED)]


def test_memory_does_not_grow_with_the_runs() -> None:
    def run(count: int) -> Iterator[Seen]:
        order = random.Random(1)  # noqa: S311 - any order
        return (seen(order.randrange(2**24), seq=number) for number in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            with Store() as store:
                store.put(OLD, run(count))
                store.put(NEW, run(count))
                assert sum(1 for _ in store.pairs()) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(20_000) < peak(2_000) + 200_000


def test_nothing_of_it_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    with Store() as store:
        store.put(OLD, (seen(number) for number in range(100_000)))
        assert not list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_is_our_fault_and_no_comparison() -> None:
    with Store() as store:
        store.database.execute("PRAGMA max_page_count = 20")
        with pytest.raises(LocalFault, match="temporary file"):
            store.put(OLD, (seen(number) for number in range(100_000)))
