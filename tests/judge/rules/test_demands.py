"""What a recipient, a session or a message must be."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("550 this list is for members only", "recipient.restricted"),
        ("530 Must issue a STARTTLS command first", "tls.required"),
        ("530 Authentication required", "auth.required"),
        ("550 Domain has null MX", "no-mail.null-mx"),
        ("550 This mailbox does not accept mail", "mailbox.takes-no-mail"),
        ("452 Insufficient system storage", "service.system-storage"),
        ("452 mailbox is full", "mailbox.full"),
        ("552 message size exceeds fixed limit", "content.message-size"),
        ("450 User is receiving mail too quickly", "rate.too-many"),
        ("554 virus found", "content.virus"),
        ("554 rejected as spam", "content.spam"),
        ("550 Daily sending quota exceeded", "rate.sending-quota"),
    ],
)
def test_the_rule_that_decides(rule_of: Callable[..., str], reply: str, rule: str) -> None:
    assert rule_of(reply) == rule
