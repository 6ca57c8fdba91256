from __future__ import annotations

from benchmarks.bars import Bar


def test_a_bar_is_met_on_its_own_side() -> None:
    assert Bar("cost", 1.8, 1.8).met
    assert not Bar("cost", 1.81, 1.8).met
    assert Bar("speed", 4.1, 4.0, at_least=True).met
    assert not Bar("speed", 3.9, 4.0, at_least=True).met


def test_a_missed_bar_is_seen_at_the_head_of_its_line() -> None:
    assert str(Bar("cost", 2.0, 1.8, "µs")) == "MISSED cost: 2.00 µs, at most 1.80 µs"
    assert str(Bar("speed", 4.5, 4.0, at_least=True)) == "met    speed: 4.50, at least 4.00"
