from __future__ import annotations

import asyncio
import io
import json
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

from scanner.cli import progress as showing
from scanner.cli.progress import JsonLine, LivingLine, PlainLine, kind_of, progress, tell
from scanner.cli.status import Status, TargetStatus
from scanner.cli.telling import fields_of, report_of
from tests.pool.servers import until
from tests.promises.process import mxsweep
from tests.promises.world import one_partner

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = Status(120, 7, 3, 60.0, {"ok": 100, "undeliverable": 12}, {"accepted": 112}, rate=2.0, parked=9)
SENTENCE = "120 domains done (2.0/s), 7 in progress, 3 connections, 9 parked: ok 100, undeliverable 12"


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
    assert said.err.count("\n") == 1
    assert json.loads(said.err) == fields_of(STATUS) | {"elapsed_s": 60.1, "busiest": [], "slowest": []}


class Terminal(io.TextIOWrapper):
    """As the interpreter makes stderr: a text over bytes, which some would like to write to directly."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        return cast("io.BytesIO", self.buffer).getvalue().decode()


def as_stderr(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 200 columns."""
    held = Terminal()
    monkeypatch.setattr(sys, "stderr", held)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    return held


def test_a_living_line_is_written_over_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_stderr(monkeypatch)
    line = LivingLine()
    for items in (120, 121):
        line.show(STATUS._replace(items=items))
    line.close()
    shown = terminal.shown()
    assert SENTENCE in shown
    assert "121 domains done" in shown
    assert shown.rindex("\x1b[2K") > shown.rindex("121 domains done")
    assert shown.rindex("\x1b[?25h") > shown.index("\x1b[?25l")


def test_the_answer_to_a_question_stands_above_the_living_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays there; the living line is written anew below it."""
    terminal = as_stderr(monkeypatch)
    line = LivingLine()
    line.show(STATUS)
    tell(STATUS, as_json=False)
    line.close()
    shown = terminal.shown()
    told = [f"mxsweep: {each}\n" for each in report_of(STATUS)]
    assert [each for each in told if each not in shown] == []
    assert shown.rindex(SENTENCE) > shown.index(told[-1])
    assert "\x1b[2K" in shown[shown.index(SENTENCE) : shown.index(told[0])]


def test_the_answer_is_lines_for_people_or_an_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    tell(STATUS, as_json=False)
    assert capsys.readouterr() == ("", "".join(f"mxsweep: {each}\n" for each in report_of(STATUS)))
    tell(STATUS, as_json=True)
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n"), json.loads(said.err)["items"]) == ("", 1, 120)


def test_nothing_that_is_told_is_a_control_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = TargetStatus("192.0.2.1\x1b]0;x\x07\x9b", 1, 0, 1, 0, 0.0)
    for as_json in (False, True):
        tell(STATUS._replace(busiest=(hostile,), verdicts={"a\x9b": 1}), as_json=as_json)
    assert not {"\x1b", "\x07", "\x9b"} & set(capsys.readouterr().err)


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


class Watched:
    """A gauge that counts how it is read."""

    def __init__(self) -> None:
        self.samples = 0
        self.with_targets: list[bool] = []

    def sample(self) -> None:
        self.samples += 1

    def status(self, *, targets: bool) -> Status:
        self.with_targets.append(targets)
        return STATUS._replace(elapsed_s=float(len(self.with_targets)))


async def test_the_status_is_shown_at_intervals_until_the_block_ends(shown: Callable[..., Shown]) -> None:
    line, gauge = shown(), Watched()
    with progress("plain", cast("Any", gauge)):
        await until(lambda: len(line.statuses) >= 3)
    number = len(line.statuses)
    assert [status.elapsed_s for status in line.statuses] == [1.0 + each for each in range(number)]
    assert not any(gauge.with_targets)  # a sentence has no room for them
    await asyncio.sleep(0.005)
    assert (line.closed, len(line.statuses)) == (True, number)


async def test_an_object_for_programs_has_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(showing.INTERVAL_S, "json", 0.001)
    gauge = Watched()
    with progress("json", cast("Any", gauge)):
        await until(lambda: bool(gauge.with_targets))
    assert all(gauge.with_targets)


async def test_a_terminal_that_is_gone_does_not_end_the_run(shown: Callable[..., Shown]) -> None:
    line = shown(broken=True)
    with progress("plain", cast("Any", Watched())):
        await until(lambda: len(line.statuses) >= 2)
    assert line.closed


async def test_without_progress_the_rate_is_kept_for_who_asks_and_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(showing, "SAMPLE_S", 0.001)
    gauge = Watched()
    with progress("none", cast("Any", gauge)):
        await until(lambda: gauge.samples >= 2)
    number = gauge.samples
    await asyncio.sleep(0.005)
    assert (gauge.samples, gauge.with_targets) == (number, [])


async def test_quiet_says_nothing_but_errors() -> None:
    async with one_partner({"RCPT": b"554 5.7.1 Relay access denied\r\n"}) as playing:
        ran = await mxsweep("audit", "partner.example", "a b", "--quiet", *playing.options)
    assert ran.code == 1
    assert ran.stderr.splitlines() == [line for line in ran.stderr.splitlines() if line.startswith("mxsweep: line 2")]
    assert len(ran.stderr.splitlines()) == 1
