"""A rule holds only where all that it asks for is there; the whole set keeps its promises about itself."""

import pytest

from scanner.judge.rules import STRONG, WEAK
from scanner.judge.rules.rule import Refusal, phrase
from scanner.judge.standing import NO_REPLY
from scanner.terms import Confidence, ProbeVerdict, Stage

SEEN = Refusal(Stage.RCPT, "450", (7, 1), "try later", "https://list.example/")


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({}, True),
        ({"codes": ("45",)}, True),
        ({"codes": ("5", "421")}, False),
        ({"stages": frozenset({Stage.RCPT})}, True),
        ({"stages": frozenset({Stage.MAIL, None})}, False),
        ({"detail": (7, 1)}, True),
        ({"detail": (1, 1)}, False),
        ({"in_links": True}, False),
    ],
)
def test_a_rule_holds_only_where_all_that_it_asks_for_is_there(asked: dict, holds: bool) -> None:  # noqa: FBT001
    assert phrase("x", ProbeVerdict.GREYLISTED, "here", "later", "sooner", **asked).holds(SEEN) is holds


def test_a_rule_on_links_does_not_look_at_words() -> None:
    assert phrase("x", ProbeVerdict.CLIENT_BLOCKED, "here", r"list\.example", in_links=True).holds(SEEN)


def test_each_rule_has_a_name_of_its_own_a_source_and_a_reason_that_a_reply_can_give() -> None:
    rules = [*STRONG, *WEAK]
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.source
        assert rule.verdict not in NO_REPLY | {ProbeVerdict.ACCEPTED, ProbeVerdict.UNCLASSIFIED}


def test_the_rules_of_ambiguous_texts_are_the_low_ones() -> None:
    low = {rule.name for rule in (*STRONG, *WEAK) if rule.confidence is Confidence.LOW}
    assert low == {
        "client.blocked-bare",
        "mailbox.busy",
        "exim.unrouteable",
        "user.invalid-recipient",
        "policy.bare",
    }
