from __future__ import annotations

import pytest

from scanner.compare.change import Change, State, change

CLOSED = State("closed", None, "rcpt", 554, "5.7.1", False)
OPEN = State("open_relay_suspected", None, "rcpt", 250, None, False)
LIKELY = State("open_relay_likely", None, "data", 354, None, False)
DOWN = State("refused", None, "connect", None, None, True)
SILENT = State("connect_timeout", None, "connect", None, None, True)
GREY = State("greylisted", None, "rcpt", 450, "4.2.0", True)
BLOCKED = State("client_blocked", None, "banner", 554, "5.7.1", False)
SERVES = State("accepted", "serves", "rcpt", 250, "2.1.5", False)
UNKNOWN = State("user_unknown", "serves", "rcpt", 550, "5.1.1", False)
DENIED = State("relay_denied", "broken", "rcpt", 554, "5.7.1", False)
DEAD = State("refused", "broken", "connect", None, None, True)
UNDECIDED = State("greylisted", "undecided", "rcpt", 450, "4.2.0", True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (CLOSED, CLOSED, Change.UNCHANGED),
        (CLOSED, OPEN, Change.WORSE),
        (None, OPEN, Change.WORSE),
        (DOWN, OPEN, Change.WORSE),
        (OPEN, LIKELY, Change.CHANGED),
        (OPEN, CLOSED, Change.BETTER),
        (OPEN, DOWN, Change.CHANGED),
        (OPEN, None, Change.VANISHED),
        (None, CLOSED, Change.APPEARED),
        (None, DOWN, Change.APPEARED),
        (CLOSED, DOWN, Change.CHANGED),
        (DOWN, SILENT, Change.UNCHANGED),
        (GREY, DOWN, Change.UNCHANGED),
        (GREY, BLOCKED, Change.CHANGED),
        (SERVES, SERVES, Change.UNCHANGED),
        (SERVES, DENIED, Change.WORSE),
        (SERVES, DEAD, Change.WORSE),
        (DENIED, SERVES, Change.BETTER),
        (DEAD, UNKNOWN, Change.BETTER),
        (SERVES, UNKNOWN, Change.CHANGED),
        (SERVES, UNDECIDED, Change.CHANGED),
        (UNDECIDED, DENIED, Change.CHANGED),
        (UNDECIDED, DEAD, Change.UNCHANGED),
        (SERVES, None, Change.VANISHED),
    ],
)
def test_what_became_of_a_target(old: State | None, new: State | None, expected: Change) -> None:
    assert change(old, new) is expected


@pytest.mark.parametrize(
    "noise", [CLOSED._replace(text="5.7.1 Relay access denied (id 4711)"), CLOSED._replace(error="at 03:00")]
)
def test_words_are_noise(noise: State) -> None:
    assert change(CLOSED, noise) is Change.UNCHANGED


@pytest.mark.parametrize(
    "new", [CLOSED._replace(code=550), CLOSED._replace(enhanced="5.7.2"), CLOSED._replace(stage="mail")]
)
def test_stage_and_codes_are_none(new: State) -> None:
    assert change(CLOSED, new) is Change.CHANGED
