from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

from scanner.pool.probe import Answer, Probe
from scanner.run import audit as auditing
from scanner.run import group as grouping
from scanner.run.audit import Audit, Questions
from scanner.run.spool import Spool
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import (
    DomainRoute,
    DomainVerdict,
    Exchange,
    ExchangeRoute,
    Item,
    LocalFault,
    ProbeVerdict,
    Role,
    SessionUse,
    Stage,
    Target,
    UsageError,
)
from tests.pool.servers import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from scanner.run.group import AuditedDomain

QUESTIONS = Questions("postmaster@probe.example", port=2525)
ACCEPTED = Outcome(Stage.RCPT, Reply(250, (b"ok",)), sender_said=True, recipient_said=True)
NO_SUCH_USER = Outcome(Stage.RCPT, Reply(550, (b"5.1.1 User unknown",)), sender_said=True, recipient_said=True)
REFUSED = Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED, error="refused")


def one_exchange(domain: str, *addresses: str) -> DomainRoute:
    exchange = Exchange(f"mx.{domain}", 10, Role.PRIMARY)
    return DomainRoute(None, (ExchangeRoute(exchange, addresses or ("192.0.2.1",)),), 1)


class FakeResolver:
    """Routes by a function; each look-up takes a turn of the loop."""

    def __init__(self, route_of: Callable[[str], DomainRoute] = one_exchange) -> None:
        self.route_of = route_of
        self.asked: list[str] = []

    def begin_route(self, domain: str, told: Callable[[Any], None]) -> None:
        self.asked.append(domain)
        asyncio.get_running_loop().call_soon(told, self.end_of(domain))

    def end_of(self, domain: str) -> Any:
        try:
            return self.route_of(domain)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 - as the resolver tells it
            return error


class FakePool:
    """Keeps probes until they are answered; `at_once` answers each a turn of the loop later."""

    def __init__(self, outcome_of: Callable[[Probe], Outcome] | None = lambda _probe: ACCEPTED) -> None:
        self.outcome_of = outcome_of
        self.audit: Audit
        self.probes: list[Probe] = []
        self.paused: set[str] = set()

    def is_paused(self, address: str) -> bool:
        return address in self.paused

    def submit(self, probe: Probe) -> None:
        self.probes.append(probe)
        if self.outcome_of is not None:
            asyncio.get_running_loop().call_soon(self.answer, probe, self.outcome_of(probe))

    def answer(self, probe: Probe, outcome: Outcome) -> None:
        self.audit.settle(probe, Answer(outcome, 0.0))


class Run:
    """An audit between a fake resolver and a fake pool."""

    def __init__(
        self,
        resolver: FakeResolver | None = None,
        pool: FakePool | None = None,
        *,
        missing_for: Callable[[str], str | None] = lambda _address: None,
        excluded: tuple[str, ...] = (),
        questions: Questions = QUESTIONS,
        spool: Spool | None = None,
        **waiting: Any,
    ) -> None:
        self.resolver = resolver or FakeResolver()
        self.spool = spool or Spool()
        self.pool = pool or FakePool()
        self.delivered: list[AuditedDomain] = []
        self.audit = Audit(
            cast("Any", self.resolver),
            questions,
            missing_for=missing_for,
            excluded=excluded.__contains__,
            deliver=self.delivered.append,
            spool=self.spool,
            **waiting,
        )
        self.pool.audit = self.audit

    async def over(self, *domains: str) -> dict[str, AuditedDomain]:
        await self.over_items(Item(seq, domain) for seq, domain in enumerate(domains))
        return {each.item.domain: each for each in self.delivered}

    async def over_items(self, items: Iterable[Item]) -> None:
        with self.spool:
            async with asyncio.timeout(10):
                await self.audit.run(stream(items), cast("Any", self.pool))


