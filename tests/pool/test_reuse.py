"""Several questions in one session: how many, in which order, and what does not count as an answer."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from scanner.pool.limits import Deadlines, SessionLimits
from scanner.pool.tls import Contexts
from scanner.terms import ProbeVerdict, SessionUse, Stage
from tests.pool.asking import PATIENT, ask_all, each_for_itself, ended, means, probes_of
from tests.pool.servers import OFFERS, Server, Visit, hang_up, reset, starttls

ONE_PLACE = each_for_itself(1, 1, 0, 0)


def sharing(transactions: int = 10, errors: int = 8, deadlines: Deadlines = PATIENT):  # noqa: ANN201 - as means
    return means(deadlines, session_limits=SessionLimits(transactions, errors))


def verbs(visit: Visit) -> list[str]:
    return [line.split(" ")[0] for line in visit.lines]


@pytest.mark.parametrize("ehlo", [b"250 mx.example\r\n", OFFERS], ids=["one at a time", "pipelined"])
async def test_300_accepted_questions_take_30_sessions_each_left_by_quit(ehlo: bytes) -> None:
    async with Server({"EHLO": ehlo}) as server:
        answers = await ask_all(probes_of([server.target] * 300), sharing(), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 300
    assert len(server.visits) == 30
    assert all(verbs(visit)[-1] == "QUIT" for visit in server.visits)
    assert all(verbs(visit).count("RSET") == 9 for visit in server.visits)
    assert [answer.session for answer in answers].count(SessionUse.NEW) == 30
    assert {answer.attempts for answer in answers} == {1}


async def test_a_session_ends_before_the_server_minds_its_refusals() -> None:
    async with Server({"RCPT": b"550 5.1.1 no such user\r\n"}) as server:
        answers = await ask_all(probes_of([server.target] * 40), sharing(), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 550)] * 40
    assert len(server.visits) == 5
    assert all(verbs(visit).count("RCPT") == 8 and verbs(visit)[-1] == "QUIT" for visit in server.visits)


async def test_after_a_refused_mail_the_next_question_needs_no_rset() -> None:
    async with Server({"MAIL": b"550 5.7.1 not you\r\n"}) as server:
        answers = await ask_all(probes_of([server.target] * 3), sharing(), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.MAIL, 550)] * 3
    assert verbs(server.visits[0]) == ["EHLO", "MAIL", "MAIL", "MAIL", "QUIT"]


def at_the_second(step, otherwise: bytes):  # noqa: ANN001, ANN201 - a step for a script
    """The step at a visit's second time, else what is said."""

    def told(visit: Visit) -> None:
        verb = visit.lines[-1].split(" ")[0]
        if verbs(visit).count(verb) != 2 or visit.number:
            visit.say(otherwise)
        elif callable(step):
            step(visit)
        else:
            visit.say(step)

    return told


