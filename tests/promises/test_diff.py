"""`mxsweep diff`: what changed between two runs, for people, for programs, and as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compare.records import SETTINGS, of_domain, probe, written
from tests.promises.process import Ran, mxsweep

if TYPE_CHECKING:
    from pathlib import Path

CLOSED = "closed at rcpt (554 5.7.1): 5.7.1 Relay access denied"
OPEN = {"code": 250, "enhanced": None, "text": "2.1.5 Ok", "stage": "rcpt"}


async def diff(old: Path, new: Path, *options: str) -> Ran:
    return await mxsweep("diff", str(old), str(new), *options)


@pytest.fixture
def nights(tmp_path: Path) -> tuple[Path, Path]:
    """Last night and this night: one relay appeared, one was closed, one host is new, one gone, one the same."""
    old = written(
        tmp_path / "old",
        probe("192.0.2.1"),
        probe("192.0.2.2", "open_relay_suspected", **OPEN),
        probe("192.0.2.3"),
        probe("192.0.2.4"),
    )
    new = written(
        tmp_path / "new",
        probe("192.0.2.4", text="5.7.1 Relay access denied (other words)"),
        probe("192.0.2.1", "open_relay_suspected", **OPEN),
        probe("192.0.2.2"),
        probe("2001:db8::5"),
    )
    return old, new


async def test_for_people_there_is_a_line_for_each_change(nights: tuple[Path, Path]) -> None:
    ran = await diff(*nights)
    lines = ran.stdout.decode().splitlines()
    assert sorted(lines) == [
        f"appeared  [2001:db8::5]:25  {CLOSED}",
        f"better    192.0.2.2:25  open_relay_suspected at rcpt (250) -> {CLOSED}",
        "vanished  192.0.2.3:25  closed at rcpt (554 5.7.1)",
        "worse     192.0.2.1:25  closed at rcpt (554 5.7.1) -> open_relay_suspected at rcpt (250): 2.1.5 Ok",
    ]
    assert "1 worse, 1 appeared, 0 changed, 1 vanished, 1 better, 1 unchanged" in ran.stderr
    assert ran.code == 0


async def test_for_programs_there_is_an_object_for_each(nights: tuple[Path, Path]) -> None:
    ran = await diff(*nights, "--json")
    *changes, last = ran.records
    assert last == {
        "kind": "diff_run", "worse": 1, "appeared": 1, "changed": 0, "vanished": 1, "better": 1, "unchanged": 1,
    }  # fmt: skip
    worse = next(each for each in changes if each["change"] == "worse")
    assert (worse["kind"], worse["address"], worse["port"], worse["domain"]) == ("diff", "192.0.2.1", 25, None)
    assert (worse["old"]["verdict"], worse["new"]["verdict"]) == ("closed", "open_relay_suspected")


@pytest.mark.parametrize(("fail_on", "code"), [("worse", 1), ("changed", 0), ("better,changed", 1), ("none", 0)])
async def test_fail_on_makes_exit_code_1(nights: tuple[Path, Path], fail_on: str, code: int) -> None:
    assert (await diff(*nights, "--fail-on", fail_on)).code == code


async def test_two_equal_runs_say_nothing(nights: tuple[Path, Path]) -> None:
    ran = await diff(nights[0], nights[0], "--fail-on", "worse,appeared,changed,vanished,better")
    assert (ran.code, ran.stdout) == (0, b"")


async def test_audits_are_compared_by_exchange(tmp_path: Path) -> None:
    denied = of_domain("a.example", "192.0.2.1", "relay_denied", "broken")
    old = written(
        tmp_path / "old",
        of_domain("a.example", "192.0.2.1", "accepted", "serves", code=250, enhanced="2.1.5"),
        of_domain("b.example", "192.0.2.1", "accepted", "serves", code=250, enhanced="2.1.5"),
        command="audit",
    )
    new = written(
        tmp_path / "new",
        of_domain("b.example", "192.0.2.1", "accepted", "serves", code=250, enhanced="2.1.5"),
        denied,
        command="audit",
    )
    ran = await diff(old, new, "--fail-on", "worse")
    assert ran.code == 1
    [line] = ran.stdout.decode().splitlines()
    assert line.startswith(
        "worse     a.example mx.a.example 192.0.2.1:25  accepted at rcpt (250 2.1.5) -> relay_denied"
    )


async def test_runs_that_were_made_in_different_ways_are_refused_unless_told(tmp_path: Path) -> None:
    old = written(tmp_path / "old", probe("192.0.2.1"))
    new = written(tmp_path / "new", probe("192.0.2.1"), settings=SETTINGS | {"tests": ["plain", "bang"]})
    ran = await diff(old, new)
    assert (ran.code, ran.stdout) == (2, b"")
    assert "made in different ways" in ran.stderr
    assert 'tests: ["plain"], now ["plain","bang"]' in ran.stderr
    assert (await diff(old, new, "--anyway")).code == 0


async def test_a_run_that_was_not_completed_is_said_to_be(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old", probe("192.0.2.1")), written(tmp_path / "new", complete=False)
    ran = await diff(old, new)
    assert "new was not completed" in ran.stderr


@pytest.mark.parametrize("data", [b"", b"nonsense\n"])
async def test_what_is_no_output_of_ours_is_an_error_of_usage(nights: tuple[Path, Path], data: bytes) -> None:
    nights[1].write_bytes(data)
    assert (await diff(*nights)).code == 2


async def test_a_control_sequence_in_a_record_does_not_reach_the_terminal(tmp_path: Path) -> None:
    old = written(tmp_path / "old", probe("192.0.2.1"))
    new = written(tmp_path / "new", probe("192.0.2.1", code=550, text="\x1b[2J\u202egone"))
    ran = await diff(old, new)
    assert b"\x1b" not in ran.stdout
    assert "\u202e" not in ran.stdout.decode()


async def test_an_unknown_change_is_named(nights: tuple[Path, Path]) -> None:
    ran = await diff(*nights, "--fail-on", "wrose")
    assert (ran.code, "'wrose'" in ran.stderr) == (2, True)
