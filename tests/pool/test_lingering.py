"""A session without a question waits a moment for another one, and is the first to go."""

from __future__ import annotations

import asyncio
import logging

import pytest

from scanner.pool import pool as pooling
from scanner.pool.limits import Limits, SessionLimits
from scanner.pool.pool import LINGER_S, Pool
from scanner.pool.probe import Answer, Probe
from scanner.terms import SessionUse, Stage, Target
from tests.pool.asking import QUESTION, ended, means
from tests.pool.servers import OFFERS, POLITE, Server, Visit, hang_up, last_words, reset, silence, sockets, until

LONG_S = 30.0
"""Longer than any of these tests: what ends earlier ends for another reason."""


class Open:
    """A pool that stays open, and the answers so far."""

    def __init__(self, limits: Limits | None = None, transactions: int = 10, errors: int = 8) -> None:
        self.answers: dict[int, Answer] = {}
        session_limits = SessionLimits(transactions, errors)
        self.pool = Pool(means(session_limits=session_limits), limits or Limits(100, 2, 0, 0), self.settle)
        self.asked = 0

    def settle(self, probe: Probe, answer: Answer) -> None:
        assert probe.seq not in self.answers
        self.answers[probe.seq] = answer

    def submit(self, *targets: Target, **facts: object) -> None:
        for target in targets:
            self.pool.submit(Probe(self.asked, 0, target, QUESTION, **facts))  # type: ignore[arg-type]
            self.asked += 1

    async def ask(self, *targets: Target, **facts: object) -> list[Answer]:
        """The answers to these, once they are all there and their sessions have nothing more to do."""
        first = self.asked
        self.submit(*targets, **facts)
        await until(lambda: len(self.answers) == self.asked)
        return [self.answers[seq] for seq in range(first, self.asked)]


def verbs(visit: Visit) -> list[str]:
    return [line.split(" ")[0] for line in visit.lines]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "LINGER_S", LONG_S)


def test_it_waits_two_seconds() -> None:
    """As Postfix' own connection cache does."""
    assert LINGER_S == 2.0


@pytest.mark.parametrize("ehlo", [b"250 mx.example\r\n", OFFERS], ids=["one at a time", "pipelined"])
@pytest.mark.usefixtures("patient")
async def test_a_question_that_comes_meanwhile_is_put_on_the_open_session(ehlo: bytes) -> None:
    opened = Open()
    async with Server({"EHLO": ehlo}) as server, opened.pool:
        answers = [answer for _ in range(4) for answer in await opened.ask(server.target)]
        assert [answer.session for answer in answers] == [SessionUse.NEW] + [SessionUse.REUSED] * 3
        assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 4
        assert len(server.dials) == 1


async def test_after_its_time_it_is_left_by_quit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "LINGER_S", 0.2)
    opened = Open()
    async with Server() as server, opened.pool:
        await opened.ask(server.target)
        [visit] = server.visits
        answered = visit.loop.time()
        await until(lambda: visit.gone and not opened.pool.open_sessions)
        assert verbs(visit) == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]
        assert visit.loop.time() - answered >= 0.15
        assert opened.pool.hosts[server.target.address].idle == []
        [answer] = await opened.ask(server.target)
        assert answer.session is SessionUse.NEW


@pytest.mark.usefixtures("patient")
async def test_a_pool_that_closes_leaves_by_quit_at_once() -> None:
    opened = Open()
    before = sockets()
    async with Server(addresses=[f"127.0.6.{n}" for n in range(1, 11)]) as server:
        async with asyncio.timeout(5), opened.pool:
            await opened.ask(*server.targets)
            assert len(opened.pool.idle) == 10
        assert opened.pool.open_sessions == 0
        await until(lambda: not server.open)
        assert [verbs(visit)[-1] for visit in server.visits] == ["QUIT"] * 10
    await until(lambda: not sockets() - before)