@pytest.mark.parametrize("ending", [b"421 4.4.2 idle too long\r\n", hang_up, reset], ids=["421", "close", "reset"])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_what_ends_a_session_in_use_says_nothing_about_the_question(ending: object, verb: str) -> None:
    async with Server({verb: at_the_second(ending, b"250 ok\r\n")}) as server:
        answers = await ask_all(probes_of([server.target] * 3), sharing(), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 3
    assert [answer.session for answer in answers] == [SessionUse.NEW, SessionUse.NEW, SessionUse.REUSED]
    assert [answer.attempts for answer in answers] == [1, 1, 1]
    assert len(server.visits) == 2


@pytest.mark.parametrize("ending", [b"421 4.4.2 bye\r\n", b"554 Too many nonmail commands\r\n", hang_up])
async def test_what_is_said_to_rset_ends_the_session_and_judges_nothing(ending: object) -> None:
    async with Server({"RSET": ending}) as server:
        answers = await ask_all(probes_of([server.target] * 3), sharing(), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 3
    assert [answer.session for answer in answers] == [SessionUse.NEW] * 3


async def test_a_421_in_a_new_session_is_the_answer() -> None:
    async with Server({"MAIL": b"421 4.3.2 shutting down\r\n"}) as server:
        answers = await ask_all(probes_of([server.target] * 2), sharing(), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.MAIL, 421)] * 2


async def test_a_silent_server_holds_the_second_question_for_its_own_time_only() -> None:
    deadlines = Deadlines(connect_s=5, reply_s=0.3, probe_s=5)
    async with Server({"RCPT": at_the_second(lambda _visit: None, b"250 ok\r\n")}) as server:
        answers = await ask_all(probes_of([server.target] * 2), sharing(deadlines=deadlines), ONE_PLACE)
    assert ended(answers[1].outcome) == (Stage.RCPT, ProbeVerdict.REPLY_TIMEOUT)
    assert 299 <= answers[1].elapsed_ms < 1500


async def test_questions_of_another_port_are_never_put_on_a_session() -> None:
    async with Server() as one, Server() as other:
        answers = await ask_all(probes_of([one.target, other.target, one.target]), sharing(), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 3
    assert (len(one.visits), len(other.visits)) == (2, 1)


async def test_probes_that_are_asked_again_share_a_session_that_is_new_to_them_all() -> None:
    """Ten thousand greylisted domains of a host are no ten thousand sessions."""
    before = asyncio.get_running_loop().time()
    async with Server() as server:
        again = [probe._replace(asked_before=before) for probe in probes_of([server.target] * 12)]
        answers = await ask_all(again, sharing(), ONE_PLACE)
    assert [answer.session for answer in answers].count(SessionUse.NEW) == len(server.visits) == 2


async def test_tls_that_begins_at_a_later_question_is_told_from_then_on_and_belongs_to_its_host() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mx.b.example").configure_cert(context)
    strict = ssl.create_default_context()
    authority.configure_trust(strict)

    def only_in_the_clear(visit: Visit) -> None:
        second = verbs(visit).count("MAIL") == 2 and not visit.secured
        visit.say(b"530 5.7.0 Must issue a STARTTLS command first\r\n" if second else b"250 ok\r\n")

    script = {
        "EHLO": b"250-mx.example\r\n250 STARTTLS\r\n",
        "MAIL": only_in_the_clear,
        "STARTTLS": starttls(context),
    }
    async with Server(script) as server:
        hosts = ["mx.a.example", "mx.b.example", "mx.b.example", "mx.a.example"]
        probes = [probe._replace(host=host) for probe, host in zip(probes_of([server.target] * 4), hosts, strict=True)]
        using = means(session_limits=SessionLimits(10, 8), contexts=Contexts(strict, ssl.create_default_context()))
        answers = await ask_all(probes, using, ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 4
    told = [answer.server.tls and answer.server.tls.verified for answer in answers]
    assert told == [None, True, True, None]
    assert [answer.session for answer in answers] == ["new", "reused", "reused", "new"]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
@pytest.mark.parametrize("number", [1, 3])
async def test_silence_at_one_pipelined_command_is_never_filled_by_the_answer_to_the_next(
    verb: str, number: int
) -> None:
    deadlines = Deadlines(connect_s=5, reply_s=0.3, probe_s=5)
    async with Server({"EHLO": OFFERS, verb: lambda _visit: None}) as server:
        answers = await ask_all(probes_of([server.target] * number), sharing(deadlines=deadlines), ONE_PLACE)
    ends = {ended(answer.outcome) for answer in answers}
    assert ends == {(Stage.MAIL if verb == "MAIL" else Stage.RCPT, ProbeVerdict.REPLY_TIMEOUT)}


async def test_a_certificate_that_is_not_valid_costs_its_host_one_more_dial_and_nobody_an_attempt() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.example").configure_cert(context)

    def only_in_the_clear(visit: Visit) -> None:
        visit.say(b"250 ok\r\n" if visit.secured else b"530 5.7.0 Must issue a STARTTLS command first\r\n")

    script = {
        "EHLO": b"250-mx.example\r\n250 STARTTLS\r\n",
        "MAIL": only_in_the_clear,
        "STARTTLS": starttls(context),
    }
    async with Server(script) as server:
        answers = await ask_all(probes_of([server.target] * 3, host="mx.example"), sharing(transactions=1), ONE_PLACE)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 3
    assert {answer.server.tls and answer.server.tls.verified for answer in answers} == {False}
    assert all("certificate" in (answer.server.tls.error or "") for answer in answers)
    assert [answer.attempts for answer in answers] == [1, 1, 1]
    assert len(server.visits) == 4
