"""What is known of a target: which outcomes, of which port, for how long, for whom."""

from __future__ import annotations

import pytest

from scanner.pool.evidence import Evidence, is_about_target, is_death, shared
from scanner.pool.probe import Answer
from scanner.smtp.outcome import Again, Outcome
from scanner.smtp.reply import Reply
from scanner.terms import ProbeVerdict, ServerFacts, SessionUse, Stage, TlsFacts

REFUSED = Answer(Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED, error="nobody there"), 1.0, 2.0)
GO_AWAY = Answer(Outcome(Stage.BANNER, Reply(554, (b"5.7.1 not you",))), 1.0, 2.0)
ABOUT_TARGET = {Stage.CONNECT: True, Stage.BANNER: True, Stage.HELO: True, Stage.STARTTLS: True}


@pytest.mark.parametrize("stage", Stage)
def test_what_happens_before_a_transaction_is_about_the_target_and_nothing_else_is(stage: Stage) -> None:
    said = ABOUT_TARGET.get(stage, False)
    assert is_about_target(Outcome(stage, Reply(554, (b"5.7.1 no",)))) is said
    assert is_about_target(Outcome(stage, trouble=ProbeVerdict.REPLY_TIMEOUT)) is said
    assert not is_about_target(Outcome(stage, trouble=ProbeVerdict.LOCAL_ERROR)), "that is about us"


DEATHS = {ProbeVerdict.REFUSED, ProbeVerdict.CONNECT_TIMEOUT, ProbeVerdict.UNREACHABLE, ProbeVerdict.DISCONNECTED}


@pytest.mark.parametrize("trouble", ProbeVerdict)
def test_nobody_there_is_what_one_lost_packet_looks_like_too(trouble: ProbeVerdict) -> None:
    assert is_death(Outcome(Stage.CONNECT, trouble=trouble)) is (trouble in DEATHS)
    assert is_death(Outcome(Stage.BANNER, trouble=trouble)) is (trouble in DEATHS)
    assert not is_death(Outcome(Stage.HELO, trouble=trouble)), "somebody had greeted us"
    assert not is_death(Outcome(Stage.RCPT, trouble=trouble))


def test_a_reply_is_no_death() -> None:
    assert not is_death(GO_AWAY.outcome)


def test_it_holds_for_its_time_and_not_longer() -> None:
    evidence = Evidence()
    assert evidence.note(25, REFUSED, 1000.0, 300.0)
    assert evidence.about(25, 1000.0) is REFUSED
    assert evidence.about(25, 1299.9) is REFUSED
    assert evidence.holds(1299.9)
    assert evidence.about(25, 1300.0) is None
    assert not evidence.holds(1299.0), "what is over is forgotten when somebody asks"


def test_it_is_the_ports_own() -> None:
    evidence = Evidence()
    evidence.note(25, REFUSED, 1000.0, 300.0)
    evidence.note(587, GO_AWAY, 1010.0, 300.0)
    assert evidence.about(25, 1020.0) is REFUSED
    assert evidence.about(587, 1020.0) is GO_AWAY
    assert evidence.about(465, 1020.0) is None
    assert evidence.holds(1305.0), "one of two still does"
    assert not evidence.holds(1310.0)


def test_the_last_word_counts() -> None:
    evidence = Evidence()
    evidence.note(25, REFUSED, 1000.0, 300.0)
    evidence.note(25, GO_AWAY, 1100.0, 300.0)
    assert evidence.about(25, 1350.0) is GO_AWAY


def test_who_got_further_ends_it_for_his_port() -> None:
    evidence = Evidence()
    evidence.note(25, REFUSED, 1000.0, 300.0)
    evidence.note(587, REFUSED, 1000.0, 300.0)
    evidence.forget(25)
    evidence.forget(465)
    assert (evidence.about(25, 1001.0), evidence.about(587, 1001.0)) == (None, REFUSED)


def test_who_was_answered_before_is_told_only_what_was_found_out_since() -> None:
    evidence = Evidence()
    evidence.note(25, REFUSED, 1000.0, 300.0)
    assert evidence.about(25, 1100.0, since=1000.1) is None
    assert evidence.about(25, 1100.0, since=999.9) is REFUSED
    assert evidence.about(25, 1100.0) is REFUSED, "others are still told"


def test_without_memory_nothing_is_noted() -> None:
    evidence = Evidence()
    assert not evidence.note(25, REFUSED, 1000.0, 0.0)
    assert evidence.about(25, 1000.0) is None


def test_a_transactions_answer_is_not_noted() -> None:
    evidence = Evidence()
    assert not evidence.note(25, Answer(Outcome(Stage.RCPT, Reply(550, (b"5.1.1 no",))), 1.0), 1000.0, 300.0)
    assert not evidence.holds(1000.0)


def test_the_answer_to_who_was_not_sent_says_so() -> None:
    """The verdict and what the server said of itself are the same; the attempt, its time and our address are not."""
    outcome = Outcome(Stage.STARTTLS, None, ProbeVerdict.TLS_FAILED, "no", True, True, Again.IN_CLEAR)
    server = ServerFacts("probe.example", "mx.example", None, ("STARTTLS",), TlsFacts(error="no"))
    answer = shared(Answer(outcome, 1.0, 25.0, server, "192.0.2.9", SessionUse.NEW, 3, ("no CRLF",)), 77.0)
    assert answer == Answer(
        Outcome(Stage.STARTTLS, None, ProbeVerdict.TLS_FAILED, "no"), 77.0, 0.0, server, None, SessionUse.SHARED, 0
    )
