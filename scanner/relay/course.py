"""One target's tests, one after the other: what is asked next, given what was answered.

Sans-I/O: whoever has a connection asks `next` and tells `take` what came. Every refusal costs the server's patience, so
nothing is asked that cannot change the verdict: after a strong test was accepted the rest is skipped (unless all were
wanted), and a control is only asked for where a weak test was accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.relay.patterns import Strength
from scanner.terms import ProbeVerdict, Stage, Unproven

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.relay.patterns import Names, Pattern
    from scanner.smtp.outcome import Outcome, Question
    from scanner.terms import Judgement

BEFORE_MAIL = frozenset({Stage.RESOLVE, Stage.CONNECT, Stage.BANNER, Stage.HELO, Stage.STARTTLS})
SILENCES_AT_MOST = 2
"""Tests without a reply before the rest is skipped: each may take a whole time-out."""


class RelayTest(NamedTuple):
    """One test and its end. `question`, `outcome` and `judgement` are None where it was skipped."""

    pattern: Pattern
    verdict: ProbeVerdict | Unproven
    question: Question | None = None
    outcome: Outcome | None = None
    judgement: Judgement | None = None


def refused(outcome: Outcome) -> bool:
    """Whether a reply said no: nothing else shows that the name is one that the server does not take."""
    return outcome.trouble is None and outcome.reply is not None and outcome.reply.code >= 400


class Course:
    """The tests of one target.

    Args:
        patterns: those asked for, in list order.
        names: what they are filled with; `name_host` gives the target's own later.
        data: an accepted recipient is followed by DATA; at most one 354 is provoked.
        every: go on after a strong test was accepted.

    Attributes:
        tested: the tests that have ended, in order.
        notes: what is to be said beside the verdict.
    """

    def __init__(self, patterns: Sequence[Pattern], names: Names, *, data: bool = False, every: bool = False) -> None:
        self.patterns = patterns
        self.names = names
        self.data = data
        self.every = every
        self.host_known = names.host is not None
        self.tested: list[RelayTest] = []
        self.controls: dict[Question, bool] = {}
        self.doubted: tuple[Question, Outcome, Judgement] | None = None
        self.control: Question | None = None
        self.question: Question | None = None
        self.silences = 0
        self.over = False

    @property
    def waits_for_host(self) -> bool:
        """Whether the next test needs the target's name, and nobody has yet said whether it has one."""
        return not (self.host_known or self.over or self.ended) and self.pattern.needs_host

    @property
    def ended(self) -> bool:
        """Nothing is left to ask."""
        return len(self.tested) == len(self.patterns)

    @property
    def pattern(self) -> Pattern:
        """The test under way."""
        return self.patterns[len(self.tested)]

    def name_host(self, host: str | None) -> None:
        """The target's own name; None: it has none, and what needs one is skipped."""
        self.names = self.names._replace(host=host)
        self.host_known = True

    def next(self) -> Question | None:
        """What to ask now; None: all tests have ended."""
        while not self.ended:
            if self.control is not None:
                return self.control
            if self.over or not self.pattern.may_be_said(self.names) or self.lacks_host:
                self.tested.append(RelayTest(self.pattern, Unproven.SKIPPED))
                continue
            data = self.data and (self.doubted is not None or self.pattern.strength is Strength.STRONG)
            self.question = self.pattern.question(self.names, data=data)
            return self.question
        return None

    @property
    def lacks_host(self) -> bool:
        """Whether the test under way cannot be said to this target."""
        return self.pattern.needs_host and self.names.host is None

    @property
    def may_go_on(self) -> bool:
        """Whether another question may follow the one that `next` gave, so that its session is worth keeping."""
        return len(self.tested) + 1 < len(self.patterns) or self.pattern.strength is Strength.WEAK

    @property
    def lacks_name(self) -> bool:
        """Whether tests were left out for want of a name."""
        return self.host_known and self.names.host is None and any(test.pattern.needs_host for test in self.tested)

    def take(self, outcome: Outcome, judgement: Judgement) -> None:
        """How the question that `next` gave has ended."""
        accepted = judgement.verdict is ProbeVerdict.ACCEPTED
        if outcome.reply is None:
            self.silences += 1
        if outcome.stage in BEFORE_MAIL or self.silences >= SILENCES_AT_MOST:
            self.over = True
        if self.control is not None:
            self.controls[self.control] = not (outcome.stage is Stage.RCPT and refused(outcome))
            self.control = None
            self.settle_doubt()
        elif accepted and self.pattern.strength is Strength.WEAK and self.doubted is None:
            self.doubt(outcome, judgement)
        else:
            self.end(judgement.verdict, outcome, judgement)

    def doubt(self, outcome: Outcome, judgement: Judgement) -> None:
        """A weak test was accepted: what does the server say to a name that nobody has?"""
        if self.question is not None:
            self.doubted = (self.question, outcome, judgement)
        control = self.pattern.control_question(self.names)
        if control is None or control in self.controls:
            self.settle_doubt(control)
        else:
            self.control = control

    def settle_doubt(self, control: Question | None = None) -> None:
        """The control's answer is known."""
        control = control or self.pattern.control_question(self.names)
        if self.doubted is None:
            return
        _, outcome, judgement = self.doubted
        if control is not None and self.controls[control]:
            self.end(Unproven.INCONCLUSIVE, outcome, judgement)
        elif not self.data:
            self.end(ProbeVerdict.ACCEPTED, outcome, judgement)
        # else it is asked once more, as far as DATA

    def end(self, verdict: ProbeVerdict | Unproven, outcome: Outcome, judgement: Judgement) -> None:
        """The test under way has its verdict."""
        pattern = self.pattern
        self.tested.append(RelayTest(pattern, verdict, self.question, outcome, judgement))
        self.doubted = None
        if outcome.stage is Stage.DATA and verdict is ProbeVerdict.ACCEPTED:
            self.data = False  # one 354 a host
        if verdict is ProbeVerdict.ACCEPTED and pattern.strength is Strength.STRONG and not self.every:
            self.over = True
