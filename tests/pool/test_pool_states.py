"""The clockwork of the pool under any order of events: paces, pauses and what is known of a target, in virtual time."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scanner.pool.backoff import PAUSES, BackOff
from scanner.pool.evidence import Evidence
from scanner.pool.pace import CATCH_UP_S, Pace
from scanner.pool.probe import Answer
from scanner.smtp.outcome import Outcome
from scanner.smtp.reply import Reply
from scanner.terms import ProbeVerdict, Stage

MEMORY_S, FIRST_S, FORGET_S = 300.0, 60.0, 600.0
OUTCOMES = [
    Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED),
    Outcome(Stage.BANNER, Reply(554, (b"no mail here",))),
    Outcome(Stage.HELO, Reply(450, (b"not now",))),
    Outcome(Stage.RCPT, Reply(550, (b"unknown",))),
    Outcome(Stage.RCPT, Reply(250, (b"ok",))),
]
WAITS = st.floats(0, 1000, allow_nan=False, allow_infinity=False)


class Clockwork(RuleBasedStateMachine):
    """One address: dials as the pace allows them, answers of any kind, time that passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.dials: list[float] = []
        self.back_off = BackOff()
        self.row = 0
        self.evidence = Evidence()
        self.noted: tuple[Outcome, float] | None = None

    @initialize(rate=st.floats(0.01, 1000), burst=st.integers(1, 5))
    def begin(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.pace = Pace(rate, burst)

    @rule(seconds=WAITS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(times=st.integers(1, 20))
    def dial_as_soon_as_allowed(self, times: int) -> None:
        """A timer is never early."""
        for _ in range(times):
            self.now += max(0.0, self.pace.delay(self.now))
            assert self.pace.delay(self.now) <= 1e-6
            self.pace.take(self.now)
            self.dials.append(self.now)

    @rule()
    def asking_takes_nothing(self) -> None:
        assert self.pace.delay(self.now) == self.pace.delay(self.now)

    @rule()
    def it_turns_us_away(self) -> None:
        """Twice in a row it is left alone, the second time for twice as long; then its word counts."""
        paused, forgotten = self.now < self.back_off.until, self.now >= self.back_off.until + FORGET_S
        until = self.back_off.begin(self.now, FIRST_S, FORGET_S)
        if paused:
            assert until == self.back_off.until
            return
        self.row = 1 if forgotten else self.row + 1
        if self.row > PAUSES:
            assert until is None
            self.row = PAUSES
        else:
            assert until == self.now + FIRST_S * self.row

    @rule()
    def it_takes_a_session(self) -> None:
        self.back_off.calm()
        self.row = 0

    @rule(outcome=st.sampled_from(OUTCOMES))
    def it_answers(self, outcome: Outcome) -> None:
        """What happens in a transaction is nobody else's."""
        of_the_target = outcome.stage not in (Stage.MAIL, Stage.RCPT)
        assert self.evidence.note(25, Answer(outcome, 0.0), self.now, MEMORY_S) is of_the_target
        if of_the_target:
            self.noted = outcome, self.now

    @rule()
    def a_later_session_got_further(self) -> None:
        self.evidence.forget(25)
        self.noted = None

    @rule(ago=st.one_of(st.none(), WAITS))
    def somebody_wants_to_know(self, ago: float | None) -> None:
        known = self.evidence.about(25, self.now, None if ago is None else self.now - ago)
        if self.noted is None or self.now >= self.noted[1] + MEMORY_S:
            assert known is None
            self.noted = None
        elif ago is not None and self.noted[1] < self.now - ago:
            assert known is None, "it was found out before"
        else:
            assert known is not None
            assert known.outcome is self.noted[0]
        assert self.evidence.about(26, self.now) is None, "a port of its own"

    @invariant()
    def the_rate_is_kept_in_every_window(self) -> None:
        """Of any dials in a row, those beyond the burst have taken their time."""
        for first in range(max(0, len(self.dials) - 40), len(self.dials)):
            number = len(self.dials) - first - self.burst
            if number > 0:
                assert self.dials[-1] - self.dials[first] >= number / self.rate - CATCH_UP_S - 1e-6 * number


TestClockwork = Clockwork.TestCase
TestClockwork.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
