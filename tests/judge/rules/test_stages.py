"""What code and stage mean where nothing else told."""

import pytest

from scanner.judge.reason import judge_reply
from scanner.judge.rules.stages import by_stage
from scanner.terms import Confidence, ProbeVerdict, Stage

V = ProbeVerdict


@pytest.mark.parametrize(
    ("stage", "codes", "verdict"),
    [
        ("connect", [554, 550], V.CLIENT_BLOCKED),
        ("banner", [554], V.CLIENT_BLOCKED),
        ("banner", [521], V.NOT_ACCEPTING),
        ("banner", [421], V.SERVICE_UNAVAILABLE),
        ("helo", [550, 554], V.HELO_REJECTED),
        ("helo", [502], V.PROTOCOL_ERROR),
        ("starttls", [454, 501, 502, 554], V.TLS_UNAVAILABLE),
        ("mail", [550, 553, 554], V.SENDER_REJECTED),
        ("rcpt", [550, 553], V.USER_UNKNOWN),
        ("rcpt", [551], V.MAILBOX_DISABLED),
        ("rcpt", [552], V.MAILBOX_FULL),
        ("rcpt", [554], V.POLICY_REJECTED),
        ("data", [550, 554], V.CONTENT_REJECTED),
        ("message", [550, 552, 554], V.CONTENT_REJECTED),
        ("rcpt", [530, 535], V.AUTH_REQUIRED),
        ("rcpt", [556], V.NOT_ACCEPTING),
        ("rcpt", [500, 501, 502, 503, 504, 555], V.PROTOCOL_ERROR),
        ("rcpt", [450, 451, 452], V.SERVICE_UNAVAILABLE),
    ],
)
def test_the_last_resort(stage: str, codes: list[int], verdict: V) -> None:
    for code in codes:
        assert by_stage(Stage(stage), code) is verdict, code


def test_the_last_resort_is_a_guess_and_its_rule_names_stage_and_code() -> None:
    judged = judge_reply(Stage.RCPT, 554, None, "words that no rule knows")
    assert (judged.confidence, judged.rule) == (Confidence.LOW, "stage.rcpt.554")
    assert judge_reply(None, 554, None, "words that no rule knows").rule == "stage.unknown.554"
