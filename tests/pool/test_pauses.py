"""An address that turns us away is left alone, with all that waits for it, and by nobody else's loss."""

from __future__ import annotations

import pytest

from scanner.pool.limits import Deadlines, Limits, SessionLimits
from scanner.pool.pool import Pool
from scanner.pool.probe import Answer, Probe
from scanner.smtp.outcome import Question
from scanner.terms import ProbeVerdict, SessionUse, Stage, Target
from tests.pool.asking import LOST_S, ask_all, each_for_itself, ended, means, probes_of
from tests.pool.servers import OFFERS, POLITE, Server, Visit, last_words, silence, until

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])  # what is decided here is decided on either loop

PAUSE_S = 0.1
BUSY = b"421 4.3.2 too busy\r\n"
SEVERAL = means(session_limits=SessionLimits())


def pausing(per_target: int = 2, concurrency: int = 100, memory_s: float = 300) -> Limits:
    return Limits(concurrency, per_target, 0, 0, backoff_s=PAUSE_S, memory_s=memory_s, redial_s=PAUSE_S)


def gaps(server: Server) -> list[float]:
    return [later.at - earlier.at for earlier, later in zip(server.dials, server.dials[1:], strict=False)]


@pytest.mark.parametrize(
    "script",
    [
        {"OPEN": last_words(BUSY)},
        {"OPEN": last_words(b"450 4.7.1 come back later\r\n")},
        {"EHLO": b"451 4.3.0 not now\r\n"},
        {"MAIL": last_words(BUSY)},
        {"RCPT": last_words(BUSY)},
        {"EHLO": OFFERS, "RCPT": last_words(BUSY)},
    ],
    ids=["421 banner", "450 banner", "451 helo", "421 mail", "421 rcpt", "421 rcpt pipelined"],
)
async def test_a_new_session_that_is_turned_away_is_tried_again_after_a_pause_and_then_after_twice_that(
    script: dict[str, object],
) -> None:
    async with Server(script, later=[script, POLITE]) as server:  # type: ignore[arg-type, list-item]
        [answer] = await ask_all(probes_of([server.target]), SEVERAL, pausing())
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.attempts == 3
    first, second = gaps(server)
    assert first >= PAUSE_S * 0.95
    assert second >= 2 * PAUSE_S * 0.95


async def test_what_the_third_attempt_says_is_the_verdict_for_all_that_wait() -> None:
    """By its text, not the first one's; three dials for all of them."""
    texts = [b"421 one\r\n", b"421 two\r\n", b"450 4.7.1 client host blocked\r\n"]
    scripts = [{"OPEN": last_words(text)} for text in texts]
    async with Server(scripts[0], later=scripts[1:]) as server:
        answers = await ask_all(probes_of([server.target] * 30), SEVERAL, pausing(per_target=1))
    assert {ended(answer.outcome) for answer in answers} == {(Stage.BANNER, 450)}
    assert [answer.session for answer in answers] == [SessionUse.NEW] + [SessionUse.SHARED] * 29
    assert [answer.attempts for answer in answers] == [3] + [0] * 29
    assert len(server.dials) == 3


@pytest.mark.parametrize("concurrency", [1, 100])
@pytest.mark.parametrize("per_target", [1, 2, 5])
async def test_nobody_else_dials_the_address_during_the_pause(per_target: int, concurrency: int) -> None:
    """Not another port either; and whoever waits for a place meanwhile gets his turn when it is over."""
    async with (
        Server({"OPEN": last_words(BUSY)}, later=[POLITE]) as server,
        Server() as other_port,
        Server(addresses=["127.0.6.2"]) as other_host,
    ):
        targets = [server.target, other_port.target, server.target, other_host.target]
        answers = await ask_all(probes_of(targets), means(), pausing(per_target, concurrency))
        ours = sorted(dial.at for dial in server.dials + other_port.dials)
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 4
    assert ours[-1] - ours[0] >= PAUSE_S * 0.95
    # What was under way when it turned us away is let go on.
    assert sum(at - ours[0] < PAUSE_S * 0.9 for at in ours) <= min(per_target, concurrency)
    assert other_host.dials[0].at < ours[-1], "another address need not wait"


async def test_an_open_session_takes_no_question_during_the_pause() -> None:
    """One session is welcome and a second one is not: for the address, that is a pause."""

    def one_at_a_time(visit: Visit) -> None:
        visit.say(BUSY if len(visit.server.open) > 1 else b"220 mx.example\r\n")

    def slowly(visit: Visit) -> None:
        visit.timer = visit.loop.call_later(0.05, visit.say, b"250 2.1.5 Ok\r\n")

    async with Server({"OPEN": one_at_a_time, "RCPT": slowly}) as server:
        answers = await ask_all(probes_of([server.target] * 12), SEVERAL, pausing())
    assert [ended(answer.outcome) for answer in answers] == [(Stage.RCPT, 250)] * 12
    turned_away_at = server.dials[1].at
    assert [len(visit.lines) > 1 for visit in server.visits[:2]] == [True, False]
    assert server.dials[2].at - turned_away_at >= PAUSE_S * 0.95
    assert len(server.visits[0].lines) <= 5, "EHLO, the question that was under way, and the end"
    assert len(server.dials) == 4, "one at a time from then on"


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_a_421_to_a_transaction_is_nobody_elses_and_costs_two_pauses_in_all(verb: str) -> None:
    """A run must end: after two pauses in a row each gets his own answer at once."""
    async with Server({verb: last_words(BUSY)}) as server:
        answers = await ask_all(probes_of([server.target] * 6), SEVERAL, pausing(per_target=1))
    assert {ended(answer.outcome)[1] for answer in answers} == {421}
    assert [answer.session for answer in answers] == [SessionUse.NEW] * 6
    assert [answer.attempts for answer in answers] == [3, 1, 1, 1, 1, 1]
    assert sum(gap >= PAUSE_S * 0.9 for gap in gaps(server)) == 2


