"""A run that is stopped leaves whole groups and a `run` line, soon; asked twice, it leaves at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.pool.servers import POLITE, silence, until
from tests.promises.process import COMMAND, ROOT, bytes_in, ended, environment, read, started
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DRAIN_S = 10
"""What the command promises."""
SLACK_S = 8
"""For a busy machine; the silent server would hold a run for a minute."""
HEARD = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@contextlib.asynccontextmanager
async def half_silent() -> AsyncIterator[World]:
    """One domain whose exchange answers, one whose exchange never greets."""
    zone = mail_of("quick.example", "127.30.2.1") + mail_of("mute.example", "127.30.2.2")
    async with world(zone, {"127.30.2.1": POLITE, "127.30.2.2": {"OPEN": silence}}) as playing:
        yield playing


async def met(playing: World) -> None:
    """Both servers have their visit, and the one that speaks has said its word."""
    quick, mute = playing.servers.values()

    def asked() -> bool:
        return any(line.startswith("RCPT") for visit in quick.visits for line in visit.lines)

    await until(lambda: bool(mute.visits) and asked(), within_s=20)


async def test_each_signal_drains_writes_what_is_final_and_the_run_line_and_is_three() -> None:
    """The three side by side: the wait is the promise of ten seconds. All the while they tell how far they are."""

    async def stopped_by(number: signal.Signals, form: str) -> str:
        async with half_silent() as playing:
            options = [*playing.options, "--progress", form]
            async with started("audit", "quick.example", "mute.example", *options) as process:
                await met(playing)
                began = time.monotonic()
                process.send_signal(number)
                ran = await ended(process)
                assert DRAIN_S - 1 < time.monotonic() - began < DRAIN_S + SLACK_S
            assert ran.code == 3
            assert ran.run["interrupted"] is True
            assert ran.verdicts == {"quick.example": "ok"}
            assert {probe["domain"] for probe in ran.of_kind("probe")} == {"quick.example"}
            assert ran.run["items"] == 1
            assert "interrupted after 1 domains" in ran.stderr
            return ran.stderr

    json_said, plain_said, nothing = await asyncio.gather(*map(stopped_by, HEARD, ("json", "plain", "none")))
    status = json.loads(json_said.splitlines()[0])
    assert {key: status[key] for key in ("items", "in_progress", "sessions", "verdicts")} == {
        "items": 1, "in_progress": 1, "sessions": 1, "verdicts": {"ok": 1},
    }  # fmt: skip
    assert 4 < status["elapsed_s"] < DRAIN_S + SLACK_S
    assert plain_said.splitlines()[0] == "mxsweep: 1 domains done (0.2/s), 1 in progress, 1 connections: ok 1"
    assert "in progress" not in nothing


async def test_what_is_under_way_may_end_within_the_drain() -> None:
    """No new item is begun; the one that is being asked gets its verdict, and the run ends with it."""
    async with half_silent() as playing:
        options = [*playing.options, "--reply-timeout", "0.6"]
        async with started("audit", *options, stdin=asyncio.subprocess.PIPE) as process:
            assert process.stdin is not None
            process.stdin.write(b"quick.example\nmute.example\n")
            await process.stdin.drain()
            await met(playing)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            ran = await ended(process, b"quick.example\n")
            assert time.monotonic() - began < DRAIN_S - 1
    assert (ran.code, ran.run["interrupted"]) == (3, True)
    assert ran.verdicts == {"quick.example": "ok", "mute.example": "undeliverable"}
    assert len(ran.of_kind("domain")) == 2


async def test_a_second_signal_stops_at_once() -> None:
    async with half_silent() as playing, started("audit", "quick.example", "mute.example", *playing.options) as process:
        await met(playing)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGINT)
        ran = await ended(process)
        assert time.monotonic() - began < SLACK_S
    assert (ran.code, ran.run["interrupted"], ran.verdicts) == (3, True, {"quick.example": "ok"})
    assert "Traceback" not in ran.stderr


async def test_nohup_goes_on_when_the_terminal_hangs_up() -> None:
    """SIGHUP was ignored when we were started, so it stays ignored; SIGTERM is heard all the same."""
    async with half_silent() as playing:
        options = [*playing.options, "--reply-timeout", "0.6"]
        async with started(
            "audit", "quick.example", "mute.example", *options, before=("nohup",), stdin=asyncio.subprocess.DEVNULL
        ) as process:
            await met(playing)
            process.send_signal(signal.SIGHUP)
            ran = await ended(process)
    assert (ran.code, ran.run["interrupted"]) == (1, False)
    assert ran.verdicts == {"quick.example": "ok", "mute.example": "undeliverable"}


@pytest.mark.parametrize("number", HEARD)
async def test_a_signal_ends_the_wait_for_a_silent_pipe(number: signal.Signals) -> None:
    """`mxsweep audit` behind a program that writes nothing: nothing is under way, so there is nothing to wait for."""
    reading, writing = os.pipe()
    try:
        async with world() as playing, started("audit", *playing.options, stdin=reading) as process:
            assert process.stdout is not None
            start = json.loads(await process.stdout.readline())
            began = time.monotonic()
            process.send_signal(number)
            ran = await ended(process)
            assert time.monotonic() - began < SLACK_S
    finally:
        os.close(reading)
        os.close(writing)
    assert (start["kind"], ran.code, ran.run["interrupted"], ran.run["items"]) == ("start", 3, True, 0)


async def test_a_signal_ends_a_run_whose_reader_has_stopped_reading() -> None:
    """A full pipe holds the journal; the second signal gives up on it."""
    many = "".join(f"d{number}.excluded.example\n" for number in range(3000)).encode()
    async with world() as playing:
        options = [*playing.options, "--exclude-domain", "excluded.example"]
        reading, writing = os.pipe()
        try:
            async with started("audit", *options, stdout=writing) as process:
                os.close(writing)
                assert process.stdin is not None
                process.stdin.write(many)
                await process.stdin.drain()
                await until(lambda: bytes_in(reading) >= 60_000, within_s=20)
                began = time.monotonic()
                for _ in range(2):
                    process.send_signal(signal.SIGTERM)
                    await asyncio.sleep(0.3)
                code = await process.wait()
                assert time.monotonic() - began < DRAIN_S + SLACK_S
        finally:
            os.close(reading)
    assert code == 3


async def test_a_terminal_that_is_closed_costs_no_record(tmp_path: Path) -> None:
    """SIGHUP, and writes to it fail from then on: progress line, summary and all."""
    file = tmp_path / "results.jsonl"
    async with half_silent() as playing:
        arguments = ["-m", "scanner", "audit", "quick.example", "mute.example", "-o", str(file), *playing.options]
        child = pexpect.spawn(COMMAND[0], [*arguments, "--reply-timeout", "0.6"], env=environment(), cwd=str(ROOT))
        await met(playing)
        child.ptyproc.fileobj.close()  # the kernel says SIGHUP; `child.close` would say more
        child.closed = child.ptyproc.closed = True
        await until(lambda: not child.isalive(), within_s=20)
    assert (child.exitstatus, child.signalstatus) == (3, None)
    last = read(file.read_bytes())[-1]
    assert (last["kind"], last["interrupted"]) == ("run", True)
