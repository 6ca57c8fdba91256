"""A window through whole runs: any plan ends, within every limit, and hot targets hold up nobody else."""

from __future__ import annotations

import heapq
from collections import Counter, deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scanner.run.spool import Spool
from scanner.run.window import Window
from tests.run.owner import Asked, Owner, decode


def test_hot_targets_hold_up_nobody_else() -> None:
    """100,000 items, 30 % on 10 slow addresses, a window of 2,000; a clock that only numbers events.

    Each address answers two probes at a time: a slow one takes 100 times as long. 99 % of the others are done before
    10 % of the hot ones are, and all are done at the end.
    """
    done: Counter[bool] = Counter()
    hot_when_others_done: list[int] = []
    clock = 0.0
    events: list[tuple[float, int, str, Asked]] = []
    busy: Counter[str] = Counter()
    queued: dict[str, deque[Asked]] = {}

    def start(address: str, item: Asked) -> None:
        busy[address] += 1
        heapq.heappush(events, (clock + (100.0 if address.startswith("hot") else 1.0), item.number, address, item))

    def admit(item: Asked) -> None:
        (address,) = item.addresses
        if busy[address] < 2:
            start(address, item)
        else:
            queued.setdefault(address, deque()).append(item)

    with Spool() as spool:
        window: Window[Asked] = Window(2000, 8, spool, paused=lambda _: False, admit=admit, decode=decode)
        reading = iter(range(100_000))
        item: Asked | None = None
        most = 0
        while True:
            if item is None and (number := next(reading, None)) is not None:
                address = f"hot{number % 10 + number % 20 // 10}" if number % 10 < 3 else f"other{number % 4999}"
                item = Asked(number, 1, (address,))
            if item is not None and window.offer(item):
                item = None
                continue
            if not events:
                break
            clock, _, address, ended = heapq.heappop(events)
            busy[address] -= 1
            if queued.get(address):
                start(address, queued[address].popleft())
            window.ended(address)
            window.finished(1)
            most = max(most, window.used)
            done[ended.addresses[0].startswith("hot")] += 1
            if done[False] == 69_300 and not hot_when_others_done:
                hot_when_others_done.append(done[True])
        assert done == {False: 70_000, True: 30_000}
        assert most <= 2000
        assert hot_when_others_done[0] <= 3000
        assert (window.parked, window.used, window.lines) == (0, 0, {})


@settings(max_examples=200, stateful_step_count=50, deadline=None)
class AnyRun(RuleBasedStateMachine):
    """10,000 steps of runs: few and many targets, windows from 1, pauses, dead targets, groups written late."""

    owner: Owner
    kept: Asked | None = None

    @initialize(
        size=st.sampled_from([1, 2, 3, 5, 8, 13, 40]),
        full_at=st.integers(1, 4),
        addresses=st.sampled_from([1, 2, 3, 5, 50]),
        late=st.booleans(),
    )
    def begin(self, size: int, full_at: int, addresses: int, *, late: bool) -> None:
        self.owner = Owner(size, full_at)
        self.owner.keeps_groups = late
        self.addresses = [f"t{number}" for number in range(addresses)]

    @rule(picks=st.lists(st.integers(0, 49), max_size=6), settled=st.integers(0, 3), times=st.integers(1, 5))
    def offer(self, picks: list[int], settled: int, times: int) -> None:
        addresses = tuple({self.addresses[pick % len(self.addresses)]: None for pick in picks})
        for _ in range(times):
            item = self.kept or self.owner.item(*addresses, size=max(1, len(addresses) + settled))
            self.kept = None if self.owner.window.offer(item) else item

    @precondition(lambda self: self.owner.under_way)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        probes = [(number, address) for number, (_, left) in self.owner.under_way.items() for address in left]
        self.owner.end(*data.draw(st.sampled_from(probes)))

    @precondition(lambda self: self.owner.unwritten)
    @rule()
    def write(self) -> None:
        self.owner.window.finished(self.owner.unwritten.pop(0).size)

    @rule(pick=st.integers(0, 49))
    def pause_or_resume(self, pick: int) -> None:
        self.owner.paused ^= {self.addresses[pick % len(self.addresses)]}

    @rule(pick=st.integers(0, 49))
    def die_or_rise(self, pick: int) -> None:
        self.owner.dead ^= {self.addresses[pick % len(self.addresses)]}

    @rule()
    def advance(self) -> None:
        while self.owner.window.advance():
            pass

    @invariant()
    def never_more_than_the_window_but_for_one_oversized_item(self) -> None:
        window = self.owner.window
        in_memory = [item for item, _ in self.owner.under_way.values()] + self.owner.unwritten
        assert window.used == sum(item.size for item in in_memory)
        assert window.used <= window.size or len(in_memory) == 1

    @invariant()
    def never_more_of_a_target_than_makes_it_full(self) -> None:
        held = Counter(address for _, left in self.owner.under_way.values() for address in left)
        assert self.owner.window.held == held
        assert not held or max(held.values()) <= self.owner.window.full_at

    @invariant()
    def each_item_is_admitted_once_or_parked_once(self) -> None:
        numbers = self.owner.numbers()
        assert len(set(numbers)) == len(numbers)
        window = self.owner.window
        parked = self.owner.offered - len(numbers) - (self.kept is not None)
        assert window.parked == parked == sum(count for _, count in window.parked_at())
        assert all(count for _, count in window.parked_at())

    @invariant()
    def items_of_one_target_alone_keep_their_order(self) -> None:
        for target in self.addresses:
            numbers = [item.number for item in self.owner.admitted if item.addresses == (target,)]
            assert numbers == sorted(numbers)

    @invariant()
    def whoever_waits_has_an_event_to_come(self) -> None:
        """A target with a line holds a probe that will end, or is to be tried; what waits for room is not alone."""
        window = self.owner.window
        for address, _ in window.parked_at():
            assert address in window.held or address in window.ready or address in window.idle
        assert not window.wanted or not window.fits(window.wanted)

    def teardown(self) -> None:
        """Whatever happened: as probes end, everything is admitted, also of targets that stay paused."""
        if not hasattr(self, "owner"):
            return
        self.owner.drain()
        if self.kept is not None:
            assert self.owner.window.offer(self.kept)
        self.owner.drain()
        self.owner.assert_empty()
        self.owner.spool.close()


test_any_run_ends_with_every_item_admitted_once = AnyRun.TestCase
