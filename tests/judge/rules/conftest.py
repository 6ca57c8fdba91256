"""The name of the rule that decides, which is what these tests are about."""

from collections.abc import Callable

import pytest

from scanner.judge.reason import judge_reply
from scanner.terms import Stage

RuleOf = Callable[..., str]


@pytest.fixture
def rule_of() -> RuleOf:
    """`rule_of("550 5.7.1 text")`: the deciding rule at RCPT, or at another stage."""

    def decide(reply: str, stage: Stage | None = Stage.RCPT) -> str:
        code, _, text = reply.partition(" ")
        return judge_reply(stage, int(code), None, text).rule

    return decide
