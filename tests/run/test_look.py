from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from scanner.pool.probe import Answer, Probe
from scanner.run.look import Look, Looked, Subject, Telling
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import (
    DomainRoute,
    DomainVerdict,
    Exchange,
    ExchangeRoute,
    ProbeVerdict,
    Role,
    Stage,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.pool.pool import Pool
    from scanner.resolve.resolver import Resolver

TAKEN = Outcome(Stage.RCPT, Reply(250, (b"2.1.5 Ok",)))
FOREIGN = Outcome(Stage.RCPT, Reply(554, (b"5.7.1 <postmaster@partner.example>: Relay access denied",)))
UNKNOWN = Outcome(Stage.RCPT, Reply(550, (b"5.1.1 User unknown",)))
DOWN = Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED, error="Connection refused")
OURS = Outcome(Stage.CONNECT, trouble=ProbeVerdict.LOCAL_ERROR, error="no permission")


class FakeResolver:
    """Says what it was told and notes what it was asked."""

    def __init__(self, route: DomainRoute | Exception) -> None:
        self.said = route
        self.asked: list[str] = []

    async def route(self, domain: str) -> DomainRoute:
        self.asked.append(domain)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    async def addresses(self, host: str) -> ExchangeRoute:
        self.asked.append(host)
        return ExchangeRoute(Exchange(host, None, Role.DIRECT), ("127.0.0.1", "::1"))


class FakePool:
    """Answers by address, and holds that no second probe comes before the first has its answer."""

    def __init__(self, outcomes: dict[str, Outcome]) -> None:
        self.outcomes = outcomes
        self.probes: list[Probe] = []
        self.settle: Callable[[Probe, Answer], None]
        self.busy = False

    def submit(self, probe: Probe) -> None:
        assert not self.busy, "one conversation at a time"
        self.busy = True
        self.probes.append(probe)
        asyncio.get_running_loop().call_soon(self.answer, probe)

    def answer(self, probe: Probe) -> None:
        self.busy = False
        self.settle(probe, Answer(self.outcomes[probe.target.address], 0.0))

    @property
    def addresses(self) -> list[str]:
        return [probe.target.address for probe in self.probes]


def exchange(name: str, preference: int | None, role: Role, *addresses: str) -> ExchangeRoute:
    return ExchangeRoute(Exchange(name, preference, role), addresses)


TWO = DomainRoute(
    None,
    (
        exchange("mx1.example", 10, Role.PRIMARY, "198.18.0.1"),
        exchange("mx2.example", 20, Role.SECONDARY, "198.18.0.2"),
    ),
    2,
)
NO_MX = DomainRoute(None, (exchange("office.example", None, Role.IMPLICIT, "10.0.0.1"),), 1)


async def looked_at(
    subject: Subject,
    route: DomainRoute | Exception,
    outcomes: dict[str, Outcome] | None = None,
    *,
    every: bool = False,
    excluded: str = "",
) -> tuple[Looked, FakePool, FakeResolver]:
    resolver, pool = FakeResolver(route), FakePool(outcomes or {})
    question = Question("sender@probe.example", subject.recipient or f"postmaster@{subject.name}")
    look = Look(subject, question, 25, missing_for=lambda _: None, excluded=lambda name: name == excluded)
    pool.settle = look.settle
    looked = await look.run(cast("Resolver", resolver), cast("Pool", pool), every=every)
    return looked, pool, resolver


async def test_exchangers_are_asked_in_order_until_one_takes_the_mail() -> None:
    looked, pool, _ = await looked_at(Subject("partner.example"), TWO, {"198.18.0.1": TAKEN})
    assert pool.addresses == ["198.18.0.1"]
    assert [planned.address for planned in looked.unasked] == ["198.18.0.2"]


async def test_a_domain_whose_exchangers_were_not_all_asked_has_no_verdict() -> None:
    """The one that was left out may refuse the domain: `ok` would be a claim."""
    looked, *_ = await looked_at(Subject("partner.example"), TWO, {"198.18.0.1": TAKEN})
    assert looked.verdict is None


async def test_what_was_found_before_one_took_the_mail_is_known_all_the_same() -> None:
    three = TWO._replace(
        exchanges=(*TWO.exchanges, exchange("mx3.example", 30, Role.SECONDARY, "198.18.0.3")), exchange_count=3
    )
    looked, *_ = await looked_at(Subject("partner.example"), three, {"198.18.0.1": DOWN, "198.18.0.2": TAKEN})
    assert looked.verdict is None
    assert looked.so_far is DomainVerdict.PRIMARY_BROKEN


async def test_all_asks_every_one_and_gives_the_domains_verdict() -> None:
    outcomes = {"198.18.0.1": TAKEN, "198.18.0.2": FOREIGN}
    looked, pool, _ = await looked_at(Subject("partner.example"), TWO, outcomes, every=True)
    assert pool.addresses == ["198.18.0.1", "198.18.0.2"]
    assert looked.verdict is DomainVerdict.SECONDARY_REJECTS_RELAY
    assert looked.unasked == ()


