from __future__ import annotations

import errno
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from scanner.pool import dial as dialling
from scanner.pool.asked import Asked
from scanner.pool.limits import Deadlines
from scanner.pool.probe import Probe
from scanner.smtp.outcome import Again, Question
from scanner.terms import ProbeVerdict, ServerFacts, SessionUse, Stage, Target, TlsFacts
from tests.pool.asking import QUESTION, ask, ask_all, ended, means, probes_of
from tests.pool.servers import (
    OFFERS,
    POLITE,
    Server,
    Visit,
    closed_port,
    drip,
    hang_up,
    last_words,
    reset,
    silence,
    sockets,
    unanswered,
    until,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from tests.pool.servers import Script

STAGES = {"OPEN": Stage.BANNER, "EHLO": Stage.HELO, "MAIL": Stage.MAIL, "RCPT": Stage.RCPT}
BRISK = Deadlines(connect_s=0.3, reply_s=2, probe_s=5)


async def test_an_accepted_recipient_with_all_that_was_learnt() -> None:
    async with Server({"EHLO": OFFERS}) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.server == ServerFacts(
        helo="probe.example", banner="mx.example ESMTP", extensions=("PIPELINING", "SIZE 1000")
    )
    assert (answer.source, answer.session, answer.attempts) == ("127.0.0.1", SessionUse.NEW, 1)
    assert (answer.outcome.sender_said, answer.outcome.recipient_said) == (True, True)


@pytest.mark.parametrize("verb", STAGES)
@pytest.mark.parametrize("leave", [hang_up, reset])
async def test_a_server_that_leaves_at_a_stage_is_disconnected_there(verb: str, leave: Callable[[Visit], None]) -> None:
    async with Server({verb: leave}) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (STAGES[verb], ProbeVerdict.DISCONNECTED)
    assert answer.outcome.reply is None


def reset_all(listener: socket.socket) -> None:
    """Accept and reset, until the listener is shut down."""
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.close()


@pytest.fixture
def resetting() -> Iterator[Target]:
    """A server beside the loop: its reset may come before the loop has looked at the connection."""
    with socket.socket() as listener, ThreadPoolExecutor() as threads:
        listener.bind(("127.0.4.1", 0))
        listener.listen(100)
        threads.submit(reset_all, listener)
        yield Target(*listener.getsockname())
        listener.shutdown(socket.SHUT_RDWR)


async def test_a_server_that_leaves_before_its_greeting_is_never_refused_whoever_notices(resetting: Target) -> None:
    """The dial fails with ECONNRESET, or the connection is lost at once: both are met in a few hundred tries."""
    answers = await ask_all(probes_of([resetting] * 300))
    assert {ended(answer.outcome) for answer in answers} == {(Stage.BANNER, ProbeVerdict.DISCONNECTED)}


async def test_a_dial_that_ends_in_a_reset_was_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def kernel(*_: object) -> asyncio.Transport:
        raise ConnectionResetError(errno.ECONNRESET, "")

    monkeypatch.setattr(dialling, "connect", kernel)
    answer = await ask(Target("127.0.0.1", 25))
    assert ended(answer.outcome) == (Stage.BANNER, ProbeVerdict.DISCONNECTED)


async def test_the_source_is_the_one_that_was_asked_for() -> None:
    async with Server() as server:
        answer = await ask(server.target, means(source="127.0.3.9"))
        assert ended(answer.outcome) == (Stage.RCPT, 250)
        assert answer.source == "127.0.3.9"


async def test_nothing_is_watched_when_a_session_is_over() -> None:
    what = means()
    with closed_port() as closed:
        async with Server() as server, Server({"MAIL": hang_up}) as leaving:
            await ask_all(probes_of([server.target, leaving.target, closed]), what)
    assert not what.watch.timed


@pytest.mark.parametrize("leave", [hang_up, reset])
@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
async def test_a_reply_right_before_the_end_decides(verb: str, leave: Callable[[Visit], None]) -> None:
    script = {verb: last_words(b"554 5.7.1 go away\r\n", leave), "HELO": last_words(b"554 5.7.1 go away\r\n", leave)}
    async with Server(script) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (STAGES[verb], 554)


async def test_a_refusing_greeting_and_its_close_is_a_greeting() -> None:
    async with Server({"OPEN": last_words(b"554 5.7.1 not you\r\n")}) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (Stage.BANNER, 554)
    assert answer.server.helo is None


async def test_the_time_is_that_of_the_conversation() -> None:
    wall = time.time()

    def slow_bye(visit: Visit) -> None:
        visit.timer = visit.loop.call_later(0.6, last_words(b"221 2.0.0 Bye\r\n"), visit)  # type: ignore[arg-type]

    async with Server({"EHLO": drip(b"250 mx.example\r\n", 0.1, 8), "QUIT": slow_bye}) as server:
        answer = await ask(server.target)
    assert 95 <= answer.elapsed_ms < 600, "up to the reply that decided"
    assert abs(answer.started - wall) < 1


async def test_no_connection_is_the_dials_verdict_at_stage_connect() -> None:
    with closed_port() as closed, unanswered() as dropping:
        answers = await ask_all(probes_of([closed, dropping]), means(BRISK))
    assert [ended(answer.outcome) for answer in answers] == [
        (Stage.CONNECT, ProbeVerdict.REFUSED),
        (Stage.CONNECT, ProbeVerdict.CONNECT_TIMEOUT),
    ]
    assert [answer.outcome.error for answer in answers] == [
        "Connection refused (ECONNREFUSED)",
        "no answer to the connection attempt",
    ]
    assert {(answer.session, answer.attempts, answer.source) for answer in answers} == {(SessionUse.NEW, 1, None)}


async def test_a_path_that_cannot_be_said_reaches_nobody() -> None:
    async with Server() as server:
        injected = Question("postmaster@probe.example", "a@partner.example>\r\nDATA")
        [answer] = await ask_all([Probe(0, 0, server.target, injected)])
        assert server.dials == []
    assert ended(answer.outcome) == (Stage.CONNECT, ProbeVerdict.LOCAL_ERROR)
    assert "\r" not in str(answer.outcome.error)
    assert (answer.session, answer.attempts) == (SessionUse.NONE, 0)


IMPOSTORS = {
    "http": b"HTTP/1.1 400 Bad Request\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "tls": b"\x15\x03\x01\x00\x02\x02\x0a",
    "code 600": b"600 what\r\n",
    "four digits": b"2200 mx\r\n",
    "utf-16": "220 mx\r\n".encode("utf-16"),
}


@pytest.mark.parametrize("greeting", IMPOSTORS.values(), ids=IMPOSTORS)
async def test_an_impostor_is_known_by_its_first_bytes_and_hears_nothing(greeting: bytes) -> None:
    async with Server({"OPEN": greeting}) as server:
        answer = await ask(server.target)
        await until(lambda: server.visits[0].gone)
    assert ended(answer.outcome) == (Stage.BANNER, ProbeVerdict.NOT_SMTP)
    assert server.visits[0].writes in ([], [b"QUIT\r\n"])


def shifted(visit: Visit) -> None:
    """One reply too many, ahead of MAIL's."""
    visit.say(b"250 2.0.0 whatever\r\n250 2.1.0 Ok\r\n")


async def test_pipelined_replies_out_of_step_are_asked_again_one_by_one_once() -> None:
    shift: Script = {"EHLO": OFFERS, "MAIL": shifted}
    sound: Script = {"EHLO": OFFERS, "RCPT": b"550 5.1.1 no such user\r\n"}
    async with Server(shift, later=[sound]) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (Stage.RCPT, 550)
    assert answer.attempts == 2
    first, second = server.visits
    assert any(write.count(b"\r\n") > 1 for write in first.writes)
    assert all(write.count(b"\r\n") == 1 for write in second.writes)


async def test_a_server_that_stays_out_of_step_is_not_asked_a_third_time() -> None:
    async with Server({"EHLO": OFFERS, "MAIL": b"250 2.1.0 Ok\r\n", "RCPT": b"503 5.5.1 MAIL first\r\n"}) as server:
        answer = await ask(server.target)
    assert len(server.visits) == answer.attempts == 2
    assert ended(answer.outcome) in {(Stage.RCPT, 503), (Stage.RCPT, ProbeVerdict.PROTOCOL_ERROR)}


async def test_a_server_that_ignores_quit_keeps_its_verdict_and_loses_the_connection() -> None:
    """Two seconds and no more, and they are not the probe's: `elapsed_ms` lasts up to the reply that decided."""
    before = sockets()
    async with Server({"QUIT": silence}) as server:
        answer = await ask(server.target)
        await until(lambda: server.visits[0].gone)
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.elapsed_ms < 1000
    await until(lambda: sockets() == before)


async def test_silence_is_left_without_a_word() -> None:
    async with Server({"MAIL": silence}) as server:
        answer = await ask(server.target, means(Deadlines(connect_s=1, reply_s=0.2, probe_s=3)))
        await until(lambda: server.visits[0].gone)
    assert ended(answer.outcome) == (Stage.MAIL, ProbeVerdict.REPLY_TIMEOUT)
    assert server.lines == [["EHLO probe.example", "MAIL FROM:<postmaster@probe.example>"]]


async def test_both_families_are_spoken() -> None:
    async with Server(POLITE, ["::1"]) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.source == "::1"


@pytest.mark.parametrize("again", Again)
def test_each_wish_for_another_session_is_granted_once(again: Again) -> None:
    """Else a server could keep us dialling."""
    asked = Asked(Probe(0, 0, Target("127.0.0.1", 25), QUESTION))
    assert asked.may_try(again)
    asked.learn(again, TlsFacts(error="why"))
    assert not asked.may_try(again)
    assert asked.tls == TlsFacts(error="why")
    assert all(asked.may_try(other) for other in Again if other is not again)
