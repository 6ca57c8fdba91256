"""What a server says before a transaction it says to all: one probe finds it out for the others."""

from __future__ import annotations

import asyncio
import errno
import ssl
from typing import TYPE_CHECKING

import pytest

from scanner.addresses import Fence
from scanner.pool import dial as dialling
from scanner.pool.limits import Deadlines, Limits, SessionLimits
from scanner.pool.pool import SHARED_AT_ONCE, Pool
from scanner.pool.probe import Answer, Probe
from scanner.smtp.outcome import Question
from scanner.terms import LocalFault, ProbeVerdict, SessionUse, Stage, Target
from tests.pool.asking import LOST_S, QUESTION, ask_all, each_for_itself, ended, means, probes_of
from tests.pool.servers import OFFERS, Server, Visit, closed_port, last_words, silence, starttls, until

if TYPE_CHECKING:
    from tests.pool.servers import Script

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])  # what is decided here is decided on either loop

BRISK = Deadlines(connect_s=2, reply_s=0.1, probe_s=5)
SEVERAL = means(session_limits=SessionLimits())
HASTY = means(BRISK, session_limits=SessionLimits())


def remembering(memory_s: float = 300, per_target: int = 2, concurrency: int = 100) -> Limits:
    return Limits(concurrency, per_target, 0, 0, backoff_s=0.05, memory_s=memory_s, redial_s=0.05)


class Open:
    """A pool that stays open, and the answers so far."""

    def __init__(self, limits: Limits, using: object = None) -> None:
        self.answers: dict[int, Answer] = {}
        self.pool = Pool(using or SEVERAL, limits, self.settle)  # type: ignore[arg-type]

    def settle(self, probe: Probe, answer: Answer) -> None:
        assert probe.seq not in self.answers
        self.answers[probe.seq] = answer

    async def ask(self, target: Target, asked_before: float | None = None) -> Answer:
        seq = len(self.answers)
        self.pool.submit(Probe(seq, 0, target, QUESTION, asked_before=asked_before))
        await until(lambda: seq in self.answers)
        return self.answers[seq]


def refuses_tls(visit: Visit) -> None:
    visit.say(b"250 ok\r\n" if visit.secured else b"530 5.7.0 Must issue a STARTTLS command first\r\n")


OFFERS_TLS = b"250-mx.example\r\n250 STARTTLS\r\n"
ABOUT_TARGET: dict[str, tuple[Script, tuple[Stage, ProbeVerdict | int]]] = {
    "554 banner": ({"OPEN": b"554 5.7.1 not you\r\n"}, (Stage.BANNER, 554)),
    "silent banner": ({"OPEN": silence}, (Stage.BANNER, ProbeVerdict.REPLY_TIMEOUT)),
    "http": ({"OPEN": b"HTTP/1.1 400 Bad Request\r\n"}, (Stage.BANNER, ProbeVerdict.NOT_SMTP)),
    "550 helo": (
        {"EHLO": b"550 5.7.1 no\r\n", "HELO": b"550 5.7.1 not by that name\r\n"},
        (Stage.HELO, 550),
    ),
    "silent helo": ({"EHLO": silence}, (Stage.HELO, ProbeVerdict.REPLY_TIMEOUT)),
    "454 starttls": (
        {"EHLO": OFFERS_TLS, "MAIL": refuses_tls, "STARTTLS": b"454 4.7.0 no certificate\r\n"},
        (Stage.STARTTLS, ProbeVerdict.TLS_UNAVAILABLE),
    ),
    "421 banner": ({"OPEN": last_words(b"421 busy\r\n")}, (Stage.BANNER, 421)),
}


