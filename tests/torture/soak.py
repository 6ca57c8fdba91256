"""Everything mixed, for long: audits in one process, kills and resumes in others, hostile servers; then a census."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.hostile import trial as hostile
from tests.promises.process import ROOT, SLOW, environment
from tests.torture.kills import Score, Torture, done, keys, tortured
from tests.torture.town import DOMAINS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

WARM = 3
"""Audits in one process before what it holds is compared: caches fill, modules are loaded."""
EACH_KIND = WARM + 3
"""So many rounds, and each kind of them has been."""
MORE_MEMORY = 1.10
"""How much more it may hold in the end: an allocator gives back in whole arenas."""


@dataclass
class Soaked:
    """What came of it. `held`: a census after each audit of the one process; `audits`: items and groups of each."""

    seconds: float = 0.0
    score: Score = field(default_factory=Score)
    held: list[dict[str, int]] = field(default_factory=list)
    audits: list[tuple[int, int]] = field(default_factory=list)
    hostile_rounds: int = 0
    problems: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What is not as it was promised."""
        score = self.score
        faults = [*self.problems, *score.problems]
        counts = {name: getattr(score, name) for name in ("lost", "repeated", "asked_again", "forgotten", "exceeded")}
        faults += [f"{name}: {number}" for name, number in counts.items() if number]
        faults += [f"{items} items, {groups} groups" for items, groups in self.audits if items != groups]
        if len(self.held) > WARM:
            first, last = self.held[WARM - 1], self.held[-1]
            faults += [
                f"{name}: {first[name]}, later {last[name]}"
                for name in ("descriptors", "threads", "tasks")
                if first[name] != last[name]
            ]
            if last["rss_kib"] > MORE_MEMORY * first["rss_kib"]:
                faults.append(f"memory: {first['rss_kib']} KiB, later {last['rss_kib']}")
        return faults


class Worker:
    """The process in which audits follow each other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def run(self, *arguments: str) -> dict[str, int]:
        """One command line, and what is held after it."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("started without pipes")
        stdin.write(json.dumps(arguments).encode() + b"\n")
        await stdin.drain()
        line = await stdout.readline()
        if not line:
            raise RuntimeError("the process with the audits has died")
        found: dict[str, int] = json.loads(line)
        return found


@contextlib.asynccontextmanager
async def worker(soaked: Soaked) -> AsyncIterator[Worker]:
    """It runs; at the end Python must have had nothing to say."""
    with tempfile.TemporaryFile() as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-X", "dev", "-W", "error", "-m", "tests.torture.worker",
            cwd=ROOT, env=environment(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
        try:
            yield Worker(process)
        finally:
            await process.communicate(b"")  # which closes its input
        stderr.seek(0)
        if complaint := SLOW.sub("", stderr.read().decode()):
            soaked.problems.append(complaint)


async def audited(working: Worker, torture: Torture, soaked: Soaked) -> None:
    """The town's domains in the one process."""
    output = torture.output.with_name("worker.jsonl")
    options = ["-i", str(torture.input), "-o", str(output), "--force", "--quiet", *torture.town.options]
    held = await working.run("audit", *options)
    if held.pop("code") != 1:
        soaked.problems.append("an audit in the one process did not end with findings")
    soaked.held.append(held)
    soaked.audits.append((torture.input.read_bytes().count(b"\n"), len(done(output.read_bytes()))))
    if keys(output) != torture.undisturbed:
        soaked.problems.append("an audit in the one process came to something else")


async def misbehaved(soaked: Soaked) -> None:
    """All misbehaving servers at once."""
    report = await hostile.tried()
    soaked.hostile_rounds += 1
    if report.as_expected != report.tried:
        soaked.problems.append(f"of {report.tried} misbehaviours {report.as_expected} came out as expected")


def course(chance: random.Random) -> Iterator[str]:
    """What is done in turn: first each kind, the audits often enough to be warm, then at random."""
    first = ["audit"] * WARM + ["kills", "misbehaviours", "audit"]
    return itertools.chain(first, iter(lambda: chance.choice(first), None))


async def soak(folder: Path, seconds: float, seed: int = 0, domains: int = DOMAINS, *more: str) -> Soaked:
    """Mix it all for so long, or until something is not as promised; each kind at least once."""
    soaked = Soaked()
    chance = random.Random(seed)  # noqa: S311 - a seeded game
    began = time.monotonic()
    async with tortured(folder, seed, domains, *more) as torture, worker(soaked) as working:
        soaked.score = torture.score
        for number, what in enumerate(course(chance)):
            if soaked.faults() or (time.monotonic() - began >= seconds and number >= EACH_KIND):
                break
            if what == "audit":
                await audited(working, torture, soaked)
            elif what == "kills":
                await torture.until_done(chance.randint(1, 8))
            else:
                await misbehaved(soaked)
    soaked.seconds = time.monotonic() - began
    return soaked
