"""The pool: who is dialled next. Probes of a target in, answers out.

A dial asks in order: the address's rate, the rate of all, a free place among the connections; while it waits it holds
none of them. Nothing here is a task but the sessions themselves: addresses wait in a heap for their own rate, then in a
queue for the common limits, and one timer wakes the earliest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from scanner.pool.asked import Asked
from scanner.pool.host import Host
from scanner.pool.pace import Pace
from scanner.pool.session import Session, internal_error, undialled
from scanner.smtp.outcome import Again, Outcome
from scanner.terms import LocalFault, ProbeVerdict, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from scanner.pool.limits import Limits
    from scanner.pool.probe import Answer, Probe
    from scanner.pool.session import Means

logger = logging.getLogger(__name__)

SHORTAGE_PAUSE_S = 1.0
"""How long no dial is made after one found us short of descriptors, ports or memory."""
SHORTAGE_LIMIT_S = 600.0
"""How long a shortage may last before the run stops: cron must not hang."""
PLENTY = 16
"""Waiting probes a connection: enough that a session finds its ten questions in the queue of its address."""
HOSTS_KEPT = 10_000
"""Addresses that are remembered without a reason, before those at rest are forgotten."""


class Pool:
    """All targets of a run; an async context manager whose end waits for the open sessions.

    Args:
        means: what a session needs.
        limits: how many and how fast.
        settle: called with each probe and its answer, once, in order of completion.
    """

    def __init__(self, means: Means, limits: Limits, settle: Callable[[Probe, Answer], None]) -> None:
        self.means = means
        self.limits = limits
        self.settle = settle
        self.hosts: dict[str, Host] = {}
        self.hosts_kept = HOSTS_KEPT
        self.ready: deque[Host] = deque()
        self.resting: list[tuple[float, int, Host]] = []
        self.order = count()
        self.pace = Pace(limits.rate)
        self.open_sessions = 0
        self.waiting = 0  # probes without an answer, those in a session included
        self.paused_until = float("-inf")
        self.short_since: float | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.wake_at = float("inf")
        self.tasks = asyncio.TaskGroup()
        self.loop = asyncio.get_running_loop()
        self.stopped = False

    async def __aenter__(self) -> Self:
        await self.tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.stop()
        try:
            await self.tasks.__aexit__(kind, error, traceback)
        finally:
            self.stop()
            self.means.watch.close()

    def stop(self) -> None:
        """No dial after this. While a cancelled session is on its way out, the timer would start a new one."""
        self.stopped = True
        if self.timer is not None:
            self.timer.cancel()

    def submit(self, probe: Probe) -> None:
        """Take a probe. A forbidden address is answered at once: it costs nobody a turn."""
        ban = self.means.fence.check(probe.target.address, typed=probe.typed)
        if ban is not None:
            outcome = Outcome(Stage.CONNECT, trouble=ban.verdict, error=ban.reason)
            self.settle(probe, undialled(outcome, time.time()))
            return
        host = self.hosts.get(probe.target.address)
        if host is None:
            self.forget_hosts_at_rest()
            host = self.hosts[probe.target.address] = Host(
                self.limits, (self.means.session_limits.transactions - 1) // 2
            )
        host.queue.append(Asked(probe))
        self.waiting += 1
        self.list_host(host)
        self.pump()

    @property
    def has_plenty(self) -> bool:
        """So much waits for nothing but a free place that reading on would only fill the memory."""
        return self.waiting >= PLENTY * self.limits.concurrency and self.can_go_on

    @property
    def has_enough(self) -> bool:
        """Reading on can wait a little longer: what comes in large portions costs less."""
        return self.waiting >= PLENTY // 2 * self.limits.concurrency and self.can_go_on

    @property
    def can_go_on(self) -> bool:
        """Many addresses could be dialled; what waits, waits not for a few slow ones."""
        return len(self.ready) >= max(1, self.limits.concurrency // 4)

    def list_host(self, host: Host) -> None:
        """Put an address where it waits for its next dial, unless it does already or wants none."""
        if host.listed or not host.wants_a_dial:
            return
        host.listed = True
        now = self.loop.time()
        delay = host.pace.delay(now)
        if delay <= 0:
            self.ready.append(host)
        else:
            heappush(self.resting, (now + delay, next(self.order), host))

    def pump(self) -> None:
        """Open a session for every dial that is allowed now."""
        while (turn := self.next_turn()) is not None:
            self.tasks.create_task(self.sessions(*turn))

    def next_turn(self) -> tuple[Host, Asked] | None:
        """The next dial, its turn and its place taken; None where none is allowed now, with the timer set for later."""
        if self.stopped:
            return None
        now = self.loop.time()
        while self.resting and self.resting[0][0] <= now:
            self.ready.append(heappop(self.resting)[2])
        wake_at = self.resting[0][0] if self.resting else float("inf")
        while self.ready and self.open_sessions < self.limits.concurrency:
            wait_until = max(self.paused_until, now + self.pace.delay(now))
            if wait_until > now:
                wake_at = min(wake_at, wait_until)
                break
            host = self.ready.popleft()
            host.listed = False
            if host.wants_a_dial:
                asked = self.take_turn(host, now)
                self.list_host(host)
                return host, asked
        self.wake(wake_at)
        return None

    def wake(self, at: float) -> None:
        """Come back to `pump` at a time; infinity is never, for the end of a session comes back too."""
        if at >= self.wake_at and self.timer is not None and self.wake_at > self.loop.time():
            return
        if self.timer is not None:
            self.timer.cancel()
        self.wake_at = at
        self.timer = None if at == float("inf") else self.loop.call_at(at, self.woken)

    def woken(self) -> None:
        """The timer rang."""
        self.timer = None
        self.wake_at = float("inf")
        self.pump()

    def take_turn(self, host: Host, now: float) -> Asked:
        """One dial of all, one of the host's, one place; and the probe that they are for."""
        self.pace.take(now)
        host.pace.take(now)
        host.sessions += 1
        self.open_sessions += 1
        return host.queue.popleft()

    async def sessions(self, host: Host, asked: Asked) -> None:
        """A session, then whichever is next, as long as one is allowed: a task costs more than its turn."""
        turn: tuple[Host, Asked] | None = (host, asked)
        while turn is not None:
            host, asked = turn
            try:
                await self.session(host, asked)
            except BaseException:
                self.stop()  # a fault that ends the run, or the run's cancellation
                raise
            finally:
                host.sessions -= 1
                self.open_sessions -= 1
            self.list_host(host)
            turn = self.next_turn()

    async def session(self, host: Host, asked: Asked) -> None:
        """Hold one session, for one probe and those that wait behind it."""
        if (known := host.unverified.get(asked.probe.host)) is not None:
            asked.verify, asked.tls = False, known
        session = Session(self.means, asked)
        turn: Asked | None = asked
        try:
            while turn is not None:
                try:
                    answer = await session.ask(turn, last=not self.goes_on(session, host))
                    self.short_since = None
                except LocalFault as fault:
                    self.pause(fault)
                    host.queue.appendleft(turn)
                    return
                except Exception as error:
                    # One probe's bug must not cost the others their verdict.
                    logger.exception("internal error at %s", turn.probe.target.address)
                    outcome = Outcome(Stage.CONNECT, trouble=ProbeVerdict.LOCAL_ERROR, error=internal_error(error))
                    session.hang_up()
                    answer = undialled(outcome, time.time())
                self.conclude(host, turn, answer)
                turn = host.next_for(session)
            await session.leave()
            session.hang_up()
            await session.gone()
        finally:
            session.hang_up()

    def goes_on(self, session: Session, host: Host) -> bool:
        """Whether the session will be wanted after the question that it is given now."""
        return bool(host.queue) and session.transactions + 1 < self.means.session_limits.transactions

    def conclude(self, host: Host, asked: Asked, answer: Answer | None) -> None:
        """Settle a probe, or let it wait for a session that differs."""
        if answer is None:
            asked.needs_new = True
            host.queue.appendleft(asked)
        elif answer.outcome.again is not None and asked.may_try(answer.outcome.again):
            asked.learn(answer.outcome.again, answer.server.tls)
            if answer.outcome.again is Again.UNVERIFIED and answer.server.tls is not None:
                host.unverified[asked.probe.host] = answer.server.tls
                asked.attempts -= 1  # our own second look, nobody's attempt
            host.queue.appendleft(asked)
        else:
            self.waiting -= 1
            self.settle(asked.probe, answer)

    def pause(self, fault: LocalFault) -> None:
        """No dial for a moment: we are short of something, and that is nobody's verdict.

        Raises:
            LocalFault: it has lasted too long; ends the run.
        """
        now = self.loop.time()
        if self.short_since is None:
            self.short_since = now
            logger.warning("%s; pausing", fault)
        elif now - self.short_since > SHORTAGE_LIMIT_S:
            raise fault
        self.paused_until = now + SHORTAGE_PAUSE_S

    def forget_hosts_at_rest(self) -> None:
        """Keep the table of addresses bounded: what is idle is as good as new."""
        if len(self.hosts) < self.hosts_kept:
            return
        now = self.loop.time()
        self.hosts = {address: host for address, host in self.hosts.items() if not host.idle(now)}
        self.hosts_kept = max(HOSTS_KEPT, 2 * len(self.hosts))
