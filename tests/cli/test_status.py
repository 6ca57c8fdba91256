from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scanner.cli.source import Total
from scanner.cli.status import RECENT_S, SAMPLE_S, Gauge, Status, TargetStatus
from scanner.pool.host import TargetState
from scanner.records.tally import Tally


class HostsOf(dict[str, Any]):
    """The pool's table of addresses, made of what their states are."""

    def __init__(self, targets: list[TargetState]) -> None:
        super().__init__()
        self.targets = targets

    def get(self, address: str, _default: object = None) -> Any:
        """A host that tells its state."""
        found = [state for state in self.targets if state.address == address]
        return SimpleNamespace(state=lambda _address: found[0]) if found else None


class Retries:
    """So many wait to be asked again."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.number = 0

    def __len__(self) -> int:
        return self.number


class Run:
    """A run of which a test says how far it is, and a gauge that reads it."""

    def __init__(self, total: int | None = None, retry_delay_s: float | None = None) -> None:
        self.now = 1000.0
        self.known = None if total is None else Total(total, exact=True)
        self.tally = Tally()
        self.source: Any = SimpleNamespace(stopped=False, total=lambda: self.known)
        self.parked: dict[str, int] = {}
        self.window = SimpleNamespace(used=0, parked=0, parked_at=self.parked.items)
        self.retries = Retries(retry_delay_s or 0.0)
        retries = None if retry_delay_s is None else self.retries
        self.audit: Any = SimpleNamespace(window=self.window, pending={}, retries=retries)
        self.targets: list[TargetState] = []
        self.pool: Any = SimpleNamespace(
            open_sessions=0,
            hosts=HostsOf(self.targets),
            paused_targets=lambda: 0,
            busiest=lambda count: sorted(self.targets, key=lambda t: (-t.waiting, -t.answered))[:count],
            slowest=lambda count: sorted(self.targets, key=lambda t: -t.mean_ms)[:count],
        )
        self.gauge = Gauge(self.tally, self.source, lambda: self.now)

    def begun(self) -> Run:
        self.gauge.begin(self.audit, self.pool)
        return self

    def goes_on(self, seconds: float, a_second: float = 0.0, *, to_retry: float = 0.0) -> Run:
        """For a multiple of the time between samples: so many domains a second are done, so many put aside."""
        for _ in range(round(seconds / SAMPLE_S)):
            self.now += SAMPLE_S
            self.tally.items += round(a_second * SAMPLE_S)
            self.retries.number += round(to_retry * SAMPLE_S)
            self.gauge.sample()
        return self

    @property
    def status(self) -> Status:
        return self.gauge.status()


def test_before_anything_is_set_up_there_is_a_status_too() -> None:
    run = Run()
    run.now += 3
    assert run.status == Status(0, 0, 0, 3.0, {}, {})


def test_the_counts_are_those_of_now() -> None:
    run = Run(total=500, retry_delay_s=60).begun()
    run.tally.items = 120
    run.tally.domain_verdicts["ok"] = run.tally.probe_verdicts["accepted"] = 1
    run.window.used, run.window.parked = 40, 30
    run.audit.pending, run.retries.number = {7: "", 8: ""}, 3
    run.pool.open_sessions, run.pool.paused_targets = 9, lambda: 4
    status = run.status
    assert (status.items, status.in_progress, status.sessions, status.probes) == (120, 2, 9, 40)
    assert (status.parked, status.retrying, status.paused) == (30, 3, 4)
    assert (status.verdicts, status.probe_verdicts) == ({"ok": 1}, {"accepted": 1})
    assert (status.total, status.total_exact) == (500, True)


def test_a_run_without_retries_has_none_waiting() -> None:
    assert Run().begun().status.retrying == 0


def test_the_rate_is_that_of_the_last_minute_beside_that_of_the_whole_run() -> None:
    run = Run().begun().goes_on(600, 100).goes_on(60, 10)
    assert run.status.rate == pytest.approx(10)
    assert run.status.mean_rate == pytest.approx(60_600 / 660)
    assert run.status.elapsed_s == 660


def test_in_its_first_minute_the_rate_is_that_since_the_start() -> None:
    run = Run().begun().goes_on(20, 30)
    run.now += 2
    run.tally.items += 60
    assert run.status.rate == pytest.approx(30)


def test_the_time_of_setting_up_slows_nothing_down() -> None:
    run = Run()
    run.now += 100
    assert run.begun().goes_on(10, 7).status.mean_rate == 7


def test_what_is_kept_for_the_rate_does_not_grow() -> None:
    assert len(Run().begun().goes_on(3600, 5).gauge.samples) <= RECENT_S / SAMPLE_S


def test_the_time_left_is_the_rest_at_the_recent_rate() -> None:
    run = Run(total=70_000).begun().goes_on(600, 100).goes_on(60, 10)
    assert run.status.left_s == pytest.approx((70_000 - 60_600) / 10)


def test_an_estimated_total_gives_a_time_too_and_is_called_one() -> None:
    run = Run().begun().goes_on(10, 10)
    run.known = Total(300, exact=False)
    assert (run.status.total, run.status.total_exact, run.status.left_s) == (300, False, 20)


def test_nobody_knows_the_time_left_of_a_pipe() -> None:
    status = Run().begun().goes_on(60, 10).status
    assert (status.total, status.left_s) == (None, None)


def test_the_first_seconds_promise_nothing() -> None:
    run = Run(total=1000).begun()
    run.now += 1
    run.tally.items = 3
    assert run.status.left_s is None
    run.now += 4
    assert run.status.left_s == pytest.approx(997 / 0.6)


def test_a_run_that_stands_still_promises_nothing() -> None:
    assert Run(total=1000).begun().goes_on(10, 10).goes_on(65, 0).status.left_s is None


def test_a_run_that_was_told_to_stop_has_no_total_any_more() -> None:
    run = Run(total=1000).begun().goes_on(10, 10)
    run.source.stopped = True
    assert (run.status.total, run.status.total_exact, run.status.left_s) == (None, False, None)


def test_a_run_that_is_done_has_nothing_left() -> None:
    assert Run(total=100).begun().goes_on(10, 10).status.left_s == 0


def test_more_done_than_was_thought_is_not_a_time_before_now() -> None:
    assert Run(total=90).begun().goes_on(10, 10).status.left_s == 0


def test_while_domains_are_put_aside_for_a_retry_the_last_one_s_wait_comes_on_top() -> None:
    """A hundred a second are asked, half of them wait for their retry: the first pass takes 10 s, then the delay."""
    run = Run(total=2000, retry_delay_s=300).begun().goes_on(10, 50, to_retry=50)
    assert run.status.left_s == pytest.approx(10 + 300)


def test_when_all_others_are_done_the_wait_for_the_last_retry_is_what_is_left() -> None:
    run = Run(total=1000, retry_delay_s=300).begun().goes_on(10, 50, to_retry=50).goes_on(100)
    assert run.status.left_s == pytest.approx(200)


def test_retries_that_are_due_promise_no_negative_time() -> None:
    run = Run(total=1000, retry_delay_s=30).begun().goes_on(10, 50, to_retry=50).goes_on(100)
    assert run.status.left_s == 0


def test_retries_that_are_being_asked_take_their_time_at_their_rate() -> None:
    run = Run(total=1000, retry_delay_s=30).begun().goes_on(10, 50, to_retry=50).goes_on(60)
    run.retries.number = 0
    run.goes_on(30, 10)
    assert run.status.left_s == pytest.approx(200 / run.status.rate)
    assert run.status.rate > 0


def test_the_run_does_not_end_before_its_hottest_target_has_answered_all() -> None:
    """Of 20,000 domains 3,000 are at one host that answers one a second; the others take 20 s more."""
    run = Run(total=20_000).begun()
    run.parked.update({"192.0.2.1": 3000, "192.0.2.2": 40})
    for answered in range(0, 61, 5):
        run.targets[:] = [target(1, waiting=8, answered=answered), target(2, waiting=8, answered=10 * answered)]
        run.goes_on(5, 200)
    assert run.status.left_s == pytest.approx(3008, rel=0.01)
    run.parked.clear()
    assert run.status.left_s == pytest.approx((20_000 - 13_000) / 200)


def test_a_hot_target_that_does_not_answer_says_nothing_of_the_time_left() -> None:
    run = Run(total=20_000).begun()
    run.parked.update({"192.0.2.1": 3000})
    run.targets += [target(1, waiting=8)]
    run.goes_on(60, 200)
    assert run.status.left_s == pytest.approx(40)


def target(number: int, waiting: int = 0, answered: int = 0, mean_ms: float = 0.0) -> TargetState:
    return TargetState(f"192.0.2.{number}", waiting, 2, answered, mean_ms)


def test_the_busiest_targets_are_those_for_which_most_waits_on_disk_and_in_memory() -> None:
    """All full ones have the same number in memory; one that is paused has few or none there."""
    run = Run().begun()
    run.targets += [target(number, waiting=8, answered=number) for number in range(1, 31)]
    run.targets += [target(40, waiting=50), target(41, waiting=1)]
    run.parked.update({"192.0.2.3": 900, "192.0.2.41": 700, "192.0.2.99": 800})
    busiest = run.status.busiest
    assert busiest[:4] == (
        TargetStatus("192.0.2.3", 8, 900, 2, 3, 0.0),
        TargetStatus("192.0.2.99", 0, 800, 0, 0, 0.0),
        TargetStatus("192.0.2.41", 1, 700, 2, 0, 0.0),
        TargetStatus("192.0.2.40", 50, 0, 2, 0, 0.0),
    )
    assert [each.address for each in busiest[4:]] == ["192.0.2.30"]


def test_the_slowest_targets_come_with_what_waits_for_them() -> None:
    run = Run().begun()
    run.targets += [target(number, waiting=1, answered=9, mean_ms=100.04 * number) for number in range(9)]
    run.parked.update({"192.0.2.8": 70})
    slowest = run.status.slowest
    assert slowest[0] == TargetStatus("192.0.2.8", 1, 70, 2, 9, 800.3)
    assert [each.address for each in slowest] == [f"192.0.2.{number}" for number in (8, 7, 6, 5, 4)]


def test_a_line_on_a_terminal_does_not_look_at_each_target_four_times_a_second() -> None:
    run = Run().begun()
    run.pool.busiest = run.pool.slowest = run.window.parked_at = None
    status = run.gauge.status(targets=False)
    assert (status.busiest, status.slowest) == ((), ())
