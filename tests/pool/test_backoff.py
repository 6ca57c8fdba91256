"""An address that turns us away is left alone, twice; then its word is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.pool.backoff import PAUSES, BackOff, turned_away
from scanner.smtp.outcome import Outcome
from scanner.smtp.reply import Reply
from scanner.terms import ProbeVerdict, Stage

# -- when, as numbers ------------------------------------------------------------------------------------------------


def test_the_second_pause_is_twice_the_first_and_there_is_no_third() -> None:
    backoff = BackOff()
    assert backoff.begin(1000.0, 60.0, 300.0) == 1060.0
    assert backoff.begin(1060.0, 60.0, 300.0) == 1180.0
    assert PAUSES == 2
    assert backoff.begin(1180.0, 60.0, 300.0) is None


def test_who_is_turned_away_during_a_pause_joins_it() -> None:
    """Several sessions were begun at once, and all are told the same: that is one refusal, not three."""
    backoff = BackOff()
    assert [backoff.begin(1000.0 + late, 60.0, 300.0) for late in (0, 1, 59)] == [1060.0] * 3
    assert backoff.begin(1060.0, 60.0, 300.0) == 1180.0


def test_a_success_makes_the_next_pause_a_first_one() -> None:
    backoff = BackOff()
    backoff.begin(1000.0, 60.0, 300.0)
    backoff.calm()
    assert backoff.begin(1060.0, 60.0, 300.0) == 1120.0


def test_after_a_long_time_it_starts_afresh() -> None:
    backoff = BackOff()
    backoff.begin(1000.0, 60.0, 300.0)
    backoff.begin(1060.0, 60.0, 300.0)
    assert backoff.begin(1479.0, 60.0, 300.0) is None
    assert backoff.begin(1480.0, 60.0, 300.0) == 1540.0


def test_without_a_pause_the_first_word_counts() -> None:
    assert BackOff().begin(1000.0, 0.0, 300.0) is None


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=60))
def test_a_pause_never_grows_beyond_the_second_and_never_ends_before_it_was_said_to(
    steps: list[tuple[float, bool]],
) -> None:
    backoff, now, promised = BackOff(), 0.0, float("-inf")
    for later, calm in steps:
        now += later
        if calm:
            backoff.calm()
            continue
        until = backoff.begin(now, 10.0, 50.0)
        if until is not None:
            assert now < until <= now + 20.0
            assert until >= promised
            promised = until


# -- what ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "code", "away"),
    [
        (Stage.BANNER, 421, True),
        (Stage.BANNER, 450, True),
        (Stage.BANNER, 554, False),
        (Stage.HELO, 451, True),
        (Stage.HELO, 550, False),
        (Stage.STARTTLS, 421, True),
        (Stage.STARTTLS, 454, False),
        (Stage.MAIL, 421, True),
        (Stage.MAIL, 450, False),
        (Stage.RCPT, 421, True),
        (Stage.RCPT, 450, False),
        (Stage.RCPT, 250, False),
    ],
)
def test_turned_away_is_a_4xx_before_the_first_transaction_and_a_421_anywhere(
    stage: Stage, code: int, *, away: bool
) -> None:
    assert turned_away(Outcome(stage, Reply(code, (b"said",)))) is away


@pytest.mark.parametrize("trouble", [ProbeVerdict.DISCONNECTED, ProbeVerdict.REPLY_TIMEOUT])
def test_where_no_reply_decides_nobody_was_turned_away(trouble: ProbeVerdict) -> None:
    assert not turned_away(Outcome(Stage.BANNER, trouble=trouble))
