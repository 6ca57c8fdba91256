"""What waits lies in a file without a name: a full disk ends the run with whole groups, and nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pool.servers import until
from tests.promises.process import Ran, ended, started
from tests.promises.world import World, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.pool.servers import Visit

HOT, QUICK, QUICK_TOO = "127.30.11.1", "127.30.11.2", "127.30.11.3"
CROWD, BEFORE, AMONG = 1000, 40, 40
"""Domains of a host that does not greet for now; others that are done before those come; others in between."""
DISK_OCTETS = 160 * 1024
"""Room for some blocks of what is parked, not for all."""
LIMITED = ("prlimit", f"--fsize={DISK_OCTETS}")
"""No file may grow beyond that; the records go to a pipe, which is none."""
MOUNT = f'mount -t tmpfs -o size={DISK_OCTETS} spool "$TMPDIR" && exec "$@"'
TINY_DISK = ("unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh")
"""A file system of its own for temporary files, seen by the command only; needs root or user namespaces."""
ZONE = (
    f"hot.example. 60 A {HOT}\nquick.example. 60 A {QUICK}\ntoo.example. 60 A {QUICK_TOO}\n"
    + "".join(f"hot{number}.example. 60 MX 10 hot.example.\n" for number in range(CROWD))
    + "".join(
        f"quick{number}.example. 60 MX 10 quick.example.\nquick{number}.example. 60 MX 20 too.example.\n"
        for number in range(BEFORE + AMONG)
    )
)


class Gate:
    """A greeting that is held back until somebody opens the gate."""

    def __init__(self) -> None:
        self.held: list[Visit] = []
        self.is_open = False

    def __call__(self, visit: Visit) -> None:
        self.held.append(visit)
        if self.is_open:
            self.open()

    def open(self) -> None:
        self.is_open = True
        for visit in self.held:
            visit.say(b"220 hot.example ESMTP\r\n")
        self.held.clear()


def listed() -> list[str]:
    """The crowd, with others among it."""
    names = [f"hot{number}.example" for number in range(CROWD)]
    every = CROWD // AMONG
    for number in range(AMONG):
        names.insert(number * (every + 1), f"quick{BEFORE + number}.example")
    return names


def lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


@contextlib.asynccontextmanager
async def crowding(
    scratch: Path, *options: str, before: tuple[str, ...] = ()
) -> AsyncIterator[tuple[World, Gate, asyncio.subprocess.Process, bytes]]:
    """A run whose first domains are done (their output is the last of the four) and whose crowd is being read."""
    gate = Gate()
    async with world(ZONE, {HOT: {"OPEN": gate}, QUICK: {}, QUICK_TOO: {}}) as playing:
        arguments = ["audit", *playing.options, "--quiet", *options]
        async with started(*arguments, env={"TMPDIR": str(scratch)}, before=before) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(lines([f"quick{number}.example" for number in range(BEFORE)]))
            stdout = b""
            while stdout.count(b'"kind":"domain"') < BEFORE:
                line = await process.stdout.readline()
                assert line, "it ended"
                stdout += line
            process.stdin.write(lines(listed()))
            yield playing, gate, process, stdout


async def rest_of(process: asyncio.subprocess.Process, stdout: bytes) -> Ran:
    ran = await ended(process, b"")
    return ran._replace(stdout=stdout + ran.stdout)


def spools(process: asyncio.subprocess.Process, scratch: Path) -> list[str]:
    """The files in the directory that the process holds open, as the kernel names them."""
    found = []
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return [name for name in found if name.startswith(f"{scratch}/")]


def left_in(scratch: Path) -> list[Path]:
    """What has a name there."""
    return list(scratch.iterdir())


def check_groups(ran: Ran) -> None:
    """Each item's records stand together, the domain's last, none is missing."""
    for _, group in groupby(ran.records[1:-1], lambda record: record["seq"]):
        *probes, domain = group
        assert (domain["kind"], domain["probes"]) == ("domain", len(probes))
        assert [probe["kind"] for probe in probes] == ["probe"] * domain["probes"]
    done = [domain["seq"] for domain in ran.of_kind("domain")]
    assert len(set(done)) == len(done) == ran.run["items"]


@pytest.mark.parametrize(
    ("before", "reason"), [(LIMITED, "File too large"), (TINY_DISK, "No space left on device")], ids=["EFBIG", "ENOSPC"]
)
async def test_a_full_disk_ends_the_run_with_three_and_whole_groups(
    tmp_path: Path, before: tuple[str, ...], reason: str
) -> None:
    async with crowding(tmp_path, before=before) as (_, gate, process, stdout):
        ran = await rest_of(process, stdout)
        assert not gate.is_open
    assert ran.code == 3
    assert ran.stderr.splitlines()[-1] == f"mxsweep: the spool in {tmp_path}: {reason}"
    assert (ran.run["interrupted"], BEFORE <= ran.run["items"] <= BEFORE + AMONG) == (True, True)
    check_groups(ran)
    assert set(ran.verdicts.values()) == {"ok"}, "no verdict tells of it"
    assert not left_in(tmp_path)


async def test_nothing_of_it_has_a_name_while_it_is_there_nor_is_it_there_after_the_end(tmp_path: Path) -> None:
    async with crowding(tmp_path, "--per-target", "8") as (_, gate, process, stdout):
        await until(lambda: bool(spools(process, tmp_path)), within_s=20)
        assert not left_in(tmp_path)
        [name] = spools(process, tmp_path)
        assert name.endswith(" (deleted)")
        gate.open()
        ran = await rest_of(process, stdout)
    assert (ran.code, ran.run["items"], set(ran.verdicts.values())) == (0, BEFORE + AMONG + CROWD, {"ok"})
    check_groups(ran)
    assert not left_in(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_of_it_is_left_by_a_run_that_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    """Killed, or told to leave at once."""
    async with crowding(tmp_path) as (_, _gate, process, _stdout):
        await until(lambda: bool(spools(process, tmp_path)), within_s=20)
        assert not left_in(tmp_path)
        process.send_signal(number)
        await asyncio.sleep(0.3)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        ran = await ended(process)
    assert ran.code == (-signal.SIGKILL if number is signal.SIGKILL else 3)
    assert not left_in(tmp_path)
