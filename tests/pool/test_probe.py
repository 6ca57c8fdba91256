from __future__ import annotations

from scanner.pool.probe import Answer, Probe
from scanner.smtp.outcome import Outcome, Question
from scanner.terms import ServerFacts, SessionUse, Stage, Target


def test_a_probe_is_not_typed_unless_somebody_says_so() -> None:
    """The fence is strict by default: what DNS names is never taken for what the operator named."""
    probe = Probe(0, 0, Target("192.0.2.1", 25), Question("", "a@partner.example"))
    assert (probe.typed, probe.host) == (False, None)


def test_an_answer_without_more_is_one_attempt_in_a_new_session_that_learnt_nothing() -> None:
    answer = Answer(Outcome(Stage.CONNECT), 0.0)
    assert (answer.session, answer.attempts) == (SessionUse.NEW, 1)
    assert (answer.server, answer.source, answer.notes) == (ServerFacts(), None, ())
