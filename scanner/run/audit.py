"""The audit wired: items in, one group of verdicts per domain out, in order of completion.

A look-up calls back; from then on an item is a `Pending` that its probes' answers fill. Nothing here is a task but the
reader. The window bounds what is in memory. An item with a full target waits on disk, so that the reader stops only for
a full window: a slow target holds up its own domains and nobody else's.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from scanner.escape import cut, safe_text
from scanner.pool.probe import Probe
from scanner.pool.session import internal_error
from scanner.run.group import grouped, judged, may_differ_later, undialled
from scanner.run.pending import Ground, Grounds, Pending
from scanner.run.plan import Plan, Planned
from scanner.run.retries import Retries
from scanner.run.window import Window
from scanner.smtp.outcome import Question
from scanner.terms import DomainRoute, DomainVerdict, LocalFault, ProbeVerdict, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from scanner.pool.pool import Pool
    from scanner.pool.probe import Answer
    from scanner.run.group import AuditedDomain
    from scanner.run.spool import Spool
    from scanner.run.via import Routes
    from scanner.terms import Item

logger = logging.getLogger(__name__)

LOOKUPS_AT_MOST = 200
"""Items in their resolving phase: as many as the channel keeps in flight. Twice as many were read so far ahead of the
probes that nearly all were parked, for a fifth of all CPU."""
EXCLUDED = Plan((Planned(None, None, ProbeVerdict.EXCLUDED, error="excluded by --exclude-domain"),))
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


class Audit:
    """One run over a stream of items.

    Args:
        routes: where a domain's mail goes.
        questions: what is asked.
        missing_for: why an address's family is not asked from here, or None.
        excluded: whether a name is taken out.
        deliver: gets each item's group, once.
        spool: where items wait.
        window: probes in memory.
        full_at: probes of one address among them.
        retry_s: after how long what may differ later is asked again; None: never.
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
        self.grounds = Grounds(missing_for, excluded, questions.port)
        self.of_excluded = Ground(DomainRoute(None), EXCLUDED, questions.port)
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
            async for item in items:
                self.begin(item)
                while self.looking_up >= LOOKUPS_AT_MOST or self.resolved or self.fault:
                    await self.wait()
            while self.looking_up or self.pending or self.is_more_to_come or self.fault:
                await self.wait()
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
        if self.fault is not None:
            raise self.fault
        self.freed.clear()
        await self.freed.wait()

    # -- in --------------------------------------------------------------------------------------------------------

    def begin(self, item: Item) -> None:
        """Ask where one item's mail goes."""
        if self.excluded(item.domain):
            self.enter(Pending(item, self.of_excluded))
            return
        self.looking_up += 1
        try:
            self.routes.begin_route(item.domain, partial(self.routed, item))
        except UsageError as error:
            self.routed(item, DomainRoute(DomainVerdict.DNS_FAILED, error=cut(safe_text(str(error)))))

    def routed(self, item: Item, route: DomainRoute | Exception | None) -> None:
        """What DNS says; an error of ours about one name costs that name only."""
        self.looking_up -= 1
        self.freed.set()
        if isinstance(route, DomainRoute):
            self.enter(Pending(item, self.grounds.of(route)))
        elif isinstance(route, LocalFault):
            self.fail(route)
        elif route is not None:  # else the resolver was closed
            logger.error("internal error at the look-up of %s", item.domain, exc_info=route)
            failed = DomainRoute(DomainVerdict.DNS_FAILED, error=internal_error(route))
            self.enter(Pending(item, Ground(failed, Plan(()), self.questions.port)))

    def enter(self, pending: Pending) -> None:
        """Ask now, park at a full target, or wait for a place in memory."""
        if self.stopped:
            return
        try:
            if not pending.addresses:
                self.settle_by_plan(pending)
                self.finish(pending)
            elif self.resolved or not self.window.offer(pending):
                self.resolved.append(pending)
        except LocalFault as fault:
            self.fail(fault)

    def admit(self, pending: Pending) -> None:
        """The window has taken the item: its probes go to the pool."""
        item, ground = pending.item, pending.ground
        seq = item.seq
        self.pending[seq] = pending
        if ground.settled:
            self.settle_by_plan(pending)
        pending.question = question = self.questions.about(item)
        answers, before = pending.answers, pending.asked_before
        for number, target, host, typed in ground.dialled:
            if answers[number] is None:
                self.pool.submit(Probe(seq, number, target, question, host, typed, before))

    def settle_by_plan(self, pending: Pending) -> None:
        """Answer the probes that the plan already settled."""
        for number, planned in pending.ground.settled:
            if pending.answers[number] is None:
                pending.put(number, undialled(planned))

    def is_paused(self, address: str) -> bool:
        """Whether the pool leaves an address alone for now."""
        return self.pool.is_paused(address)

    # -- out -------------------------------------------------------------------------------------------------------

    def settle(self, probe: Probe, answer: Answer) -> None:
        """The pool's answer to one probe; the last one finishes the item, and lets others in."""
        pending, window = self.pending[probe.seq], self.window
        left = pending.put(probe.number, answer)
        try:
            if not left:
                del self.pending[probe.seq]
                self.finish(pending)
            if self.stopped:
                return  # nobody else is let in
            if not left:  # also where it is put off: it is on disk now
                window.finished(pending.size)
            window.ended(probe.target.address)
            if window.ready or (self.resolved and not left):
                self.go_on()
        except LocalFault as fault:
            self.fail(fault)

    def finish(self, pending: Pending) -> None:
        """All answers are there: judge, then deliver, or ask once more what may differ later."""
        self.freed.set()
        question = pending.question or self.questions.about(pending.item)
        probes = [
            judged(planned, question, answer)
            for planned, answer in zip(pending.ground.plan.probes, pending.answers, strict=True)
            if answer is not None
        ]
        if self.retries is not None and pending.asked_before is None:
            transient = [number for number, probe in enumerate(probes) if may_differ_later(probe)]
            if transient:
                self.put_off(self.retries, pending, transient)
                return
        self.deliver(grouped(pending.item, pending.ground, probes))

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