async def stream(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


async def test_each_item_is_delivered_once_with_its_probes_in_order_and_their_verdicts() -> None:
    run = Run(
        FakeResolver(lambda domain: one_exchange(domain, "192.0.2.1", "192.0.2.2")),
        FakePool(lambda probe: REFUSED if probe.target.address.endswith(".2") else ACCEPTED),
    )
    found = await run.over("a.example", "b.example")
    assert len(run.delivered) == 2
    for domain in found.values():
        assert domain.verdict is DomainVerdict.ADDRESS_BROKEN
        assert [(each.planned.address, each.judgement.verdict) for each in domain.probes] == [
            ("192.0.2.1", ProbeVerdict.ACCEPTED),
            ("192.0.2.2", ProbeVerdict.REFUSED),
        ]


async def test_answers_in_any_order_fill_the_places_of_their_probes() -> None:
    run = Run(FakeResolver(lambda domain: one_exchange(domain, "192.0.2.1", "192.0.2.2")), FakePool(None))

    async def answer_backwards() -> None:
        await until(lambda: len(run.pool.probes) == 4)
        outcomes = [REFUSED, ACCEPTED, NO_SUCH_USER, REFUSED]
        for probe, outcome in zip(reversed(run.pool.probes), outcomes, strict=True):
            run.pool.answer(probe, outcome)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer_backwards())
        found = await run.over("a.example", "b.example")
    verdicts = {domain: [each.judgement.verdict for each in group.probes] for domain, group in found.items()}
    assert verdicts == {
        "a.example": [ProbeVerdict.REFUSED, ProbeVerdict.USER_UNKNOWN],
        "b.example": [ProbeVerdict.ACCEPTED, ProbeVerdict.REFUSED],
    }
    assert [each.item.domain for each in run.delivered] == ["b.example", "a.example"]


async def test_the_pool_is_asked_at_the_port_for_the_exchange_with_the_question() -> None:
    run = Run()
    await run.over_items([Item(7, "a.example", "boss@a.example"), Item(8, "b.example")])
    target, sender = Target("192.0.2.1", 2525), "postmaster@probe.example"
    assert run.pool.probes == [
        Probe(7, 0, target, Question(sender, "boss@a.example"), "mx.a.example"),
        Probe(8, 0, target, Question(sender, "postmaster@b.example"), "mx.b.example"),
    ]


def test_a_recipient_of_the_run_gets_the_domain_filled_in_and_a_named_one_wins() -> None:
    questions = Questions("me@x.example", "info+{domain}@{domain}")
    assert questions.about(Item(0, "a.example")).recipient == "info+a.example@a.example"
    assert questions.about(Item(0, "a.example", "{domain}@a.example")).recipient == "{domain}@a.example"


async def test_what_dns_alone_decides_is_delivered_without_a_probe() -> None:
    routes = {
        "gone.example": DomainRoute(DomainVerdict.NO_DOMAIN, error="NXDOMAIN"),
        "null.example": DomainRoute(DomainVerdict.NO_MAIL, error="null MX", notes=("a note",)),
    }
    run = Run(FakeResolver(routes.__getitem__))
    found = await run.over(*routes)
    assert {domain: (group.verdict, group.error, group.notes, group.probes) for domain, group in found.items()} == {
        "gone.example": (DomainVerdict.NO_DOMAIN, "NXDOMAIN", (), ()),
        "null.example": (DomainVerdict.NO_MAIL, "null MX", ("a note",), ()),
    }
    assert run.pool.probes == []


async def test_what_the_plan_settles_is_a_probe_that_nobody_was_asked() -> None:
    exchange = Exchange("mx.a.example", 10, Role.PRIMARY)
    route = DomainRoute(
        DomainVerdict.NO_ROUTE,
        (ExchangeRoute(exchange, (), ProbeVerdict.NO_ADDRESS, "NXDOMAIN"),),
        1,
        ("note",),
        "none",
    )
    run = Run(FakeResolver(lambda _domain: route))
    [probe] = (await run.over("a.example"))["a.example"].probes
    assert run.pool.probes == []
    assert (probe.answer.session, probe.answer.attempts, probe.answer.source) == (SessionUse.NONE, 0, None)
    assert probe.answer.outcome == Outcome(Stage.RESOLVE, trouble=ProbeVerdict.NO_ADDRESS, error="NXDOMAIN")
    assert run.delivered[0][1:3] == (DomainVerdict.NO_ROUTE, 1)