@pytest.mark.parametrize("per_target", [1, 2, 4])
@pytest.mark.parametrize("what", ABOUT_TARGET)
async def test_what_happens_before_a_transaction_is_found_out_once_for_all_that_wait(
    what: str, per_target: int
) -> None:
    """However many are at the door together: each time one fewer, until it is certain whom it is about."""
    script, end = ABOUT_TARGET[what]
    async with Server(script) as server:
        using = HASTY if "silent" in what else SEVERAL
        answers = await ask_all(probes_of([server.target] * 60), using, remembering(per_target=per_target))
        dials = len(server.dials)
    assert {ended(answer.outcome) for answer in answers} == {end}
    assert dials <= {1: 1, 2: 3, 4: 10}[per_target] + (2 * per_target if what == "421 banner" else 0)
    asked = [answer for answer in answers if answer.session is not SessionUse.SHARED]
    shared = [answer for answer in answers if answer.session is SessionUse.SHARED]
    assert len(asked) <= per_target
    assert {(answer.attempts, answer.elapsed_ms, answer.source) for answer in shared} == {(0, 0.0, None)}
    assert {answer.server.banner for answer in shared} == {asked[-1].server.banner}
    assert {answer.outcome.reply for answer in shared} == {asked[-1].outcome.reply}


async def test_a_handshake_that_fails_is_the_targets() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # without a certificate
    script: Script = {"EHLO": OFFERS_TLS, "MAIL": refuses_tls, "STARTTLS": starttls(context)}
    async with Server(script) as server:
        answers = await ask_all(probes_of([server.target] * 40), SEVERAL, remembering())
        assert len(server.dials) <= 3
    assert {ended(answer.outcome) for answer in answers} == {(Stage.STARTTLS, ProbeVerdict.TLS_FAILED)}
    assert all(answer.server.tls is not None for answer in answers)


ABOUT_TRANSACTION: dict[str, Script] = {
    "550 mail": {"MAIL": b"550 5.7.1 not you\r\n"},
    "451 mail": {"MAIL": b"451 4.3.0 later\r\n"},
    "550 rcpt": {"RCPT": b"550 5.1.1 no such user\r\n"},
    "450 rcpt": {"EHLO": OFFERS, "RCPT": b"450 4.2.0 greylisted\r\n"},
    "reset at rcpt": {"RCPT": last_words(b"")},
    "silent mail": {"MAIL": silence},
}


@pytest.mark.parametrize("what", ABOUT_TRANSACTION)
async def test_what_happens_in_a_transaction_is_never_shared(what: str) -> None:
    async with Server(ABOUT_TRANSACTION[what]) as server:
        using = HASTY if "silent" in what else SEVERAL
        answers = await ask_all(probes_of([server.target] * 12), using, remembering())
        verb = "MAIL" if "mail" in what else "RCPT"
        assert sum(line.startswith(verb) for lines in server.lines for line in lines) >= 12
    assert SessionUse.SHARED not in {answer.session for answer in answers}


async def test_it_is_remembered_for_who_comes_later_and_no_longer_than_it_holds() -> None:
    opened = Open(remembering(memory_s=0.3))
    async with Server({"OPEN": b"554 5.7.1 not you\r\n"}) as server, opened.pool:
        assert (await opened.ask(server.target)).session is SessionUse.NEW
        assert (await opened.ask(server.target)).session is SessionUse.SHARED
        assert len(server.dials) == 1
        since = opened.pool.loop.time()
        await until(lambda: opened.pool.loop.time() > since + 0.31)
        assert (await opened.ask(server.target)).session is SessionUse.NEW
        assert len(server.dials) == 2


async def test_another_port_is_another_target() -> None:
    async with Server({"OPEN": b"554 5.7.1 not you\r\n"}) as refusing, Server() as good:
        targets = [refusing.target, good.target] * 5
        answers = await ask_all(probes_of(targets), SEVERAL, remembering())
    assert [ended(answer.outcome)[1] for answer in answers] == [554, 250] * 5


async def test_without_memory_each_asks_for_itself_once() -> None:
    async with Server({"OPEN": b"554 5.7.1 not you\r\n"}) as server:
        answers = await ask_all(probes_of([server.target] * 10), SEVERAL, each_for_itself(rate=0, target_rate=0))
        assert len(server.dials) == 10
    assert {(answer.session, answer.attempts) for answer in answers} == {(SessionUse.NEW, 1)}


