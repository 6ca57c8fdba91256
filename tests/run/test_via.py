from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import dns.rcode
import pytest

from scanner.lab.nameserver import NameServer
from scanner.resolve.resolver import Resolver
from scanner.run.plan import plan
from scanner.run.via import ASK_AGAIN_S, Via
from scanner.terms import (
    DomainRoute,
    DomainVerdict,
    Exchange,
    ExchangeRoute,
    LocalFault,
    ProbeVerdict,
    Role,
    UsageError,
)
from tests.pool.servers import until
from tests.resolve.script import Script, coded, silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeResolver:
    """Hosts with their addresses; an exception in their place is raised. Each look-up takes a turn of the loop."""

    def __init__(self, **hosts: tuple[str, ...] | Exception) -> None:
        self.hosts = {name.replace("_", "."): found for name, found in hosts.items()}
        self.asked: list[str] = []

    async def addresses(self, host: str) -> ExchangeRoute:
        self.asked.append(host)
        await asyncio.sleep(0)
        exchange = Exchange(host, None, Role.DIRECT)
        found = self.hosts.get(host, ())
        if isinstance(found, Exception):
            raise found
        trouble = None if found else ProbeVerdict.NO_ADDRESS
        return ExchangeRoute(exchange, found, trouble, None if found else "exchange name does not exist")


def via_of(resolver: FakeResolver, clock: Clock | None = None, warned: list[str] | None = None) -> Via:
    """A route by all hosts of a fake resolver."""
    said = [] if warned is None else warned
    return Via(tuple(resolver.hosts), cast("Any", resolver), warn=said.append, clock=clock or Clock())


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def names(script: Script) -> AsyncIterator[NameServer]:
    async with NameServer(script) as running:
        yield running


@pytest.fixture
async def resolver(names: NameServer, clock: Clock) -> AsyncIterator[Resolver]:
    async with Resolver([(names.address, names.port)], clock=clock) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_hosts_are_direct_exchanges_in_the_order_typed_whatever_the_domain(
    script: Script, names: NameServer, resolver: Resolver
) -> None:
    script.add("b.example", "A", "192.0.2.2", "192.0.2.3")
    script.add("a.example", "AAAA", "2001:db8::1")
    via = Via(("b.example", "192.0.2.9", "a.example"), resolver)
    route = await via.route("partner.example")
    assert [(each.exchange, tuple(sorted(each.addresses))) for each in route.exchanges] == [
        (Exchange("b.example", None, Role.DIRECT), ("192.0.2.2", "192.0.2.3")),
        (Exchange("192.0.2.9", None, Role.DIRECT), ("192.0.2.9",)),
        (Exchange("a.example", None, Role.DIRECT), ("2001:db8::1",)),
    ]
    assert (route.verdict, route.exchange_count, route.notes) == (None, 3, ())
    assert await via.route("other.example") is route
    assert {name for name, _ in names.asked} == {"a.example", "b.example"}
    assert {kind for _, kind in names.asked} == {"A", "AAAA"}


async def test_a_thousand_domains_cost_the_look_ups_of_one(resolver: Resolver, names: NameServer, clock: Clock) -> None:
    via = Via(("a.example",), resolver, clock=clock)
    routes = [await via.route(f"d{number}.example") for number in range(1000)]
    assert len({id(route) for route in routes}) == 1
    assert names.asked.total() == 2


async def test_domains_that_come_together_ask_once() -> None:
    resolver = FakeResolver(a_example=("192.0.2.1",))
    via = via_of(resolver)
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(via.route(f"d{number}.example"))
    assert resolver.asked == ["a.example"]


async def test_an_answer_is_asked_for_again_when_dns_lets_it_go(
    script: Script, names: NameServer, resolver: Resolver, clock: Clock
) -> None:
    script.ttl_s = 0
    script.add("a.example", "A", "192.0.2.1")
    via = Via(("a.example",), resolver, clock=clock)
    first = await via.route("one.example")
    script.add("a.example", "A", "192.0.2.2")
    clock.now += 0.9
    assert await via.route("two.example") is first
    assert names.asked["a.example", "A"] == 1
    clock.now += 0.2
    assert (await via.route("three.example")).exchanges[0].addresses == ("192.0.2.2",)
    assert names.asked["a.example", "A"] == 2


async def test_an_answer_that_has_not_changed_keeps_its_route() -> None:
    resolver, clock = FakeResolver(a_example=("192.0.2.1",)), Clock()
    via = via_of(resolver, clock)
    first = await via.route("one.example")
    clock.now += ASK_AGAIN_S
    assert await via.route("two.example") is first
    assert len(resolver.asked) == 2


