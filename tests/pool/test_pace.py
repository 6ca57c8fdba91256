from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from scanner.pool.pace import Pace
from tests.pool.servers import most_in_window

RATES = st.one_of(st.floats(0.05, 2000), st.sampled_from([1.0, 2.0, 50.0, 100.0, 1000.0]))
WAITS = st.lists(st.floats(0, 3), min_size=1, max_size=60)


def taken(pace: Pace, waits: list[float]) -> list[float]:
    """The times at which somebody who asks again after each wait, and who is sometimes late, gets a turn."""
    now, times = 1000.0, []
    for wait in waits:
        now += max(0.0, pace.delay(now)) + (wait if wait > 1 else 0.0)
        times.append(now)
        pace.take(now)
    return times


@given(RATES, WAITS)
def test_no_second_ever_sees_more_than_the_rate(rate: float, waits: list[float]) -> None:
    window_s = max(1.0, 1 / rate)
    assert most_in_window(taken(Pace(rate), waits), window_s) <= ceil(rate * window_s - 1e-9)


@given(RATES, st.integers(2, 5), WAITS, st.floats(0.1, 30))
def test_no_window_ever_sees_more_than_the_rate_and_the_burst(
    rate: float, burst: int, waits: list[float], window_s: float
) -> None:
    assert most_in_window(taken(Pace(rate, burst), waits), window_s) <= burst + rate * window_s


@given(RATES, st.integers(1, 5))
def test_whoever_waits_as_told_gets_the_rate(rate: float, burst: int) -> None:
    """The margin is one per cent: politeness must not turn into half the speed."""
    times = taken(Pace(rate, burst), [0.0] * 60)
    assert (60 - 1) / (times[-1] - times[0]) >= rate * 0.98


def test_after_a_pause_a_burst_goes_at_once_and_then_one_by_one() -> None:
    pace = Pace(1.0, 2)
    pace.take(100.0)
    assert pace.delay(100.0) <= 0
    pace.take(100.0)
    assert 1.0 <= pace.delay(100.0) < 1.05


def test_asking_takes_nothing() -> None:
    pace = Pace(1.0)
    assert [pace.delay(100.0) <= 0 for _ in range(10)] == [True] * 10


def test_a_rate_of_nought_is_no_limit() -> None:
    pace = Pace(0)
    for _ in range(1000):
        assert pace.delay(5.0) <= 0
        pace.take(5.0)
    assert pace.rested(5.0)


def test_it_is_at_rest_when_it_behaves_like_a_new_one() -> None:
    pace = Pace(1.0, 2)
    assert pace.rested(0.0)
    pace.take(100.0)
    assert not pace.rested(100.5)
    assert pace.rested(101.1)
