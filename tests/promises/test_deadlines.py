"""No server holds a probe past its limits, by silence, by drip or by flood; nor does it make memory grow."""

from __future__ import annotations

import asyncio
import resource
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import uvloop

from scanner.pool.limits import Deadlines
from scanner.terms import ProbeVerdict, Stage
from tests.pool.asking import ask_all, ended, means, probes_of
from tests.pool.servers import (
    Server,
    Visit,
    drip,
    flood,
    hang_up,
    last_words,
    silence,
    sockets,
    unanswered,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pool.servers import Script, Step

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
DEADLINES = Deadlines(connect_s=0.5, reply_s=0.4, probe_s=1.2)
SLACK_S = 1.5
"""Half a second that is promised, and one for a busy machine."""
QUIT_S = 2.0
MEMORY_LIMIT_KB = 64 * 1024


def first(data: bytes, then: Step) -> Step:
    def step(visit: Visit) -> None:
        visit.say(data)
        assert callable(then)
        then(visit)

    return step


def after(pause_s: float, data: bytes) -> Step:
    def step(visit: Visit) -> None:
        visit.timer = visit.loop.call_later(pause_s, visit.say, data)

    return step


TIMEOUT, GARBAGE = ProbeVerdict.REPLY_TIMEOUT, ProbeVerdict.NOT_SMTP
GREETING_S, REPLY_S = 2 * DEADLINES.reply_s, DEADLINES.reply_s
LONG_LINE = b"x" * 65536

HOSTILE: dict[str, tuple[Script, tuple[Stage, object], float]] = {
    # What it does; how that ends; the seconds after which, at the latest, it has.
    "a silent greeting": ({"OPEN": silence}, (Stage.BANNER, TIMEOUT), GREETING_S),
    "a silent EHLO": ({"EHLO": silence}, (Stage.HELO, TIMEOUT), REPLY_S),
    "a silent MAIL": ({"MAIL": silence}, (Stage.MAIL, TIMEOUT), REPLY_S),
    "a silent RCPT": ({"RCPT": silence}, (Stage.RCPT, TIMEOUT), REPLY_S),
    "a greeting byte by byte": ({"OPEN": drip(b"220 " + b"x" * 500, 0.05)}, (Stage.BANNER, TIMEOUT), GREETING_S),
    "a reply byte by byte": ({"RCPT": drip(b"250 " + b"x" * 500, 0.05)}, (Stage.RCPT, TIMEOUT), REPLY_S),
    "a greeting line by line": ({"OPEN": drip(b"220-x\r\n" * 500, 0.05, 7)}, (Stage.BANNER, TIMEOUT), GREETING_S),
    "an EHLO reply line by line": ({"EHLO": drip(b"250-x\r\n" * 500, 0.05, 7)}, (Stage.HELO, TIMEOUT), REPLY_S),
    "an endless greeting": ({"OPEN": flood(b"220-x\r\n" * 1000)}, (Stage.BANNER, GARBAGE), REPLY_S),
    "endless extensions": ({"EHLO": flood(b"250-x\r\n" * 1000)}, (Stage.HELO, GARBAGE), REPLY_S),
    "a greeting of a gigabyte": ({"OPEN": first(b"220 ", flood(LONG_LINE))}, (Stage.BANNER, GARBAGE), REPLY_S),
    "a reply of a gigabyte": ({"RCPT": first(b"550 ", flood(LONG_LINE))}, (Stage.RCPT, GARBAGE), REPLY_S),
    "a flood of noughts": ({"OPEN": flood(bytes(65536))}, (Stage.BANNER, GARBAGE), REPLY_S),
    "always just in time": (
        {"OPEN": after(0.6, b"220 mx\r\n"), "EHLO": after(0.25, b"250 mx\r\n"), "MAIL": silence},
        (Stage.MAIL, ProbeVerdict.GIVEN_UP),
        DEADLINES.probe_s,
    ),
    "a QUIT without an answer": ({"QUIT": silence}, (Stage.RCPT, 250), REPLY_S),
    "a QUIT answered byte by byte": ({"QUIT": drip(b"221 " + b"x" * 500, 0.05)}, (Stage.RCPT, 250), REPLY_S),
    "a QUIT answered for ever": ({"QUIT": flood(b"221-x\r\n" * 1000)}, (Stage.RCPT, 250), REPLY_S),
}  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
def test_no_server_holds_a_probe_past_its_limit(loop: str) -> None:
    """All at once, among servers that behave: their verdicts are what they were, and nothing is left open."""

    async def test() -> None:
        before, memory_kb = sockets(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        clock = asyncio.get_running_loop().time
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(Server(script, [f"127.2.{number}.1", f"127.2.{number}.2"]))
                for number, (script, _, _) in enumerate(HOSTILE.values(), 1)
            ]
            good = await stack.enter_async_context(Server(addresses=[f"127.3.0.{n}" for n in range(1, 101)]))
            targets = [target for server in servers for target in server.targets]
            began = clock()
            answers = await ask_all(probes_of(targets + good.targets), means(DEADLINES))
            assert clock() - began <= DEADLINES.probe_s + QUIT_S + SLACK_S
            for number, (name, (_, how, limit_s)) in enumerate(HOSTILE.items()):
                for answer in answers[2 * number : 2 * number + 2]:
                    assert ended(answer.outcome) == how, name
                    assert answer.elapsed_ms <= (limit_s + SLACK_S) * 1000, name
            assert {ended(answer.outcome)[1] for answer in answers[len(targets) :]} == {250}
            await until(lambda: all(visit.gone for server in servers for visit in server.visits))
            for server in servers:
                assert all(visit.said_bytes < 32 * 1024**2 for visit in server.visits), "a flood was not cut"
        await until(lambda: not sockets() - before)
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_kb
        assert grown_kb < MEMORY_LIMIT_KB

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_that_is_never_answered_ends_at_its_limit(loop: str) -> None:
    async def test() -> None:
        with unanswered("127.2.0.9") as target:
            before = sockets()
            [answer] = await ask_all(probes_of([target]), means(DEADLINES))
            assert ended(answer.outcome) == (Stage.CONNECT, ProbeVerdict.CONNECT_TIMEOUT)
            assert answer.elapsed_ms <= (DEADLINES.connect_s + SLACK_S) * 1000
            await until(lambda: sockets() == before)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_the_greeting_has_twice_the_time_and_a_reply_has_it_once(loop: str) -> None:
    """Both answer after one and a half limits; the second also sends a first line at once, which does not help."""
    late_s = 1.5 * DEADLINES.reply_s

    async def test() -> None:
        async with (
            Server({"OPEN": after(late_s, b"220 mx\r\n")}) as greeting,
            Server({"EHLO": first(b"250-mx\r\n", after(late_s, b"250 SIZE\r\n"))}) as answering,
        ):
            answers = await ask_all(probes_of([greeting.target, answering.target]), means(DEADLINES))
        assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250), (Stage.HELO, TIMEOUT)]

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(test())


@pytest.mark.parametrize("leave", [hang_up, last_words(b"421 4.4.2 bye\r\n")], ids=["close", "421"])
def test_whoever_leaves_early_holds_nothing(leave: Callable[[Visit], None]) -> None:
    async def test() -> None:
        before = sockets()
        async with Server({"RCPT": leave}, [f"127.2.5.{n}" for n in range(1, 51)]) as server:
            answers = await ask_all(probes_of(server.targets), means(DEADLINES))
        assert len({ended(answer.outcome) for answer in answers}) == 1
        await until(lambda: not sockets() - before)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())