@pytest.mark.usefixtures("patient")
async def test_what_is_last_before_the_end_brings_its_quit_along() -> None:
    """A pool that closes while a question is under way: no RSET, no lingering."""
    opened = Open()
    async with Server() as server:
        async with opened.pool:
            opened.submit(server.target)
        await until(lambda: not server.open)
        assert verbs(server.visits[0]) in (["EHLO", "MAIL", "RCPT", "QUIT"], ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"])
    assert ended(opened.answers[0].outcome) == (Stage.RCPT, 250)


@pytest.mark.usefixtures("patient")
async def test_where_a_place_is_wanted_the_one_that_waits_longest_goes_first() -> None:
    opened = Open(Limits(3, 2, 0, 0))
    async with Server(addresses=[f"127.0.6.{n}" for n in range(1, 6)]) as server, opened.pool:
        for target in server.targets[:3]:
            await opened.ask(target)
        await opened.ask(server.targets[0])  # the first has just been of use
        await opened.ask(server.targets[3])
        assert [visit.gone for visit in server.visits] == [False, True, False, False]
        await opened.ask(server.targets[4])
        assert [visit.gone for visit in server.visits] == [False, True, True, False, False]
        assert server.peak <= 3
        assert [verbs(visit)[-1] for visit in server.visits[1:3]] == ["QUIT", "QUIT"]


@pytest.mark.usefixtures("patient")
async def test_no_more_are_sent_away_than_places_are_wanted() -> None:
    opened = Open(Limits(10, 1, 0, 0))
    async with Server(addresses=[f"127.0.6.{n}" for n in range(1, 14)]) as server, opened.pool:
        await opened.ask(*server.targets[:10])
        await opened.ask(*server.targets[10:])
        assert sum(visit.gone for visit in server.visits[:10]) == 3
        assert server.peak <= 10


@pytest.mark.usefixtures("patient")
async def test_while_a_place_is_wanted_nobody_lingers() -> None:
    opened = Open(Limits(1, 1, 0, 0))
    async with Server(addresses=[f"127.0.6.{n}" for n in range(1, 31)]) as server, opened.pool:
        await opened.ask(*server.targets)
        assert len(opened.pool.idle) == 1, "the last one"
        assert all("RSET" not in verbs(visit) for visit in server.visits[:-1]), "their QUIT came with the question"


@pytest.mark.usefixtures("patient")
async def test_what_the_open_session_cannot_carry_ends_it() -> None:
    """Another port of the same address, of which there is one session at most."""
    opened = Open(Limits(100, 1, 0, 0))
    async with Server() as one, Server() as other, opened.pool:
        await opened.ask(one.target)
        [answer] = await opened.ask(other.target)
        assert (ended(answer.outcome), answer.session) == ((Stage.RCPT, 250), SessionUse.NEW)
        assert verbs(one.visits[0])[-1] == "QUIT"


@pytest.mark.usefixtures("patient")
async def test_what_waits_already_and_cannot_be_carried_ends_it_at_once() -> None:
    opened = Open(Limits(100, 1, 0, 0))
    async with Server() as one, Server() as other, opened.pool:
        answers = await opened.ask(one.target, other.target)
        assert [(ended(answer.outcome), answer.session) for answer in answers] == [((Stage.RCPT, 250), "new")] * 2
        assert verbs(one.visits[0])[-1] == "QUIT"


@pytest.mark.usefixtures("patient")
async def test_a_place_that_is_wanted_while_a_question_is_under_way_comes_free_with_its_answer() -> None:
    opened = Open(Limits(1, 1, 0, 0))

    def slowly(visit: Visit) -> None:
        visit.timer = visit.loop.call_later(0.05, visit.say, b"250 2.1.5 Ok\r\n")

    async with Server({"RCPT": slowly}, ["127.0.6.1", "127.0.6.2"]) as server, opened.pool:
        opened.submit(server.targets[0])
        await until(lambda: bool(server.visits) and "RCPT" in verbs(server.visits[0]))
        await opened.ask(server.targets[1])
        assert verbs(server.visits[0]) == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]


@pytest.mark.usefixtures("patient")
async def test_a_probe_that_is_asked_again_gets_a_new_session() -> None:
    opened = Open(Limits(100, 1, 0, 0))
    async with Server() as server, opened.pool:
        await opened.ask(server.target)
        [answer] = await opened.ask(server.target, asked_before=opened.pool.loop.time())
        assert (answer.session, len(server.dials)) == (SessionUse.NEW, 2)
        assert verbs(server.visits[0])[-1] == "QUIT"
        [answer] = await opened.ask(server.target)
        assert answer.session is SessionUse.REUSED


