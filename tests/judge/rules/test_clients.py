"""Who is listed: the client, the sender, a link, or us on one mailbox's own list."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("550 Your IP has been blacklisted", "client.blocklist"),
        ("550 IP address blacklisted by recipient", "client.listed-by-recipient"),
        ("550 You have been blocked by the recipient", "recipient.own-list"),
        ("550 Sender address has been blacklisted", "sender.listed"),
        ("550 Sender's IP address is blacklisted", "client.blocklist"),
        ("550 Blacklisted URL in message", "content.listed-link"),
        ("421 low reputation, temporarily rate limited", "client.reputation"),
        ("421 mail has been temporarily rate limited", "rate.temporarily-limited"),
        ("550 Connections from your country are not allowed", "client.host-refused"),
        ("550 see https://www.spamhaus.org/query/ip/192.0.2.1", "client.link"),
        ("550 Blocked", "client.blocked-bare"),
        ("550 This host does not accept mail", "no-mail.words"),
    ],
)
def test_the_rule_that_decides(rule_of: Callable[..., str], reply: str, rule: str) -> None:
    assert rule_of(reply) == rule
