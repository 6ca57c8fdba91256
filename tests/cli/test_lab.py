from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from typing import TYPE_CHECKING

from scanner.cli.exits import Exit
from scanner.cli.lab import against
from tests.promises.process import ROOT, ended, mxsweep, started

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_the_line_it_prints_works_against_it_until_it_is_stopped() -> None:
    """As pasted into another terminal, with two of its domains in place of the list."""
    async with started("lab", cwd=ROOT) as lab:
        assert lab.stdout is not None
        said = (await lab.stdout.readuntil(b"Ctrl-C ends it.\n")).decode()
        [line] = [each for each in said.splitlines() if "mxsweep audit" in each]
        program, audit, i, partners, *options = shlex.split(line)
        assert (program, audit, i, partners) == ("mxsweep", "audit", "-i", "inputs/partners.txt")
        ran = await mxsweep("audit", "all-well.example", "forgotten-backup.example", *options)
        lab.send_signal(signal.SIGINT)
        over = await ended(lab)
    assert ran.verdicts == {"all-well.example": "ok", "forgotten-backup.example": "secondary_rejects_relay"}
    assert (over.code, over.stderr) == (0, "")


async def test_a_command_behind_two_dashes_runs_against_it_and_gives_its_exit_code() -> None:
    found, clean, wrong = await asyncio.gather(
        mxsweep("lab", "--", "audit", "forgotten-backup.example"),
        mxsweep("lab", "--", "audit", "all-well.example", "--quiet"),
        mxsweep("lab", "--", "audit", "--no-such-option"),
    )
    assert (found.code, found.verdicts) == (1, {"forgotten-backup.example": "secondary_rejects_relay"})
    assert (clean.code, clean.verdicts) == (0, {"all-well.example": "ok"})
    assert wrong.code == 2
    assert found.stderr.startswith("$ mxsweep audit forgotten-backup.example --resolver 127.0.0.1:")


async def test_a_command_that_a_signal_ends_is_not_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its exit code is then negative, and no code of ours."""
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -KILL $$\n")
    killed.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(killed))
    assert await against(["--port", "25"], "partners.txt", ("audit",)) == Exit.INCOMPLETE
    assert capsys.readouterr().err == "$ mxsweep audit -i partners.txt --port 25\n"
