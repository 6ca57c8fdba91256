from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from scanner.resolve import mx, routing
from scanner.resolve.answer import Answer, Record, RecordType, Status
from scanner.resolve.host import combine
from scanner.resolve.lookup import LookupLimits
from scanner.resolve.resolver import Resolver
from scanner.resolve.routing import Known, planned_route
from scanner.terms import DomainRoute, DomainVerdict, LocalFault, ProbeVerdict, UsageError
from tests.resolve.script import section, silent

if TYPE_CHECKING:
    import dns.message

    from scanner.lab.nameserver import NameServer, Response
    from tests.resolve.script import Rule, Script

End = DomainRoute | Exception | None


class Heard:
    """Who asks for routes: what he was told, by domain, in order."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.ends: list[tuple[str, End]] = []
        self.more = asyncio.Event()

    def ask(self, *domains: str) -> None:
        for domain in domains:
            self.resolver.begin_route(domain, lambda end, domain=domain: self.hear(domain, end))

    def hear(self, domain: str, end: End) -> None:
        self.ends.append((domain, end))
        self.more.set()

    async def until(self, count: int) -> dict[str, End]:
        """Until so many were told."""
        while len(self.ends) < count:
            self.more.clear()
            await self.more.wait()
        return dict(self.ends)


def verdict(end: End) -> DomainVerdict | None:
    assert isinstance(end, DomainRoute)
    return end.verdict


async def test_each_who_asks_is_told_once_and_never_before_the_asking_returns(
    script: Script, resolver: Resolver
) -> None:
    script.add("x.example", "MX", "10 mx.example.")
    script.add("y.example", "MX", "0 .")
    script.add("mx.example", "A", "192.0.2.1")
    heard = Heard(resolver)
    heard.ask("x.example", "y.example", "nx.example", "X.example")
    assert heard.ends == []
    ends = await heard.until(4)
    assert verdict(ends["y.example"]) is DomainVerdict.NO_MAIL
    assert verdict(ends["nx.example"]) is DomainVerdict.NO_DOMAIN
    assert ends["x.example"] == ends["X.example"] == await resolver.route("x.example")
    heard.ask("x.example")
    await heard.until(5)
    assert len(heard.ends) == 5


async def test_one_who_drops_his_question_hears_nothing_and_what_waits_is_never_asked(
    script: Script, server: NameServer
) -> None:
    for number in range(20):
        script.add(f"d{number}.example", "MX", "0 .")
    async with Resolver([(server.address, server.port)], limits=LookupLimits(in_flight=1)) as resolver:
        heard = Heard(resolver)
        for number in range(10):
            resolver.begin_route(f"d{number}.example", lambda end: heard.hear("dropped", end)).drop()
        heard.ask("d19.example")
        assert list(await heard.until(1)) == ["d19.example"]
    assert set(server.asked) == {("d0.example", "MX"), ("d19.example", "MX")}


def noting(asked: asyncio.Event, rule: Rule) -> Rule:
    """The rule, which also says when it is asked."""

    def noted(query: dns.message.Message) -> Response:
        asked.set()
        return rule(query)

    return noted


async def test_one_who_drops_between_the_mx_and_the_addresses_hears_nothing(script: Script, resolver: Resolver) -> None:
    """Another, who asks for the same, is served all the same."""
    asked = asyncio.Event()
    script.add("x.example", "MX", "10 mx.example.")
    script.rule("mx.example", noting(asked, section("mx.example. 300 IN A 192.0.2.1")))
    heard = Heard(resolver)
    dropped = resolver.begin_route("x.example", lambda end: heard.hear("dropped", end))
    heard.ask("x.example")
    await asked.wait()
    assert dropped.addresses is not None
    dropped.drop()
    assert verdict((await heard.until(1))["x.example"]) is None
    assert len(heard.ends) == 1


async def test_addresses_that_nobody_waits_for_any_more_are_not_asked(script: Script, server: NameServer) -> None:
    asked = asyncio.Event()
    script.add("x.example", "MX", "10 mx.example.")
    script.rule("mx.example", noting(asked, section("mx.example. 300 IN A 192.0.2.1")))
    async with Resolver([(server.address, server.port)], limits=LookupLimits(in_flight=1)) as resolver:
        dropped = resolver.begin_route("x.example", lambda _: None)
        await asked.wait()
        dropped.drop()
        await resolver.route("nx.example")
    assert set(server.asked) == {("x.example", "MX"), ("mx.example", "A"), ("nx.example", "MX")}


async def test_a_task_that_is_cancelled_leaves_nobody_waiting(script: Script, server: NameServer) -> None:
    asked = asyncio.Event()
    script.rule("x.example", noting(asked, silent))
    async with Resolver([(server.address, server.port)]) as resolver, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(resolver.route("x.example"))
        await asked.wait()
        (lookup,) = resolver.lookups.joined.values()
        (waiter,) = lookup.waiters
        assert not waiter.done()
        task.cancel()
        await asyncio.wait([task])
        assert waiter.done()


@pytest.mark.parametrize("name", ["mute.example", "mutemx.example"], ids=["mx", "addresses"])
async def test_closing_tells_who_still_waits_that_nothing_comes(script: Script, resolver: Resolver, name: str) -> None:
    asked = asyncio.Event()
    script.rule("mute.example", noting(asked, silent))
    script.add("mutemx.example", "MX", "10 mute.example.")
    heard = Heard(resolver)
    heard.ask(name)
    await asked.wait()
    await resolver.close()
    assert await heard.until(1) == {name: None}


async def test_an_answer_that_the_close_overtakes_leads_nowhere(resolver: Resolver) -> None:
    heard = Heard(resolver)
    heard.ask("x.example")
    (lookup,) = resolver.lookups.joined.values()
    resolver.lookups.finish(lookup, Answer(Status.NODATA))
    await resolver.close()
    assert await heard.until(1) == {"x.example": None}


async def test_a_resolver_that_is_gone_is_a_fault_of_ours_for_each_who_asks(server: NameServer) -> None:
    await server.__aexit__(None, None, None)
    limits = LookupLimits(failures_in_a_row=1, probe_every_s=0.001, outage_s=0.01)
    async with Resolver([(server.address, server.port)], limits=limits) as resolver:
        heard = Heard(resolver)
        heard.ask("x.example")
        assert isinstance((await heard.until(1))["x.example"], LocalFault)
        heard.ask("y.example")  # known at once, and told later all the same
        assert len(heard.ends) == 1
        assert isinstance((await heard.until(2))["y.example"], LocalFault)
        faults = []
        for _ in range(2):
            with pytest.raises(LocalFault) as raised:
                await resolver.route("x.example")
            faults.append(raised.value)
        assert faults[0] is not faults[1]


async def test_a_name_that_cannot_be_asked_is_refused_at_once(resolver: Resolver) -> None:
    with pytest.raises(UsageError):
        resolver.begin_route("a b.example", lambda _: None)


@pytest.mark.parametrize("step", ["plan", "combine", "planned_route"])
async def test_a_bug_of_ours_is_told_to_whom_it_hits(
    script: Script, resolver: Resolver, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    script.add("x.example", "MX", "10 mx.example.")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(mx if step == "plan" else routing, step, broken)
    heard = Heard(resolver)
    heard.ask("x.example", "nx.example")
    ends = await heard.until(2)
    assert isinstance(ends["x.example"], ZeroDivisionError)
    assert verdict(ends["nx.example"]) is DomainVerdict.NO_DOMAIN
    with pytest.raises(ZeroDivisionError):
        await resolver.route("x.example")


async def test_one_who_cannot_bear_his_answer_takes_nobody_along(script: Script, resolver: Resolver) -> None:
    """What he raises goes to the loop, as from any other callback."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    script.add("x.example", "MX", "0 .")
    script.add("y.example", "MX", "0 .")
    resolver.begin_route("x.example", lambda _: 1 / 0)
    heard = Heard(resolver)
    heard.ask("x.example", "y.example")
    ends = await heard.until(2)
    assert {verdict(end) for end in ends.values()} == {DomainVerdict.NO_MAIL}
    assert [type(context["exception"]) for context in complaints] == [ZeroDivisionError]


