from __future__ import annotations

import pytest

from scanner.resolve.cache import Cache


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_left_of_a_time_to_live_is_told() -> None:
    clock = Clock()
    cache: Cache[str, str] = Cache(clock)
    cache.put("a", "x", 10)
    clock.now += 4
    assert (cache.left_s("a"), cache.left_s("b"), "a" in cache, "b" in cache) == (6, 0, True, False)


@pytest.mark.parametrize(("ttl_s", "kept_s"), [(60, 60), (0, 1), (86_400, 3600)])
def test_an_entry_lives_for_its_ttl_within_a_second_and_an_hour(ttl_s: float, kept_s: float) -> None:
    clock = Clock()
    cache: Cache[str, str] = Cache(clock)
    cache.put("mx.example", "here", ttl_s)
    clock.now += kept_s - 0.01
    assert cache.get("mx.example") == "here"
    clock.now += 0.02
    assert cache.get("mx.example") is None
    assert len(cache) == 0


def test_the_least_recently_used_goes_first() -> None:
    cache: Cache[str, int] = Cache(Clock(), entries_at_most=3)
    for number in range(3):
        cache.put(f"mx{number}", number, 60)
    assert cache.get("mx0") == 0
    cache.put("mx3", 3, 60)
    assert [cache.get(f"mx{number}") for number in range(4)] == [0, None, 2, 3]


def test_it_never_holds_more_than_its_limit() -> None:
    cache: Cache[str, int] = Cache(Clock(), entries_at_most=10)
    for number in range(1000):
        cache.put(f"mx{number}", number, 3600)
        assert len(cache) <= 10
