"""SIGUSR1 asks how far a run is: all of it, at once, and the run goes on as if nobody had asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.pool.servers import POLITE, Visit, until
from tests.promises.process import bytes_in, ended, started
from tests.promises.world import HELO, World, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Told = TypeVar("Told")

HOT = "127.30.6.1"
CROWD = [f"crowd{number}.example" for number in range(40)]
DOMAINS = ["quick.example", *CROWD]
HELD = 8
"""Probes of one address in memory at two sessions."""
PARKED = len(CROWD) - HELD
FIRST = f"mxsweep: 1 of {len(DOMAINS)} domains in "
PARKED_LINE = f"mxsweep: {PARKED} domains parked at busy targets, 0 wait to be asked again"
ZONE = (
    f"hot.example. 60 A {HOT}\nquick.example. 60 MX 10 mx.quick.example.\nmx.quick.example. 60 A 10.0.0.1\n"
    + "".join(f"{domain}. 60 MX 10 hot.example.\n" for domain in CROWD)
)


class Gate:
    """A server's answer to RCPT, held back until it is opened."""

    def __init__(self) -> None:
        self.held: list[Visit] = []
        self.is_open = False

    def __call__(self, visit: Visit) -> None:
        if self.is_open:
            visit.say(b"250 ok\r\n")
        else:
            self.held.append(visit)

    def open(self) -> None:
        self.is_open = True
        for visit in self.held:
            visit.say(b"250 ok\r\n")


@contextlib.asynccontextmanager
async def crowded() -> AsyncIterator[tuple[World, Gate]]:
    """Forty domains at one host that does not answer yet, and one at an address that is never dialled."""
    gate = Gate()
    async with world(ZONE, {HOT: POLITE | {"RCPT": gate}}) as playing:
        yield playing, gate


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    return (await process.stderr.readline()).decode().rstrip("\n")


async def lines_of(process: asyncio.subprocess.Process, to: str, and_more: int) -> list[str]:
    """All up to one that begins so, and some more."""
    lines = [""]
    while not lines[-1].startswith(to):
        lines.append(await line_of(process))
    return lines[1:] + [await line_of(process) for _ in range(and_more)]


async def asked(
    process: asyncio.subprocess.Process,
    gate: Gate,
    told: Callable[[], Awaitable[Told]],
    is_final: Callable[[Told], bool],
) -> Told:
    """What we are told when all domains are resolved; asked again until they are."""
    await until(lambda: len(gate.held) == 2, within_s=20)
    while True:
        process.send_signal(signal.SIGUSR1)
        if is_final(answer := await told()):
            return answer


@pytest.mark.parametrize("form", ["none", "plain"])
async def test_who_asks_is_told_everything_whatever_the_options_say(form: str) -> None:
    """Also with --quiet: somebody asked. The run then ends as it would have."""
    async with crowded() as (playing, gate):
        options = [*playing.options, "--quiet", "--progress", form, "--fail-on", "none"]
        async with started("audit", *DOMAINS, *options) as process:

            async def report() -> list[str]:
                return await lines_of(process, to="mxsweep: slowest targets", and_more=1)

            told = await asked(process, gate, report, lambda lines: lines[0].startswith(FIRST) and PARKED_LINE in lines)
            gate.open()
            ran = await ended(process)
    hot = (
        f"mxsweep:   {HOT}: {HELD - 2} probes waiting and {PARKED} domains parked, 2 connections, nothing answered yet"
    )
    assert told[2:] == [
        f"mxsweep: {HELD} domains in progress, {HELD} probes in memory, 2 connections, 0 targets paused",
        PARKED_LINE,
        "mxsweep: domains: undeliverable 1",
        "mxsweep: probes: address_forbidden 1",
        "mxsweep: busiest targets:",
        hot,
        "mxsweep: slowest targets:",
        hot,
    ]
    assert (ran.code, ran.run["interrupted"], ran.run["items"]) == (0, False, len(DOMAINS))
    assert ran.verdicts == dict.fromkeys(CROWD, "ok") | {"quick.example": "undeliverable"}


async def test_a_program_that_asks_is_told_in_one_object_and_each_line_is_one() -> None:
    async with crowded() as (playing, gate):
        options = [*playing.options, "--progress", "json", "--retry-transient", "60", "--fail-on", "none"]
        async with started("audit", *DOMAINS, *options) as process:

            async def status() -> dict[str, Any]:
                return dict(json.loads(await line_of(process)))

            at_once = await asked(process, gate, status, lambda told: (told["items"], told["parked"]) == (1, PARKED))
            at_its_time = await status()
            gate.open()
            ran = await ended(process)
    assert at_its_time.keys() == at_once.keys()
    assert at_once["elapsed_s"] < at_its_time["elapsed_s"]
    for told in (at_once, at_its_time):
        assert (told["items"], told["in_progress"], told["probes"]) == (1, HELD, HELD)
        assert (told["parked"], told["retrying"], told["paused"]) == (PARKED, 0, 0)
        assert (told["total"], told["total_exact"]) == (len(DOMAINS), True)
        assert (told["verdicts"], told["probe_verdicts"]) == ({"undeliverable": 1}, {"address_forbidden": 1})
        hot = {"address": HOT, "waiting": HELD - 2, "parked": PARKED, "sessions": 2, "answered": 0, "mean_ms": 0.0}
        assert told["busiest"] == told["slowest"] == [hot]
    assert at_its_time["left_s"] == pytest.approx(len(CROWD) * at_its_time["elapsed_s"], rel=0.1)
    assert (ran.code, ran.run["items"]) == (0, len(DOMAINS))


async def test_who_asks_before_anything_is_known_is_told_that() -> None:
    """Our own name is still being looked up, and the resolver says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.setblocking(False)
        resolver = f"127.0.0.1:{mute.getsockname()[1]}"
        async with started("audit", "a.example", "--helo", HELO, "--resolver", resolver) as process:
            await asyncio.get_running_loop().sock_recv(mute, 512)
            process.send_signal(signal.SIGUSR1)
            assert (await line_of(process)).startswith("mxsweep: 0 domains done in ")
            assert process.returncode is None


async def test_a_question_where_there_is_nothing_to_tell_ends_nothing() -> None:
    """A dry run asks nobody, and may wait for its input as long as any."""
    reading, writing = os.pipe()
    try:
        async with started("audit", "--dry-run", "--helo", HELO, stdin=reading) as process:
            os.write(writing, b"a.example\n")
            await until(lambda: not bytes_in(reading), within_s=20)
            process.send_signal(signal.SIGUSR1)
            os.write(writing, b"b.example\n")
            await until(lambda: not bytes_in(reading), within_s=20)
            os.close(writing)
            ran = await ended(process)
    finally:
        os.close(reading)
    assert ran.code == 0
    assert ran.stderr.startswith("2 domains, 0 bad lines")


async def test_where_the_signal_was_ignored_at_the_start_it_stays_so() -> None:
    async with crowded() as (playing, gate):
        ignoring = ("env", "--ignore-signal=USR1")
        options = [*playing.options, "--quiet", "--fail-on", "none"]
        async with started("audit", *DOMAINS, *options, before=ignoring) as process:
            await until(lambda: len(gate.held) == 2, within_s=20)
            process.send_signal(signal.SIGUSR1)
            gate.open()
            ran = await ended(process)
    assert (ran.code, ran.stderr, ran.run["items"]) == (0, "", len(DOMAINS))
