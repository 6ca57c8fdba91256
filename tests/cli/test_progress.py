from __future__ import annotations

import asyncio
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from scanner.cli import progress as showing
from scanner.cli.progress import JsonLine, LivingLine, PlainLine, Status, kind_of, progress
from tests.pool.servers import until
from tests.promises.process import mxsweep
from tests.promises.world import one_partner

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = Status(120, 7, 3, 60.0, {"ok": 100, "undeliverable": 12, "no_mail": 4, "no_domain": 2, "no_route": 1, "x": 1})
SENTENCE = (
    "120 domains done (2/s), 7 in progress, 3 connections: ok 100, undeliverable 12, no_mail 4, no_domain 2, no_route 1"
)


def test_a_status_is_one_sentence_with_the_most_frequent_verdicts() -> None:
    assert STATUS.sentence() == SENTENCE
    assert Status(0, 0, 0, 0.0, {}).sentence() == "0 domains done (0/s), 0 in progress, 0 connections"


@pytest.mark.parametrize(
    ("option", "quiet", "terminal", "term", "kind"),
    [
        ("auto", False, True, "xterm", "line"),
        ("auto", False, False, "xterm", "none"),
        ("auto", False, True, "dumb", "none"),
        ("auto", False, True, None, "none"),
        ("plain", False, False, "dumb", "plain"),
        ("json", False, True, "xterm", "json"),
        ("none", False, True, "xterm", "none"),
        ("json", True, True, "xterm", "none"),
        ("auto", True, True, "xterm", "none"),
    ],
)
def test_the_form_follows_the_options_then_the_terminal(
    *, option: str, quiet: bool, terminal: bool, term: str | None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    assert kind_of(option, quiet=quiet) == kind


def test_a_plain_line_is_the_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    line = PlainLine()
    line.show(STATUS)
    line.close()
    assert capsys.readouterr() == ("", f"mxsweep: {SENTENCE}\n")


def test_a_json_line_is_one_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    line = JsonLine()
    line.show(STATUS._replace(elapsed_s=60.123))
    line.close()
    said = capsys.readouterr()
    assert said.out == ""
    assert json.loads(said.err) == {
        "items": 120, "in_progress": 7, "sessions": 3, "elapsed_s": 60.1, "verdicts": STATUS.verdicts,
    }  # fmt: skip


def test_a_living_line_is_written_over_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    line = LivingLine()
    for items in (120, 121):
        line.show(STATUS._replace(items=items))
    line.close()
    shown = terminal.getvalue()
    assert SENTENCE in shown
    assert "121 domains done" in shown
    assert shown.rindex("\x1b[2K") > shown.rindex("121 domains done")
    assert shown.rindex("\x1b[?25h") > shown.index("\x1b[?25l")


class Shown:
    """A form that keeps what it is shown, and fails where it is told to."""

    def __init__(self, *, broken: bool = False) -> None:
        self.statuses: list[Status] = []
        self.closed = False
        self.broken = broken

    def show(self, status: Status) -> None:
        self.statuses.append(status)
        if self.broken:
            raise OSError("the terminal is gone")

    def close(self) -> None:
        self.closed = True
        if self.broken:
            raise OSError("the terminal is gone")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shown]:
    def form(**more: Any) -> Shown:
        line = Shown(**more)
        monkeypatch.setattr(showing, "PlainLine", lambda: line)
        monkeypatch.setitem(showing.INTERVAL_S, "plain", 0.001)
        return line

    return form


async def test_the_status_is_shown_at_intervals_until_the_block_ends(shown: Callable[..., Shown]) -> None:
    line = shown()
    with progress("plain", lambda elapsed_s: STATUS._replace(elapsed_s=elapsed_s)):
        await until(lambda: len(line.statuses) >= 3)
    number = len(line.statuses)
    elapsed = [status.elapsed_s for status in line.statuses]
    assert elapsed == sorted(elapsed)
    await asyncio.sleep(0.005)
    assert (line.closed, len(line.statuses)) == (True, number)


async def test_a_terminal_that_is_gone_does_not_end_the_run(shown: Callable[..., Shown]) -> None:
    line = shown(broken=True)
    with progress("plain", lambda _elapsed_s: STATUS):
        await until(lambda: len(line.statuses) >= 2)
    assert line.closed


async def test_no_progress_asks_for_no_status() -> None:
    def never(_elapsed_s: float) -> Status:
        raise AssertionError

    with progress("none", never):
        await asyncio.sleep(0)


async def test_quiet_says_nothing_but_errors() -> None:
    async with one_partner({"RCPT": b"554 5.7.1 Relay access denied\r\n"}) as playing:
        ran = await mxsweep("audit", "partner.example", "a b", "--quiet", *playing.options)
    assert ran.code == 1
    assert ran.stderr.splitlines() == [line for line in ran.stderr.splitlines() if line.startswith("mxsweep: line 2")]
    assert len(ran.stderr.splitlines()) == 1
