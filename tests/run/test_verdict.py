from __future__ import annotations

import pytest

from scanner.pool.probe import Answer
from scanner.run.verdict import demands_tls, judge, judge_answer, leaves_open
from scanner.smtp.outcome import Again, Outcome
from scanner.smtp.reply import Reply
from scanner.terms import About, Confidence, Judgement, ProbeVerdict, Stage, Standing


def reply(code: int, *lines: bytes) -> Reply:
    return Reply(code, lines, False, ())


def test_a_positive_reply_is_accepted_whatever_its_words() -> None:
    said = reply(250, b"2.1.5 Ok: relay access denied, user unknown, blocked")
    assert judge(Outcome(Stage.RCPT, said))[:3] == (ProbeVerdict.ACCEPTED, Standing.SERVES, About.NONE)


def test_a_refusal_is_judged_by_its_code_its_words_and_where_it_came() -> None:
    found = judge(Outcome(Stage.RCPT, reply(554, b"5.7.1 <a@b.example>: Relay access denied")))
    assert found[:4] == (ProbeVerdict.RELAY_DENIED, Standing.BROKEN, About.DOMAIN, False)
    assert found.confidence is Confidence.HIGH


def test_the_words_of_all_lines_count() -> None:
    found = judge(Outcome(Stage.RCPT, reply(550, b"No such", b"Relay access denied", b"good bye")))
    assert found.verdict is ProbeVerdict.RELAY_DENIED


@pytest.mark.parametrize("trouble", [ProbeVerdict.REFUSED, ProbeVerdict.REPLY_TIMEOUT, ProbeVerdict.DISCONNECTED])
def test_where_no_reply_came_the_transport_decides(trouble: ProbeVerdict) -> None:
    found = judge(Outcome(Stage.CONNECT, trouble=trouble))
    assert (found.verdict, found.standing, found.rule) == (trouble, Standing.BROKEN, f"transport.{trouble}")


def test_trouble_outranks_a_reply_that_came_before_it() -> None:
    outcome = Outcome(Stage.RCPT, reply(250, b"ok"), trouble=ProbeVerdict.DISCONNECTED)
    assert judge(outcome).verdict is ProbeVerdict.DISCONNECTED


@pytest.mark.parametrize(("code", "standing"), [(450, Standing.UNDECIDED), (550, Standing.BROKEN)])
def test_a_broken_dialogue_weighs_by_the_code_of_its_last_line(code: int, standing: Standing) -> None:
    found = judge(Outcome(Stage.HELO, reply(code, b"mixed"), trouble=ProbeVerdict.PROTOCOL_ERROR))
    assert (found.verdict, found.standing, found.transient) == (
        ProbeVerdict.PROTOCOL_ERROR,
        standing,
        standing is Standing.UNDECIDED,
    )


def test_a_broken_dialogue_without_a_reply_may_differ_later() -> None:
    found = judge(Outcome(Stage.STARTTLS, trouble=ProbeVerdict.PROTOCOL_ERROR))
    assert (found.verdict, found.transient) == (ProbeVerdict.PROTOCOL_ERROR, True)


@pytest.mark.parametrize(("code", "transient"), [(454, True), (502, False)])
def test_a_refused_starttls_is_tls_unavailable_with_the_refusals_code(code: int, *, transient: bool) -> None:
    found = judge(Outcome(Stage.STARTTLS, reply(code, b"no"), trouble=ProbeVerdict.TLS_UNAVAILABLE))
    assert found == Judgement(
        ProbeVerdict.TLS_UNAVAILABLE, Standing.UNDECIDED, About.SERVER, transient, Confidence.HIGH, "starttls.refused"
    )


def test_nothing_at_all_is_a_fault_of_ours() -> None:
    assert judge(Outcome(Stage.CONNECT)).verdict is ProbeVerdict.LOCAL_ERROR


@pytest.mark.parametrize(
    ("code", "words", "demands"),
    [
        (530, b"5.7.0 Must issue a STARTTLS command first", True),
        (554, b"5.7.1 Relay access denied", False),
        (530, b"5.7.0 Authentication required", False),
    ],
)
def test_only_a_refusal_that_asks_for_tls_demands_it(code: int, words: bytes, *, demands: bool) -> None:
    assert demands_tls(Stage.MAIL, reply(code, words)) is demands


OPEN = Outcome(Stage.RCPT, reply(550, b"Invalid recipient"))
"""OpenSMTPD says so to a foreign domain and to an unknown user alike."""


@pytest.mark.parametrize(
    ("postmaster", "standing"),
    [
        (reply(250, b"2.1.5 Ok"), Standing.SERVES),
        (reply(550, b"5.1.1 User unknown"), Standing.SERVES),
        (reply(554, b"5.7.1 Relay access denied"), Standing.BROKEN),
        (reply(550, b"Invalid recipient"), Standing.UNDECIDED),
        (reply(450, b"4.2.0 Greylisted"), Standing.UNDECIDED),
        (reply(421, b"4.3.2 good bye"), Standing.UNDECIDED),
    ],
)
def test_what_a_refusal_leaves_open_follows_the_postmaster(postmaster: Reply, standing: Standing) -> None:
    found = judge_answer(Answer(OPEN, 0.0, postmaster=Outcome(Stage.RCPT, postmaster)))
    assert found == judge(OPEN)._replace(standing=standing)


@pytest.mark.parametrize(
    "nothing",
    [
        Outcome(Stage.RCPT, trouble=ProbeVerdict.REPLY_TIMEOUT),
        Outcome(Stage.MAIL, reply(550, b"5.7.1 enough")),
        Outcome(Stage.RCPT, reply(250, b"ok"), again=Again.UNPIPELINED),
    ],
)
def test_a_postmaster_who_was_not_answered_settles_nothing(nothing: Outcome) -> None:
    assert judge_answer(Answer(OPEN, 0.0, postmaster=nothing)) == judge(OPEN)


def test_a_clear_refusal_does_not_follow_the_postmaster() -> None:
    denied = Outcome(Stage.RCPT, reply(554, b"5.7.1 Relay access denied"))
    found = judge_answer(Answer(denied, 0.0, postmaster=Outcome(Stage.RCPT, reply(250, b"ok"))))
    assert found.standing is Standing.BROKEN


@pytest.mark.parametrize(
    ("outcome", "is_open"),
    [
        (OPEN, True),
        (Outcome(Stage.RCPT, reply(450, b"4.2.0 Greylisted")), True),
        (Outcome(Stage.RCPT, reply(250, b"ok")), False),
        (Outcome(Stage.RCPT, reply(550, b"5.1.1 User unknown")), False),
        (Outcome(Stage.RCPT, reply(421, b"4.3.2 good bye")), False),
        (Outcome(Stage.MAIL, reply(550, b"no")), False),
        (Outcome(Stage.RCPT, trouble=ProbeVerdict.DISCONNECTED), False),
    ],
)
def test_only_a_refusal_at_rcpt_that_says_nothing_about_the_domain_leaves_it_open(
    outcome: Outcome, *, is_open: bool
) -> None:
    assert leaves_open(outcome) is is_open
