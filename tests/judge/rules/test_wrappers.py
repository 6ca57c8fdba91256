"""Texts with a fixed grammar: the wrapper decides before any word inside it."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        ("550 <x[192.0.2.1]>: Client host rejected: user unknown, relay denied", "wrapper.client"),
        ("450 <x[192.0.2.1]>: Client host rejected: please try again slower", "wrapper.client.rate"),
        ("450 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", "wrapper.client.ptr"),
        ("504 <relay>: Helo command rejected: need fully-qualified hostname", "wrapper.helo"),
        ("503 <EHLO>: Helo command rejected: Improper use of SMTP command pipelining", "wrapper.pipelining"),
        ("554 <a@b.example>: Sender address rejected: relay access denied", "wrapper.sender"),
        ("550 <a@b.example>: Sender address rejected: SPF check failed", "wrapper.sender.auth"),
        ("554 Service unavailable; Sender address [a@b.example] blocked using dbl.example", "wrapper.sender"),
        ("554 Service unavailable; Client host [192.0.2.1] blocked using bl.example", "wrapper.blocked-using"),
        (
            "450 Service unavailable; Client host [192.0.2.1] blocked using grey.example; Rechazo temporal",
            "greylist.localised",
        ),
        (
            "550 <a@b.example>: Recipient address rejected: User unknown in relay recipient table",
            "wrapper.recipient.unknown",
        ),
        ("554 <a@b.example>: Recipient address rejected: Relay access denied", "relay.not-permitted"),
        (
            "450 <a@b.example>: Recipient address rejected: unverified address: Address verification in progress",
            "postfix.verify-pending",
        ),
        ("550 RESOLVER.RST.NotAuthorized; not authorized", "exchange.rst"),
        ("550 RESOLVER.ADR.ExRecipNotFound; not found", "exchange.adr"),
        ("550 Sender verify failed", "exim.sender-verify"),
        ("503 Polite people say HELO first", "session.hello-first"),
    ],
)
def test_the_rule_that_decides(rule_of: Callable[..., str], reply: str, rule: str) -> None:
    assert rule_of(reply) == rule
