"""Who may be in memory: never too many, each item once, in order; what waits is woken, and by little work."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from scanner.run import spool as module
from scanner.run.spool import BLOCK_BYTES, Spool
from scanner.run.window import TRIES
from scanner.terms import LocalFault
from tests.run.owner import Asked, Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make() -> Iterator[Callable[..., Owner]]:
    owners: list[Owner] = []

    def make(size: int = 100, full_at: int = 2) -> Owner:
        owners.append(Owner(size, full_at))
        return owners[-1]

    yield make
    for owner in owners:
        owner.spool.close()


def test_an_item_with_room_and_places_is_admitted_at_once(make: Callable[..., Owner]) -> None:
    owner = make()
    assert owner.offer("a", "b")
    assert owner.numbers() == [0]
    assert owner.window.used == 2
    assert owner.window.held == {"a": 1, "b": 1}


def test_a_full_target_parks_its_items_and_holds_up_no_other(make: Callable[..., Owner]) -> None:
    owner = make(full_at=2)
    assert all(owner.offer("hot") for _ in range(10))
    assert owner.offer("b", "hot")
    assert owner.offer("c")
    assert owner.numbers() == [0, 1, 11]
    assert owner.window.parked == 9
    assert list(owner.window.parked_at()) == [("hot", 9)]
    assert owner.window.used == 3, "what is parked holds nothing"
    assert owner.window.held == {"hot": 2, "c": 1}


def test_each_end_lets_the_oldest_of_its_target_in(make: Callable[..., Owner]) -> None:
    owner = make(full_at=2)
    for _ in range(6):
        owner.offer("hot")
    for expected in (2, 3, 4, 5):
        owner.end_oldest_at("hot")
        assert owner.numbers()[-1] == expected
    owner.drain()
    owner.assert_empty()


def test_an_item_is_admitted_whole_or_not_at_all(make: Callable[..., Owner]) -> None:
    owner = make(size=5)
    assert owner.offer("a", "b", "c")
    item = owner.item("d", "e", "f")
    assert not owner.window.offer(item)
    assert owner.window.used == 3
    assert set(owner.window.held) == {"a", "b", "c"}
    owner.end(0, "a")
    assert not owner.window.offer(item), "the group is not written: its probes are in memory"
    owner.drain()
    assert owner.window.offer(item)
    owner.drain()
    owner.assert_empty()


def test_a_full_window_takes_what_only_waits_for_a_full_target(make: Callable[..., Owner]) -> None:
    """The reader stops for the window, never for a hot target."""
    owner = make(size=2, full_at=2)
    assert owner.offer("hot")
    assert owner.offer("hot")
    assert owner.offer("hot")
    assert owner.offer("b", "hot")
    assert not owner.window.offer(Asked(99, 1, ("b",)))


def test_an_item_larger_than_the_window_is_admitted_alone(make: Callable[..., Owner]) -> None:
    owner = make(size=3)
    assert owner.offer("a")
    large = owner.item("b", size=10)
    assert not owner.window.offer(large)
    owner.end(0, "a")
    assert owner.window.offer(large)
    assert owner.window.used == 10
    assert not owner.window.offer(Asked(99, 1, ("c",)))
    owner.drain()
    owner.assert_empty()


def test_a_parked_item_larger_than_the_window_is_admitted_alone_and_not_overtaken_for_ever(
    make: Callable[..., Owner],
) -> None:
    owner = make(size=3, full_at=1)
    owner.offer("a")
    owner.offer("a", size=10)
    owner.offer("b")
    owner.end(0, "a")
    small = owner.item("c")
    assert not owner.window.offer(small), "there is a place of the window, but an older item waits for room"
    owner.end(2, "b")
    assert owner.numbers() == [0, 2, 1]
    assert not owner.window.offer(small)
    owner.end(1, "a")
    assert owner.window.offer(small)
    owner.drain()
    owner.assert_empty()


def test_the_room_for_a_large_parked_item_is_not_eaten_by_small_ones_of_other_targets(
    make: Callable[..., Owner],
) -> None:
    owner = make(size=6, full_at=2)
    for _ in range(2):
        owner.offer("a", size=2)
    owner.offer("a", size=5)
    for _ in range(8):
        owner.offer("b")
    owner.end(0, "a")
    assert owner.window.wanted == 5
    owner.end_oldest_at("b")
    assert 2 not in owner.numbers()
    assert len(owner.under_way) == 2, "the place at b stays free as long as the older item waits for room"
    owner.end(1, "a")
    assert owner.numbers()[-1] == 2
    owner.drain()
    owner.assert_empty()


def test_what_needs_no_target_waits_for_room_only(make: Callable[..., Owner]) -> None:
    owner = make(size=2)
    assert owner.offer(size=2)
    assert owner.window.used == 0, "it was settled where it was admitted"
    owner.drain()
    owner.assert_empty()


def test_a_paused_target_is_full_while_it_holds_a_probe(make: Callable[..., Owner]) -> None:
    owner = make(full_at=8)
    owner.offer("a")
    owner.paused.add("a")
    owner.offer("a")
    owner.offer("a")
    assert owner.numbers() == [0]
    owner.end(0, "a")
    assert owner.numbers() == [0, 1], "without one of its own nothing would ever wake those that wait"
    owner.paused.clear()
    owner.end(1, "a")
    assert owner.numbers() == [0, 1, 2]
    owner.drain()
    owner.assert_empty()


def test_a_target_that_is_paused_while_it_waits_for_room_lets_others_go_on(make: Callable[..., Owner]) -> None:
    owner = make(size=3, full_at=2)
    owner.keeps_groups = True
    for _ in range(2):
        owner.offer("a")
    owner.offer("a", size=2)
    owner.offer("b")
    owner.end(0, "a")
    assert owner.window.wanted == 2
    owner.paused.add("a")
    owner.end(3, "b")
    owner.drain()
    owner.assert_empty()


def test_a_new_item_does_not_overtake_those_that_wait_for_its_target(make: Callable[..., Owner]) -> None:
    """A pause that is over is no event: the target has places, and a line."""
    owner = make(full_at=3)
    owner.offer("a")
    owner.paused.add("a")
    owner.offer("a")
    owner.paused.clear()
    owner.offer("a")
    assert owner.numbers() == [0]
    owner.end(0, "a")
    assert owner.numbers() == [0, 1, 2]


def test_an_item_still_blocked_elsewhere_is_first_in_line_there(make: Callable[..., Owner]) -> None:
    owner = make(full_at=1)
    owner.offer("a")
    owner.offer("b")
    owner.offer("a", "b")
    owner.offer("b")
    owner.offer("b")
    assert dict(owner.window.parked_at()) == {"a": 1, "b": 2}
    owner.end(0, "a")
    assert dict(owner.window.parked_at()) == {"b": 3}
    owner.end(1, "b")
    assert owner.numbers() == [0, 1, 2]
    owner.end(2, "b")
    assert owner.numbers() == [0, 1, 2, 3]
    owner.drain()
    owner.assert_empty()


def test_those_that_moved_to_a_line_go_in_the_order_in_which_they_moved(make: Callable[..., Owner]) -> None:
    owner = make(full_at=1)
    owner.offer("a")
    owner.offer("b")
    for _ in range(4):
        owner.offer("a", "b")
    owner.end(0, "a")
    assert dict(owner.window.parked_at()) == {"b": 4}
    for _ in range(4):
        owner.end_oldest_at("b")
        owner.end_oldest_at("a")
    assert owner.numbers() == [0, 1, 2, 3, 4, 5]


def test_a_moved_item_is_not_written_again(make: Callable[..., Owner], monkeypatch: pytest.MonkeyPatch) -> None:
    owner = make(full_at=1)
    owner.offer("a")
    owner.offer("b")
    owner.offer("a", "b")
    monkeypatch.setattr(Spool, "put", None)
    owner.end(0, "a")
    assert dict(owner.window.parked_at()) == {"b": 1}
    owner.drain()
    owner.assert_empty()


def test_behind_items_blocked_elsewhere_those_that_wait_for_this_target_alone_are_found(
    make: Callable[..., Owner],
) -> None:
    """Nothing of `a` is under way any more, so no event of its own would go on with its line."""
    owner = make(full_at=1)
    owner.offer("slow")
    owner.offer("a")
    for _ in range(100):
        owner.offer("a", "slow")
    owner.offer("a")
    owner.end(1, "a")
    turns = 0
    while owner.window.advance():
        turns += 1
    assert owner.numbers() == [0, 1, 102]
    assert turns <= 100 // TRIES
    assert owner.window.parked == 100
    owner.drain()
    owner.assert_empty()


def test_a_line_of_items_blocked_elsewhere_again_is_tried_at_the_events_of_others(make: Callable[..., Owner]) -> None:
    """`b`'s last items moved to `a` and back while `slow` was busy: the one that `slow` does not concern goes on."""
    owner = make(full_at=1)
    owner.offer("slow")
    owner.offer("a")
    owner.offer("b")
    for _ in range(3):
        owner.offer("b", "a", "slow")
    owner.offer("b", "a")
    owner.end(2, "b")
    assert dict(owner.window.parked_at()) == {"a": 4}
    owner.end(1, "a")
    assert dict(owner.window.parked_at()) == {"a": 3, "slow": 1}
    assert not owner.window.behind, "nothing spins while nothing happens"
    for _ in range(3):
        number = owner.offered
        owner.offer("other")
        owner.end(number, "other")
    assert 6 in owner.numbers(), "slow's probe has not ended yet"
    owner.drain()
    owner.assert_empty()


