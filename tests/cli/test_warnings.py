from __future__ import annotations

import errno
import io
import logging
import sys
from typing import TYPE_CHECKING

import click

from scanner.cli import warnings
from scanner.cli.warnings import KEPT, SafeFormatter, StderrAsItIs, Warnings, say

if TYPE_CHECKING:
    import pytest


def test_a_warning_is_said_and_kept_once(capsys: pytest.CaptureFixture[str]) -> None:
    kept = Warnings()
    for text in ("one", "two", "one"):
        kept.warn(text)
    assert kept.texts == ["one", "two"]
    assert capsys.readouterr() == ("", "mxsweep: warning: one\nmxsweep: warning: two\n")


def test_warnings_without_end_are_not_kept_nor_said(capsys: pytest.CaptureFixture[str]) -> None:
    kept = Warnings()
    for number in range(KEPT + 10):
        kept.warn(str(number))
    assert len(kept.texts) == KEPT
    assert len(capsys.readouterr().err.splitlines()) == KEPT


def test_what_is_said_is_safe_unless_it_is_our_own_style(capsys: pytest.CaptureFixture[str]) -> None:
    say("theirs \x1b[31m\r\x9b")
    say(click.style("ours", fg="red"), styled=True, color=True)
    assert capsys.readouterr().err == "theirs \\x1b[31m\\x0d\\x9b\n\x1b[31mours\x1b[0m\n"


def test_a_stderr_that_takes_nothing_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    def broken(text: str, **_: object) -> None:
        said.append(text)
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(warnings.click, "echo", broken)
    kept = Warnings()
    kept.warn("one")
    assert (kept.texts, said) == (["one"], ["mxsweep: warning: one"])


def test_logs_and_tracebacks_are_safe_line_by_line() -> None:
    bug = ValueError("theirs \x1b[2J")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "it said \x1b]0;x\x07", (), (ValueError, bug, None))
    first, last = SafeFormatter("mxsweep: %(message)s").format(record).split("\n")
    assert first == r"mxsweep: it said \x1b]0;x\x07"
    assert last == r"  ValueError: theirs \x1b[2J"


def test_what_is_logged_goes_to_stderr_as_it_is_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A living line puts another in its place meanwhile."""
    later = io.StringIO()
    handler = StderrAsItIs()
    handler.setFormatter(SafeFormatter("mxsweep: %(message)s"))
    monkeypatch.setattr(sys, "stderr", later)
    handler.emit(logging.makeLogRecord({"msg": "a \x1b[2J", "levelno": logging.WARNING}))
    assert later.getvalue() == "mxsweep: a \\x1b[2J\n"
