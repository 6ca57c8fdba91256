"""Lengths of time, as they are typed."""

from __future__ import annotations

import pytest

from scanner.cli.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0.5", 0.5),
        ("90s", 90),
        ("250ms", 0.25),
        ("10m", 600),
        ("10 min", 600),
        ("8h", 28800),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        ("1.5d", 129600),
        (" 2h ", 7200),
    ],
)
def test_units_are_added_up_and_without_one_it_is_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "8x", "1h30", "8 hours", "-", "1,5h", "1h-5m"])
def test_what_says_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        seconds_of(text)
