from __future__ import annotations

import asyncio
import errno
import json
import logging
import sys
from collections import Counter

import pytest

from scanner.addresses import Fence, Networks
from scanner.pool import dial as dialling
from scanner.pool import pool as pooling
from scanner.pool import turns as turning
from scanner.pool.pool import Pool
from scanner.pool.probe import Answer, Probe
from scanner.terms import LocalFault, ProbeVerdict, SessionUse, Stage, Target
from tests.pool.asking import LOST_S, QUESTION, UNLIMITED, ask, ask_all, each_for_itself, ended, means, probes_of
from tests.pool.in_namespace import ROOT, in_namespace
from tests.pool.servers import OFFERS, Server, Visit, closed_port, last_words, silence, sockets, unanswered, until

MIXED = {"EHLO": OFFERS, "RCPT": b"550 5.1.1 no such user\r\n"}


async def test_many_probes_of_many_targets_are_each_answered_once() -> None:
    addresses = [f"127.0.5.{n}" for n in range(1, 41)]
    async with Server(addresses=addresses[:20]) as accepting, Server(MIXED, addresses[20:]) as refusing:
        targets = (accepting.targets + refusing.targets) * 10
        answers = await ask_all(probes_of(targets), limits=each_for_itself(50, 3, 0, 0))
    assert [ended(answer.outcome)[1] for answer in answers] == ([250] * 20 + [550] * 20) * 10


async def test_a_target_is_asked_in_the_order_in_which_its_probes_came() -> None:
    """Postfix' postscreen lets a client pass that met the primary first."""
    order: list[int] = []
    done = asyncio.Event()

    def settle(probe: Probe, _answer: Answer) -> None:
        order.append(probe.seq)
        if len(order) == 10:
            done.set()

    async with Server() as server, Pool(means(), each_for_itself(5, 1, 0, 0), settle) as pool:
        for probe in probes_of([server.target] * 10):
            pool.submit(probe)
        await done.wait()
    assert order == list(range(10))


async def test_who_waits_for_an_addresss_rate_holds_no_place() -> None:
    """One place for all, and an address that may be dialled twice in a while: the others need not wait for it."""
    async with (
        Server(addresses=["127.0.6.1"]) as slow,
        Server(addresses=[f"127.0.6.{n}" for n in range(2, 32)]) as fast,
    ):
        order: list[str] = []
        done = asyncio.Event()

        def settle(probe: Probe, _answer: Answer) -> None:
            order.append(probe.target.address)
            if len(order) == 33:
                done.set()

        async with Pool(means(), each_for_itself(1, 2, 0, 2.0), settle) as pool:
            for probe in probes_of([slow.target] * 3 + fast.targets):
                pool.submit(probe)
            await done.wait()
    assert order[-1] == "127.0.6.1"
    assert slow.dials[2].at - slow.dials[1].at > 0.4


async def test_a_tarpit_takes_its_own_places_only() -> None:
    async with Server({"OPEN": silence}) as tarpit, Server(addresses=[f"127.0.6.{n}" for n in range(2, 52)]) as good:
        settled: Counter[Target] = Counter()
        async with asyncio.TaskGroup() as tasks:
            pool = Pool(means(), each_for_itself(4, 2, 0, 0), lambda probe, _: settled.update([probe.target]))

            async def hold_open() -> None:
                async with pool:
                    for probe in probes_of([tarpit.target] * 30 + good.targets):
                        pool.submit(probe)
                    await asyncio.Event().wait()

            running = tasks.create_task(hold_open())
            await until(lambda: settled.total() == 50)
            assert tarpit.peak == 2
            running.cancel()


async def test_a_forbidden_address_is_answered_in_the_next_turn_and_costs_nobody_a_dial() -> None:
    """Whoever submits is never called back in the middle of it."""
    answers: list[Answer] = []
    async with (
        Server() as server,
        Pool(means(fence=Fence()), UNLIMITED, lambda _, answer: answers.append(answer)) as pool,
    ):
        pool.submit(Probe(0, 0, server.target, QUESTION))
        assert answers == []
        await asyncio.sleep(0)
        [answer] = answers
        assert server.dials == []
    assert ended(answer.outcome) == (Stage.CONNECT, ProbeVerdict.ADDRESS_FORBIDDEN)
    assert (answer.session, answer.attempts, answer.source) == (SessionUse.NONE, 0, None)


async def test_what_was_typed_may_be_loopback_and_what_is_excluded_may_not() -> None:
    async with Server() as server:
        strict, excluding = means(fence=Fence()), means(fence=Fence(exclude=Networks.from_text(["127.0.0.0/8"])))
        [answer] = await ask_all(probes_of([server.target], typed=True), strict)
        assert ended(answer.outcome) == (Stage.RCPT, 250)
        [answer] = await ask_all(probes_of([server.target], typed=True), excluding)
        assert ended(answer.outcome) == (Stage.CONNECT, ProbeVerdict.EXCLUDED)
        assert len(server.dials) == 1


