"""A dead address costs two dials, whoever waits for it; a lost packet damns nobody."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

import pytest

from scanner.pool import dial as dialling
from scanner.pool import turns as turning
from scanner.pool.limits import Deadlines, Limits, SessionLimits
from scanner.pool.pool import DIALS_OF_THE_DEAD, Pool
from scanner.pool.probe import Answer, Probe
from scanner.terms import ProbeVerdict, SessionUse, Stage, Target
from tests.pool.asking import LOST_S, QUESTION, ask_all, each_for_itself, ended, means, probes_of
from tests.pool.servers import POLITE, Server, Visit, closed_port, hang_up, reset, unanswered, until

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])  # what is decided here is decided on either loop

REDIAL_S = 0.15
SEVERAL = means(session_limits=SessionLimits())
BRISK = means(Deadlines(connect_s=0.3, reply_s=2, probe_s=5), session_limits=SessionLimits())


def remembering(per_target: int = 2, concurrency: int = 500, target_rate: float = 0) -> Limits:
    return Limits(concurrency, per_target, 0, target_rate, backoff_s=0.1, memory_s=300, redial_s=REDIAL_S)


class Dials:
    """Counts the dials that were begun, and those at once to one address; some fail as they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails: Callable[[Target, int], int | None]) -> None:
        self.connect = dialling.connect
        self.fails = fails
        self.times: dict[Target, list[float]] = {}
        self.at_once: dict[str, int] = {}
        self.peak = 0
        monkeypatch.setattr(dialling, "connect", self.dial)

    async def dial(self, target: Target, *rest: object) -> asyncio.Transport:
        times = self.times.setdefault(target, [])
        times.append(asyncio.get_running_loop().time())
        number = len(times)
        self.at_once[target.address] = self.at_once.get(target.address, 0) + 1
        self.peak = max(self.peak, self.at_once[target.address])
        try:
            if (fault := self.fails(target, number)) is not None:
                await asyncio.sleep(0.01)
                raise OSError(fault, "told to")
            return await self.connect(target, *rest)  # type: ignore[arg-type]
        finally:
            self.at_once[target.address] -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Dials:
    return Dials(monkeypatch, lambda _target, _number: None)


async def test_two_dials_are_enough() -> None:
    assert DIALS_OF_THE_DEAD == 2


@pytest.mark.parametrize("per_target", [1, 2, 50])
async def test_ten_thousand_probes_of_a_dead_address_cost_two_dials_and_never_two_at_once(
    per_target: int, counted: Dials
) -> None:
    with closed_port() as closed:
        answers = await ask_all(probes_of([closed] * 10_000), SEVERAL, remembering(per_target))
    [times] = counted.times.values()
    assert (len(times), counted.peak) == (2, 1)
    assert times[1] - times[0] >= REDIAL_S * 0.95
    assert {ended(answer.outcome) for answer in answers} == {(Stage.CONNECT, ProbeVerdict.REFUSED)}
    assert [answer.session for answer in answers] == [SessionUse.NEW] + [SessionUse.SHARED] * 9_999
    assert answers[0].attempts == 2


async def test_they_cost_two_though_they_come_one_after_the_other(counted: Dials) -> None:
    """As a window lets them in: the next comes when one before has its answer."""
    total, answers = 2_000, []
    done = asyncio.Event()
    with closed_port() as closed:

        def settle(_probe: Probe, answer: Answer) -> None:
            answers.append(answer)
            if len(answers) == total:
                done.set()
            elif len(answers) + 8 <= total:
                pool.submit(Probe(len(answers) + 7, 0, closed, QUESTION))

        async with asyncio.timeout(LOST_S), Pool(SEVERAL, remembering(), settle) as pool:
            for probe in probes_of([closed] * 8):
                pool.submit(probe)
            await done.wait()
        assert len(counted.times[closed]) == 2


async def test_a_server_that_drops_every_syn_costs_two_syns(counted: Dials) -> None:
    with unanswered("127.0.9.7") as dropping:
        answers = await ask_all(probes_of([dropping] * 100), BRISK, remembering())
        assert (len(counted.times[dropping]), counted.peak) == (2, 1)
    assert {ended(answer.outcome) for answer in answers} == {(Stage.CONNECT, ProbeVerdict.CONNECT_TIMEOUT)}