async def test_an_excluded_domain_is_not_looked_up_and_leaves_one_probe() -> None:
    run = Run(excluded=("a.example",))
    found = await run.over("a.example", "b.example")
    assert run.resolver.asked == ["b.example"]
    [probe] = found["a.example"].probes
    assert (probe.judgement.verdict, probe.planned.exchange, probe.planned.address) == (
        ProbeVerdict.EXCLUDED,
        None,
        None,
    )
    assert found["a.example"].verdict is DomainVerdict.INCONCLUSIVE


async def test_notes_of_dns_and_of_the_plan_stand_together() -> None:
    route = one_exchange("a.example", "192.0.2.1", "2001:db8::1")._replace(notes=("mx is a cname",))
    run = Run(FakeResolver(lambda _domain: route), missing_for=lambda address: "no route" if ":" in address else None)
    assert (await run.over("a.example"))["a.example"].notes == ("mx is a cname", "ipv6 not asked: 1")


@pytest.mark.parametrize(
    ("recipient", "notes"),
    [(None, ("no postmaster",)), ("postmaster@a.example", ("no postmaster",)), ("someone@a.example", ())],
)
async def test_a_domain_that_serves_but_knows_no_postmaster_is_noted(
    recipient: str | None, notes: tuple[str, ...]
) -> None:
    run = Run(pool=FakePool(lambda _probe: NO_SUCH_USER))
    await run.over_items([Item(0, "a.example", recipient)])
    assert (run.delivered[0].verdict, run.delivered[0].notes) == (DomainVerdict.RECIPIENT_REFUSED, notes)


async def test_a_name_that_cannot_be_asked_costs_that_name_only() -> None:
    def route_of(domain: str) -> DomainRoute:
        if domain == "bad.example":
            raise UsageError("cannot be asked: \x1b[2J")
        return one_exchange(domain)

    found = await Run(FakeResolver(route_of)).over("a.example", "bad.example", "b.example")
    assert [found[domain].verdict for domain in ("a.example", "b.example")] == [DomainVerdict.OK] * 2
    assert (found["bad.example"].verdict, found["bad.example"].error) == (
        DomainVerdict.DNS_FAILED,
        r"cannot be asked: \x1b[2J",
    )


async def test_a_bug_in_one_look_up_costs_that_item_only_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    def route_of(domain: str) -> DomainRoute:
        if domain == "odd.example":
            raise ZeroDivisionError("nobody thought of it")
        return one_exchange(domain)

    with caplog.at_level(logging.ERROR):
        found = await Run(FakeResolver(route_of)).over("a.example", "odd.example", "b.example")
    assert [found[domain].verdict for domain in ("a.example", "b.example")] == [DomainVerdict.OK] * 2
    assert found["odd.example"].error == "internal error: ZeroDivisionError: nobody thought of it"
    assert "odd.example" in caplog.text


async def test_a_bug_in_one_judgement_costs_that_probe_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    judge_answer = grouping.judge_answer

    def sometimes(answer: Answer) -> Any:
        if answer.outcome.reply == NO_SUCH_USER.reply:
            raise ZeroDivisionError("nobody thought of it")
        return judge_answer(answer)

    monkeypatch.setattr(grouping, "judge_answer", sometimes)
    run = Run(pool=FakePool(lambda probe: NO_SUCH_USER if probe.seq == 1 else ACCEPTED))
    with caplog.at_level(logging.ERROR):
        found = await run.over("a.example", "odd.example", "b.example")
    assert [found[domain].verdict for domain in ("a.example", "b.example")] == [DomainVerdict.OK] * 2
    [probe] = found["odd.example"].probes
    assert (probe.judgement.verdict, found["odd.example"].verdict) == (
        ProbeVerdict.LOCAL_ERROR,
        DomainVerdict.INCONCLUSIVE,
    )
    assert probe.answer.outcome.error == "internal error: ZeroDivisionError: nobody thought of it"