async def test_an_error_of_ours_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet filter, or a bug."""
    faults: list[Exception] = [OSError(errno.EPERM, "a filter"), LookupError("a bug")]

    async def failing(*arguments: object) -> asyncio.Transport:
        if faults:
            raise faults.pop()
        return await connect(*arguments)  # type: ignore[arg-type]

    connect = dialling.connect
    monkeypatch.setattr(dialling, "connect", failing)
    async with Server() as server:
        answers = await ask_all(probes_of([server.target] * 5), SEVERAL, remembering())
    assert [ended(answer.outcome)[1] for answer in answers] == [ProbeVerdict.LOCAL_ERROR] * 2 + [250] * 3


async def test_a_question_that_cannot_be_said_is_nobody_elses() -> None:
    async with Server() as server:
        probes = probes_of([server.target] * 3)
        probes[0] = probes[0]._replace(question=Question("postmaster@probe.example", "a@b\r\nDATA"))
        answers = await ask_all(probes, SEVERAL, remembering())
    assert [ended(answer.outcome)[1] for answer in answers] == [ProbeVerdict.LOCAL_ERROR, 250, 250]


async def test_what_is_forbidden_for_one_is_not_for_whom_it_was_named() -> None:
    async with Server() as server:
        probes = probes_of([server.target] * 2)
        probes[1] = probes[1]._replace(typed=True)
        answers = await ask_all(probes, means(fence=Fence()), remembering())
    assert [ended(answer.outcome)[1] for answer in answers] == [ProbeVerdict.ADDRESS_FORBIDDEN, 250]


async def test_who_is_asked_again_is_told_only_what_was_found_out_since() -> None:
    opened = Open(remembering())
    async with Server({"OPEN": b"554 5.7.1 not you\r\n"}) as server, opened.pool:
        await opened.ask(server.target)
        before = opened.pool.loop.time()
        assert (await opened.ask(server.target, before)).session is SessionUse.NEW
        assert (await opened.ask(server.target, before)).session is SessionUse.SHARED
        assert len(server.dials) == 2


async def test_who_gets_further_ends_what_was_known() -> None:
    """Asked again it takes mail: the next ones must not be told that it does not."""
    opened = Open(remembering())
    async with Server({"OPEN": b"554 5.7.1 not you\r\n"}, later=[{}]) as server, opened.pool:
        await opened.ask(server.target)
        again = await opened.ask(server.target, opened.pool.loop.time())
        assert ended(again.outcome) == (Stage.RCPT, 250)
        assert ended((await opened.ask(server.target)).outcome) == (Stage.RCPT, 250)


async def test_who_is_refused_at_the_door_while_another_session_stands_is_asked_again_alone() -> None:
    """It takes one at a time and says so in the wrong words: nobody is told that it refuses all."""

    def one_at_a_time(visit: Visit) -> None:
        visit.say(b"554 5.7.1 too many\r\n" if len(visit.server.open) > 1 else b"220 mx.example\r\n")

    def slowly(visit: Visit) -> None:
        visit.timer = visit.loop.call_later(0.01, visit.say, b"250 2.1.5 Ok\r\n")

    async with Server({"OPEN": one_at_a_time, "RCPT": slowly}) as server:
        answers = await ask_all(probes_of([server.target] * 25), SEVERAL, remembering(per_target=3))
        assert len(server.dials) <= 3 + 3
    assert {ended(answer.outcome) for answer in answers} == {(Stage.RCPT, 250)}


async def test_what_is_asked_for_by_the_answer_itself_costs_no_dial() -> None:
    """The window lets the next ones in when the first has its answer, in the middle of it: they are told at once."""
    total = 200
    settled: list[Answer] = []

    async with Server({"OPEN": b"554 5.7.1 not you\r\n"}) as server:

        def settle(_probe: Probe, answer: Answer) -> None:
            settled.append(answer)
            for seq in range(len(settled) * 8, min(total, len(settled) * 8 + 8)):
                pool.submit(Probe(seq, 0, server.target, QUESTION))

        async with Pool(means(), remembering(), settle) as pool:
            pool.submit(Probe(0, 0, server.target, QUESTION))
            for seq in range(1, 8):
                pool.submit(Probe(seq, 0, server.target, QUESTION))
            await until(lambda: len(settled) == total)
        assert len(server.dials) <= 3


@pytest.mark.parametrize("together", [1, 4, 200])
async def test_answers_that_are_known_come_in_portions(together: int) -> None:
    """Ten thousand of them in one turn would keep the loop from everybody else; also where each brings the next."""
    total, settled, most, in_this_turn = 4_000, 0, 0, 0
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def turn() -> None:
        nonlocal most, in_this_turn
        most, in_this_turn = max(most, in_this_turn), 0
        if not done.is_set():
            loop.call_soon(turn)

    with closed_port() as closed:

        def settle(_probe: Probe, _answer: Answer) -> None:
            nonlocal settled, in_this_turn
            settled += 1
            in_this_turn += 1
            if settled + together <= total:
                pool.submit(Probe(settled + together - 1, 0, closed, QUESTION))
            elif settled == total:
                done.set()

        async with asyncio.timeout(LOST_S), Pool(SEVERAL, remembering(), settle) as pool:
            for seq in range(together):
                pool.submit(Probe(seq, 0, closed, QUESTION))
            loop.call_soon(turn)
            await done.wait()
    assert most <= 2 * SHARED_AT_ONCE, "the loop's turn and this test's need not begin at the same place"


@pytest.mark.parametrize("number", [0, 1, 60, 99])
async def test_an_error_of_whoever_takes_a_known_answer_ends_the_run(number: int) -> None:
    """The output is gone: not a hundred probes that wait for ever."""
    settled: list[int] = []

    def settle(probe: Probe, _answer: Answer) -> None:
        settled.append(probe.seq)
        if probe.seq == number:
            raise LocalFault("the disk is full")

    async def run(target: Target) -> None:
        async with Pool(SEVERAL, remembering(), settle) as pool:
            for probe in probes_of([target] * 100):
                pool.submit(probe)
            await asyncio.Event().wait()

    with closed_port() as closed, pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(LOST_S):
            await run(closed)
    assert caught.group_contains(LocalFault, match="the disk is full")
    assert settled == list(range(number + 1))


async def test_a_pool_cancelled_in_the_middle_of_known_answers_gives_no_more_of_them() -> None:
    tasks = asyncio.all_tasks()
    settled: list[int] = []

    async def run(target: Target) -> None:
        me = asyncio.current_task()
        assert me is not None

        def settle(probe: Probe, _answer: Answer) -> None:
            settled.append(probe.seq)
            if len(settled) == 3 * SHARED_AT_ONCE:
                me.cancel()

        async with Pool(SEVERAL, remembering(), settle) as pool:
            for probe in probes_of([target] * 50 * SHARED_AT_ONCE):
                pool.submit(probe)
            await asyncio.Event().wait()

    with closed_port() as closed:
        async with asyncio.TaskGroup() as group:
            group.create_task(run(closed))
    assert asyncio.all_tasks() == tasks
    count = len(settled)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(settled) == count <= 4 * SHARED_AT_ONCE


@pytest.mark.parametrize("script", [{"OPEN": last_words(b"421 busy\r\n")}, None], ids=["turned away", "dead"])
async def test_a_pool_cancelled_while_an_address_is_left_alone_leaves_nothing_behind(
    script: Script | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> asyncio.Transport:
        raise OSError(errno.ECONNREFUSED, "")

    if script is None:
        monkeypatch.setattr(dialling, "connect", refused)
    tasks = asyncio.all_tasks()
    limits = Limits(100, 2, 0, 0, backoff_s=60, memory_s=300, redial_s=60)
    async with Server(script or {}) as server:
        pool = Pool(SEVERAL, limits, lambda *_: None)

        async def run() -> None:
            async with pool:
                for probe in probes_of([server.target] * 100):
                    pool.submit(probe)
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            running = group.create_task(run())
            await until(lambda: pool.paused_targets() == 1 and not pool.open_sessions)
            assert pool.is_paused(server.target.address)
            running.cancel()
        assert asyncio.all_tasks() == tasks
        assert pool.turns.timer is None or pool.turns.timer.cancelled()
        assert pool.means.watch.timer is None
