"""`make torture` and `make soak`: the promises under force, in figures. Exit 1 where one of them does not hold."""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.hostile import trial as hostile
from tests.hostile_dns import trial as hostile_dns
from tests.torture.bad_input import tried as bad_inputs_tried
from tests.torture.kills import torture
from tests.torture.soak import soak

DESCRIPTORS = 4096
FLOOD_MB = 64
"""What all floods together may add."""
LEAST_KILLS, LEAST_MISBEHAVIOURS = 200, 60


class Line(NamedTuple):
    """One line of the table."""

    what: str
    figure: str
    holds: bool

    def __str__(self) -> str:
        return f"  {'' if self.holds else 'NOT '}{self.what:62} {self.figure}"


async def tortured(kills: int, seed: int) -> list[Line]:
    """Everything, with its figures."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-torture-") as name:
        score = await torture(Path(name), kills, seed)
    servers = await hostile.tried()
    names = await hostile_dns.tried()
    inputs = await bad_inputs_tried()
    peak_mb, usual_mb = servers.peak_kb / 1024, servers.baseline_kb / 1024
    longest_s, limit_s = servers.longest_ms / 1000, servers.limit_ms / 1000
    memory, time = f"{peak_mb:.0f} MB ({usual_mb:.0f} MB)", f"{longest_s:.1f} s ({limit_s:.1f} s)"
    return [
        Line("kills survived (SIGKILL at random moments, 20,000 domains)", str(score.kills), score.kills >= kills),
        Line("  of them with the file damaged as by a power failure", str(score.powerless), score.powerless > 0),
        nothing("  records lost", score.lost),
        nothing("  records repeated", score.repeated),
        nothing("  finished items asked again (counted at the servers)", score.asked_again),
        nothing("  items on disk that did not survive the power failure", score.forgotten),
        nothing("  limits exceeded (counted at the servers)", score.exceeded),
        Line("  problems", "; ".join(score.problems) or "none", not score.problems),
        counted("misbehaviours of mail servers", servers.tried, servers.as_expected, LEAST_MISBEHAVIOURS),
        counted("misbehaviours of DNS", names.tried, names.as_expected),
        nothing("  forbidden addresses dialled", names.forbidden_dials),
        counted("bad input lines", inputs.tried, inputs.as_expected),
        Line("peak memory under flood (with one polite server)", memory, peak_mb < usual_mb + FLOOD_MB),
        Line("longest time that a server held a probe (the limit)", time, longest_s <= limit_s),
    ]


def nothing(what: str, number: int) -> Line:
    """What must not have happened."""
    return Line(what, str(number), number == 0)


def counted(what: str, tried: int, as_expected: int, least: int = 1) -> Line:
    """How many were tried, all of which must have come out as expected."""
    return Line(f"{what} tried, as expected", f"{tried}, {as_expected}", as_expected == tried >= least)


async def soaked(seconds: float, seed: int) -> list[Line]:
    """All of it mixed, then the census."""
    with tempfile.TemporaryDirectory(prefix="mxsweep-soak-") as name:
        found = await soak(Path(name), seconds, seed)
    faults = found.faults()
    first, last = found.held[0], found.held[-1]
    return [
        Line("time", f"{found.seconds:.0f} s", True),
        Line("audits of 20,000 domains in one process", str(len(found.audits)), True),
        Line("  items = groups", "in each", all(items == groups for items, groups in found.audits)),
        *(
            Line(f"  {what} after the first, after the last", f"{first[what]}, {last[what]}", True)
            for what in ("descriptors", "threads", "tasks", "rss_kib")
        ),
        Line("kills, runs that were killed and resumed", f"{found.score.kills}, {found.score.runs}", True),
        Line("rounds with all misbehaving servers", str(found.hostile_rounds), True),
        Line("faults", "; ".join(faults) or "none", not faults),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="tests.torture", description=__doc__)
    parser.add_argument("what", choices=("torture", "soak"))
    parser.add_argument("--kills", type=int, default=LEAST_KILLS)
    parser.add_argument("--seconds", type=float, default=1200, help="of the soak")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (hard if hard == resource.RLIM_INFINITY else max(hard, DESCRIPTORS), hard)
    )
    running = (
        tortured(options.kills, options.seed) if options.what == "torture" else soaked(options.seconds, options.seed)
    )
    lines = asyncio.run(running)
    print(*lines, sep="\n")  # noqa: T201 - its table
    sys.exit(not all(line.holds for line in lines))


if __name__ == "__main__":
    main()
