"""Limits are never exceeded: in all, to one address, a second. Counted at the servers' end."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from scanner.pool.limits import Limits, SessionLimits
from scanner.pool.pool import Pool
from scanner.pool.probe import Answer, Probe
from scanner.terms import SessionUse, Target
from tests.pool.asking import QUESTION, ask_all, each_for_itself, ended, means, on_uvloop, probes_of
from tests.pool.servers import OFFERS, POLITE, Server, Visit, hang_up, last_words, most_in_window, reset

ADDRESSES = [f"127.1.{n // 200}.{n % 200 + 1}" for n in range(200)]
WINDOWS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
SEEN_LATE_S = 0.1
"""An accept is seen after its SYN: on a busy machine a second at the server holds what a little more was dialled in.

The exact bound is proved in virtual time (tests/pool/test_pace.py); here a pace that is really too fast must show.
"""


def most_a_second(times: list[float], seconds: int = 1) -> int:
    """The most dials in any such time that can be told from one seen late."""
    return most_in_window(times, seconds - SEEN_LATE_S)


def lingering(visit: Visit) -> None:
    """Say bye after a moment: connections overlap."""
    visit.timer = visit.loop.call_later(0.01, last_words(b"221 2.0.0 Bye\r\n"), visit)  # type: ignore[arg-type]


def moody(visit: Visit) -> None:
    """Accept, refuse, leave, or lose the step, in turns: the ends and the second sessions count like all others."""
    match visit.number % 4:
        case 0:
            visit.say(b"550 5.7.1 relaying denied\r\n")
        case 1:
            visit.say(b"250 2.0.0 Ok\r\n250 2.0.0 one too many\r\n")
        case 2:
            reset(visit)
        case _:
            visit.say(b"250 2.0.0 Ok\r\n")


@pytest.mark.parametrize(("concurrency", "per_target", "addresses"), [(7, 2, 5), (40, 1, 60), (64, 3, 25)])
def test_never_more_connections_at_once_than_allowed(concurrency: int, per_target: int, addresses: int) -> None:
    async def test() -> None:
        async with Server({"QUIT": lingering, "EHLO": OFFERS, "MAIL": moody}, ADDRESSES[:addresses]) as server:
            targets = (server.targets * 100)[:600]
            await ask_all(probes_of(targets), limits=each_for_itself(concurrency, per_target, 0, 0))
            assert len(server.dials) > 600, "second sessions count too"
            assert server.peak <= concurrency
            assert server.peak >= concurrency * 7 // 8, "nor less than was allowed, but for those just coming or going"
            assert max(server.peaks.values()) == per_target

    on_uvloop(test())


def test_never_more_dials_a_second_than_the_rate() -> None:
    async def test() -> None:
        async with Server({"MAIL": moody}, ADDRESSES) as server:
            await ask_all(probes_of(server.targets * 2), limits=Limits(500, 4, 150.0, 0))
            times = [dial.at for dial in server.dials]
            assert len(times) >= 400
            assert most_a_second(times) <= 150
            assert most_a_second(times, 2) <= 300

    on_uvloop(test())


def test_never_more_dials_to_one_address_than_its_rate_after_a_burst_of_two() -> None:
    async def test() -> None:
        async with Server({"EHLO": OFFERS, "MAIL": moody}, ADDRESSES[:100]) as server:
            await ask_all(probes_of(server.targets * 5), limits=Limits(500, 4, 0, 4.0))
            for address in server.addresses:
                times = [dial.at for dial in server.dials if dial.address == address]
                assert len(times) >= 5
                for window_s in WINDOWS_S:
                    assert most_in_window(times, window_s) <= 2 + 4.0 * window_s

    on_uvloop(test())


def test_all_limits_hold_together() -> None:
    async def test() -> None:
        limits = Limits(concurrency=20, per_target=2, rate=300.0, target_rate=10.0)
        async with Server({"QUIT": lingering}, ADDRESSES[:100]) as server:
            answers = await ask_all(probes_of(server.targets * 5), limits=limits)
            assert {ended(answer.outcome)[1] for answer in answers} == {250}
            times = [dial.at for dial in server.dials]
            assert len(times) == 500
            assert server.peak <= 20
            assert max(server.peaks.values()) <= 2
            assert most_a_second(times) <= 300
            for address in server.addresses:
                own = [dial.at for dial in server.dials if dial.address == address]
                assert most_in_window(own, 1.0) <= 12

    on_uvloop(test())


BUSY = last_words(b"421 4.3.2 too busy\r\n")


def at_the_third(step: object, otherwise: bytes) -> object:
    """The step at a visit's third time."""

    def told(visit: Visit) -> None:
        verb = visit.lines[-1].split(" ")[0]
        if sum(line.startswith(verb) for line in visit.lines) == 3:
            step(visit)  # type: ignore[operator]
        else:
            visit.say(otherwise)

    return told


