"""The pool: probes of a target in, answers out. A session is a task, and so is handing out what is known already."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from functools import partial
from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING

from scanner.pool.asked import Asked
from scanner.pool.backoff import AT_THE_DOOR, PAUSES, turned_away
from scanner.pool.evidence import OF_THE_TARGET, is_about_target, is_death, shared
from scanner.pool.host import Host, TargetState
from scanner.pool.session import Session, internal_error, undialled
from scanner.pool.turns import Turns
from scanner.smtp.outcome import Again, Outcome
from scanner.terms import LocalFault, ProbeVerdict, SessionUse, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from scanner.pool.limits import Limits
    from scanner.pool.probe import Answer, Probe
    from scanner.pool.session import Means

logger = logging.getLogger(__name__)

LINGER_S = 2.0
"""How long a session waits for another question (as Postfix's own connection cache does)."""
LEFT_TO_A_SESSION = 4
"""Waiting probes that are left to an open session at most, before a further one is dialled."""
DIALS_OF_THE_DEAD = 2
SHARED_AT_ONCE = 50
"""Answers that are known without a dial, handed out in one turn of the loop: a dead host may have ten thousand."""
HOSTS_KEPT = 4_000
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
        self.turns = Turns(limits, self.begin, self.make_room)
        self.soon = min((means.session_limits.transactions - 1) // 2, LEFT_TO_A_SESSION)
        self.idle: dict[Session, Host] = {}
        self.sent_away: set[Session] = set()
        self.known: deque[tuple[Probe, Answer]] = deque()
        self.telling = False
        self.tasks = asyncio.TaskGroup()
        self.loop = asyncio.get_running_loop()
        self.closing = False

    async def __aenter__(self) -> Self:
        await self.tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing = True
        self.make_room(len(self.idle) + len(self.sent_away))
        if kind is not None:
            self.turns.stop()
        try:
            await self.tasks.__aexit__(kind, error, traceback)
        finally:
            self.turns.stop()
            self.means.watch.close()

    # -- probes in -------------------------------------------------------------------------------------------------

    def submit(self, probe: Probe) -> None:
        """Take a probe; its answer comes in a later turn of the loop. A forbidden address costs nobody a dial."""
        ban = self.means.fence.check(probe.target.address, typed=probe.typed)
        if ban is not None:
            outcome = Outcome(Stage.CONNECT, trouble=ban.verdict, error=ban.reason)
            self.tell(probe, undialled(outcome, time.time()))
            return
        host = self.hosts.get(probe.target.address) or self.new_host(probe.target.address)
        if host.evidence.of_port:
            known = host.evidence.about(probe.target.port, self.loop.time(), probe.asked_before)
            if known is not None:
                self.tell(probe, shared(known, time.time()))
                return
        asked = Asked(probe)
        host.queue.append(asked)
        if host.idle:
            session = host.idle.pop()
            session.rouse()
            if session.may_take(asked):
                return  # and will, in a moment; or its end lists the address
        self.dial_if_wanted(host)

    def dial_if_wanted(self, host: Host) -> None:
        """Let an address have its turn, where something has changed for it."""
        if not host.listed and host.wants_a_dial:
            self.turns.list_host(host)
            self.turns.pump()

    def new_host(self, address: str) -> Host:
        """The owner of an address's limits."""
        self.forget_hosts_at_rest()
        host = self.hosts[address] = Host(self.limits, self.soon)
        return host

    def forget_hosts_at_rest(self) -> None:
        """Keep the table of addresses bounded: what is idle is as good as new."""
        if len(self.hosts) < self.hosts_kept:
            return
        now = self.loop.time()
        self.hosts = {address: host for address, host in self.hosts.items() if not host.at_rest(now)}
        self.hosts_kept = max(HOSTS_KEPT, 2 * len(self.hosts))

    def is_paused(self, address: str) -> bool:
        """Whether an address is left alone for now: further probes of it had better wait elsewhere."""
        host = self.hosts.get(address)
        return host is not None and self.loop.time() < host.no_dial_until

    # -- sessions --------------------------------------------------------------------------------------------------

    def begin(self, host: Host, asked: Asked) -> None:
        """A dial is allowed."""
        self.tasks.create_task(self.sessions(host, asked))

    async def sessions(self, host: Host, asked: Asked) -> None:
        """A session, then whichever is next, as long as one is allowed: a task costs more than its turn."""
        turn: tuple[Host, Asked] | None = (host, asked)
        while turn is not None:
            host, asked = turn
            try:
                await self.session(host, asked)
            except BaseException:
                self.turns.stop()  # a fault that ends the run, or the run's cancellation
                raise
            finally:
                self.turns.give_back(host)
            self.turns.list_host(host)
            turn = self.turns.next()

    async def session(self, host: Host, asked: Asked) -> None:
        """Hold one session, for one probe and those that wait behind it or come in time."""
        if (known := host.unverified.get(asked.probe.host)) is not None:
            asked.verify, asked.tls = False, known
        session = Session(self.means, asked, connected=partial(self.connected, host))
        turn: Asked | None = asked
        try:
            while turn is not None:
                try:
                    answer = await session.ask(turn, last=self.is_last(session, host, turn.probe))
                except LocalFault as fault:
                    host.queue.appendleft(turn)
                    self.turns.pause(host, fault)
                    return
                except Exception as error:
                    # One probe's bug must not cost the others their verdict.
                    logger.exception("internal error at %s", turn.probe.target.address)
                    outcome = Outcome(Stage.CONNECT, trouble=ProbeVerdict.LOCAL_ERROR, error=internal_error(error))
                    session.hang_up()
                    answer = undialled(outcome, time.time())
                self.conclude(host, turn, answer)
                turn = host.next_for(session, self.loop.time) or await self.linger(session, host)
            await session.leave()
            session.hang_up()
            await session.gone()
        finally:
            if session.source is None:
                host.dialling -= 1
                host.alive = False
            self.sent_away.discard(session)
            session.hang_up()

    def connected(self, host: Host) -> None:
        """A dial found somebody; the next one need not wait for this one's end."""
        self.turns.dialled(host)
        self.dial_if_wanted(host)

    def is_last(self, session: Session, host: Host, probe: Probe) -> bool:
        """Whether the session ends with the question that it is given now, whatever else comes."""
        return session.transactions + 1 >= self.means.session_limits.transactions or (
            not host.queue and not probe.more and (self.closing or self.turns.place_wanted)
        )

    async def linger(self, session: Session, host: Host) -> Asked | None:
        """Wait a moment for another question, unless one needs another session, or somebody wants the place."""
        if not session.has_room or host.queue or self.closing or self.turns.place_wanted:
            return None
        self.idle[session] = host
        host.idle.append(session)
        try:
            await session.rest(self.loop.time() + LINGER_S)
        finally:
            self.idle.pop(session, None)
            if session in host.idle:
                host.idle.remove(session)
        return host.next_for(session, self.loop.time)

    def make_room(self, wanted: int) -> None:
        """Sessions without a question are the first to go; the one that waits longest before all."""
        for session in list(islice(self.idle, max(0, wanted - len(self.sent_away)))):
            del self.idle[session]
            self.sent_away.add(session)
            session.rouse()

    # -- answers out -----------------------------------------------------------------------------------------------

    def conclude(self, host: Host, asked: Asked, answer: Answer | None) -> None:
        """Settle a probe, or let it wait for another session."""
        if answer is None:
            asked.needs_new = True
            host.queue.appendleft(asked)
        elif answer.outcome.again is not None and asked.may_try(answer.outcome.again):
            asked.learn(answer.outcome.again, answer.server.tls)
            if answer.outcome.again is Again.UNVERIFIED and answer.server.tls is not None:
                host.unverified[asked.probe.host] = answer.server.tls
                asked.attempts -= 1  # our own second look, nobody's attempt
            host.queue.appendleft(asked)
        elif answer.session is SessionUse.NEW and self.says_nothing_yet(host, asked, answer):
            host.queue.appendleft(asked)
        else:
            self.answer(host, asked, answer)

    def says_nothing_yet(self, host: Host, asked: Asked, answer: Answer) -> bool:
        """Whether a new session's end is to be seen again before it counts; until then the address is left alone."""
        now, limits, outcome = self.loop.time(), self.limits, answer.outcome
        if turned_away(outcome):
            host.deaths = 0
            host.take_fewer(others_of(host, answer))
            if asked.turned_away >= PAUSES:
                return False
            until = host.backoff.begin(now, limits.backoff_s, max(limits.memory_s, limits.backoff_s))
            if until is None:
                return False
            asked.turned_away += 1
            asked.needs_new = True
            host.no_dial_until = max(host.no_dial_until, until)
            return True
        if is_death(outcome):
            self.turns.short_since = host.short_since = None
            return self.may_be_chance(host, answer, now)
        host.backoff.calm()
        host.deaths = 0
        if outcome.stage not in OF_THE_TARGET:
            host.evidence.forget(asked.probe.target.port)
        elif limits.memory_s and outcome.stage in AT_THE_DOOR and is_about_target(outcome):
            others = others_of(host, answer)
            host.take_fewer(others)
            return others > 0  # to be asked alone, before all that wait are told so
        return False

    def may_be_chance(self, host: Host, answer: Answer, now: float) -> bool:
        """Whether it is no proof of death: two dials some seconds apart are; one lost SYN must not damn thousands."""
        if not self.limits.memory_s:
            return False  # it damns nobody else
        if others := others_of(host, answer):
            host.take_fewer(others)
            return True
        if now < host.no_dial_until:
            return True
        host.deaths += 1
        if host.deaths >= DIALS_OF_THE_DEAD:
            host.deaths = 0
            return False
        host.no_dial_until = now + self.limits.redial_s
        return True

    def answer(self, host: Host, asked: Asked, answer: Answer) -> None:
        """The probe's final answer, and that of all who wait for the same, where it is about the target."""
        host.answered += 1
        host.took_ms += answer.elapsed_ms
        holds = answer.outcome.stage in OF_THE_TARGET and self.holds_for_all(host, asked.probe.target.port, answer)
        self.settle(asked.probe, answer)  # what that lets in is told so already
        if holds:
            self.share(host, asked.probe.target.port, answer)

    def holds_for_all(self, host: Host, port: int, answer: Answer) -> bool:
        """Note the target's answer; who was turned away while others stood may owe it to them."""
        if answer.session is SessionUse.NONE or (answer.outcome.stage in AT_THE_DOOR and others_of(host, answer)):
            return False
        return host.evidence.note(port, answer, self.loop.time(), self.limits.memory_s)

    def share(self, host: Host, port: int, answer: Answer) -> None:
        """Tell those that wait for the same target."""
        now = time.time()
        waiting, host.queue = host.queue, deque()
        for each in waiting:
            if each.probe.target.port == port:
                self.tell(each.probe, shared(answer, now))
            else:
                host.queue.append(each)

    def tell(self, probe: Probe, answer: Answer) -> None:
        """Give an answer that is known, in one of the loop's next turns."""
        self.known.append((probe, answer))
        if not self.telling and not self.turns.stopped:
            self.telling = True
            self.tasks.create_task(self.tell_all())

    async def tell_all(self) -> None:
        """The answers that are known, in portions."""
        try:
            while self.known:
                for _ in range(min(len(self.known), SHARED_AT_ONCE)):
                    self.settle(*self.known.popleft())
                await asyncio.sleep(0)
        except BaseException:
            self.turns.stop()  # whoever takes the answers is gone, or the run was cancelled
            raise
        finally:
            self.telling = False

    # -- for whoever looks on --------------------------------------------------------------------------------------

    @property
    def open_sessions(self) -> int:
        """Places taken: connections, and dials under way."""
        return self.turns.taken

    @property
    def waiting_for_a_dial(self) -> int:
        """Addresses that wait for nothing but the rate of all, or a place."""
        return len(self.turns.ready)

    def paused_targets(self) -> int:
        """How many addresses are left alone for now with probes waiting."""
        now = self.loop.time()
        return sum(1 for host in self.hosts.values() if host.queue and now < host.no_dial_until)

    def states(self) -> Iterator[TargetState]:
        """The addresses that have something to do."""
        return (host.state(address) for address, host in self.hosts.items() if host.queue or host.sessions)

    def busiest(self, count: int) -> list[TargetState]:
        """Those for which most waits."""
        return nlargest(count, self.states(), key=lambda state: (state.waiting, state.answered))

    def slowest(self, count: int) -> list[TargetState]:
        """Those whose answers take longest, of those that have something to do."""
        return nlargest(count, self.states(), key=lambda state: state.mean_ms)


def others_of(host: Host, answer: Answer) -> int:
    """Connections to the host that stand beside the one that the answer came from, or did not come from."""
    return host.sessions - host.dialling - (answer.source is not None)