@pytest.mark.parametrize("last", [b"421 4.4.2 idle too long\r\n", b"", None], ids=["421", "close", "reset"])
@pytest.mark.usefixtures("patient")
async def test_a_server_that_leaves_an_idle_session_harms_no_question(
    last: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    opened = Open()
    async with Server() as server, opened.pool:
        await opened.ask(server.target)
        [visit] = server.visits
        step = reset if last is None else last_words(last, hang_up)
        step(visit)  # type: ignore[operator]
        await until(lambda: not opened.pool.open_sessions)
        [answer] = await opened.ask(server.target)
        assert (ended(answer.outcome), answer.session, answer.attempts) == ((Stage.RCPT, 250), SessionUse.NEW, 1)
        assert verbs(visit)[-1] == "RSET", "there was nobody to say QUIT to"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("last", [b"421 4.4.2 idle too long\r\n", b"", None], ids=["421", "close", "reset"])
@pytest.mark.usefixtures("patient")
async def test_a_server_that_leaves_just_as_the_question_comes_harms_it_neither(last: bytes | None) -> None:
    """The command and the goodbye cross on the way: the session's matter, not the question's."""
    opened = Open()

    def leave(visit: Visit) -> None:
        if verbs(visit).count("MAIL") < 2:
            visit.say(b"250 2.1.0 Ok\r\n")
        elif last is None:
            reset(visit)
        else:
            last_words(last, hang_up)(visit)  # type: ignore[operator]

    async with Server({"MAIL": leave}) as server, opened.pool:
        await opened.ask(server.target)
        [answer] = await opened.ask(server.target)
        assert (ended(answer.outcome), answer.session, answer.attempts) == ((Stage.RCPT, 250), SessionUse.NEW, 1)


@pytest.mark.usefixtures("patient")
async def test_a_word_that_nobody_asked_for_ends_the_idle_session_by_quit() -> None:
    """The next reply would not be its question's."""
    opened = Open()
    async with Server() as server, opened.pool:
        await opened.ask(server.target)
        server.visits[0].say(b"250 2.0.0 and by the way\r\n")
        await until(lambda: server.visits[0].gone)
        assert verbs(server.visits[0])[-1] == "QUIT"
        [answer] = await opened.ask(server.target)
        assert (ended(answer.outcome), answer.session) == ((Stage.RCPT, 250), SessionUse.NEW)
        assert answer.notes == ()


@pytest.mark.usefixtures("patient")
async def test_what_has_carried_its_share_does_not_linger() -> None:
    opened = Open(transactions=2)
    async with Server() as server, opened.pool:
        await opened.ask(server.target)
        await opened.ask(server.target)
        assert verbs(server.visits[0]) == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "QUIT"]


@pytest.mark.usefixtures("patient")
async def test_what_has_met_enough_refusals_does_not_linger() -> None:
    opened = Open(errors=2)
    async with Server({"RCPT": b"550 5.1.1 no such user\r\n"}) as server, opened.pool:
        for _ in range(4):
            [answer] = await opened.ask(server.target)
            assert ended(answer.outcome) == (Stage.RCPT, 550)
        await until(lambda: not opened.pool.idle)
        assert [verbs(visit).count("RCPT") for visit in server.visits] == [2, 2]
        assert [verbs(visit)[-1] for visit in server.visits] == ["QUIT", "QUIT"]


async def test_a_silent_server_holds_a_session_that_is_left_for_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the address's next question waits for no more than that."""
    monkeypatch.setattr(pooling, "LINGER_S", 0.1)
    opened = Open(Limits(100, 1, 0, 0))
    async with Server({"QUIT": silence}, later=[POLITE]) as server, opened.pool:
        await opened.ask(server.target)
        await until(lambda: "QUIT" in verbs(server.visits[0]))
        [answer] = await opened.ask(server.target)
        assert (ended(answer.outcome), answer.session) == ((Stage.RCPT, 250), SessionUse.NEW)


@pytest.mark.usefixtures("patient")
async def test_a_pool_cancelled_with_idle_sessions_leaves_nothing_behind() -> None:
    opened = Open()
    async with Server(addresses=[f"127.0.6.{n}" for n in range(1, 11)]) as server:
        before, tasks = sockets(), asyncio.all_tasks()

        async def stay() -> None:
            async with opened.pool:
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            running = group.create_task(stay())
            await asyncio.sleep(0)
            await opened.ask(*server.targets)
            assert len(opened.pool.idle) == 10
            running.cancel()
        assert asyncio.all_tasks() == tasks
        assert (opened.pool.open_sessions, len(opened.pool.idle), len(opened.pool.sent_away)) == (0, 0, 0)
        await until(lambda: not server.open)
        await until(lambda: not sockets() - before)