async def test_a_refused_postmaster_is_noted_as_in_an_audit() -> None:
    outcomes = {"198.18.0.1": UNKNOWN, "198.18.0.2": UNKNOWN}
    looked, *_ = await looked_at(Subject("partner.example"), TWO, outcomes)
    assert looked.verdict is DomainVerdict.RECIPIENT_REFUSED
    assert "no postmaster" in looked.notes


async def test_a_name_without_mx_is_looked_at_as_the_host_that_was_typed() -> None:
    looked, pool, _ = await looked_at(Subject("office.example"), NO_MX, {"10.0.0.1": FOREIGN})
    assert looked.host
    assert looked.so_far is None
    assert looked.broken
    assert looked.probes[0].planned.exchange == Exchange("office.example", None, Role.DIRECT)
    assert pool.probes[0].typed


async def test_a_mailbox_of_a_name_without_mx_makes_it_a_domain_with_an_implicit_exchanger() -> None:
    subject = Subject("office.example", None, "info@office.example")
    looked, pool, _ = await looked_at(subject, NO_MX, {"10.0.0.1": TAKEN})
    assert not looked.host
    assert looked.verdict is DomainVerdict.OK
    assert looked.probes[0].planned.exchange == Exchange("office.example", None, Role.IMPLICIT)
    assert pool.probes[0].typed, "its name was typed"


async def test_exchangers_that_dns_names_are_not_typed() -> None:
    """The fence must hold for them: a stranger's DNS does not get to name our own hosts."""
    _, pool, _ = await looked_at(Subject("partner.example"), TWO, {"198.18.0.1": DOWN, "198.18.0.2": DOWN})
    assert [probe.typed for probe in pool.probes] == [False, False]


async def test_an_address_is_asked_without_dns() -> None:
    subject = Subject("[127.0.0.1]", "127.0.0.1")
    looked, pool, resolver = await looked_at(subject, DomainRoute(DomainVerdict.NO_DOMAIN), {"127.0.0.1": TAKEN})
    assert resolver.asked == []
    assert pool.probes[0].typed
    assert looked.host
    assert looked.completed


async def test_localhost_is_this_machine_whatever_dns_says() -> None:
    route = DomainRoute(DomainVerdict.NO_DOMAIN)
    looked, pool, _ = await looked_at(Subject("localhost"), route, {"127.0.0.1": DOWN, "::1": TAKEN})
    assert pool.addresses == ["127.0.0.1", "::1"]
    assert looked.host


@pytest.mark.parametrize("verdict", [DomainVerdict.NO_DOMAIN, DomainVerdict.NO_MAIL])
async def test_where_dns_decides_nobody_is_asked(verdict: DomainVerdict) -> None:
    looked, pool, _ = await looked_at(Subject("partner.example"), DomainRoute(verdict))
    assert pool.probes == []
    assert looked.verdict is verdict
    assert looked.completed


@pytest.mark.parametrize("route", [DomainRoute(DomainVerdict.DNS_FAILED), UsageError("cannot be asked")])
async def test_a_look_without_an_answer_of_dns_is_not_completed(route: DomainRoute | Exception) -> None:
    looked, *_ = await looked_at(Subject("partner.example"), route)
    assert looked.verdict is DomainVerdict.DNS_FAILED
    assert not looked.completed


async def test_a_look_that_met_our_own_faults_only_is_not_completed() -> None:
    looked, *_ = await looked_at(Subject("partner.example"), TWO, {"198.18.0.1": OURS, "198.18.0.2": OURS})
    assert not looked.completed
    looked, *_ = await looked_at(Subject("partner.example"), TWO, {"198.18.0.1": OURS, "198.18.0.2": DOWN})
    assert looked.completed


async def test_an_excluded_name_is_neither_looked_up_nor_asked() -> None:
    looked, pool, resolver = await looked_at(Subject("partner.example"), TWO, excluded="partner.example")
    assert (resolver.asked, pool.probes) == ([], [])
    assert [probe.judgement.verdict for probe in looked.probes] == [ProbeVerdict.EXCLUDED]


async def test_everything_is_told_in_the_order_in_which_it_happens() -> None:
    told: list[str] = []
    telling = Telling(
        lambda route, plan: told.append(f"routed {len(route.exchanges)} {len(plan.probes)}"),
        lambda planned: told.append(f"begins {planned.address}"),
        lambda probe: told.append(f"ended {probe.judgement.verdict}"),
    )
    pool = FakePool({"198.18.0.1": DOWN, "198.18.0.2": TAKEN})
    look = Look(
        Subject("partner.example"),
        Question("", "postmaster@partner.example"),
        25,
        missing_for=lambda _: None,
        excluded=lambda _: False,
        telling=telling,
    )
    pool.settle = look.settle
    await look.run(cast("Resolver", FakeResolver(TWO)), cast("Pool", pool), every=False)
    assert told == [
        "routed 2 2",
        "begins 198.18.0.1",
        "ended refused",
        "begins 198.18.0.2",
        "ended accepted",
    ]
