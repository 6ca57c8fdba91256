"""What an item comes to: its probes with their verdicts, and the domain's. Pure."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from scanner.judge.domain import ProbeResult, judge_domain
from scanner.pool.probe import Answer
from scanner.pool.session import internal_error
from scanner.run.verdict import judge, judge_answer
from scanner.smtp.outcome import Outcome
from scanner.terms import DomainVerdict, ProbeVerdict, SessionUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.run.pending import Ground
    from scanner.run.plan import Planned
    from scanner.smtp.outcome import Question
    from scanner.terms import Item, Judgement

logger = logging.getLogger(__name__)


class AskedProbe(NamedTuple):
    """One probe of a domain with its verdict."""

    planned: Planned
    question: Question
    answer: Answer
    judgement: Judgement


class AuditedDomain(NamedTuple):
    """An item's final group. `exchanges`: how many DNS names; `probes` in order of preference."""

    item: Item
    verdict: DomainVerdict
    exchanges: int
    probes: tuple[AskedProbe, ...]
    error: str | None = None
    notes: tuple[str, ...] = ()


def grouped(item: Item, ground: Ground, probes: Sequence[AskedProbe]) -> AuditedDomain:
    """The item's group, once all its probes are answered."""
    route = ground.route
    if route.verdict is None and probes and all_accepted(probes):
        return AuditedDomain(item, DomainVerdict.OK, route.exchange_count, tuple(probes), route.error, ground.notes)
    verdict = route.verdict or judge_domain([result_of(probe) for probe in probes])
    notes = ground.notes + without_postmaster(probes)
    return AuditedDomain(item, verdict, route.exchange_count, tuple(probes), route.error, notes)


def all_accepted(probes: Sequence[AskedProbe]) -> bool:
    """Whether there is nothing to tell."""
    for probe in probes:  # noqa: SIM110 - once an item: a generator would cost more than the answer
        if probe.judgement.verdict is not ProbeVerdict.ACCEPTED:
            return False
    return True


def may_differ_later(probe: AskedProbe) -> bool:
    """Whether asking again makes sense: somebody was asked, and what was said may change."""
    return probe.judgement.transient and probe.planned.is_dialled


def without_postmaster(probes: Iterable[AskedProbe]) -> tuple[str, ...]:
    """The note on a domain whose postmaster, whom every domain must have (RFC 5321 4.5.1), somebody does not know."""
    return ("no postmaster",) if any(knows_no_postmaster(probe) for probe in probes) else ()


def knows_no_postmaster(probe: AskedProbe) -> bool:
    """Asked for in the first place, or to settle a doubt."""
    if (postmaster := probe.answer.postmaster) is not None:
        return judge(postmaster).verdict is ProbeVerdict.USER_UNKNOWN
    unknown = probe.judgement.verdict is ProbeVerdict.USER_UNKNOWN
    return unknown and probe.question.recipient.startswith("postmaster@")


def judged(planned: Planned, question: Question, answer: Answer) -> AskedProbe:
    """A probe with what its answer means; a bug of the judgement costs this verdict only."""
    try:
        return AskedProbe(planned, question, answer, judge_answer(answer))
    except Exception as error:
        logger.exception("internal error in judging what %s said", planned.address)
        outcome = Outcome(answer.outcome.stage, trouble=ProbeVerdict.LOCAL_ERROR, error=internal_error(error))
        return AskedProbe(planned, question, answer._replace(outcome=outcome), judge(outcome))


def undialled(planned: Planned) -> Answer:
    """The answer to a probe that the plan already settled."""
    outcome = Outcome(planned.stage, trouble=planned.trouble or ProbeVerdict.NO_ADDRESS, error=planned.error)
    return Answer(outcome, time.time(), session=SessionUse.NONE, attempts=0)


def result_of(probe: AskedProbe) -> ProbeResult:
    """What the domain's verdict is made of."""
    exchange = probe.planned.exchange
    return ProbeResult(
        exchange=exchange and exchange.name,
        preference=exchange and exchange.preference,
        role=exchange and exchange.role,
        address=probe.planned.address,
        verdict=probe.judgement.verdict,
        standing=probe.judgement.standing,
        about=probe.judgement.about,
    )