async def test_a_bug_in_one_session_is_that_probes_local_error_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tripping(target: Target, *rest: object) -> asyncio.Transport:
        if target.address == "127.0.6.3":
            raise LookupError("a bug\x1b[2J")
        return await connect(target, *rest)  # type: ignore[arg-type]

    connect = dialling.connect
    monkeypatch.setattr(dialling, "connect", tripping)
    async with Server(addresses=[f"127.0.6.{n}" for n in range(1, 11)]) as server:
        answers = await ask_all(probes_of(server.targets * 3), limits=each_for_itself(2, 1, 0, 0))
    bad = [answer for answer in answers if answer.outcome.trouble is not None]
    assert len(bad) == 3
    assert {answer.outcome.trouble for answer in bad} == {ProbeVerdict.LOCAL_ERROR}
    assert {answer.outcome.error for answer in bad} == {"internal error: LookupError: a bug\\x1b[2J"}
    assert sum("internal error" in record.message for record in caplog.records) == 3


async def test_an_error_of_whoever_takes_the_answers_ends_the_run_and_gives_no_second_answer() -> None:
    """The output is gone: that is no matter of the probe's."""
    taken: list[int] = []

    def settle(probe: Probe, _answer: Answer) -> None:
        taken.append(probe.seq)
        raise LocalFault("the disk is full")

    async with Server() as server:
        pool = Pool(means(), UNLIMITED, settle)

        async def run() -> None:
            async with pool:
                pool.submit(Probe(7, 0, server.target, QUESTION))
                await asyncio.Event().wait()

        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(LOST_S):
                await run()
    assert caught.group_contains(LocalFault, match="the disk is full")
    assert taken == [7]


@pytest.mark.parametrize("started", [0, 3, 60])
async def test_a_pool_cancelled_in_full_swing_leaves_nothing_behind(started: int) -> None:
    """Dials in flight, conversations, handshakes that nobody answers, probes that wait for their turn."""
    async with (
        Server(addresses=[f"127.0.7.{n}" for n in range(1, 31)]) as good,
        Server({"RCPT": silence}, [f"127.0.8.{n}" for n in range(1, 31)]) as mute,
    ):
        with unanswered("127.0.9.1") as dropping:
            before, tasks = sockets(), asyncio.all_tasks()
            settled: list[int] = []
            pool = Pool(means(), each_for_itself(80, 2, 300, 30), lambda probe, _: settled.append(probe.seq))

            async def swing() -> None:
                async with pool:
                    for probe in probes_of([*good.targets, *mute.targets, dropping] * 10):
                        pool.submit(probe)
                    await asyncio.Event().wait()

            async with asyncio.TaskGroup() as group:
                running = group.create_task(swing())
                await until(lambda: len(good.dials) + len(mute.dials) >= started)
                running.cancel()
            assert asyncio.all_tasks() == tasks
            assert pool.turns.timer is None or pool.turns.timer.cancelled()
            assert pool.means.watch.timer is None
            assert len(settled) == len(set(settled))
            await until(lambda: not good.open and not mute.open)
            await until(lambda: not sockets() - before)


