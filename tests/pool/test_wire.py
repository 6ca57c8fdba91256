from __future__ import annotations

import asyncio

import pytest

from scanner.pool.limits import Deadlines
from scanner.pool.wire import Wire
from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Ended, Question
from scanner.terms import ProbeVerdict, Stage
from tests.pool.asking import ask, ended, means
from tests.pool.servers import OFFERS, Server, Visit, hang_up, last_words, reset

SHORT = Deadlines(connect_s=2, reply_s=0.5, probe_s=3)


async def test_never_a_byte_before_the_whole_banner() -> None:
    """Postfix' postscreen greets with a first line and the rest a while later, and bars who speaks in between."""
    heard_early: list[bytes] = []

    def greet(visit: Visit) -> None:
        visit.say(b"220-mx.example\r\n220-wait\r\n22")
        visit.timer = visit.loop.call_later(0.15, finish, visit)

    def finish(visit: Visit) -> None:
        heard_early.extend(visit.writes)
        visit.say(b"0 mx.example\r\n")

    async with Server({"OPEN": greet}) as server:
        answer = await ask(server.target)
    assert heard_early == []
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.server.banner == "mx.example\nwait\nmx.example"


async def test_commands_go_one_at_a_time_unless_pipelining_is_offered() -> None:
    async with Server() as plain, Server({"EHLO": OFFERS}) as offering:
        await ask(plain.target)
        await ask(offering.target)
    [visit] = plain.visits
    assert [write.count(b"\r\n") for write in visit.writes] == [1] * len(visit.writes)
    [visit] = offering.visits
    assert [write.split(b" ")[0] for write in visit.writes[:2]] == [b"EHLO", b"MAIL"]
    assert visit.writes[1].startswith(
        b"MAIL FROM:<postmaster@probe.example>\r\nRCPT TO:<postmaster@partner.example>\r\n"
    )


async def test_every_command_is_one_line_and_the_message_is_never_begun() -> None:
    async with Server() as server:
        await ask(server.target)
    assert server.lines == [
        [
            "EHLO probe.example",
            "MAIL FROM:<postmaster@probe.example>",
            "RCPT TO:<postmaster@partner.example>",
            "QUIT",
        ]
    ]


@pytest.mark.parametrize(
    ("leave", "error"), [(hang_up, "closed by the server"), (reset, "reset by the server")], ids=["fin", "rst"]
)
async def test_an_orderly_close_and_a_reset_are_told_apart(leave: object, error: str) -> None:
    async with Server({"MAIL": leave}) as server:  # type: ignore[dict-item]
        answer = await ask(server.target)
    assert ended(answer.outcome) == (Stage.MAIL, ProbeVerdict.DISCONNECTED)
    assert answer.outcome.error == error


async def test_a_half_closed_connection_ends_the_session_after_what_was_said() -> None:
    def half(visit: Visit) -> None:
        visit.say(b"550 5.1.1 no such user\r\n")
        visit.transport.write_eof()

    async with Server({"RCPT": half}) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (Stage.RCPT, 550)


async def test_a_last_line_without_line_end_counts_and_is_noted() -> None:
    async with Server({"RCPT": last_words(b"550 5.7.1 relaying denied")}) as server:
        answer = await ask(server.target)
    assert ended(answer.outcome) == (Stage.RCPT, 550)
    assert "no CRLF" in answer.notes


async def test_a_witness_sees_both_sides_in_order() -> None:
    seen: list[tuple[str, bytes]] = []
    async with Server() as server:
        await ask(server.target, means(witness=lambda mark, data: seen.append((mark, data))))
    conversation = [(mark, data) for mark, data in seen if mark in "<>"]
    assert conversation[:3] == [
        ("<", b"220 mx.example ESMTP\r\n"),
        (">", b"EHLO probe.example\r\n"),
        ("<", b"250 mx.example\r\n"),
    ]
    assert conversation[-1] == ("<", b"221 2.0.0 Bye\r\n")


async def test_what_the_dialogue_trips_over_is_raised_in_the_session() -> None:
    """A bug of ours in the middle of a conversation must not look as if the server had hung up."""

    def buggy(*_: object) -> bool:
        raise LookupError("a bug")

    offering = {"EHLO": b"250-mx.example\r\n250 STARTTLS\r\n", "MAIL": b"550 5.7.1 no\r\n"}
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    async with Server(offering) as server:
        answer = await ask(server.target, means(demands_tls=buggy))
    assert answer.outcome.trouble is ProbeVerdict.LOCAL_ERROR
    assert answer.outcome.error == "internal error: LookupError: a bug"


async def test_an_answer_that_came_in_time_stands_though_the_clock_strikes_before_it_is_taken() -> None:
    dialogue = Dialogue("probe.example")
    dialogue.ask(Question("postmaster@probe.example", "postmaster@partner.example"), last=False)
    wire = Wire(dialogue, SHORT, 1000.0, None)
    for heard in (b"220 mx.example\r\n", OFFERS, b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.0.0 Ok\r\n"):
        wire.data_received(heard)
    wire.expire(1001.0)
    assert dialogue.ready_for_another
    assert [ended(event.outcome) for event in wire.events() if isinstance(event, Ended)] == [(Stage.RCPT, 250)]
