from __future__ import annotations

from ipaddress import ip_address
from typing import Any, cast

import pytest

from scanner.cli.canary import Canary
from scanner.terms import DomainRoute, DomainVerdict, Exchange, ExchangeRoute, Role, UsageError


class Resolving:
    """A resolver that knows one route."""

    def __init__(self, route: DomainRoute) -> None:
        self.answer = route

    async def route(self, _domain: str) -> DomainRoute:
        return self.answer


def test_it_is_a_mailbox() -> None:
    canary = Canary.of("Relay.Test@Canary.Example.")
    assert (canary.address, canary.local_part, canary.domain) == (
        "Relay.Test@canary.example",
        "Relay.Test",
        "canary.example",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "--canary ADDRESS is required"),
        ("nobody", "--canary: "),
        ("a b@canary.example", "--canary: "),
        ('"a b"@canary.example', "letters, digits"),
        ("a%b@canary.example", "letters, digits"),
        ("a!b@canary.example", "letters, digits"),
    ],
)
def test_what_cannot_stand_in_every_shape_is_none(text: str | None, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        Canary.of(text)


async def test_who_handles_its_mail_is_looked_up() -> None:
    exchange = ExchangeRoute(Exchange("mx.canary.example", 10, Role.PRIMARY), ("192.0.2.1", "2001:db8::1"))
    warned: list[str] = []
    canary = Canary.of("me@canary.example")
    await canary.look_up(cast("Any", Resolving(DomainRoute(None, (exchange,), 1))), warned.append)
    assert canary.handlers == dict.fromkeys(map(ip_address, exchange.addresses), "mx.canary.example")
    assert not warned


async def test_a_domain_that_nobody_handles_is_warned_of() -> None:
    warned: list[str] = []
    canary = Canary.of("me@canary.example")
    await canary.look_up(cast("Any", Resolving(DomainRoute(DomainVerdict.NO_DOMAIN))), warned.append)
    assert ["canary.example" in text and "no_domain" in text for text in warned] == [True]


async def test_a_domain_that_cannot_be_looked_up_may_be_handled_by_a_target() -> None:
    warned: list[str] = []
    canary = Canary.of("me@canary.example")
    failed = DomainRoute(DomainVerdict.DNS_FAILED, error="SERVFAIL")
    await canary.look_up(cast("Any", Resolving(failed)), warned.append)
    assert warned == ["cannot tell who takes mail for the canary's domain canary.example, so a target may: SERVFAIL"]