async def test_after_the_cancellation_no_dial_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions take a while to end; meanwhile the timer for the next dial rings, and somebody still has a probe."""
    pool = Pool(means(), each_for_itself(200, 100, 200, 0), lambda *_: None)
    begun = 0
    begun_before: list[int] = []

    async def slow_to_end(*_: object) -> asyncio.Transport:
        nonlocal begun
        begun += 1
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            begun_before.append(begun)
            await asyncio.sleep(0.05)
            pool.submit(Probe(1000, 0, Target("127.0.0.2", 25), QUESTION))
            raise
        raise OSError(errno.ECONNREFUSED, "")

    async def run() -> None:
        async with pool:
            for probe in probes_of([Target("127.0.0.1", 25)] * 100):
                pool.submit(probe)
            await asyncio.Event().wait()

    monkeypatch.setattr(dialling, "connect", slow_to_end)
    async with asyncio.timeout(LOST_S), asyncio.TaskGroup() as group:
        running = group.create_task(run())
        await until(lambda: begun >= 5)
        running.cancel()
    assert begun == begun_before[0]


async def test_our_shortage_pauses_and_every_verdict_is_as_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(turning, "SHORTAGE_PAUSE_S", 0.05)
    shortages = iter([errno.EMFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EAGAIN])
    dials: list[float] = []

    async def short(*arguments: object) -> asyncio.Transport:
        dials.append(asyncio.get_running_loop().time())
        if (number := next(shortages, None)) is not None:
            raise OSError(number, "short")
        return await connect(*arguments)  # type: ignore[arg-type]

    connect = dialling.connect
    monkeypatch.setattr(dialling, "connect", short)
    with closed_port("127.0.6.20") as closed:
        async with Server() as server:
            answers = await ask_all(probes_of([server.target, closed] * 3), limits=each_for_itself(1, 1, 0, 0))
    assert [ended(answer.outcome)[1] for answer in answers] == [250, ProbeVerdict.REFUSED] * 3
    assert {answer.attempts for answer in answers} == {1}, "what was not dialled is no attempt"
    assert dials[2] - dials[0] > 2 * 0.05 * 0.9, "it was dialled again without a pause"
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_a_shortage_that_does_not_end_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run from cron must not hang."""
    monkeypatch.setattr(turning, "SHORTAGE_PAUSE_S", 0.02)
    monkeypatch.setattr(turning, "SHORTAGE_LIMIT_S", 0.1)

    async def short(*_: object) -> asyncio.Transport:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(dialling, "connect", short)
    with pytest.raises(ExceptionGroup) as caught:
        await ask(Target("127.0.0.1", 25))
    assert caught.group_contains(LocalFault, match="EMFILE")


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_when_our_ports_are_used_up_the_probes_wait() -> None:
    """Thirty probes of one target at once, and eight ports."""
    report = await in_namespace("ports")
    assert report.pop("peak") <= 8
    assert report == {"ended": ["250"], "attempts": [1], "answers": 30}


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_a_source_address_does_not_share_one_range_of_ports_among_all_targets() -> None:
    """Without IP_BIND_ADDRESS_NO_PORT the port is taken at the bind: twelve sessions would not fit."""
    assert await in_namespace("source") == {"codes": [250] * 12, "peak": 12}


SHORT_OF_DESCRIPTORS = """
import asyncio, json, resource, sys
import uvloop
from scanner.pool import turns
from scanner.pool.limits import Limits
from scanner.terms import Target
from tests.pool.asking import ask_all, ended, means, probes_of

async def main():
    what = means()
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    targets = [Target(f"127.0.6.{n}", int(sys.argv[2])) for n in range(1, 101)]
    answers = await ask_all(probes_of(targets), what, Limits(100, 2, 0, 0, memory_s=0))
    print(json.dumps([[str(ended(answer.outcome)[1]), answer.attempts] for answer in answers]))

turns.SHORTAGE_PAUSE_S = 0.1
loops = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
with asyncio.Runner(loop_factory=loops[sys.argv[1]]) as runner:
    runner.run(main())
"""


def lingering(visit: Visit) -> None:
    """Say bye after a while, so that connections pile up."""
    visit.timer = visit.loop.call_later(0.1, last_words(b"221 2.0.0 Bye\r\n"), visit)  # type: ignore[arg-type]


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_when_descriptors_run_out_the_probes_wait(loop: str) -> None:
    """A hundred targets at once, and forty descriptors: no server is blamed, and nobody is dialled for nothing."""
    async with Server({"QUIT": lingering}, [f"127.0.6.{n}" for n in range(1, 101)]) as server:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", SHORT_OF_DESCRIPTORS, loop, str(server.port),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await child.communicate()
        assert child.returncode == 0, err.decode()
    assert json.loads(out) == [["250", 1]] * 100
    assert b"EMFILE" in err
    assert len(server.dials) == 100
    assert server.peak <= 40


async def test_the_table_of_addresses_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is idle is as good as new: a run over a million addresses need not remember them."""
    monkeypatch.setattr(pooling, "HOSTS_KEPT", 10)
    settled: list[int] = []
    async with (
        Server(addresses=[f"127.0.6.{n}" for n in range(1, 101)]) as server,
        Pool(means(), each_for_itself(5, 1, 0, 0), lambda probe, _: settled.append(probe.seq)) as pool,
    ):
        for number, probe in enumerate(probes_of(server.targets), 1):
            pool.submit(probe)
            await until(lambda number=number: len(settled) == number and not pool.open_sessions)  # type: ignore[misc]
            assert len(pool.hosts) <= 10
    assert len(settled) == 100


async def test_other_questions_of_a_host_wait_while_tls_is_asked_again_and_none_is_lost() -> None:
    """A wish for one more session puts the probe back to the head of its queue."""

    def out_of_step(visit: Visit) -> None:
        visit.say(b"250 2.0.0 one too many\r\n250 2.1.0 Ok\r\n" if visit.number % 2 == 0 else b"250 2.1.0 Ok\r\n")

    async with Server({"EHLO": OFFERS, "MAIL": out_of_step}) as server:
        answers = await ask_all(probes_of([server.target] * 5), limits=each_for_itself(1, 1, 0, 0))
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 5
    assert [answer.attempts for answer in answers] == [2] * 5
    assert len(server.visits) == 10