async def test_a_shortage_of_ours_ends_the_run() -> None:
    def route_of(_domain: str) -> DomainRoute:
        raise LocalFault("the resolver is gone")

    with pytest.raises(LocalFault, match="the resolver is gone"):
        await Run(FakeResolver(route_of)).over("a.example")


async def test_no_more_items_are_looked_up_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver answers none until the reader has stopped for it."""
    monkeypatch.setattr(auditing, "LOOKUPS_AT_MOST", 5)
    waiting: list[Callable[[], None]] = []

    class SlowResolver(FakeResolver):
        def begin_route(self, domain: str, told: Callable[[Any], None]) -> None:
            self.asked.append(domain)
            waiting.append(lambda: told(self.route_of(domain)))

    run = Run(SlowResolver())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over(*(f"d{seq}.example" for seq in range(50))))
        while len(run.delivered) < 50:
            await quiet()
            assert len(waiting) <= 5
            if len(run.resolver.asked) < 50:
                assert len(waiting) == 5
            if waiting:
                waiting.pop()()


async def quiet() -> None:
    """Let everything happen that can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_the_reader_stops_for_a_full_window_and_goes_on_when_an_item_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(auditing, "LOOKUPS_AT_MOST", 3)

    def own_hosts(domain: str) -> DomainRoute:
        number = domain.removesuffix(".example")[1:]
        return one_exchange(domain, f"192.0.2.{number}", f"198.51.100.{number}")

    run = Run(FakeResolver(own_hosts), FakePool(None), window=10)
    asked: list[Probe] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over(*(f"d{seq}.example" for seq in range(40))))
        while len(run.delivered) < 40:
            await quiet()
            assert run.audit.window.used <= 10
            assert len(run.resolver.asked) - len(run.delivered) <= 5 + 3 + 1
            asked.append(run.pool.probes.pop(0))
            run.pool.answer(asked[-1], ACCEPTED)
    assert len(asked) == 80
    assert (run.audit.window.used, run.audit.looking_up, run.audit.pending) == (0, 0, {})


async def test_a_full_target_holds_up_its_own_domains_only() -> None:
    """A hundred domains of a host that never answers, then one of another host: read past, and done at once."""
    routes = {"late.example": one_exchange("late.example", "192.0.2.99")}
    silent = FakePool(None)
    run = Run(FakeResolver(lambda domain: routes.get(domain) or one_exchange(domain, "192.0.2.1")), silent, full_at=8)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over(*(f"d{seq}.example" for seq in range(100)), "late.example"))
        await until(lambda: any(probe.target.address == "192.0.2.99" for probe in silent.probes))
        assert (len(silent.probes), run.audit.window.parked) == (9, 92)
        while len(run.delivered) < 101:
            await quiet()
            assert sum(probe.target.address == "192.0.2.1" for probe in silent.probes) <= 8
            silent.answer(silent.probes.pop(0), ACCEPTED)
    assert [group.item.seq for group in run.delivered if group.item.seq < 100] == list(range(100))


async def test_behind_more_than_one_event_tries_the_next_turns_of_the_loop_go_on() -> None:
    """Behind thirty domains whose other host is full, one that waits for this host alone; nothing else happens."""
    both, alone = [("192.0.2.1", "192.0.2.9")], ("192.0.2.1",)
    hosts = [("192.0.2.9",), alone, *both * 30, alone]
    run = Run(FakeResolver(lambda domain: one_exchange(domain, *hosts[int(domain[1:-8])])), FakePool(None), full_at=1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over(*(f"d{seq}.example" for seq in range(len(hosts)))))
        await until(lambda: run.audit.window.parked == 31)
        run.pool.answer(run.pool.probes[1], ACCEPTED)
        await until(lambda: len(run.pool.probes) == 3)
        assert run.pool.probes[2].seq == 32
        run.audit.stop()
        for probe in (run.pool.probes[0], run.pool.probes[2]):
            run.pool.answer(probe, ACCEPTED)


