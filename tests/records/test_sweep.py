from __future__ import annotations

import jsonschema_rs
import orjson

from scanner.pool.probe import Answer
from scanner.records.facts import ProbeFacts
from scanner.records.schema import schema_text
from scanner.records.sweep import RelayTestFacts, encode_swept
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import About, Confidence, Judgement, Stage, SweepVerdict

SCHEMA = jsonschema_rs.validator_for(orjson.loads(schema_text()))
DENIED = Reply(554, (b"5.7.1 no \x1b[2J",), False, ())
CLOSED = Judgement(SweepVerdict.CLOSED, None, About.NONE, False, Confidence.HIGH, "relay.not-permitted")  # type: ignore[arg-type]
QUESTION = Question("me@canary.example", "me@canary.example")
TESTS = [
    RelayTestFacts("plain", "strong", "relay_denied", "me@canary.example", "me@canary.example", "rcpt", DENIED),
    RelayTestFacts("bang", "weak", "skipped"),
]


def facts(tag: object = None) -> ProbeFacts:
    outcome = Outcome(Stage.RCPT, DENIED, sender_said=True, recipient_said=True)
    return ProbeFacts(3, None, None, "192.0.2.1", 25, QUESTION, Answer(outcome, 0.0), CLOSED, (), tag)


def test_a_swept_target_is_one_record_with_its_tests_behind_it() -> None:
    group = encode_swept("0123456789abcdef", facts(), TESTS)
    assert group.data.count(b"\n") == 1
    record = orjson.loads(group.data)
    SCHEMA.validate(record)
    assert list(record)[-1] == "tests"
    assert (record["verdict"], record["standing"], record["domain"], record["seq"]) == ("closed", None, None, 3)
    assert record["tests"] == [
        {
            "name": "plain", "sender": "me@canary.example", "recipient": "me@canary.example", "strength": "strong",
            "verdict": "relay_denied", "stage": "rcpt", "code": 554, "enhanced": "5.7.1", "text": "5.7.1 no \\x1b[2J",
        },
        {
            "name": "bang", "sender": None, "recipient": None, "strength": "weak", "verdict": "skipped", "stage": None,
            "code": None, "enhanced": None, "text": None,
        },
    ]  # fmt: skip


def test_a_record_that_cannot_be_encoded_is_not_lost() -> None:
    group = encode_swept("0123456789abcdef", facts(tag=2**70), TESTS)
    record = orjson.loads(group.data)
    assert (group.unencodable, record["verdict"], record["address"]) == (1, "local_error", "192.0.2.1")
