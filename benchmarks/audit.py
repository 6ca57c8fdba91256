"""`make bench`: what `mxsweep audit` costs a domain, beside the yardstick and the peer.

The three are run in turn, again and again, each in its own process against the same servers; what counts is each
one's smallest figure and their ratios: other load on the machine only ever adds, and absolute figures wander between
sittings. CPU is user + sys of the whole process without its start-up, which a run over one domain measures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.smtp_sink import scenery
from tests.real.debs import ROOT

if TYPE_CHECKING:
    from benchmarks.smtp_sink import Scenery

YARDSTICK_BAR = 3.0
PEER_BAR = 2.5


def cpu_of(command: list[str]) -> float:
    """CPU seconds (user + sys) that one run of the command took, from the kernel's account of the dead process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if child.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit {child.returncode}: {said.read().decode()[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def commands(served: Scenery, concurrency: int, directory: Path) -> dict[str, list[str]]:
    """The measured programs, by name, over a list that is put at the end of each."""
    resolver = f"{served.resolver[0]}:{served.resolver[1]}"
    port, at_once = ["--port", str(served.port)], ["--concurrency", str(concurrency)]
    audit = ["scanner", "audit", "--resolver", resolver, *port, *at_once]
    audit += ["--allow-net", "127.0.0.0/8", "--helo", served.helo, "--rate", "0", "--target-rate", "0", "--force"]
    audit += ["--quiet", "-o", str(directory / "out.jsonl"), "-i"]
    return {
        "yardstick": ["benchmarks.yardstick", *port, *at_once],
        "mxsweep": audit,
        "peer": ["benchmarks.peer", "--resolver", resolver, *port, *at_once],
    }


def measure(served: Scenery, rounds: int, concurrency: int, directory: Path) -> dict[str, float]:
    """The smallest CPU per item of each program, in microseconds."""
    items = len(served.domains.read_text().split())
    programs = commands(served, concurrency, directory)
    lists = {name: served.targets if name == "yardstick" else served.domains for name in programs}
    smallest = dict.fromkeys(programs, float("inf"))
    start_up = dict.fromkeys(programs, float("inf"))
    for _ in range(rounds):
        for name, command in programs.items():
            one = directory / "one.txt"
            one.write_text(lists[name].read_text().partition("\n")[0] + "\n")
            start_up[name] = min(start_up[name], cpu_of([sys.executable, "-m", *command, str(one)]))
            smallest[name] = min(smallest[name], cpu_of([sys.executable, "-m", *command, str(lists[name])]))
    return {name: (smallest[name] - start_up[name]) / (items - 1) * 1e6 for name in programs}


def check_records(output: Path, domains: int) -> None:
    """A fast wrong answer is none: every domain's probe was accepted."""
    accepted = output.read_bytes().count(b'"verdict":"accepted"')
    if accepted != domains:
        raise RuntimeError(f"{accepted} of {domains} domains were accepted")


def main() -> None:
    """Start the servers, measure, print the table, one JSON line and the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=20_000)
    parser.add_argument("--exchanges", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=200)
    options = parser.parse_args()
    with (
        scenery(options.domains, options.exchanges) as served,
        tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as name,
    ):
        figures = measure(served, options.rounds, options.concurrency, Path(name))
        check_records(Path(name) / "out.jsonl", options.domains)
    for program, used in figures.items():
        print(f"{program:10} {used:7.1f} µs/domain  {used / figures['yardstick']:5.2f} times the yardstick")
    print(json.dumps({**vars(options), "cpu_us_per_item": {name: round(used, 1) for name, used in figures.items()}}))
    against_yardstick, against_peer = figures["mxsweep"] / figures["yardstick"], figures["peer"] / figures["mxsweep"]
    print(f"CPU a domain against the yardstick: {against_yardstick:.2f} (bar: at most {YARDSTICK_BAR})")
    print(f"domains a CPU second against the peer: {against_peer:.2f} (bar: at least {PEER_BAR})")
    if against_yardstick > YARDSTICK_BAR or against_peer < PEER_BAR:
        sys.exit("a bar was missed")


if __name__ == "__main__":
    main()
