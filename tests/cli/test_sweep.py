"""`mxsweep sweep` before anything is asked; tests/promises/test_sweep.py runs it."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.cli.exits import Exit
from scanner.cli.source import Source
from scanner.cli.sweep import SweepRun
from scanner.settings import SWEEP, Settings, settings_of
from scanner.targets.intake import TargetIntake
from scanner.terms import UsageError

CANARY = "me@canary.example"


def run_of(*targets: str, canary: str | None = CANARY, **settings: Any) -> SweepRun:
    source = Source(targets or ("192.0.2.0/30",), "-", TargetIntake(), "targets")
    return SweepRun(Settings(helo="probe.example", canary=canary, **settings), source)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"canary": None}, "--canary ADDRESS is required"),
        ({"tests": "plian"}, "--tests: no relay test is called 'plian'"),
        ({"evidence": "deliver"}, "--evidence deliver is not there yet"),
        ({"shard": "4/3"}, "is no shard"),
        ({"ports": (70000,)}, "--port: 70000"),
        ({"fail_on": "opne_relay"}, "--fail-on"),
    ],
)
def test_what_makes_no_sense_is_named_before_anything_is_asked(wrong: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError) as error:
        run_of(**wrong)
    assert fault in str(error.value)


def test_the_start_record_has_what_took_effect() -> None:
    settings = run_of(tests="bang,plain", concurrency=7).effective_settings()
    assert list(settings) == [setting.name for setting in settings_of(SWEEP)]
    assert (settings["tests"], settings["ports"], settings["concurrency"]) == (["plain", "bang"], (25,), 7)
    assert (settings["canary"], settings["sender"]) == (CANARY, "postmaster@probe.example")


def test_each_target_is_dialled_once_whatever_is_remembered() -> None:
    assert run_of().limits.memory_s == 0


async def test_a_dry_run_says_how_many_what_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of("192.0.2.0/24", "mx.example", exclude=("192.0.2.0/28",), rate=10.0, tests="plain,bang")
    assert await run.described() == Exit.CLEAN
    said = capsys.readouterr().err
    assert "240 targets and 1 host names, 0 bad lines, 16 addresses taken out; 2 tests each: plain, bang" in said
    assert "at 10 dials a second at least 24 s" in said