def test_a_set_is_remembered_no_longer_than_its_hosts() -> None:
    now = 0.0
    known = Known(lambda: now)
    found = combine(
        Answer(Status.FOUND, (Record("mx.example", RecordType.A, 20, "192.0.2.1"),), 20), Answer(Status.NODATA)
    )
    known.hosts.put("mx.example", found, found.ttl_s)
    route = planned_route(mx.plan([Record("x.example", RecordType.MX, 300, "mx.example", 10)]), {"mx.example": found})
    known.put_set(((10, "mx.example"),), route)
    now = 19.0
    assert known.sets.get(((10, "mx.example"),)) == route
    now = 21.0
    assert known.sets.get(((10, "mx.example"),)) is None


def test_exchanges_that_cannot_be_looked_up_stand_beside_those_that_can() -> None:
    found = combine(
        Answer(Status.FOUND, (Record("mx.example", RecordType.A, 20, "192.0.2.1"),), 20), Answer(Status.NODATA)
    )
    records = [Record("x.example", RecordType.MX, 300, value, 10) for value in ("mx.example", "127.0.0.1")]
    route = planned_route(mx.plan(records), {"mx.example": found})
    assert [(exchange.addresses, exchange.trouble) for exchange in route.exchanges] == [
        ((), ProbeVerdict.NO_ADDRESS),
        (("192.0.2.1",), None),
    ]
    assert (route.verdict, route.notes) == (None, ("mx is an address",))
