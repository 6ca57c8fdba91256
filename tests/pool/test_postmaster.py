"""A refused recipient leaves it open whether the domain is served; the postmaster is asked in the same session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scanner.pool.limits import SessionLimits
from scanner.pool.postmaster import about_postmaster, postmaster_in_words
from scanner.pool.probe import Probe
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import ProbeVerdict, SessionUse, Stage, Target
from tests.pool.asking import ask_all, ended, means
from tests.pool.servers import OFFERS, Server, Visit, hang_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.pool.probe import Answer
    from scanner.pool.session import Means

SENDER = "postmaster@probe.example"
INVALID = b"550 Invalid recipient\r\n"
ONE_LINE = b"250 mx.example\r\n"


def about(*recipients: str, target: Target) -> list[Probe]:
    return [Probe(seq, 0, target, Question(SENDER, recipient)) for seq, recipient in enumerate(recipients)]


def refused_at_rcpt(outcome: Outcome) -> bool:
    return outcome.stage is Stage.RCPT and outcome.reply is not None and outcome.reply.code >= 400


def doubting(transactions: int = 10, errors: int = 8) -> Means:
    return replace(means(session_limits=SessionLimits(transactions, errors)), leaves_open=refused_at_rcpt)


def knows(*local_parts: str, then: Callable[[Visit], None] | None = None) -> Callable[[Visit], None]:
    """Take these; refuse others in words that say nothing. `then` comes in place of the second answer."""

    def step(visit: Visit) -> None:
        rcpts = [line for line in visit.lines if line.startswith("RCPT")]
        if then is not None and len(rcpts) == 2:
            then(visit)
        else:
            known = rcpts[-1].removeprefix("RCPT TO:<").partition("@")[0] in local_parts
            visit.say(b"250 2.1.5 Ok\r\n" if known else INVALID)

    return step


async def ask_about(server: Server, with_what: Means, *recipients: str) -> list[Answer]:
    return await ask_all(about(*recipients, target=server.target), with_what)


def rcpts_of(server: Server) -> list[list[str]]:
    return [[line for line in visit.lines if line.startswith("RCPT")] for visit in server.visits]


@pytest.mark.parametrize("offers", [OFFERS, ONE_LINE], ids=["pipelined", "one at a time"])
async def test_an_open_refusal_has_the_postmaster_asked_in_the_same_session(offers: bytes) -> None:
    async with Server({"EHLO": offers, "RCPT": knows("postmaster")}) as server:
        [answer] = await ask_about(server, doubting(), "anna@partner.example")
        assert rcpts_of(server) == [["RCPT TO:<anna@partner.example>", "RCPT TO:<postmaster@partner.example>"]]
    assert ended(answer.outcome) == (Stage.RCPT, 550)
    assert answer.postmaster is not None
    assert ended(answer.postmaster) == (Stage.RCPT, 250)
    assert answer.notes == ("postmaster answered 250 2.1.5 Ok",)
    assert (answer.attempts, answer.session) == (1, SessionUse.NEW)


async def test_the_postmaster_is_asked_once_even_if_that_leaves_it_open_too() -> None:
    async with Server({"EHLO": OFFERS, "RCPT": knows()}) as server:
        [answer] = await ask_about(server, doubting(), "anna@partner.example")
        assert [len(rcpts) for rcpts in rcpts_of(server)] == [2]
    assert answer.notes == ("postmaster answered 550 Invalid recipient",)


@pytest.mark.parametrize("recipient", ["postmaster@partner.example", "PostMaster@partner.example"])
async def test_a_refused_postmaster_is_not_asked_for_again(recipient: str) -> None:
    async with Server({"EHLO": OFFERS, "RCPT": knows()}) as server:
        [answer] = await ask_about(server, doubting(), recipient)
        assert [len(rcpts) for rcpts in rcpts_of(server)] == [1]
    assert (answer.postmaster, answer.notes) == (None, ())


async def test_an_accepted_recipient_leaves_nothing_open() -> None:
    async with Server({"EHLO": OFFERS, "RCPT": knows("anna")}) as server:
        [answer] = await ask_about(server, doubting(), "anna@partner.example")
        assert [len(rcpts) for rcpts in rcpts_of(server)] == [1]
    assert answer.postmaster is None


async def test_without_the_operators_wish_nobody_asks() -> None:
    async with Server({"EHLO": OFFERS, "RCPT": knows("postmaster")}) as server:
        [answer] = await ask_about(server, means(session_limits=SessionLimits()), "anna@partner.example")
        assert [len(rcpts) for rcpts in rcpts_of(server)] == [1]
    assert answer.postmaster is None


async def test_a_server_that_leaves_under_the_second_question_keeps_its_first_answer() -> None:
    async with Server({"EHLO": ONE_LINE, "RCPT": knows(then=hang_up)}) as server:
        [answer] = await ask_about(server, doubting(), "anna@partner.example")
        assert len(server.dials) == 1
    assert ended(answer.outcome) == (Stage.RCPT, 550)
    assert (answer.postmaster, answer.notes) == (None, ("postmaster not answered: closed by the server",))


@pytest.mark.parametrize(("transactions", "errors"), [(4, 100), (100, 4)])
async def test_postmasters_count_within_a_sessions_limits(transactions: int, errors: int) -> None:
    recipients = [f"user{number}@partner.example" for number in range(10)]
    async with Server({"EHLO": OFFERS, "RCPT": knows()}) as server:
        answers = await ask_about(server, doubting(transactions, errors), *recipients)
        assert max(len(rcpts) for rcpts in rcpts_of(server)) == 4
        assert sum(len(rcpts) for rcpts in rcpts_of(server)) == 20
    assert all(answer.postmaster is not None for answer in answers)


def test_the_question_differs_in_the_local_part_only() -> None:
    [probe] = about('"odd@name"@partner.example', target=Target("127.0.0.1", 25))
    asked = about_postmaster(probe)
    assert asked is not None
    assert asked.probe == probe._replace(question=Question(SENDER, "postmaster@partner.example"))


TWO_LINES = Outcome(Stage.RCPT, Reply(450, (b"4.2.0 wait", b"4.2.0 more"), False, ()))
SILENCE = Outcome(Stage.RCPT, trouble=ProbeVerdict.REPLY_TIMEOUT, error="no reply in 5 s")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (TWO_LINES, "answered 450 4.2.0 wait 4.2.0 more"),
        (SILENCE, "not answered: no reply in 5 s"),
        (None, "not answered: closed by the server"),
    ],
)
def test_what_it_answered_is_a_note_of_one_line(outcome: Outcome | None, words: str) -> None:
    assert postmaster_in_words(outcome) == f"postmaster {words}"