MOODS: list[dict[str, object]] = [
    {"EHLO": OFFERS},
    {"MAIL": at_the_third(BUSY, b"250 2.1.0 Ok\r\n")},
    {"QUIT": lingering},
    {"OPEN": BUSY},
    {"EHLO": OFFERS, "RCPT": b"550 5.1.1 no such user\r\n", "QUIT": lingering},
    {"RCPT": at_the_third(reset, b"250 2.1.5 Ok\r\n")},
    {"OPEN": hang_up},
    {"EHLO": OFFERS, "RSET": at_the_third(hang_up, b"250 2.0.0 Ok\r\n")},
    {"EHLO": b"451 4.3.0 not now\r\n"},
    {"MAIL": BUSY},
]
"""Each visit meets another one."""


class Feed:
    """So many probes of each target, eight at a time as a window lets them in; some come after a moment."""

    def __init__(self, targets: list[Target], each: int, limits: Limits) -> None:
        self.left = dict.fromkeys(targets, each)
        self.unanswered = len(targets) * each
        self.seq = 0
        self.answered: set[int] = set()
        self.uses: Counter[SessionUse] = Counter()
        self.done = asyncio.Event()
        self.pool = Pool(means(session_limits=SessionLimits()), limits, self.settle)

    def submit(self, target: Target) -> None:
        if self.left[target]:
            self.left[target] -= 1
            self.seq += 1
            self.pool.submit(Probe(self.seq, 0, target, QUESTION))

    def settle(self, probe: Probe, answer: Answer) -> None:
        assert probe.seq not in self.answered
        self.answered.add(probe.seq)
        self.uses[answer.session] += 1
        if len(self.answered) == self.unanswered:
            self.done.set()
        elif probe.seq % 3:
            self.submit(probe.target)
        else:
            self.pool.loop.call_later(0.02, self.submit, probe.target)

    async def run(self) -> None:
        async with self.pool:
            for target in list(self.left):
                for _ in range(8):
                    self.submit(target)
            async with asyncio.timeout(60):
                await self.done.wait()


def test_twenty_thousand_probes_of_moody_servers_exceed_no_limit() -> None:
    """With all that sessions do: they are shared, linger, break, are refused, put off and begun anew."""

    async def test() -> None:
        limits = Limits(50, 2, 1000.0, 10.0, backoff_s=0.1, memory_s=0.1, redial_s=0.1)
        async with Server(POLITE, ADDRESSES) as server:
            server.step = lambda visit, verb: MOODS[visit.number % len(MOODS)].get(verb) or POLITE[verb]  # type: ignore[method-assign, assignment, return-value]
            feed = Feed(server.targets, 100, limits)
            await feed.run()
            times = [dial.at for dial in server.dials]
            assert len(feed.answered) == 20_000
            assert feed.uses[SessionUse.REUSED] > 5_000
            assert server.peak <= 50
            assert max(server.peaks.values()) <= 2
            for window_s in (1.0, 2.0):
                assert most_in_window(times, window_s) <= 1000 * window_s
            of_address: dict[str, list[float]] = {}
            for dial in server.dials:
                of_address.setdefault(dial.address, []).append(dial.at)
            for own in of_address.values():
                for window_s in WINDOWS_S:
                    assert most_in_window(own, window_s) <= 2 + 10 * window_s
            turns = feed.pool.turns
            assert (turns.taken, len(feed.pool.idle), len(feed.pool.sent_away)) == (0, 0, 0)
            assert {(host.sessions, host.dialling, len(host.queue)) for host in feed.pool.hosts.values()} == {(0, 0, 0)}

    on_uvloop(test())
