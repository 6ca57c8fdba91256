"""A run that is killed at random moments, its file damaged as a power failure does it, and resumed until it is done."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.pool.servers import until
from tests.promises.process import ROOT, environment, key_of
from tests.torture.town import DOMAINS, Town, lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

NOTING = ROOT / "tests" / "torture" / "noting_syncs.py"
PAGE = 4096
LIFE_S = (0.2, 1.6)
"""How long a part of the run lives, at random: from before its first record to well into its work."""
END_S = 240
UNFINISHED = (None, 3)
"""How a part of the run ends: killed, or stopped in an orderly way."""
PER_TARGET, CONCURRENCY = 2, 200


@dataclass
class Score:
    """What came of it.

    `kills`: of which `powerless` had their file damaged beyond a torn tail; `lost` and `repeated`: probes of the
    result, against an undisturbed run; `asked_again`: items that were done at a kill and were asked about after it;
    `forgotten`: items that were on disk and did not survive; `exceeded`: limits.
    """

    kills: int = 0
    powerless: int = 0
    stops: int = 0
    runs: int = 0
    lost: int = 0
    repeated: int = 0
    asked_again: int = 0
    forgotten: int = 0
    exceeded: int = 0
    problems: list[str] = field(default_factory=list)


def keys(path: Path) -> Counter[tuple[Any, ...]]:
    """All probes and domains of a finished output, by what must be the same."""
    found: Counter[tuple[Any, ...]] = Counter()
    with path.open("rb") as file:
        for line in file:
            record = json.loads(line)
            if record["kind"] in ("probe", "domain"):
                found[key_of(record)] += 1
    return found


def done(data: bytes) -> set[int]:
    """Items with all their records, as a reader who knows nothing of groups sees them."""
    found: set[int] = set()
    probes: Counter[int] = Counter()
    for line in data.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):
            record = json.loads(line.rpartition(b"\0")[2])
            if record["kind"] == "probe":
                probes[record["seq"]] += 1
            elif record["kind"] == "domain" and probes[record["seq"]] == record["probes"]:
                found.add(record["seq"])
    return found


class Torture:
    """One output that must come to its end. `chance`: seeded."""

    def __init__(self, town: Town, folder: Path, undisturbed: Counter[tuple[Any, ...]], chance: random.Random) -> None:
        self.town = town
        self.input = folder / "domains.txt"
        self.output = folder / "out.jsonl"
        self.notes = folder / "synced"
        self.undisturbed = undisturbed
        self.chance = chance
        self.score = Score()
        self.ends = 0

    async def until_done(self, kills_at_most: int) -> None:
        """Kill and resume; after so many kills, let it come to its end. Its result is compared."""
        finished: dict[int, int] = {}
        for path in (self.output, self.notes):
            path.unlink(missing_ok=True)
        kills = 0
        code: int | None = None
        while code in UNFINISHED:
            deadly = kills < kills_at_most
            code = await self.one_life(self.chance.uniform(*LIFE_S) if deadly else None)
            kills += deadly
            if code in UNFINISHED:
                self.recount(finished, self.left_behind(killed=code is None))
        if code != 1:
            self.score.problems.append(f"exit code {code}")
        self.score.runs += 1
        self.compare(finished)

    async def one_life(self, seconds: float | None) -> int | None:
        """One part of the run, to its end or for so long; None: it was killed. It has nothing to complain about."""
        arguments = ["audit", "-i", str(self.input), "-o", str(self.output), "--resume", "--quiet", *self.town.options]
        with tempfile.TemporaryFile() as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(NOTING), str(self.notes), *arguments, env=environment(), stderr=stderr
            )
            try:
                if seconds is not None and not await self.over(process, seconds):
                    await self.kill(process)
                if not await self.over(process, END_S):
                    self.score.problems.append(f"not done after {END_S} s")
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
                await self.settled()
            stderr.seek(0)
            if complaint := stderr.read().decode():
                self.score.problems.append(complaint)
        code = process.returncode
        return None if code is None or code < 0 else code  # a signal before anybody listens for it kills, too

    async def over(self, process: asyncio.subprocess.Process, within_s: float) -> bool:
        """Whether it ends by itself in this time."""
        try:
            async with asyncio.timeout(within_s):
                await process.wait()
        except TimeoutError:
            return False
        return True

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        """By SIGKILL; every fifth time in the middle of an orderly stop, which may be faster."""
        self.ends += 1
        if self.ends % 5 == 0:
            self.score.stops += 1
            process.send_signal(self.chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
            if await self.over(process, self.chance.uniform(0, 0.5)):
                return
        process.send_signal(signal.SIGKILL)
        self.score.kills += 1

    async def settled(self) -> None:
        """The dead process' connections have ended at the servers."""
        await until(lambda: not self.town.total, within_s=30)

    def left_behind(self, *, killed: bool) -> set[int]:
        """What is done by now; every other time after the power failed, too: what was on disk has to survive that."""
        data = self.output.read_bytes() if self.output.exists() else b""
        if killed and data and self.chance.random() < 0.5:
            noted = self.notes.read_text().split() if self.notes.exists() else []
            synced = int(noted[-1]) if noted else 0
            # Of a first page that was never on disk nothing is left to go on from: a new file is.
            damaged = self.without_power(data, synced) if synced else b""
            self.output.write_bytes(damaged)
            self.score.powerless += 1
            self.score.forgotten += len(done(data[:synced]) - done(damaged))
            data = damaged
        return done(data)

    def without_power(self, data: bytes, synced: int) -> bytes:
        """The file as it comes back: cut somewhere behind what was synced, or with holes there."""
        if self.chance.random() < 0.5:
            return data[: self.chance.randint(synced, len(data))]
        kept = bytearray(data)
        for page in range(synced - synced % PAGE, len(data), PAGE):
            if self.chance.random() < 0.4:
                start, end = max(page, synced), min(page + PAGE, len(data))
                kept[start:end] = bytes(end - start)
        return bytes(kept)

    def recount(self, finished: dict[int, int], found: Iterable[int]) -> None:
        """Note how often each item that is done was asked about by now; who came to harm since is not among them."""
        found = set(found)
        for number in list(finished):
            if number not in found:
                del finished[number]
        for number in found:
            finished.setdefault(number, self.town.asked[number])

    def compare(self, finished: dict[int, int]) -> None:
        """The result with that of the undisturbed run, and the servers' counts with what was done."""
        found = keys(self.output)
        self.score.lost += (self.undisturbed - found).total()
        self.score.repeated += (found - self.undisturbed).total()
        self.score.asked_again += sum(self.town.asked[number] != asked for number, asked in finished.items())
        if self.town.peak > PER_TARGET or self.town.total_peak > CONCURRENCY:
            self.score.exceeded += 1
            self.score.problems.append(f"{self.town.peak} connections to one host, {self.town.total_peak} at all")


@contextlib.asynccontextmanager
async def tortured(folder: Path, seed: int, domains: int = DOMAINS, *more: str) -> AsyncIterator[Torture]:
    """A town, and what an undisturbed run says of it."""
    async with Town(*more) as town:
        (folder / "domains.txt").write_text("".join(lines(domains)))
        torture = Torture(town, folder, Counter(), random.Random(seed))  # noqa: S311 - a seeded game
        code = await torture.one_life(None)
        if code != 1 or torture.score.problems:
            raise RuntimeError(f"the undisturbed run ended with {code}: {torture.score.problems}")
        torture.undisturbed = keys(torture.output)
        yield torture


async def torture(folder: Path, kills: int, seed: int = 0, at_a_time: int = 10) -> Score:
    """So many kills, on as many runs as it takes."""
    async with tortured(folder, seed) as torture:
        while torture.score.kills < kills:
            await torture.until_done(min(at_a_time, kills - torture.score.kills))
            if torture.score.problems:
                break
        return torture.score
