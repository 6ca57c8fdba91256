"""Against a channel that answers when the test says so; the last tests against a real one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from typing import TYPE_CHECKING

import pytest
from dns import rcode

from scanner.lab.nameserver import NameServer, Response
from scanner.resolve.answer import Answer, Record, RecordType, Status
from scanner.resolve.lookup import LookupLimits, Lookups
from scanner.resolve.resolver import Resolver
from scanner.terms import DomainVerdict, LocalFault, UsageError
from tests.resolve.script import Script, coded, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import dns.message

A = RecordType.A
FOUND = Answer(Status.FOUND, (Record("x.example", A, 300, "192.0.2.1"),), 300)
SERVFAIL = Answer(Status.FAILED, error="SERVFAIL")
TIMED_OUT = Answer(Status.SILENT, error="no answer in time")
REFUSED = Answer(Status.UNREACHABLE, error="resolver not reachable")

FAST = LookupLimits(in_flight=5, lookup_s=60, ask_again_s=0, failures_in_a_row=50, probe_every_s=0.001, outage_s=60)


class Played:
    """A channel played by the test: queries pile up in `open`, `answer` ends one, `mood` ends each at once."""

    def __init__(self) -> None:
        self.servers = ["192.0.2.53:53"]
        self.in_flight = 0
        self.in_flight_peak = 0
        self.asked: list[str] = []
        self.open: list[tuple[str, Callable[[Answer | None], None]]] = []
        self.mood: Callable[[str], Answer | None] = lambda _: None
        self.changed = asyncio.Event()

    async def until(self, asked: str, times: int) -> None:
        """Until the name has been asked so often."""
        while self.asked.count(asked) < times:
            self.changed.clear()
            await self.changed.wait()

    def ask(self, name: str, record_type: RecordType, done: Callable[[Answer | None], None]) -> None:
        assert record_type is (RecordType.NS if name == "." else A)
        self.asked.append(name)
        self.changed.set()
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        self.open.append((name, done))
        answer = self.mood(name)
        if answer is not None:
            self.answer(name, answer)

    def answer(self, name: str, answer: Answer) -> None:
        """End the oldest query for the name."""
        query = next(query for query in self.open if query[0] == name)
        self.open.remove(query)
        self.in_flight -= 1
        query[1](answer)


@pytest.fixture
def played() -> Played:
    return Played()


@contextlib.contextmanager
def looking(
    played: Played, limits: LookupLimits = FAST, *, short: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Lookups, list[str]]]:
    warnings: list[str] = []
    lookups = Lookups(played, limits, warn=warnings.append, short=short)
    try:
        yield lookups, warnings
    finally:
        lookups.close()


def begin(lookups: Lookups, *names: str) -> list[asyncio.Future[Answer | LocalFault]]:
    return [lookups.begin(name, A) for name in names]


def names(count: int, prefix: str = "d") -> list[str]:
    return [f"{prefix}{number}.example" for number in range(count)]


async def test_the_same_question_is_asked_once_for_all_who_ask(played: Played) -> None:
    with looking(played) as (lookups, _):
        futures = begin(lookups, *["x.example"] * 50)
        assert played.asked == ["x.example"]
        played.answer("x.example", FOUND)
        assert [await future for future in futures] == [FOUND] * 50
        begin(lookups, "x.example")
        assert played.asked == ["x.example"] * 2


async def test_one_who_goes_away_takes_nobody_along(played: Played) -> None:
    with looking(played) as (lookups, _):
        leaver, stayer = begin(lookups, "x.example", "x.example")
        leaver.cancel()
        played.answer("x.example", FOUND)
        assert await stayer == FOUND


async def test_no_more_are_in_flight_than_allowed(played: Played) -> None:
    with looking(played) as (lookups, _):
        futures = begin(lookups, *names(23))
        for name in names(23):
            played.answer(name, FOUND)
        assert [await future for future in futures] == [FOUND] * 23
    assert played.in_flight_peak == 5


async def test_a_cancelled_look_up_counts_until_its_answer_and_a_waiting_one_is_never_asked(played: Played) -> None:
    with looking(played) as (lookups, _):
        for future in begin(lookups, *names(1000)):
            future.cancel()
        (last,) = begin(lookups, "last.example")
        assert played.asked == names(5)
        for name in names(5):
            played.answer(name, FOUND)
        assert played.asked == [*names(5), "last.example"]
        played.answer("last.example", FOUND)
        assert await last == FOUND
        assert lookups.joined == {}


async def test_answers_that_come_at_once_pile_up_no_calls(played: Played) -> None:
    """c-ares answers from its cache before the query returns; 5,000 nested ones would end in a RecursionError."""
    with looking(played) as (lookups, _):
        futures = begin(lookups, *names(5000))
        played.mood = lambda _: FOUND
        for name in names(5):
            played.answer(name, FOUND)
        assert [await future for future in futures] == [FOUND] * 5000


async def test_a_look_up_ends_at_its_limit_and_its_query_stays_counted(played: Played) -> None:
    with looking(played, LookupLimits(lookup_s=0.05)) as (lookups, _):
        (future,) = begin(lookups, "x.example")
        assert await future == Answer(Status.SILENT, error="no answer within 0.05 s")
        assert played.in_flight == 1
        played.answer("x.example", TIMED_OUT)
        assert (lookups.joined, lookups.held, lookups.active) == ({}, {}, {})
    assert played.asked == ["x.example"]


async def test_a_time_out_is_asked_once_more_as_soon_as_another_answer_shows_that_the_resolver_lives(
    played: Played,
) -> None:
    with looking(played) as (lookups, _):
        dead, fine, other = begin(lookups, "dead.example", "fine.example", "other.example")
        played.answer("dead.example", TIMED_OUT)
        assert played.asked.count("dead.example") == 1
        played.answer("fine.example", SERVFAIL)
        assert played.asked.count("dead.example") == 2
        played.answer("dead.example", TIMED_OUT)
        assert not dead.done()
        played.answer("other.example", FOUND)
        assert await dead == TIMED_OUT
        assert await fine == SERVFAIL
        assert await other == FOUND
        assert played.asked.count("dead.example") == 2


async def test_the_second_answer_counts(played: Played) -> None:
    with looking(played) as (lookups, _):
        slow, _fine = begin(lookups, "slow.example", "fine.example")
        played.answer("slow.example", TIMED_OUT)
        played.answer("fine.example", FOUND)
        played.answer("slow.example", FOUND)
        assert await slow == FOUND


async def test_an_answer_later_than_the_limit_is_still_taken_while_the_failure_is_held_back(played: Played) -> None:
    with looking(played) as (lookups, _):
        late, _open = begin(lookups, "late.example", "open.example")
        lookups.joined[("late.example", A)].deadline = 0
        lookups.sweep()
        assert not late.done()
        played.answer("late.example", FOUND)
        assert await late == FOUND


@pytest.mark.parametrize("failure", [TIMED_OUT, REFUSED])
async def test_a_short_list_that_fails_as_a_whole_simply_fails(played: Played, failure: Answer) -> None:
    played.mood = lambda _: failure
    with looking(played) as (lookups, warnings):
        futures = begin(lookups, *names(49))
        assert [await future for future in futures] == [failure] * 49
        assert sorted(played.asked) == sorted(names(49) * 2)
        assert warnings == []


async def test_any_number_of_servfails_is_the_resolvers_answer_not_its_death(played: Played) -> None:
    played.mood = lambda _: SERVFAIL
    with looking(played) as (lookups, _):
        futures = begin(lookups, *names(500))
        assert [await future for future in futures] == [SERVFAIL] * 500
    assert played.asked == names(500)


@pytest.mark.parametrize("failure", [TIMED_OUT, REFUSED])
async def test_a_dead_resolver_is_waited_for_and_nobody_fails(played: Played, failure: Answer) -> None:
    with looking(played) as (lookups, warnings):
        played.mood = lambda _: FOUND
        assert [await future for future in begin(lookups, *names(20, "before"))] == [FOUND] * 20
        played.mood = lambda _: failure
        futures = begin(lookups, *names(200))
        asked = len(played.asked)
        assert asked == 20 + 50
        await played.until(".", 4)
        probes = played.asked[asked:]
        assert probes.count(".") * 2 == len(probes)
        assert not any(future.done() for future in futures)
        played.mood = lambda _: FOUND
        assert [await future for future in futures] == [FOUND] * 200
        assert warnings == [
            "the resolver (192.0.2.53:53) does not answer: look-ups wait for it",
            "the resolver answers again",
        ]


async def test_a_resolver_that_dies_again_at_once_is_waited_for_again(played: Played) -> None:
    with looking(played) as (lookups, _):
        played.mood = lambda _: REFUSED
        futures = begin(lookups, *names(60))
        await played.until(".", 3)
        played.mood = lambda name: FOUND if name == "." else REFUSED
        await played.until(".", 4)
        played.mood = lambda _: REFUSED
        await played.until(".", 8)
        assert not any(future.done() for future in futures)
        played.mood = lambda _: FOUND
        assert [await future for future in futures] == [FOUND] * 60


async def test_failures_with_an_answer_between_them_are_no_row(played: Played) -> None:
    with looking(played, LookupLimits(ask_again_s=0)) as (lookups, _):
        dead = {*names(40, "old"), *names(40, "new")}
        played.mood = lambda name: TIMED_OUT if name in dead else FOUND
        for batch in (names(40, "old"), ["fine.example"], names(40, "new")):
            futures = begin(lookups, *batch)
            assert {await future for future in futures} == {TIMED_OUT if batch[0] in dead else FOUND}
    assert "." not in played.asked


async def test_a_late_failure_of_an_earlier_asking_says_nothing_about_the_present_one(played: Played) -> None:
    with looking(played, LookupLimits(failures_in_a_row=1)) as (lookups, _):
        (future,) = begin(lookups, "x.example")
        lookups.joined[("x.example", A)].deadline = 0
        lookups.sweep()
        await played.until("x.example", 2)
        played.answer("x.example", TIMED_OUT)
        assert [lookup.key[0] for lookup in lookups.active] == ["x.example"]
        played.answer("x.example", FOUND)
        assert await future == FOUND


async def test_a_resolver_that_knows_nothing_of_the_root_is_seen_to_live_by_another_name(played: Played) -> None:
    with looking(played) as (lookups, _):
        played.mood = lambda _: REFUSED
        futures = begin(lookups, *names(60))
        played.mood = lambda name: REFUSED if name == "." else FOUND
        assert [await future for future in futures] == [FOUND] * 60


async def test_a_row_of_dead_names_is_no_dead_resolver(played: Played) -> None:
    """The root is answered at once: the names have failed, and are not asked for ever."""
    played.mood = lambda name: FOUND if name == "." else TIMED_OUT
    with looking(played) as (lookups, warnings):
        futures = begin(lookups, *names(300))
        assert [await future for future in futures] == [TIMED_OUT] * 300
        assert max(played.asked.count(name) for name in names(300)) <= 4
        assert warnings == []


async def test_a_name_that_kills_resolvers_is_given_up_after_some_outages(played: Played) -> None:
    """The outage ends with the third probe each time, and the names fail again."""
    with looking(played, LookupLimits(failures_in_a_row=3, probe_every_s=0.001, ask_again_s=0)) as (lookups, _):
        probes = 0

        def mood(name: str) -> Answer:
            nonlocal probes
            probes += name == "."
            return FOUND if name == "." and probes % 3 == 0 else TIMED_OUT

        played.mood = mood
        assert [await future for future in begin(lookups, *names(3))] == [TIMED_OUT] * 3


async def test_a_resolver_that_stays_dead_is_our_fault_then_and_from_then_on(played: Played) -> None:
    played.mood = lambda _: REFUSED
    with looking(played, LookupLimits(probe_every_s=0.001, outage_s=0.02)) as (lookups, _):
        ends = [await future for future in begin(lookups, *names(80))]
        ends += [await future for future in begin(lookups, "later.example")]
    assert {str(end) for end in ends} == {"no answer from the resolver (192.0.2.53:53) for 0.02 s"}
    assert all(isinstance(end, LocalFault) for end in ends)


async def test_without_descriptors_look_ups_wait_and_nothing_counts_as_a_failure(played: Played) -> None:
    shortage, looked = True, asyncio.Event()

    def short() -> bool:
        nonlocal looks
        looks += 1
        if looks == 5:
            looked.set()
        return shortage

    looks = 0
    played.mood = lambda _: REFUSED
    with looking(played, LookupLimits(shortage_every_s=0.001), short=short) as (lookups, warnings):
        futures = begin(lookups, *names(80))
        await looked.wait()
        assert len(played.asked) == 1
        played.mood, shortage = (lambda _: FOUND), False
        assert [await future for future in futures] == [FOUND] * 80
        assert warnings == ["no descriptor is left for DNS: look-ups wait"]


async def test_descriptors_that_never_come_back_are_our_fault(played: Played) -> None:
    played.mood = lambda _: REFUSED
    limits = LookupLimits(shortage_every_s=0.001, outage_s=0.02)
    with looking(played, limits, short=lambda: True) as (lookups, _):
        (end,) = [await future for future in begin(lookups, "x.example")]
    assert isinstance(end, LocalFault)
    assert "no descriptor" in str(end)


async def test_closing_leaves_no_timer_and_nobody_waiting(played: Played) -> None:
    with looking(played) as (lookups, _):
        played.mood = lambda _: REFUSED
        futures = begin(lookups, *names(80))
        outage = lookups.outage
    assert outage is not None
    assert outage.timer.cancelled()
    assert all(future.cancelled() for future in futures)
    assert (lookups.joined, lookups.held, lookups.active) == ({}, {}, {})
    (late,) = begin(lookups, "late.example")
    assert isinstance(await late, LocalFault)


@pytest.mark.parametrize("name", ["a\0b.example", "\N{KELVIN SIGN}.example", "a\n", "a" * 64, ".".join(["a"] * 128)])
async def test_what_is_no_name_is_refused(played: Played, name: str) -> None:
    with looking(played) as (lookups, _), pytest.raises(UsageError):
        begin(lookups, name)
    assert played.asked == []


async def test_the_server_never_sees_more_than_allowed(script: Script, server: NameServer) -> None:
    script.delay_s = 0.02
    for name in names(100):
        script.add(name, "MX", "0 .")
    limits = LookupLimits(in_flight=10)
    async with Resolver([(server.address, server.port)], limits=limits) as resolver, asyncio.TaskGroup() as tasks:
        for name in names(100):
            tasks.create_task(resolver.route(name))
    assert server.waiting_peak == 10
    assert server.asked.total() == 100


async def test_a_thousand_cancelled_look_ups_never_exceed_what_is_allowed(script: Script, server: NameServer) -> None:
    script.delay_s = 0.05
    for name in [*names(1000), "last.example"]:
        script.add(name, "MX", "0 .")
    async with Resolver([(server.address, server.port)], limits=LookupLimits(in_flight=50)) as resolver:
        for name in names(1000):
            resolver.lookups.begin(name, RecordType.MX).cancel()
        assert (await resolver.route("last.example")).verdict is DomainVerdict.NO_MAIL
        assert resolver.channel.in_flight == 0
    assert server.waiting_peak <= 50
    assert server.asked.total() <= 51


async def test_a_resolver_killed_and_restarted_in_mid_run_changes_no_verdict(script: Script) -> None:
    for name in names(400):
        script.add(name, "MX", "0 .")
    script.delay_s = 0.005
    killed, waits = asyncio.Event(), asyncio.Event()
    limits = LookupLimits(in_flight=100, probe_every_s=0.05)

    def dying(query: dns.message.Message, /, *, tcp: bool) -> Response:
        if first.asked.total() < 150:
            return script(query, tcp=tcp)
        killed.set()
        return Response()

    async with (
        NameServer(dying) as first,
        Resolver([(first.address, first.port)], limits=limits, warn=lambda _: waits.set()) as resolver,
        asyncio.TaskGroup() as tasks,
    ):
        routes = [tasks.create_task(resolver.route(name)) for name in names(400)]
        await killed.wait()
        await first.__aexit__(None, None, None)
        await waits.wait()
        async with NameServer(script, first.address, first.port):
            await asyncio.wait(routes)
    assert {route.result().verdict for route in routes} == {DomainVerdict.NO_MAIL}


async def test_without_a_free_descriptor_a_look_up_waits_for_one(script: Script, server: NameServer) -> None:
    """c-ares reports EMFILE as a resolver that cannot be reached."""
    script.add("x.example", "MX", "0 .")
    waits = asyncio.Event()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with Resolver(
        [(server.address, server.port)], limits=LookupLimits(shortage_every_s=0.01), warn=lambda _: waits.set()
    ) as resolver:
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            async with asyncio.TaskGroup() as tasks:
                route = tasks.create_task(resolver.route("x.example"))
                await waits.wait()
                assert not route.done()
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert route.result().verdict is DomainVerdict.NO_MAIL


async def test_lame_zones_do_not_stop_the_others(script: Script, server: NameServer) -> None:
    for name in names(60, "lame"):
        script.rule(name, coded(rcode.SERVFAIL))
    for name in names(5, "mute"):
        script.rule(name, silent)
    for name in names(60):
        script.add(name, "MX", "0 .")
    limits = LookupLimits(lookup_s=0.5)
    async with Resolver([(server.address, server.port)], limits=limits) as resolver, asyncio.TaskGroup() as tasks:
        routes = {
            name: tasks.create_task(resolver.route(name))
            for name in [*names(60, "lame"), *names(5, "mute"), *names(60)]
        }
    for name, route in routes.items():
        good = name.startswith("d")
        assert route.result().verdict is (DomainVerdict.NO_MAIL if good else DomainVerdict.DNS_FAILED)
