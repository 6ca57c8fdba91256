"""Whatever a run is busy with when it is told to stop, it ends soon and in order."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from scanner.lab.nameserver import NameServer, Response
from tests.pool.servers import silence, until
from tests.promises.process import ended, memory_kib, mxsweep, read, started
from tests.promises.world import HELO, World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import dns.message

    from tests.pool.servers import Script

DRAIN_S, SLACK_S = 10, 8
HOST = "127.31.5.1"
OTHER = {signal.SIGINT: signal.SIGTERM, signal.SIGTERM: signal.SIGHUP, signal.SIGHUP: signal.SIGINT}
"""The second signal is another one: two of a kind that nobody has taken yet are one."""
ONE = mail_of("one.example", HOST)


class Phase(NamedTuple):
    """What the run is busy with. `more`: options that bring it there; `drains`: something is under way."""

    script: Script
    more: tuple[str, ...]
    drains: bool


PHASES = {
    "it waits for a greeting": Phase({"OPEN": silence}, (), True),
    "it waits for a reply": Phase({"RCPT": silence}, (), True),
    "it waits for the end of TLS": Phase(
        {"EHLO": b"250-mx.example\r\n250 STARTTLS\r\n", "STARTTLS": b"220 2.0.0 go ahead\r\n"},
        ("--starttls", "when-offered"),
        True,
    ),
    "it waits to ask again": Phase({"RCPT": b"450 4.2.0 greylisted\r\n"}, ("--retry-transient", "60"), False),
    "it leaves a busy server alone": Phase({"OPEN": b"421 4.7.0 too many connections\r\n"}, (), True),
    "it waits for the rate": Phase({}, ("--rate", "0.01"), True),
}


@pytest.mark.parametrize("name", PHASES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_one_signal_ends_it_within_the_drain_and_two_at_once(
    name: str, number: signal.Signals, tmp_path: Path
) -> None:
    """The second one comes right after the first: the wait of the drain itself is in test_signals.py."""
    phase, path = PHASES[name], tmp_path / "out.jsonl"
    async with world(ONE + mail_of("two.example", "127.31.5.2"), {HOST: phase.script, "127.31.5.2": {}}) as playing:
        arguments = ["audit", "one.example", "two.example", "-o", str(path), *playing.options, "--reply-timeout", "60"]
        async with started(*arguments, *phase.more) as process:
            await until(lambda: bool(playing.dials), within_s=20)
            began = time.monotonic()
            process.send_signal(number)
            if phase.drains:
                process.send_signal(OTHER[number])
            ran = await ended(process)
            assert time.monotonic() - began < SLACK_S
        assert (ran.code, "Traceback" in ran.stderr) == (3, False)
        records = read(path.read_bytes())
        assert (records[0]["kind"], records[-1]["kind"], records[-1]["interrupted"]) == ("start", "run", True)


def silent(_query: dns.message.Message, /, *, tcp: bool) -> Response:  # noqa: ARG001 - the server's protocol
    return Response()


@contextlib.asynccontextmanager
async def without_dns() -> AsyncIterator[World]:
    async with NameServer(silent) as names:
        yield World(names, {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_resolver_that_says_nothing_holds_nobody_beyond_the_drain(number: signal.Signals) -> None:
    async with without_dns() as playing, started("audit", "one.example", *playing.options, "--helo", HELO) as process:
        assert process.stdout is not None
        start = json.loads(await process.stdout.readline())
        began = time.monotonic()
        process.send_signal(number)
        process.send_signal(OTHER[number])
        ran = await ended(process)
        assert time.monotonic() - began < SLACK_S
    assert (start["kind"], ran.code, ran.run["items"]) == ("start", 3, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_while_the_output_of_an_earlier_part_is_read_nothing_is_touched(
    tmp_path: Path, number: signal.Signals
) -> None:
    """A pipe holds the comparison up; what was in the output is in it after that, its `run` line too."""
    path = tmp_path / "out.jsonl"
    async with world(ONE, {HOST: {}}) as playing:
        arguments = ["audit", "-o", str(path), *playing.options]
        assert (await mxsweep(*arguments, stdin=b"one.example\none.example\n")).code == 0
        content = path.read_bytes()
        async with started(*arguments, "--resume") as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.write(b"one.example\n")
            await process.stdin.drain()
            assert b"resuming" in await process.stderr.readline()
            began = time.monotonic()
            process.send_signal(number)
            code = await process.wait()
            assert time.monotonic() - began < SLACK_S
    assert (code, path.read_bytes()) == (3, content)


async def test_a_slow_reader_slows_the_sockets_down_and_nothing_piles_up() -> None:
    """Four megabytes of records may wait for it, and what it leaves in its pipe: from then on nobody is dialled."""
    domains = 20_000
    zone = "".join(f"d{number}.example. 60 MX 10 mx.example.\n" for number in range(domains))
    lines = "".join(f"d{number}.example\n" for number in range(domains)).encode()
    async with world(f"{zone}mx.example. 60 A {HOST}\n", {HOST: {}}) as playing:
        options = [*playing.options, "--per-target", "50", "--concurrency", "50", "--quiet"]
        async with started("audit", *options, limit=1024) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(lines)
            process.stdin.write_eof()
            asked = stable(lambda: sum(len(visit.lines) for visit in playing.servers[HOST].visits))
            before = await asked
            peak = memory_kib(process.pid)
            assert before < 3 * domains, "it came to its end without being read"
            read_so_far = len(await process.stdout.read(1_000_000))
            while read_so_far < 8_000_000:
                read_so_far += len(await process.stdout.read(1_000_000))
            assert await stable(lambda: sum(len(visit.lines) for visit in playing.servers[HOST].visits)) > before
            assert memory_kib(process.pid) - peak < 20_000
            process.kill()


async def stable(count: Callable[[], int]) -> int:
    """A count once it has stopped growing."""
    last = -1
    begun = time.monotonic()

    def unchanged() -> bool:
        nonlocal last, begun
        if count() != last:
            last, begun = count(), time.monotonic()
        return last > 0 and time.monotonic() - begun > 1.0

    await until(unchanged, within_s=40)
    return last
