"""How soon something is there: the first record after the start, and the version. Wall clock, the smallest of some."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks import clients
from benchmarks.bars import Bar, Part
from benchmarks.measure import environment, module, run
from benchmarks.smtp_sink import scenery
from tests.real.debs import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FIRST_RECORD_BAR_S, VERSION_BAR_S = 0.5, 0.25
DOMAINS, EXCHANGES = 2_000, 20
LEAST_RUNS = 5


def first_record_s(command: list[str], items: Path) -> float:
    """From the start of the process to its first domain's record; then it runs to its end."""
    began = time.monotonic()
    first = float("inf")
    with subprocess.Popen(
        [*command, str(items)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        for line in child.stdout or ():
            if b'"kind":"domain"' in line:
                first = min(first, time.monotonic() - began)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {child.returncode}")
    return first


def measure(rounds: int, concurrency: int) -> Part:
    """Measure, print the figures."""
    runs = max(LEAST_RUNS, rounds)
    with scenery(DOMAINS, EXCHANGES) as served:
        command = clients.audit(served, "-", concurrency)
        first = min(first_record_s(command, served.domains) for _ in range(runs))
    version = min(run(module("scanner", "--version")).wall_s for _ in range(runs))
    print(f"The start: first domain's record after {first:.3f} s, --version after {version:.3f} s")
    bars = [
        Bar("start: first domain's record", first, FIRST_RECORD_BAR_S, "s"),
        Bar("start: mxsweep --version", version, VERSION_BAR_S, "s"),
    ]
    return Part({"start: first record s": first, "start: version s": version}, bars)