async def test_a_parked_item_comes_back_as_it_went() -> None:
    item = Item(9, "b.example", "boss@b.example", {"tag": [1, 2.5, None, "\u00e9"]}, 12)
    run = Run(pool=FakePool(None), full_at=1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over_items([Item(8, "a.example"), item]))
        await until(lambda: run.audit.window.parked == 1)
        run.pool.answer(run.pool.probes[0], ACCEPTED)
        await until(lambda: len(run.pool.probes) == 2)
        run.pool.answer(run.pool.probes[1], REFUSED)
    group = run.delivered[1]
    assert group.item == item
    assert (group.probes[0].question.recipient, group.exchanges) == ("boss@b.example", 1)
    assert group.probes[0].planned.exchange == Exchange("mx.a.example", 10, Role.PRIMARY)._replace(name="mx.b.example")


async def test_a_probe_that_dns_settled_stands_beside_those_that_were_asked() -> None:
    nowhere = ExchangeRoute(Exchange("mx0.example", 5, Role.PRIMARY), (), trouble=ProbeVerdict.NO_ADDRESS, error="none")

    def route(domain: str) -> DomainRoute:
        found = one_exchange(domain)
        return found._replace(exchanges=(nowhere, *found.exchanges), exchange_count=2)

    run = Run(FakeResolver(route))
    found = await run.over("a.example")
    assert [each.judgement.verdict for each in found["a.example"].probes] == [
        ProbeVerdict.NO_ADDRESS,
        ProbeVerdict.ACCEPTED,
    ]
    assert [probe.number for probe in run.pool.probes] == [1]
    assert (run.audit.window.used, run.audit.window.held) == (0, {})


async def test_what_may_differ_later_is_asked_once_more_and_nothing_else_is() -> None:
    """The second outcome counts, its attempts with the first one's; what was final keeps its answer."""
    greylisted = Outcome(Stage.RCPT, Reply(450, (b"4.2.0 Greylisted",)), sender_said=True, recipient_said=True)
    first: set[str] = set()

    def grey(probe: Probe) -> Outcome:
        if probe.target.address.endswith(".2"):
            return NO_SUCH_USER
        known = probe.question.recipient in first
        first.add(probe.question.recipient)
        return ACCEPTED if known else greylisted

    run = Run(FakeResolver(lambda domain: one_exchange(domain, "192.0.2.1", "192.0.2.2")), FakePool(grey), retry_s=0.05)
    found = await run.over("a.example", "b.example")
    for group in found.values():
        assert [each.judgement.verdict for each in group.probes] == [ProbeVerdict.ACCEPTED, ProbeVerdict.USER_UNKNOWN]
        assert [each.answer.attempts for each in group.probes] == [2, 1]
    assert [probe.target.address for probe in run.pool.probes] == ["192.0.2.1", "192.0.2.2"] * 2 + ["192.0.2.1"] * 2
    assert [probe.asked_before is not None for probe in run.pool.probes] == [False] * 4 + [True] * 2


async def test_what_still_differs_after_the_second_time_is_the_verdict() -> None:
    refused = Run(pool=FakePool(lambda _probe: REFUSED), retry_s=0.01)
    found = await refused.over("a.example")
    assert len(refused.pool.probes) == 2
    assert [each.judgement.verdict for each in found["a.example"].probes] == [ProbeVerdict.REFUSED]
    assert found["a.example"].probes[0].answer.attempts == 2