async def test_a_failed_look_up_does_not_stick(script: Script, resolver: Resolver, clock: Clock) -> None:
    """It is a verdict on the exchange while it lasts."""
    script.add("good.example", "A", "192.0.2.1")
    script.rule("bad.example", coded(dns.rcode.SERVFAIL))
    warned: list[str] = []
    via = Via(("good.example", "bad.example"), resolver, warn=warned.append, clock=clock)
    route = await via.route("one.example")
    assert [each.trouble for each in route.exchanges] == [None, ProbeVerdict.DNS_FAILED]
    assert route.verdict is None
    del script.rules["bad.example"]
    script.add("bad.example", "A", "192.0.2.2")
    clock.now += 31
    healed = await via.route("two.example")
    assert [each.addresses for each in healed.exchanges] == [("192.0.2.1",), ("192.0.2.2",)]
    assert len(warned) == 1


async def test_a_host_without_address_is_said_once_and_leaves_the_others() -> None:
    """Also while the others' answers change."""
    warned: list[str] = []
    resolver, clock = FakeResolver(a_example=(), typo_example=()), Clock()
    via = via_of(resolver, clock, warned)
    for number in range(3):
        resolver.hosts["a.example"] = (f"192.0.2.{number}",)
        route = await via.route("partner.example")
        clock.now += ASK_AGAIN_S
    assert [each.trouble for each in route.exchanges] == [None, ProbeVerdict.NO_ADDRESS]
    assert (route.verdict, route.exchange_count) == (None, 2)
    assert warned == ["typo.example is to be asked: exchange name does not exist"]


async def test_where_no_host_has_an_address_there_is_no_route() -> None:
    route = await via_of(FakeResolver(typo_example=())).route("partner.example")
    assert (route.verdict, route.error) == (DomainVerdict.NO_ROUTE, "no host that was named has an address")
    assert [probe.trouble for probe in plan(route, lambda _: None, lambda _: False).probes] == [ProbeVerdict.NO_ADDRESS]


async def test_two_names_of_one_address_are_one_probe_with_a_note() -> None:
    route = await via_of(FakeResolver(a_example=("192.0.2.1",), b_example=("192.0.2.1",))).route("partner.example")
    [probe] = plan(route, lambda _: None, lambda _: False).probes
    assert (probe.exchange, probe.notes) == (route.exchanges[0].exchange, ("same address as b.example",))


async def test_a_domain_is_not_asked_about_at_more_than_32_addresses() -> None:
    hosts = {f"h{host}_example": tuple(f"192.0.2.{8 * host + each}" for each in range(8)) for host in range(5)}
    route = await via_of(FakeResolver(**hosts)).route("partner.example")
    assert sum(len(each.addresses) for each in route.exchanges) == 32
    assert (route.exchange_count, route.notes) == (5, ("cut: 1 exchange", "cut: 8 addresses"))


@pytest.mark.parametrize("fault", [LocalFault("the resolver is gone"), UsageError("a name too long")])
async def test_a_fault_of_ours_reaches_whoever_waits_as_it_is(fault: Exception) -> None:
    """And the next one asks anew: it may be over."""
    resolver = FakeResolver(a_example=fault, b_example=("192.0.2.1",))
    via = via_of(resolver)
    waiting = [asyncio.ensure_future(via.route("partner.example")) for _ in range(2)]  # noqa: TID251 - awaited below
    assert await asyncio.gather(*waiting, return_exceptions=True) == [fault, fault]
    resolver.hosts["a.example"] = ("192.0.2.2",)
    assert (await via.route("partner.example")).exchanges[0].addresses == ("192.0.2.2",)


async def test_whoever_is_cancelled_while_asking_leaves_it_to_the_next(script: Script, resolver: Resolver) -> None:
    script.rule("a.example", silent)
    via = Via(("a.example",), resolver)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(via.route("one.example"))
        second = tasks.create_task(via.route("two.example"))
        await until(via.asking.locked)
        del script.rules["a.example"]
        script.add("a.example", "A", "192.0.2.1")
        first.cancel()
    assert first.cancelled()
    assert isinstance(second.result(), DomainRoute)


async def test_whoever_is_called_back_hears_the_same_route_once_also_while_it_is_being_asked_for() -> None:
    resolver = FakeResolver(a_example=("192.0.2.1",))
    told: list[Any] = []
    async with via_of(resolver) as via:
        for number in range(3):
            via.begin_route(f"d{number}.example", told.append)
        assert told == []
        await until(lambda: len(told) == 3)
        via.begin_route("late.example", told.append)
        assert len(told) == 3, "it was told before the call returned"
        await until(lambda: len(told) == 4)
    assert all(route is told[0] for route in told)
    assert told[0].exchanges[0].addresses == ("192.0.2.1",)
    assert len(resolver.asked) == 1


async def test_a_fault_of_ours_is_told_in_place_of_the_route() -> None:
    fault, told = LocalFault("the resolver is gone"), list[Any]()
    async with via_of(FakeResolver(a_example=fault)) as via:
        via.begin_route("a.example", told.append)
    assert told == [fault]
