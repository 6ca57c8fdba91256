"""Enhanced codes by subject and detail."""

import pytest

from scanner.judge.reason import judge_reply
from scanner.terms import ProbeVerdict, Stage

V = ProbeVerdict


def of_code(enhanced: str, code: int = 550, stage: Stage | None = Stage.RCPT) -> V:
    return judge_reply(stage, code, enhanced, "words that no rule knows").verdict


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ("1.10 3.2", V.NOT_ACCEPTING),
        ("2.2", V.MAILBOX_FULL),
        ("7.25", V.PTR_REQUIRED),
        ("7.20 7.21 7.22 7.23 7.24 7.26 7.29 7.32 7.509 7.515", V.SENDER_AUTH_FAILED),
        ("7.27 1.7 1.8 7.60", V.SENDER_REJECTED),
        ("7.10 7.11 7.30", V.TLS_REQUIRED),
        ("7.8 7.9 7.57", V.AUTH_REQUIRED),
        ("6.7 6.8 1.3 3.3 5.0 5.1 5.2 5.4", V.PROTOCOL_ERROR),
        ("5.3 7.28 7.38 4.5", V.RATE_LIMITED),
        ("3.4 2.3 6.0 6.1 6.11 7.512", V.CONTENT_REJECTED),
        ("4.6 1.2 4.0 4.1 4.4", V.ROUTING_ERROR),
        ("7.54 7.64", V.RELAY_DENIED),
        ("7.501 7.511 7.513 7.606 7.649 7.708 7.850", V.CLIENT_BLOCKED),
        ("7.2 7.12 7.124 7.133 7.136 7.505", V.RECIPIENT_RESTRICTED),
        ("1.0 1.1 1.4", V.USER_UNKNOWN),
        ("2.1 1.6 7.13 7.17", V.MAILBOX_DISABLED),
        ("3.0 3.1 3.5", V.SERVICE_UNAVAILABLE),
        ("7.0 7.1 7.900 7.510 7.51", V.POLICY_REJECTED),
    ],
)
def test_what_a_code_alone_means(codes: str, verdict: V) -> None:
    for code in codes.split():
        assert of_code(f"5.{code}") is verdict, code


def test_the_class_of_a_code_does_not_matter() -> None:
    assert of_code("4.2.2") is of_code("5.2.2") is V.MAILBOX_FULL


def test_basic_code_and_stage_tell_whom_a_broad_code_is_about() -> None:
    assert of_code("4.3.2", 451) is V.SERVICE_UNAVAILABLE
    assert of_code("4.2.0", 450) is V.GREYLISTED
    assert of_code("5.1.1", stage=Stage.MAIL) is V.SENDER_REJECTED


def test_a_loose_phrase_outranks_a_broad_code_but_not_a_specific_one() -> None:
    assert judge_reply(Stage.RCPT, 550, "5.1.2", "mailbox does not exist").rule == "user.unknown"
    assert judge_reply(Stage.RCPT, 550, "5.7.57", "user unknown here").rule == "enhanced.X.7.57"
