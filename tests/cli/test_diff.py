"""What `mxsweep diff` prints; tests/promises/test_diff.py runs it."""

from __future__ import annotations

import orjson
import pytest

from scanner.cli.diff import as_line, as_object, changes_of
from scanner.compare.change import Change, State
from scanner.compare.output import Target
from scanner.compare.store import Pair
from scanner.terms import UsageError

CLOSED = State("closed", None, "rcpt", 554, "5.7.1", False, "5.7.1 no\nsecond line")
DOWN = State("refused", None, "connect", None, None, True, None, "Connection refused")


def test_a_line_says_what_became_of_whom_and_in_which_words() -> None:
    pair = Pair(Target("a.example", "mx.a.example", "192.0.2.1", 25), CLOSED, DOWN)
    assert as_line(pair, Change.CHANGED).endswith(
        "a.example mx.a.example 192.0.2.1:25  closed at rcpt (554 5.7.1) -> refused at connect: Connection refused"
    )
    vanished = Pair(Target(None, None, "2001:db8::1", 25), CLOSED, None)
    assert as_line(vanished, Change.VANISHED).endswith("[2001:db8::1]:25  closed at rcpt (554 5.7.1)")


def test_an_object_says_the_same_to_programs() -> None:
    said = orjson.loads(as_object(Pair(Target(None, None, "192.0.2.1", 25), None, CLOSED), Change.APPEARED))
    assert (said["change"], said["old"], said["new"]["verdict"], said["address"]) == (
        "appeared",
        None,
        "closed",
        "192.0.2.1",
    )


def test_changes_are_named() -> None:
    assert changes_of("worse, appeared") == {Change.WORSE, Change.APPEARED}
    assert changes_of("none") == changes_of("") == frozenset()
    with pytest.raises(UsageError, match="'wrose'"):
        changes_of("wrose")
