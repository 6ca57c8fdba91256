"""Loose phrases, and their order."""

from collections.abc import Callable

import pytest

from scanner.terms import Stage


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("452 Too many recipients", "rate.too-many"),
        ("554 too many hops", "exchange.routing"),
        ("550 invalid sender", "sender.words"),
        ("555 MAIL FROM parameters not recognized", "protocol.parameters"),
        ("550 account is disabled", "mailbox.disabled"),
        ("450 Requested mail action not taken: mailbox unavailable", "mailbox.busy"),
        ("550 Requested action not taken: mailbox unavailable", "user.unknown"),
        ("550 unknown domain", "routing.domain-not-found"),
        ("550 Unrouteable address", "exim.unrouteable"),
        ("501 Bad recipient address syntax", "sender.syntax"),
        ("550 No such user", "user.unknown"),
        ("550 onbekend", "user.unknown-localised"),
        ("451 internal server error", "service.system-error"),
        ("503 bad sequence of commands", "protocol.words"),
        ("451 please try again later", "greylist.try-later"),
        ("421 please try again later", "service.unavailable"),
        ("550 denied by policy", "policy.words"),
        ("550 denied", "policy.bare"),
    ],
)
def test_the_rule_that_decides(rule_of: Callable[..., str], reply: str, rule: str) -> None:
    assert rule_of(reply) == rule


def test_before_rcpt_an_unknown_user_can_only_be_the_sender(rule_of: Callable[..., str]) -> None:
    assert rule_of("550 No such user", Stage.MAIL) == "sender.at-mail"
    assert rule_of("550 No such user", None) == "user.unknown"


def test_a_refusal_at_the_greeting_is_about_the_client(rule_of: Callable[..., str]) -> None:
    assert rule_of("554 access denied", Stage.BANNER) == "client.before-hello"


def test_a_deferral_before_rcpt_is_no_greylisting(rule_of: Callable[..., str]) -> None:
    assert rule_of("450 please try again later", Stage.BANNER) == "service.unavailable"
