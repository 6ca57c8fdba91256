"""What a target's tests mean together: open, closed, or not tested, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.relay.patterns import Strength
from scanner.terms import About, Confidence, ProbeVerdict, Stage, SweepVerdict, Unproven

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.relay.course import RelayTest

OPEN_AT = {
    Stage.RCPT: SweepVerdict.OPEN_RELAY_SUSPECTED,
    Stage.DATA: SweepVerdict.OPEN_RELAY_LIKELY,
    Stage.MESSAGE: SweepVerdict.OPEN_RELAY,
}
"""The evidence's rungs: many servers take every recipient and refuse, or drop, the message."""
LATER_THAN_RCPT = frozenset({Stage.DATA, Stage.MESSAGE})
CLOSING = frozenset({ProbeVerdict.AUTH_REQUIRED, ProbeVerdict.POLICY_REJECTED})
"""Refused for good, and what strangers hear who want to relay; other reasons about us are no answer to the question."""


class Swept(NamedTuple):
    """A target's verdict. `decided_by`: the test whose reply it rests on."""

    verdict: SweepVerdict | ProbeVerdict
    about: About
    transient: bool
    confidence: Confidence
    rule: str
    decided_by: RelayTest


RELAY_RULE = "relay."
"""What the rule of an open relay begins with, before the name of the test that was accepted."""


def judge_tests(tested: Sequence[RelayTest]) -> Swept:
    """The verdict of a target whose tests have ended.

    The first strong test that was accepted decides, else the first weak one. Where none was, it is `plain`'s answer (or
    that of the first test asked for) that tells a closed server from one that could not be tested.

    Raises:
        ValueError: no test was run.
    """
    run = [test for test in tested if test.judgement is not None and test.outcome is not None]
    if not run:
        raise ValueError("no test was run")
    accepted = [test for test in run if test.verdict is ProbeVerdict.ACCEPTED]
    if accepted:
        strong = next((test for test in accepted if test.pattern.strength is Strength.STRONG), None)
        return opened(strong or accepted[0], Confidence.HIGH if strong else Confidence.LOW)
    first = run[0]
    judgement = first.judgement
    if judgement is None:  # not so: see `run`
        raise ValueError("no test was run")
    if closes(first):
        transient, confidence, rule = judgement.transient, judgement.confidence, judgement.rule
        return Swept(SweepVerdict.CLOSED, About.NONE, transient, confidence, rule, first)
    verdict, _, about, transient, confidence, rule = judgement
    if first.verdict is Unproven.INCONCLUSIVE:
        # A weak test alone, and whatever is sent there is taken: that says nothing about relaying.
        return Swept(ProbeVerdict.UNCLASSIFIED, About.SERVER, False, Confidence.LOW, "relay.catch-all", first)
    return Swept(verdict, about, transient, confidence, rule, first)


def opened(test: RelayTest, confidence: Confidence) -> Swept:
    """An open relay, as far as the evidence goes."""
    stage = Stage.RCPT if test.outcome is None else test.outcome.stage
    return Swept(OPEN_AT[stage], About.SERVER, False, confidence, f"{RELAY_RULE}{test.pattern.name}", test)


def closes(test: RelayTest) -> bool:
    """Whether the answer to `plain` is that of a closed server: it does not relay, and says so.

    Refused at the door, for our name, address or rate, or put off: then relaying was not tested.
    """
    outcome, judgement = test.outcome, test.judgement
    if outcome is None or judgement is None or outcome.reply is None or outcome.trouble is not None:
        return False
    if judgement.verdict is ProbeVerdict.RELAY_DENIED:
        return True
    if outcome.reply.code < 500:
        return False
    about_it = judgement.about in {About.DOMAIN, About.RECIPIENT}
    return about_it or judgement.verdict in CLOSING or outcome.stage in LATER_THAN_RCPT
