"""How things are measured: each program in its own process, in turn, again and again; what counts is the smallest.

Other load on the machine only ever adds, and absolute figures wander between sittings: ratios of minima within one run
are what can be compared. CPU is user + sys of the whole process, from the kernel's account of it when it is dead, less
that of a run over one item (its start-up).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.real.debs import ROOT

LIMIT_S = 3600.0
"""No program of ours runs for so long."""
SAID_AT_MOST, SHOWN_AT_MOST = 4 * 1024 * 1024, 2_000
"""Octets that are kept of a program's output, and characters that an error shows: the last ones."""


class Used(NamedTuple):
    """What one run of a program took. `said`: the end of its output."""

    cpu_s: float
    wall_s: float
    peak_kib: int
    said: str


class Measured(NamedTuple):
    """A program's smallest CPU per probe, in microseconds, and its largest peak memory."""

    cpu_us: float
    peak_kib: int


@dataclass(frozen=True)
class Program:
    """What is measured: a command, to whose end a list of items is put. `name`: what it is called in the tables."""

    name: str
    command: list[str]
    items: Path
    probes_an_item: int = 1

    def one_item(self, directory: Path) -> Path:
        """A list with the first item only."""
        one = directory / f"one-{self.items.name}"
        with self.items.open() as lines:
            one.write_text(next(lines))
        return one

    def more_probes_than_one_item(self) -> int:
        """How many probes the whole list has more than the first item."""
        with self.items.open() as lines:
            return (sum(1 for _ in lines) - 1) * self.probes_an_item


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a Python module."""
    return [sys.executable, "-m", name, *arguments]


def environment() -> dict[str, str]:
    """That of every measured program: ours without the options that could change its ways."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MXSWEEP_")}
    return {**ours, "PYTHONPATH": str(ROOT)}


def run(command: list[str], *, allowed: frozenset[int] = frozenset({0})) -> Used:
    """Run a command to its end.

    Raises:
        RuntimeError: its exit code is not an allowed one.
    """
    with tempfile.TemporaryFile() as said:
        accounting = [sys.executable, "-S", "-E", str(Path(__file__).with_name("account.py")), *command]
        done = subprocess.run(
            accounting,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            timeout=LIMIT_S,
            check=True,
        )
        account = json.loads(done.stdout)
        said.seek(max(0, said.seek(0, os.SEEK_END) - SAID_AT_MOST))
        end = said.read().decode(errors="replace")
    if account["exit"] not in allowed:
        raise RuntimeError(f"{' '.join(command)}: exit {account['exit']}: {end[-SHOWN_AT_MOST:]}")
    return Used(account["cpu_s"], account["wall_s"], account["peak_kib"], end)


def interleaved(programs: list[Program], rounds: int, directory: Path) -> dict[str, Measured]:
    """The programs in turn, so many rounds; by name."""
    whole: dict[str, list[Used]] = {program.name: [] for program in programs}
    start_up: dict[str, list[Used]] = {program.name: [] for program in programs}
    for number in range(rounds):
        for program in programs:
            start_up[program.name].append(run([*program.command, str(program.one_item(directory))]))
            whole[program.name].append(run([*program.command, str(program.items)]))
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return {
        program.name: Measured(
            (least(whole[program.name]) - least(start_up[program.name])) / program.more_probes_than_one_item() * 1e6,
            max(used.peak_kib for used in whole[program.name]),
        )
        for program in programs
    }


def least(runs: list[Used]) -> float:
    """The smallest CPU of some runs, in seconds."""
    return min(used.cpu_s for used in runs)


def at_length(one: float, ten: float, probes_a_session: float) -> float:
    """The cost of a probe in sessions of that mean length, from its cost at 1 and at 10.

    A session costs something and a probe in it costs something, so that the mean is all that matters of the lengths.
    """
    session = (one - ten) / (1 - 1 / 10)
    return one - session + session / probes_a_session