async def test_what_waits_for_its_second_time_holds_no_place_in_memory() -> None:
    """Ten times the window is put off, before the first of it is due."""
    run = Run(pool=FakePool(lambda _probe: REFUSED), window=2, retry_s=0.2)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over(*(f"d{seq}.example" for seq in range(20))))
        await until(lambda: len(run.audit.retries or ()) == 20)
        assert (len(run.pool.probes), run.audit.window.used) == (20, 0)
    assert sorted(group.item.seq for group in run.delivered) == list(range(20))
    assert (run.audit.window.used, run.audit.window.held) == (0, {})


async def test_what_was_due_while_others_waited_for_a_place_comes_after_them() -> None:
    pool = FakePool(None)
    run = Run(FakeResolver(lambda domain: one_exchange(domain, f"192.0.2.{domain[1]}")), pool, window=1, retry_s=0.01)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over("d0.example", "d1.example", "d2.example"))
        await until(lambda: bool(pool.probes))
        pool.answer(pool.probes[0], REFUSED)
        await until(lambda: run.audit.retry_timer is None and len(run.audit.resolved) == 1)
        for number in (1, 2, 3):
            while len(pool.probes) <= number:
                await quiet()
            pool.answer(pool.probes[number], ACCEPTED)
    assert [probe.seq for probe in pool.probes] == [0, 1, 2, 0]
    assert [group.item.seq for group in run.delivered] == [1, 2, 0]


async def test_an_answer_shared_at_the_second_time_is_no_attempt_of_the_probe() -> None:
    run = Run(pool=FakePool(None), retry_s=0.01)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over("a.example"))
        await until(lambda: len(run.pool.probes) == 1)
        run.pool.answer(run.pool.probes[0], REFUSED)
        await until(lambda: len(run.pool.probes) == 2)
        run.audit.settle(run.pool.probes[1], Answer(REFUSED, 0.0, session=SessionUse.SHARED, attempts=0))
    assert run.delivered[0].probes[0].answer.attempts == 0


async def test_after_stop_nothing_waits_and_what_is_under_way_is_delivered() -> None:
    """Parked items and those that wait for their second time are not final: they are left for a resumed run."""
    run = Run(pool=FakePool(None), full_at=1, retry_s=60)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.over("put-off.example", "last.example", *(f"d{seq}.example" for seq in range(10))))
        await until(lambda: run.audit.window.parked == 11)
        run.pool.answer(run.pool.probes[0], REFUSED)
        await until(lambda: len(run.pool.probes) == 2)
        assert len(run.audit.retries or ()) == 1
        run.audit.stop()
        run.pool.answer(run.pool.probes[1], ACCEPTED)
    assert [group.item.domain for group in run.delivered] == ["last.example"]
    assert len(run.pool.probes) == 2


class FullDisk(Spool):
    """A spool whose disk is full."""

    def put(self, data: bytes) -> int:
        raise LocalFault(f"no room for {len(data)} bytes")


@pytest.mark.parametrize("waiting", [{"full_at": 1}, {"retry_s": 60.0}], ids=["parked", "put off"])
async def test_a_full_spool_disk_ends_the_run_with_whole_groups(waiting: dict[str, Any]) -> None:
    run = Run(pool=FakePool(lambda _probe: REFUSED), spool=FullDisk(), **waiting)
    with pytest.raises(LocalFault, match="no room for"):
        await run.over("a.example", "b.example")
    assert all(len(group.probes) == 1 for group in run.delivered)


async def test_hosts_that_the_operator_named_may_be_on_private_addresses() -> None:
    def direct(domain: str) -> DomainRoute:
        route = one_exchange(domain)
        return route._replace(
            exchanges=(route.exchanges[0]._replace(exchange=Exchange("mx.new.example", None, Role.DIRECT)),)
        )

    run = Run(FakeResolver(direct))
    await run.over("a.example")
    assert [probe.typed for probe in run.pool.probes] == [True]