def test_a_line_of_items_blocked_elsewhere_holds_up_no_new_item(make: Callable[..., Owner]) -> None:
    owner = make(full_at=2)
    for address in ("slow", "slow", "a", "a"):
        owner.offer(address)
    for _ in range(3):
        owner.offer("slow", "a")
    owner.end(0, "slow")
    assert dict(owner.window.parked_at()) == {"a": 3}
    owner.offer("slow")
    owner.end(2, "a")
    assert dict(owner.window.parked_at()) == {"a": 2, "slow": 1}
    owner.offer("a")
    assert owner.numbers() == [0, 1, 2, 3, 7, 8]
    owner.drain()
    owner.assert_empty()


def test_a_target_with_probes_of_its_own_waits_for_their_end_and_costs_the_events_of_others_nothing(
    make: Callable[..., Owner],
) -> None:
    owner = make(full_at=2)
    for address in ("slow", "slow", "a", "a"):
        owner.offer(address)
    for _ in range(3):
        owner.offer("slow", "a")
    owner.end(0, "slow")
    owner.offer("slow")
    owner.end(2, "a")
    tried = owner.tried
    for _ in range(5):
        number = owner.offered
        owner.offer("other")
        owner.end(number, "other")
    assert owner.tried == tried
    owner.end(3, "a")
    assert owner.tried == tried + 1


