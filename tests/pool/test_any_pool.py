"""Whatever servers do and however probes come: each is answered once, and nothing is left over."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scanner.pool import pool as pooling
from scanner.pool import turns as turning
from scanner.pool import wire as wiring
from scanner.pool.limits import Deadlines, Limits, SessionLimits
from scanner.pool.pool import Pool
from scanner.pool.probe import Answer, Probe
from scanner.smtp.outcome import Question
from scanner.terms import SessionUse, Stage, Target
from tests.pool.asking import means, on_uvloop
from tests.pool.servers import OFFERS, POLITE, Server, Visit, closed_port, hang_up, last_words, reset, silence, sockets

if TYPE_CHECKING:
    import pytest

    from tests.pool.servers import Step

ADDRESSES = ["127.0.11.1", "127.0.11.2", "127.0.11.3"]
BRISK = Deadlines(connect_s=0.3, reply_s=0.15, probe_s=1)


def twice(visit: Visit) -> None:
    visit.say(b"250 2.0.0 Ok\r\n250 2.0.0 and once more\r\n")


def later(visit: Visit) -> None:
    visit.timer = visit.loop.call_later(0.02, visit.say, b"250 2.0.0 at last\r\n")


STEPS: dict[str, Step] = {
    "421": last_words(b"421 4.3.2 busy\r\n"),
    "450": b"450 4.2.0 not now\r\n",
    "550": b"550 5.7.1 no\r\n",
    "close": hang_up,
    "reset": reset,
    "twice": twice,
    "later": later,
    "garbage": b"HTTP/1.1 400 Bad Request\r\n",
    "silence": silence,
}
VERBS = ["OPEN", "EHLO", "MAIL", "RCPT", "RSET", "QUIT"]


class Mood(NamedTuple):
    """What a server does at the so-and-so-many-th time of a command in a visit; and in which of its visits."""

    verb: str
    step: str
    time: int
    every: int


MOODS = st.builds(Mood, st.sampled_from(VERBS), st.sampled_from(sorted(STEPS)), st.integers(1, 3), st.integers(1, 4))
PLACES = st.tuples(st.integers(0, 2), st.booleans(), st.booleans(), st.sampled_from([0, 0, 0, 0.01, 0.05]))
"""An address; its dead port or its good one; whether it is asked again; how long before it comes."""


class Moody(Server):
    """Three addresses with a list of moods each, pipelining or not."""

    def __init__(self, moods: list[list[Mood]], *, pipelining: bool) -> None:
        super().__init__(POLITE, ADDRESSES)
        self.moods = dict(zip(ADDRESSES, moods, strict=True))
        self.pipelining = pipelining
        self.times: dict[Visit, Counter[str]] = {}

    def step(self, visit: Visit, verb: str) -> Step:
        times = self.times.setdefault(visit, Counter())
        times[verb] += 1
        for mood in self.moods[visit.address]:
            if (mood.verb, mood.time) == (verb, times[verb]) and visit.number % mood.every == 0:
                return STEPS[mood.step]
        if verb == "EHLO" and self.pipelining:
            return OFFERS
        return super().step(visit, verb)


class Asker:
    """Submits probes as they come, and holds each answer to what a record may say."""

    def __init__(self, limits: Limits, transactions: int) -> None:
        using = means(BRISK, session_limits=SessionLimits(transactions, 4))
        self.pool = Pool(using, limits, self.settle)
        self.asked: dict[int, Probe] = {}
        self.answers: dict[int, Answer] = {}
        self.expected = 0
        self.done = asyncio.Event()

    def submit(self, target: Target, *, again: bool) -> None:
        seq = len(self.asked)
        question = Question("postmaster@probe.example", f"postmaster@d{seq}.example")
        before = self.pool.loop.time() if again else None
        self.asked[seq] = Probe(seq, 0, target, question, asked_before=before)
        self.pool.submit(self.asked[seq])

    def settle(self, probe: Probe, answer: Answer) -> None:
        assert probe is self.asked[probe.seq]
        assert probe.seq not in self.answers, "answered twice"
        self.answers[probe.seq] = answer
        stage = answer.outcome.stage
        if answer.session is SessionUse.SHARED:
            assert (answer.attempts, answer.elapsed_ms, answer.source) == (0, 0.0, None)
            assert stage in (Stage.CONNECT, Stage.BANNER, Stage.HELO, Stage.STARTTLS)
        else:
            assert answer.attempts >= 1
        if answer.session is SessionUse.REUSED:
            assert stage in (Stage.MAIL, Stage.RCPT)
            assert answer.outcome.reply is None or answer.outcome.reply.code != 421
        if len(self.answers) == self.expected:
            self.done.set()


LIMITS = st.builds(
    Limits,
    st.sampled_from([1, 2, 10]), st.sampled_from([1, 2, 4]), st.sampled_from([0, 300.0]), st.sampled_from([0, 50.0]),
    backoff_s=st.sampled_from([0, 0.02]), memory_s=st.sampled_from([0, 0.05, 300.0]), redial_s=st.just(0.02),
)  # fmt: skip


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.lists(MOODS, max_size=3), min_size=3, max_size=3),
    st.booleans(),
    st.lists(PLACES, min_size=1, max_size=40),
    LIMITS,
    st.sampled_from([1, 3, 10]),
)
def test_each_probe_has_one_answer_and_all_counts_go_back_to_nought(  # noqa: PLR0917 - what may vary
    monkeypatch: pytest.MonkeyPatch,
    moods: list[list[Mood]],
    pipelining: bool,  # noqa: FBT001
    places: list[tuple[int, bool, bool, float]],
    limits: Limits,
    transactions: int,
) -> None:
    monkeypatch.setattr(pooling, "LINGER_S", 0.03)
    monkeypatch.setattr(wiring, "QUIT_LIMIT_S", 0.1)
    monkeypatch.setattr(turning, "SHORTAGE_PAUSE_S", 0.02)

    async def test() -> None:
        before = sockets()
        with closed_port(ADDRESSES[0]) as closed:
            async with Moody(moods, pipelining=pipelining) as server:
                asker = Asker(limits, transactions)
                asker.expected = len(places)
                async with asyncio.timeout(30), asker.pool:
                    for number, dead, again, wait_s in places:
                        if wait_s:
                            await asyncio.sleep(wait_s)
                        asker.submit(
                            Target(ADDRESSES[number], closed.port if dead else server.port), again=again and number == 2
                        )
                    await asker.done.wait()
                pool = asker.pool
                assert len(asker.answers) == len(places)
                assert server.peak <= limits.concurrency
                assert max(server.peaks.values(), default=0) <= limits.per_target
                assert all(count <= transactions for count in transactions_of(server))
                turns = pool.turns
                assert (turns.taken, pool.idle, pool.sent_away, len(pool.known)) == (0, {}, set(), 0)
                assert pool.means.watch.timed == set()
                for host in pool.hosts.values():
                    assert (host.sessions, host.dialling, host.idle, list(host.queue)) == (0, 0, [], [])
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for _ in range(50):
            if not sockets() - before:
                break
            await asyncio.sleep(0.002)
        assert not sockets() - before

    on_uvloop(test())


def transactions_of(server: Server) -> list[int]:
    return [sum(line.startswith("MAIL") for line in lines) for lines in server.lines]
