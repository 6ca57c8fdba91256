"""The audit wired: items in, one group of verdicts per domain out, in order of completion.

Look-ups are tasks, one per item in its resolving phase; from then on an item is a `Pending` that its probes' answers
fill. What is in memory is bounded by `LOOKUPS_AT_MOST` and `PROBES_AT_MOST`: the reader waits, nothing else does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scanner.escape import cut, safe_text
from scanner.judge.domain import ProbeResult, judge_domain
from scanner.pool.probe import Answer, Probe
from scanner.pool.session import internal_error
from scanner.run.plan import Plan, Planned, plan
from scanner.run.verdict import judge
from scanner.smtp.outcome import Outcome, Question
from scanner.terms import DomainRoute, DomainVerdict, LocalFault, ProbeVerdict, SessionUse, Target, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from scanner.pool.pool import Pool
    from scanner.resolve.resolver import Resolver
    from scanner.terms import Item, Judgement

logger = logging.getLogger(__name__)

LOOKUPS_AT_MOST = 400
"""Items in their resolving phase: twice what the channel keeps in flight, so that it never starves."""
PROBES_AT_MOST = 20_000
"""Probes in memory."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of every exchange. `sender`: reverse-path; `recipient`: forward-path, `{domain}` filled in."""

    sender: str
    recipient: str = "postmaster@{domain}"
    port: int = 25

    def about(self, item: Item) -> Question:
        """The question about one item: the recipient that the operator named, or the run's."""
        recipient = item.recipient or self.recipient.replace("{domain}", item.domain)
        return Question(self.sender, recipient)


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


class Pending:
    """An item whose probes are under way."""

    __slots__ = ("answers", "item", "left", "plan", "question", "route")

    def __init__(self, item: Item, question: Question, route: DomainRoute, planned: Plan) -> None:
        self.item = item
        self.question = question
        self.route = route
        self.plan = planned
        self.answers: list[Answer | None] = [None] * len(planned.probes)
        self.left = len(planned.probes)


class Audit:
    """One run over a stream of items.

    Args:
        resolver: where domains are looked up.
        questions: what is asked.
        missing_for: why an address's family is not asked from here, or None.
        excluded: whether a name is taken out.
        deliver: gets each item's group, once.
    """

    def __init__(
        self,
        resolver: Resolver,
        questions: Questions,
        *,
        missing_for: Callable[[str], str | None],
        excluded: Callable[[str], bool],
        deliver: Callable[[AuditedDomain], None],
    ) -> None:
        self.resolver = resolver
        self.questions = questions
        self.missing_for = missing_for
        self.excluded = excluded
        self.deliver = deliver
        self.pending: dict[int, Pending] = {}
        self.looking_up = 0
        self.probes = 0
        self.freed = asyncio.Event()

    async def run(self, items: AsyncIterator[Item], pool: Pool) -> None:
        """Audit all items; ends when the last group was delivered.

        Raises:
            LocalFault: our resolver is gone or we are short of something for too long.
        """
        async with asyncio.TaskGroup() as lookups:
            async for item in items:
                lookups.create_task(self.look_up(item, pool))
                self.looking_up += 1
                while self.looking_up >= LOOKUPS_AT_MOST or self.probes >= PROBES_AT_MOST:
                    await self.wait()
                if pool.has_plenty:
                    while pool.has_enough:
                        await self.wait()
        while self.pending:
            await self.wait()

    async def wait(self) -> None:
        """Until something has become free."""
        self.freed.clear()
        await self.freed.wait()

    async def look_up(self, item: Item, pool: Pool) -> None:
        """Resolve one item and hand its probes to the pool."""
        try:
            route = await self.route(item.domain)
        finally:
            self.looking_up -= 1
            self.freed.set()
        pending = Pending(item, self.questions.about(item), route, self.planned(item, route))
        self.pending[item.seq] = pending
        self.probes += pending.left
        if not pending.left:
            self.finish(pending)
        for number, planned in enumerate(pending.plan.probes):
            if planned.trouble is not None or planned.address is None:
                self.put(pending, number, undialled(planned))
            else:
                host = planned.exchange.name if planned.exchange is not None else None
                target = Target(planned.address, self.questions.port)
                pool.submit(Probe(item.seq, number, target, pending.question, host))

    async def route(self, domain: str) -> DomainRoute:
        """What DNS says; an error of ours about one name costs that name only."""
        if self.excluded(domain):
            return DomainRoute(None)
        try:
            return await self.resolver.route(domain)
        except UsageError as error:
            return DomainRoute(DomainVerdict.DNS_FAILED, error=cut(safe_text(str(error))))
        except LocalFault:
            raise
        except Exception as error:
            logger.exception("internal error at the look-up of %s", domain)
            return DomainRoute(DomainVerdict.DNS_FAILED, error=internal_error(error))

    def planned(self, item: Item, route: DomainRoute) -> Plan:
        """The item's probes; an excluded domain has one that says so."""
        if self.excluded(item.domain):
            return Plan((Planned(None, None, ProbeVerdict.EXCLUDED, error="excluded by --exclude-domain"),))
        return plan(route, self.missing_for, self.excluded)

    def settle(self, probe: Probe, answer: Answer) -> None:
        """The pool's answer to one probe."""
        self.put(self.pending[probe.seq], probe.number, answer)

    def put(self, pending: Pending, number: int, answer: Answer) -> None:
        """One more answer; the last one finishes the item."""
        pending.answers[number] = answer
        pending.left -= 1
        self.probes -= 1
        self.freed.set()
        if not pending.left:
            self.finish(pending)

    def finish(self, pending: Pending) -> None:
        """All answers are there: judge, deliver, forget."""
        del self.pending[pending.item.seq]
        self.freed.set()
        probes = tuple(
            judged(planned, pending.question, answer)
            for planned, answer in zip(pending.plan.probes, pending.answers, strict=True)
            if answer is not None
        )
        route = pending.route
        verdict = route.verdict or judge_domain([result_of(probe) for probe in probes])
        notes = route.notes + pending.plan.notes
        notes += without_postmaster(probes)
        self.deliver(AuditedDomain(pending.item, verdict, route.exchange_count, probes, route.error, notes))


def without_postmaster(probes: Iterable[AskedProbe]) -> tuple[str, ...]:
    """The note on a domain whose postmaster, whom every domain must have (RFC 5321 4.5.1), somebody does not know."""
    unknown = any(
        probe.judgement.verdict is ProbeVerdict.USER_UNKNOWN and probe.question.recipient.startswith("postmaster@")
        for probe in probes
    )
    return ("no postmaster",) if unknown else ()


def judged(planned: Planned, question: Question, answer: Answer) -> AskedProbe:
    """A probe with what its answer means; a bug of the judgement costs this verdict only."""
    try:
        return AskedProbe(planned, question, answer, judge(answer.outcome))
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