def test_an_event_tries_eight_at_most_and_the_next_turn_goes_on(make: Callable[..., Owner]) -> None:
    owner = make(full_at=1)
    owner.offer("slow")
    owner.offer("a")
    for _ in range(20):
        owner.offer("a", "slow")
    owner.end(1, "a")
    assert owner.tried == TRIES == 8
    assert owner.window.behind
    assert owner.window.advance()
    assert owner.tried == 2 * TRIES
    assert not owner.window.advance()
    assert owner.tried == 20
    assert dict(owner.window.parked_at()) == {"slow": 20}


def test_targets_that_may_have_a_place_take_turns(make: Callable[..., Owner]) -> None:
    owner = make(size=16, full_at=16)
    for address in "ab":
        owner.paused.add(address)
        for _ in range(9):
            owner.offer(address)
    for _ in range(14):
        owner.offer("c")
    assert owner.window.used == 16
    owner.paused.clear()
    owner.window.ready.update(a=True, b=True)
    for _ in range(14):
        owner.end_oldest_at("c")
    assert [item.addresses[0] for item in owner.admitted[16:]] == ["a", "b"] * 7


def test_two_hot_targets_do_not_pass_the_same_items_to_and_fro(make: Callable[..., Owner]) -> None:
    """A provider's domains all have its two hosts: which of them has a place changes with every event."""
    owner = make(size=20_000, full_at=8)
    for _ in range(3000):
        owner.offer("mx1", "mx2")
    while owner.under_way:
        for address in ("mx1", "mx1", "mx1", "mx2", "mx2", "mx2"):
            if any(address in left for _, left in owner.under_way.values()):
                owner.end_oldest_at(address)
            while owner.window.advance():
                pass
    owner.assert_empty()
    assert owner.tried < 5 * 3000


def test_ten_thousand_items_of_a_dead_target_are_no_ten_thousand_calls_deep(make: Callable[..., Owner]) -> None:
    """What a dead target is asked is answered within `admit`, and each answer is an event."""
    owner = make(full_at=1)
    owner.offer("dead")
    for _ in range(10_000):
        owner.offer("dead")
    owner.dead.add("dead")
    owner.end(0, "dead")
    assert len(owner.admitted) == 1 + TRIES, "one turn of the loop does a turn's work"
    while owner.window.advance():
        pass
    owner.offer("dead")
    assert owner.deepest <= 2
    assert owner.numbers() == list(range(10_002))
    owner.assert_empty()


def test_a_full_disk_refuses_the_item_that_was_to_be_parked_and_nothing_else(
    make: Callable[..., Owner], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    owner = make(full_at=1)
    owner.offer("hot")
    monkeypatch.setattr(module.os, "pwrite", full)
    while len(owner.spool.buffer) < BLOCK_BYTES - 200:
        owner.offer("hot")
    parked = owner.window.parked
    with pytest.raises(LocalFault, match="No space left on device"):
        owner.window.offer(Asked(9999, 1, ("hot",)))
    assert owner.window.parked == parked
    assert dict(owner.window.parked_at()) == {"hot": parked}
    owner.drain()
    owner.assert_empty()


def test_an_item_that_the_disk_does_not_give_back_stays_parked(
    make: Callable[..., Owner], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> bytes:
        raise OSError(5, "Input/output error")

    owner = make(full_at=1)
    for _ in range(1000):
        owner.offer("hot")
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "pread", broken)
        with pytest.raises(LocalFault, match="Input/output error"):
            owner.window.ended("hot")
    assert owner.window.parked == 999
    owner.window.held["hot"] = 1
    owner.drain()
    owner.assert_empty()


def test_a_hundred_thousand_parked_items_cost_8_bytes_each(make: Callable[..., Owner]) -> None:
    owner = make(full_at=1)
    for number in range(20):
        owner.offer(f"hot{number % 10}")
    tracemalloc.start()
    try:
        for number in range(100_000):
            owner.window.offer(Asked(number, 1, (f"hot{number % 10}",)))
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert owner.window.parked == 100_010
    assert grown < 8 * 100_000 * 1.15 + 150_000, "the queues with their reserve, the block, a number a block"