async def test_a_success_in_between_makes_the_next_pause_a_first_one_again() -> None:
    """Else the third in a row, whosever it is, would be taken at its word."""
    away = {"MAIL": last_words(BUSY)}
    async with Server(away, later=[POLITE, away, POLITE, away, POLITE]) as server:
        answers = await ask_all(probes_of([server.target] * 3), means(), pausing(per_target=1))
    assert [(ended(answer.outcome), answer.attempts) for answer in answers] == [((Stage.RCPT, 250), 2)] * 3
    assert all(gap >= PAUSE_S * 0.95 for gap in gaps(server)[::2])


async def test_who_alone_is_turned_away_is_asked_three_times_and_no_more() -> None:
    """Others succeed meanwhile and calm the address: a recipient that always earns a 421 must not go on for ever."""

    def not_him(visit: Visit) -> None:
        if "@d0." in visit.lines[-1]:
            visit.timer = visit.loop.call_later(0.03, last_words(BUSY), visit)  # type: ignore[arg-type]
        else:
            visit.say(b"250 2.1.5 Ok\r\n")

    answers: dict[int, Answer] = {}

    def submit(target: Target, seq: int) -> None:
        pool.submit(Probe(seq, 0, target, Question("a@probe.example", f"postmaster@d{seq}.example")))

    def settle(probe: Probe, answer: Answer) -> None:
        answers[probe.seq] = answer
        if 0 not in answers:  # during his pause the next one comes, and goes with him when it is over
            pool.loop.call_later(0.06, submit, probe.target, probe.seq + 1)

    async with Server({"RCPT": not_him}) as server, Pool(means(), pausing(), settle) as pool:
        submit(server.target, 0)
        submit(server.target, 1)
        await until(lambda: 0 in answers)
        assert (ended(answers[0].outcome), answers[0].attempts) == ((Stage.RCPT, 421), 3)
        await until(lambda: not pool.open_sessions and not any(host.queue for host in pool.hosts.values()))


async def test_without_memory_the_second_pause_is_still_twice_the_first() -> None:
    async with Server({"OPEN": last_words(BUSY)}) as server:
        [answer] = await ask_all(probes_of([server.target]), means(), pausing(memory_s=0))
    assert (ended(answer.outcome), answer.attempts) == ((Stage.BANNER, 421), 3)
    assert gaps(server)[1] >= 2 * PAUSE_S * 0.95


async def test_without_pauses_the_first_word_is_the_verdict() -> None:
    async with Server({"OPEN": last_words(BUSY)}) as server:
        answers = await ask_all(probes_of([server.target] * 3), SEVERAL, each_for_itself(target_rate=0))
    assert [(ended(answer.outcome), answer.attempts) for answer in answers] == [((Stage.BANNER, 421), 1)] * 3


async def test_a_421_in_a_session_in_use_is_neither_a_verdict_nor_a_pause() -> None:
    """Asked anew in a new session, at once, and not counted."""
    limits = Limits(100, 1, 0, 0, backoff_s=2 * LOST_S)

    def third_is_too_many(visit: Visit) -> None:
        visit.say(BUSY if len(visit.lines) > 6 else b"250 2.1.0 Ok\r\n")

    async with Server({"MAIL": third_is_too_many}) as server:
        answers = await ask_all(probes_of([server.target] * 20), SEVERAL, limits)
    assert {(ended(answer.outcome), answer.attempts) for answer in answers} == {((Stage.RCPT, 250), 1)}
    assert len(server.dials) == 10


async def test_a_host_that_turns_away_holds_no_place() -> None:
    async with (
        Server({"OPEN": last_words(BUSY)}, [f"127.0.6.{n}" for n in range(1, 11)]) as busy,
        Server(addresses=["127.0.6.50"]) as good,
    ):
        probes = probes_of(busy.targets * 3 + good.targets)
        answers = await ask_all(probes, SEVERAL, pausing(concurrency=1))
    assert ended(answers[-1].outcome) == (Stage.RCPT, 250)
    assert good.dials[0].at < busy.dials[10].at, "the first was dialled a second time before"
    assert all(len([d for d in busy.dials if d.address == address]) == 3 for address in busy.addresses)


async def test_silence_at_the_door_is_no_reason_for_a_pause() -> None:
    async with Server({"OPEN": silence}) as server:
        [answer] = await ask_all(probes_of([server.target]), means(Deadlines(2, 0.1, 5)), pausing())
    assert ended(answer.outcome) == (Stage.BANNER, ProbeVerdict.REPLY_TIMEOUT)
    assert (answer.attempts, len(server.dials)) == (1, 1)