@pytest.mark.parametrize("lost", [errno.ETIMEDOUT, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ECONNRESET])
async def test_one_lost_syn_damns_nobody(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dials = Dials(monkeypatch, lambda _target, number: lost if number == 1 else None)
    async with Server() as server:
        answers = await ask_all(probes_of([server.target] * 50), SEVERAL, remembering())
        times = dials.times[server.target]
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 50
    assert [answer.attempts for answer in answers] == [2] + [1] * 49
    assert times[1] - times[0] >= REDIAL_S * 0.95


async def test_two_lost_with_a_success_between_them_damn_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    dials = Dials(monkeypatch, lambda _target, number: errno.ETIMEDOUT if number % 2 else None)
    async with Server() as server:
        answers = await ask_all(probes_of([server.target] * 6), means(), remembering(per_target=1))
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 6
    assert len(dials.times[server.target]) == 12


async def test_two_lost_with_a_refusal_between_them_damn_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says "not now" is there."""
    Dials(monkeypatch, lambda _target, number: errno.ETIMEDOUT if number % 2 else None)
    async with Server({"OPEN": b"421 4.3.2 not now\r\n"}, later=[POLITE]) as server:
        [answer] = await ask_all(probes_of([server.target]), means(), remembering())
    assert (ended(answer.outcome), answer.attempts) == ((Stage.RCPT, 250), 4)


@pytest.mark.parametrize("leave", [hang_up, reset])
async def test_who_drops_each_connection_before_a_word_is_asked_a_handful_of_times(
    leave: Callable[[Visit], None],
) -> None:
    async with Server({"OPEN": leave}) as server:
        answers = await ask_all(probes_of([server.target] * 200), SEVERAL, remembering())
        assert 2 <= len(server.dials) <= 6, "two of those at once, twice, and one alone"
    assert {ended(answer.outcome) for answer in answers} == {(Stage.BANNER, ProbeVerdict.DISCONNECTED)}
    assert [answer.session for answer in answers].count(SessionUse.NEW) == 1


async def test_a_dial_that_fails_while_a_session_stands_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes one connection at a time: all are answered by it, and nobody is called dead."""
    async with Server({"RCPT": slowly}) as server:
        dials = Dials(monkeypatch, lambda _t, _n: errno.ECONNREFUSED if len(server.open) else None)
        answers = await ask_all(probes_of([server.target] * 30), SEVERAL, remembering(per_target=3))
        assert server.peak == 1
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 30
    assert len(server.dials) == 3, "ten questions a session"
    assert len(dials.times[server.target]) <= 3 + 2, "the refused dials lowered what is tried at once"


def slowly(visit: Visit) -> None:
    visit.timer = visit.loop.call_later(0.01, visit.say, b"250 2.1.5 Ok\r\n")


async def test_who_was_alive_and_died_is_dialled_one_by_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two may be under way when the first finds nobody; from then on it is as with any other dead one."""
    dead = False
    dials = Dials(monkeypatch, lambda _target, _number: errno.ETIMEDOUT if dead else None)
    settled: list[Answer] = []
    limits = Limits(100, 4, 0, 0, backoff_s=0.1, memory_s=0.3, redial_s=REDIAL_S)
    async with Server() as server, Pool(means(), limits, lambda _, answer: settled.append(answer)) as pool:
        times = dials.times.setdefault(server.target, [])

        async def ask(number: int) -> int:
            before, total = len(times), len(settled) + number
            dials.peak = 0
            for seq in range(number):
                pool.submit(Probe(seq, 0, server.target, QUESTION))
            await until(lambda: len(settled) == total)
            return len(times) - before

        await ask(4)
        dead = True
        assert await ask(50) <= 4 + 1
        await asyncio.sleep(limits.memory_s)
        assert (await ask(50), dials.peak) == (2, 1)
    assert {ended(answer.outcome)[1] for answer in settled[4:]} == {ProbeVerdict.CONNECT_TIMEOUT}


async def test_without_memory_each_dials_for_itself_and_once(counted: Dials) -> None:
    with closed_port() as closed:
        answers = await ask_all(probes_of([closed] * 20), SEVERAL, each_for_itself(target_rate=0, rate=0))
        assert len(counted.times[closed]) == 20
    assert {(ended(a.outcome), a.session, a.attempts) for a in answers} == {
        ((Stage.CONNECT, ProbeVerdict.REFUSED), SessionUse.NEW, 1)
    }


async def test_two_dead_ports_of_an_address_cost_two_dials_each(counted: Dials) -> None:
    with closed_port() as one, closed_port() as other:
        await ask_all(probes_of([one, other] * 20), SEVERAL, remembering())
        assert {target: len(times) for target, times in counted.times.items()} == {one: 2, other: 2}


async def test_a_dead_port_is_not_the_good_ports_matter(counted: Dials) -> None:
    async with Server() as good:
        with closed_port() as closed:
            answers = await ask_all(probes_of([closed, good.target] * 20), SEVERAL, remembering())
            assert len(counted.times[closed]) <= 4
    assert {ended(answer.outcome)[1] for answer in answers[::2]} == {ProbeVerdict.REFUSED}
    assert {ended(answer.outcome)[1] for answer in answers[1::2]} == {250}


async def test_the_dead_hold_up_nobody_else(counted: Dials) -> None:
    """Two hundred dead addresses and three places: while they wait for their second dial they hold none."""
    order: list[str] = []
    done = asyncio.Event()
    with closed_port("127.0.6.1") as closed:
        dead = [Target(f"127.0.7.{n}", closed.port) for n in range(1, 201)]
        async with Server(addresses=["127.0.6.9"]) as good:

            def settle(probe: Probe, _answer: Answer) -> None:
                order.append(probe.target.address)
                if len(order) == 220:
                    done.set()

            async with asyncio.timeout(LOST_S), Pool(SEVERAL, remembering(concurrency=3), settle) as pool:
                for probe in probes_of([*dead, *[good.target] * 20]):
                    pool.submit(probe)
                await done.wait()
    assert set(order[:20]) == {"127.0.6.9"}
    assert {len(times) for target, times in counted.times.items() if target in dead} == {2}


async def test_our_own_shortage_in_between_is_no_dial_of_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "SHORTAGE_PAUSE_S", 0.02)
    faults = [errno.EADDRNOTAVAIL, errno.ETIMEDOUT, errno.EMFILE, errno.EADDRNOTAVAIL]
    dials = Dials(monkeypatch, lambda _t, number: faults[number - 1] if number <= len(faults) else None)
    async with Server() as server:
        answers = await ask_all(probes_of([server.target] * 5), SEVERAL, remembering())
    assert [(ended(a.outcome), a.attempts) for a in answers] == [((Stage.RCPT, 250), n) for n in (2, 1, 1, 1, 1)]
    assert len(dials.times[server.target]) == 5


async def test_ports_that_are_short_for_one_address_hold_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "SHORTAGE_PAUSE_S", 2 * LOST_S)
    settled: list[Target] = []
    async with Server(addresses=["127.0.6.1", "127.0.6.2"]) as server, asyncio.TaskGroup() as tasks:
        short, other = server.targets
        dials = Dials(monkeypatch, lambda target, _number: errno.EADDRNOTAVAIL if target == short else None)

        async def run() -> None:
            async with Pool(SEVERAL, remembering(concurrency=1), lambda probe, _: settled.append(probe.target)) as pool:
                for probe in probes_of([short] * 5 + [other] * 5):
                    pool.submit(probe)
                await asyncio.Event().wait()

        running = tasks.create_task(run())
        await until(lambda: len(settled) == 5)
        running.cancel()
    assert set(settled) == {other}
    assert len(dials.times[short]) == 1


async def test_a_shortage_long_ago_is_no_reason_to_give_up_if_dials_have_failed_by_others_fault_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A dial that was refused had a descriptor and a port."""
    monkeypatch.setattr(turning, "SHORTAGE_PAUSE_S", 0.02)
    monkeypatch.setattr(turning, "SHORTAGE_LIMIT_S", 0.1)
    faults = {1: errno.EMFILE, 4: errno.EMFILE, 5: errno.EADDRNOTAVAIL, 8: errno.EADDRNOTAVAIL}
    Dials(monkeypatch, lambda _t, number: faults.get(number, errno.ECONNREFUSED))
    limits = Limits(1, 1, 0, 0, backoff_s=0, memory_s=0.05, redial_s=REDIAL_S)
    target = Target("127.0.6.1", 9)
    settled: list[Answer] = []
    async with Pool(means(), limits, lambda _, answer: settled.append(answer)) as pool:
        for count in range(1, 4):
            pool.submit(Probe(count, 0, target, QUESTION))
            await until(lambda count=count: len(settled) == count)  # type: ignore[misc]
            await asyncio.sleep(0.06)
    assert {ended(answer.outcome) for answer in settled} == {(Stage.CONNECT, ProbeVerdict.REFUSED)}
