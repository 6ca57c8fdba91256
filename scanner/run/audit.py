"""The audit wired: items in, one group of verdicts per domain out, in order of completion.

Look-ups are tasks, one per item in its resolving phase; from then on an item is a `Pending` that its probes' answers
fill. The window bounds what is in memory. An item with a full target waits on disk, so that the reader stops only for
a full window: a slow target holds up its own domains and nobody else's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scanner.escape import cut, safe_text
from scanner.judge.domain import ProbeResult, judge_domain
from scanner.pool.probe import Answer, Probe
from scanner.pool.session import internal_error
from scanner.run.pending import Ground, Grounds, Pending
from scanner.run.plan import Plan, Planned
from scanner.run.retries import Retries
from scanner.run.verdict import judge
from scanner.run.window import Window
from scanner.smtp.outcome import Outcome, Question
from scanner.terms import DomainRoute, DomainVerdict, LocalFault, ProbeVerdict, Role, SessionUse, Target, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from scanner.pool.pool import Pool
    from scanner.run.spool import Spool
    from scanner.run.via import Routes
    from scanner.terms import Item, Judgement

logger = logging.getLogger(__name__)

LOOKUPS_AT_MOST = 400
"""Items in their resolving phase: twice what the channel keeps in flight, so that it never starves."""
EXCLUDED = Ground(
    DomainRoute(None), Plan((Planned(None, None, ProbeVerdict.EXCLUDED, error="excluded by --exclude-domain"),))
)
"""What is asked about an excluded domain: nothing, and its one probe says so."""


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


class Audit:
    """One run over a stream of items.

    Args:
        routes: what says where a domain's mail goes.
        questions: what is asked.
        grounds: what is asked of whom.
        deliver: gets each item's group, once.
        waiting: how many are in memory, and what waits on disk.
        excluded: whether a name is taken out.
    """

    def __init__(  # noqa: PLR0913 - both ends, and what lies between them
        self,
        routes: Routes,
        questions: Questions,
        *,
        missing_for: Callable[[str], str | None],
        excluded: Callable[[str], bool],
        deliver: Callable[[AuditedDomain], None],
        spool: Spool,
        window: int = 20_000,
        full_at: int = 8,
        retry_s: float | None = None,
    ) -> None:
        self.routes = routes
        self.questions = questions
        self.excluded = excluded
        self.grounds = Grounds(missing_for, excluded)
        self.deliver = deliver
        self.window: Window[Pending] = Window(
            window, full_at, spool, paused=self.is_paused, admit=self.admit, decode=Pending.decode
        )
        self.retries = None if retry_s is None else Retries(spool, retry_s)
        self.retry_timer: asyncio.TimerHandle | None = None
        self.pool: Pool
        self.pending: dict[int, Pending] = {}
        self.resolved: deque[Pending] = deque()
        self.looking_up = 0
        self.freed = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.coming = False
        self.fault: LocalFault | None = None
        self.stopped = False

    async def run(self, items: AsyncIterator[Item], pool: Pool) -> None:
        """Audit all items; ends when the last group was delivered, or after `stop` with the last that was under way.

        Raises:
            LocalFault: our resolver is gone, the spool's disk is full, or we are short of something for too long.
        """
        self.pool = pool
        try:
            async with asyncio.TaskGroup() as lookups:
                async for item in items:
                    lookups.create_task(self.look_up(item))
                    self.looking_up += 1
                    while self.looking_up >= LOOKUPS_AT_MOST or self.resolved:
                        await self.wait()
            while self.pending or self.is_more_to_come:
                await self.wait()
            if self.fault is not None:
                raise self.fault
        finally:
            if self.retry_timer is not None:
                self.retry_timer.cancel()

    @property
    def is_more_to_come(self) -> bool:
        """Items wait for a place, for a target or for their second time."""
        return not self.stopped and bool(self.resolved or self.window.parked or self.retries)

    def stop(self) -> None:
        """Admit nothing from now on: what waits is not final, and is dropped."""
        self.stopped = True
        self.resolved.clear()
        self.freed.set()

    async def wait(self) -> None:
        """Until something has become free.

        Raises:
            LocalFault: what was met in a callback.
        """
        self.freed.clear()
        await self.freed.wait()
        if self.fault is not None:
            raise self.fault

    # -- in --------------------------------------------------------------------------------------------------------

    async def look_up(self, item: Item) -> None:
        """Resolve one item and let it in."""
        try:
            route = await self.route(item.domain)
        finally:
            self.looking_up -= 1
            self.freed.set()
        ground = EXCLUDED if self.excluded(item.domain) else self.grounds.of(route)
        self.enter(Pending(item, ground))

    async def route(self, domain: str) -> DomainRoute:
        """What DNS says; an error of ours about one name costs that name only."""
        if self.excluded(domain):
            return DomainRoute(None)
        try:
            return await self.routes.route(domain)
        except UsageError as error:
            return DomainRoute(DomainVerdict.DNS_FAILED, error=cut(safe_text(str(error))))
        except LocalFault:
            raise
        except Exception as error:
            logger.exception("internal error at the look-up of %s", domain)
            return DomainRoute(DomainVerdict.DNS_FAILED, error=internal_error(error))

    def enter(self, pending: Pending) -> None:
        """Ask now, park at a full target, or wait for a place in memory."""
        if self.stopped:
            return
        if not pending.addresses:
            self.settle_without_a_dial(pending)
            self.finish(pending)
        elif self.resolved or not self.window.offer(pending):
            self.resolved.append(pending)

    def admit(self, pending: Pending) -> None:
        """The window has taken the item: its probes go to the pool."""
        self.pending[pending.item.seq] = pending
        question, seq = self.questions.about(pending.item), pending.item.seq
        self.settle_without_a_dial(pending)
        for number, planned in enumerate(pending.ground.plan.probes):
            if pending.answers[number] is None and planned.address is not None:
                exchange = planned.exchange
                host = None if exchange is None else exchange.name
                typed = exchange is not None and exchange.role is Role.DIRECT
                target = Target(planned.address, self.questions.port)
                self.pool.submit(Probe(seq, number, target, question, host, typed, pending.asked_before))

    def settle_without_a_dial(self, pending: Pending) -> None:
        """Answer the probes that the plan already settled."""
        if pending.left == len(pending.ground.addresses):
            return
        for number, planned in enumerate(pending.ground.plan.probes):
            if pending.answers[number] is None and not planned.is_dialled:
                pending.put(number, undialled(planned))

    def is_paused(self, address: str) -> bool:
        """Whether the pool leaves an address alone for now."""
        return self.pool.is_paused(address)

    # -- out -------------------------------------------------------------------------------------------------------

    def settle(self, probe: Probe, answer: Answer) -> None:
        """The pool's answer to one probe; the last one finishes the item, and lets others in."""
        pending = self.pending[probe.seq]
        pending.put(probe.number, answer)
        try:
            if not pending.left:
                del self.pending[probe.seq]
                self.finish(pending)
            if self.stopped:
                return  # nobody else is let in
            if not pending.left:
                self.window.finished(pending.size)
            self.window.ended(probe.target.address)
            self.go_on()
        except LocalFault as fault:
            self.fail(fault)

    def finish(self, pending: Pending) -> None:
        """All answers are there: judge, then deliver, or ask once more what may differ later."""
        self.freed.set()
        question = self.questions.about(pending.item)
        probes = tuple(
            judged(planned, question, answer)
            for planned, answer in zip(pending.ground.plan.probes, pending.answers, strict=True)
            if answer is not None
        )
        if self.retries is not None and pending.asked_before is None:
            transient = [number for number, probe in enumerate(probes) if may_differ_later(probe)]
            if transient:
                self.put_off(self.retries, pending, transient)
                return
        route = pending.ground.route
        verdict = route.verdict or judge_domain([result_of(probe) for probe in probes])
        notes = route.notes + pending.ground.plan.notes + without_postmaster(probes)
        self.deliver(AuditedDomain(pending.item, verdict, route.exchange_count, probes, route.error, notes))

    # -- again -----------------------------------------------------------------------------------------------------

    def put_off(self, retries: Retries, pending: Pending, transient: Iterable[int]) -> None:
        """The item waits on disk with its other outcomes, until its transient probes are asked again."""
        if self.stopped:
            return  # it is not final, and nobody will ask again
        now = self.loop.time()
        pending.ask_again(transient, now)
        retries.add(pending.encode(), now)
        self.wake_for_retry(retries)

    def wake_for_retry(self, retries: Retries) -> None:
        """Come back when the next one is due."""
        if self.retry_timer is None and retries.next_due is not None:
            self.retry_timer = self.loop.call_at(retries.next_due, self.come_back)

    def come_back(self) -> None:
        """The time of a retry."""
        self.retry_timer = None
        try:
            self.go_on()
        except LocalFault as fault:
            self.fail(fault)

    def go_on(self) -> None:
        """Let in what there is room for now: first what was resolved, then what waits for its second time."""
        if self.stopped:
            return
        while self.resolved and self.window.offer(self.resolved[0]):
            self.resolved.popleft()
        if self.retries:
            now = self.loop.time()
            while not self.resolved and (data := self.retries.due(now)) is not None:
                self.enter(Pending.decode(data))
            if not self.resolved:
                self.wake_for_retry(self.retries)
        if self.window.behind and not self.coming:
            self.coming = True
            self.loop.call_soon(self.in_next_turn)

    def in_next_turn(self) -> None:
        """What waits at the targets was not all tried."""
        self.coming = False
        try:
            self.window.advance()
            self.go_on()
        except LocalFault as fault:
            self.fail(fault)

    def fail(self, fault: LocalFault) -> None:
        """A fault of ours in a callback: `run` raises it."""
        self.fault = fault
        self.freed.set()


def may_differ_later(probe: AskedProbe) -> bool:
    """Whether asking again makes sense: somebody was asked, and what was said may change."""
    return probe.judgement.transient and probe.planned.is_dialled


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
