"""Relay before SPF before PTR before HELO, each by its own words."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("550 Relaying denied. SPF and reverse DNS failed for your HELO", "relay.not-permitted"),
        ("550 SPF check of your HELO failed, no reverse DNS", "sender-auth.words"),
        ("550 your HELO has no reverse DNS", "ptr.words"),
        ("550 Access denied - Invalid HELO name", "helo.refused"),
        ("550 mail for this host is not accepted: not local host", "relay.not-a-gateway"),
        ("550 that domain is not hosted here", "relay.domain-not-served"),
        ("550 sender domain is not hosted here", "sender.words"),
        ("550 Local user only", "relay.delivery-not-allowed"),
        ("550 relais refuse", "relay.localised"),
        ("550 sorry, we are not an open relay", "relay.not-a-relay"),
        ("554 Transaction failed: Duplicate header 'DKIM-Signature'.", "content.duplicate-header"),
    ],
)
def test_the_rule_that_decides(rule_of: Callable[..., str], reply: str, rule: str) -> None:
    assert rule_of(reply) == rule
