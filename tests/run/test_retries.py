"""An item that waits to be asked again comes back once, when its time has come, and waits on disk until then."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.run import spool as module
from scanner.run.retries import Retries
from scanner.run.spool import Spool
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path) as spool:
        yield spool


def test_an_item_is_due_when_the_delay_has_passed_and_not_before(spool: Spool) -> None:
    retries = Retries(spool, 300.0)
    retries.add(b"a.example", 1000.0)
    assert retries.due(1299.9) is None
    assert len(retries) == 1
    assert retries.due(1300.0) == b"a.example"
    assert retries.due(5000.0) is None
    assert len(retries) == 0


def test_the_next_time_is_the_oldest_s(spool: Spool) -> None:
    retries = Retries(spool, 60.0)
    assert retries.next_due is None
    retries.add(b"a", 10.0)
    retries.add(b"b", 20.0)
    assert retries.next_due == 70.0
    assert retries.due(75.0) == b"a"
    assert retries.next_due == 80.0
    assert retries.due(75.0) is None
    assert retries.due(80.0) == b"b"
    assert retries.next_due is None


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=200))
def test_all_come_back_once_in_the_order_in_which_they_came(steps: list[tuple[float, bool]]) -> None:
    now, added, given_back = 0.0, 0, []
    with Spool() as spool:
        retries = Retries(spool, 50.0)
        for later, adds in steps:
            now += later
            if adds:
                retries.add(b"%d" % added, now)
                added += 1
            else:
                while (data := retries.due(now)) is not None:
                    given_back.append(int(data))
                assert retries.next_due is None or retries.next_due > now
            assert len(retries) == added - len(given_back)
        while (data := retries.due(now + 50.0)) is not None:
            given_back.append(int(data))
        assert given_back == list(range(added))
        assert spool.living == [0]


def test_a_hundred_thousand_that_wait_cost_16_bytes_each(spool: Spool) -> None:
    retries = Retries(spool, 300.0)
    item = bytes(300)
    retries.add(item, 0.0)
    tracemalloc.start()
    try:
        for _ in range(100_000):
            retries.add(item, 0.0)
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert grown < 100_000 * 16 * 1.15 + 100_000, "the queues with their reserve, and the block being filled"


def test_what_the_disk_does_not_take_does_not_wait_and_what_it_does_not_give_back_stays(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries = Retries(spool, 1.0)
    for number in range(1000):
        retries.add(b"%d" % number * 300, 0.0)

    def fails(*_arguments: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module.os, "pwrite", fails)
    monkeypatch.setattr(module.os, "pread", fails)
    with pytest.raises(LocalFault):
        retries.add(bytes(100_000), 0.0)
    with pytest.raises(LocalFault):
        retries.due(1.0)
    monkeypatch.undo()
    assert len(retries) == 1000
    assert [retries.due(1.0) for _ in range(1000)] == [b"%d" % number * 300 for number in range(1000)]
    assert retries.due(1.0) is None
