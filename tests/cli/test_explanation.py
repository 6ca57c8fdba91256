from __future__ import annotations

from typing import Any, cast

import pytest

from scanner.cli.explanation import Explainer
from scanner.judge.texts import INVALID_RECIPIENT, PROBES
from scanner.quotations.text import read_quotation
from scanner.terms import ProbeVerdict


class Shown:
    """What a screen was told, a paragraph an entry."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def line(self, text: str) -> None:
        self.told.append(text)

    def paragraph(self, text: str, indent: str) -> None:
        self.told.append(indent + text)


def explained(text: str) -> list[str]:
    shown = Shown()
    explainer = Explainer(cast("Any", shown))
    for quoted in read_quotation(text):
        explainer.explain(quoted)
    return shown.told


def test_meaning_matter_and_both_sides_steps_are_the_judge_s_texts() -> None:
    told = explained("550 Invalid recipient")
    assert any(INVALID_RECIPIENT.meaning in text for text in told)
    assert f"    Whose matter: {INVALID_RECIPIENT.whose}" in told
    assert f"    Sender: {INVALID_RECIPIENT.sender}" in told
    assert f"    Receiver: {INVALID_RECIPIENT.receiver}" in told


def test_how_sure_it_is_and_by_which_rule_is_said() -> None:
    for reply, sure, rule in (
        ("550 Invalid recipient", "low: a guess", "user.invalid-recipient"),
        ("554 Relay access denied", "high: sure", "relay.not-permitted"),
    ):
        assert any(sure in text and rule in text for text in explained(reply))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("connect to mx.p.example[192.0.2.1]:25: Connection timed out", ProbeVerdict.CONNECT_TIMEOUT),
        ("connect to mx.p.example[192.0.2.1]:25: Connection refused", ProbeVerdict.REFUSED),
    ],
)
def test_that_no_reply_came_is_explained_too(text: str, verdict: ProbeVerdict) -> None:
    told = explained(f"postfix/smtp[1]: {text}")
    assert any(str(verdict) in line for line in told)
    assert any(PROBES[verdict].meaning in line for line in told)


def test_advice_that_was_given_is_not_repeated() -> None:
    told = explained("554 5.7.1 Relay access denied\n\n554 5.7.1 Relay access denied")
    assert sum("Whose matter" in text for text in told) == 1
    assert any("as of reply 1 above" in text for text in told)
