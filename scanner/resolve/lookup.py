"""Look-ups in flight: joined, bounded in number and in time, and not failed before we know whose fault it is.

A time-out or a refused connection says that the name is dead, that the resolver is, or that we have no descriptor left
(c-ares reports the last two alike). So such a failure is held back until something tells: the next answer to any other
look-up (the resolver lives: the held ones are asked once more, then they have failed), nothing else being under way
(the same), or fifty in a row (the resolver is taken for dead: no query leaves but a probe every few seconds, and all
that were caught in it are asked again when it answers). SERVFAIL is an answer like any other.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from scanner.resolve.answer import Answer, RecordType, Status
from scanner.terms import LocalFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

NAME_AT_MOST = 253
QUESTION = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
"""What may be asked. c-ares cuts a name at a NUL, unescapes backslashes and asks the root for an empty one."""

SWEEP_S = 0.25
"""How often the limit of each look-up is looked at: it may be late by this much."""

SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@dataclass(frozen=True, slots=True)
class LookupLimits:
    """How long and how many.

    `in_flight`: queries at once; some hundreds on one UDP socket begin to lose packets. `lookup_s`: limit of one
    look-up, waiting for its turn not counted. `ask_again_s`: pause before failures are asked once more when nothing
    else is under way. `failures_in_a_row`: without any answer between them, for the resolver to be taken for dead.
    `probe_every_s`: how often it is then asked. `outage_s`: when we stop asking. `shortage_every_s`: how often we look
    for a free descriptor.
    """

    in_flight: int = 200
    lookup_s: float = 20.0
    ask_again_s: float = 1.0
    failures_in_a_row: int = 50
    probe_every_s: float = 5.0
    outage_s: float = 600.0
    shortage_every_s: float = 0.25


OUTAGES_AT_MOST = 3
"""After how many outages a look-up that fails has failed: else a name that kills resolvers would be asked forever."""


class Asks(Protocol):
    """What a look-up needs of the channel."""

    in_flight: int
    servers: list[str]

    def ask(self, name: str, record_type: RecordType, done: Callable[[Answer | None], None]) -> None:
        """Send one query; `done` is called once."""


class Waits(Protocol):
    """Who waits for an answer: an `asyncio.Future`, or what has these parts of its face."""

    def done(self) -> bool:
        """Whether it waits no longer."""

    def set_result(self, answer: Answer | LocalFault, /) -> None:
        """Called once, not after `done`; from within c-ares, so that it must not raise."""

    def cancel(self) -> object:
        """Called in its place when the look-ups are closed."""


NO_FAILURE = Answer(Status.SILENT)


class Lookup:
    """One question under way and all who wait for it."""

    __slots__ = ("counted", "deadline", "failure", "failures", "key", "outages", "over", "round", "waiters")

    def __init__(self, key: tuple[str, RecordType]) -> None:
        self.key = key
        self.waiters: list[Waits] = []
        self.round = 0  # of asking: a failure of an earlier one says nothing about this
        self.deadline = 0.0
        self.failures = 0
        self.failure = NO_FAILURE
        self.counted = False  # in the row of failures: once, so that asking again does not make a row
        self.outages = 0
        self.over = False

    @property
    def awaited(self) -> bool:
        """Whether anybody still waits."""
        for waiter in self.waiters:  # noqa: SIM110 - nearly always one: a generator would cost ten times the answer
            if not waiter.done():
                return True
        return False

    def failed(self, now: float) -> bool:
        """Whether it is not asked again: it was, or no time is left for it."""
        return self.failures >= 2 or (self.failures == 1 and now >= self.deadline)


class Lookups:
    """All look-ups of a channel: `join` and `begin`; `close` before the channel is closed.

    `warn` gets a sentence when the resolver is taken for dead, when it is back, when we run out of descriptors.
    `short` tells whether descriptors are short; tests pass their own.
    """

    def __init__(
        self,
        channel: Asks,
        limits: LookupLimits,
        *,
        warn: Callable[[str], None] = lambda _: None,
        short: Callable[[], bool] | None = None,
    ) -> None:
        self.channel = channel
        self.limits = limits
        self.warn = warn
        self.short = short or descriptors_short
        self.loop = asyncio.get_running_loop()
        self.joined: dict[tuple[str, RecordType], Lookup] = {}
        self.waiting: deque[Lookup] = deque()
        self.active: dict[Lookup, None] = {}
        self.held: dict[Lookup, None] = {}
        self.failures_in_a_row = 0
        self.fault: LocalFault | None = None
        self.closed = False
        self.outage: Outage | None = None
        self.pumping = False
        self.sweeper: asyncio.TimerHandle | None = None
        self.settler: asyncio.TimerHandle | None = None

    def begin(self, name: str, record_type: RecordType) -> asyncio.Future[Answer | LocalFault]:
        """`join` by a new future, which may be cancelled: the query goes on and stays counted."""
        future: asyncio.Future[Answer | LocalFault] = self.loop.create_future()
        self.join(name, record_type, future)
        return future

    def join(self, name: str, record_type: RecordType, waiter: Waits) -> None:
        """Ask, or join the same question; `waiter` may be told before this returns.

        Raises: UsageError where the name is none that may be asked.
        """
        if len(name) > NAME_AT_MOST or not QUESTION.fullmatch(name):
            raise UsageError(f"not a name that DNS can be asked for: {name!r}")
        if self.fault is not None:
            waiter.set_result(self.fault)
            return
        key = (name, record_type)
        lookup = self.joined.get(key)
        if lookup is None:
            lookup = self.joined[key] = Lookup(key)
            self.waiting.append(lookup)
        lookup.waiters.append(waiter)
        self.pump()

    def pump(self) -> None:
        """Send what may be sent. Not entered twice: c-ares may fail a query before `ask` returns."""
        if self.pumping:
            return
        self.pumping = True
        while self.waiting and self.outage is None and self.channel.in_flight < self.limits.in_flight:
            lookup = self.waiting.popleft()
            if lookup.over:
                continue
            if lookup.awaited:
                self.launch(lookup)
            else:
                self.forget(lookup)
        self.pumping = False
        if self.held and not (self.active or self.waiting or self.outage or self.settler):
            now = self.loop.time()
            later = not all(lookup.failed(now) for lookup in self.held)
            self.settler = self.loop.call_later(self.limits.ask_again_s if later else 0, self.settle)

    def launch(self, lookup: Lookup) -> None:
        """One query; asked once more, it has what is left of the limit."""
        lookup.round += 1
        if not lookup.failures:
            lookup.deadline = self.loop.time() + self.limits.lookup_s
        self.active[lookup] = None
        if self.sweeper is None:
            self.sweeper = self.loop.call_later(SWEEP_S, self.sweep)
        self.channel.ask(*lookup.key, partial(self.landed, lookup, lookup.round))

    def landed(self, lookup: Lookup, asked: int, answer: Answer | None) -> None:
        """The channel's callback, once per query, however late."""
        if answer is None:
            return  # the channel is closed
        if answer.status.answered:
            if not lookup.over:
                self.finish(lookup, answer)
            self.alive()
        elif not lookup.over and asked == lookup.round and lookup in self.active:
            self.fail(lookup, answer)
        self.pump()

    def sweep(self) -> None:
        """Fail what is past its limit; the query itself stays in flight until c-ares is done with it."""
        self.sweeper = None
        now = self.loop.time()
        for lookup in [lookup for lookup in self.active if now >= lookup.deadline]:
            self.fail(lookup, Answer(Status.SILENT, error=f"no answer within {self.limits.lookup_s:g} s"))
        self.pump()
        if self.active and self.sweeper is None:
            self.sweeper = self.loop.call_later(SWEEP_S, self.sweep)

    def fail(self, lookup: Lookup, failure: Answer) -> None:
        """No answer: hold it back, and see whether the fault is the resolver's or ours."""
        del self.active[lookup]
        self.held[lookup] = None
        lookup.failure = failure
        if failure.status is Status.UNREACHABLE and self.short():
            lookup.failures = 0
            if self.outage is None:
                self.outage = Outage(self, shortage=True)
            return
        lookup.failures += 1
        if not lookup.counted:
            lookup.counted = True
            self.failures_in_a_row += 1
        if self.outage is None and self.failures_in_a_row >= self.limits.failures_in_a_row:
            self.outage = Outage(self, shortage=False)

    def alive(self) -> None:
        """The resolver answered something: what is held back now is a matter of the names asked."""
        self.failures_in_a_row = 0
        if self.outage is not None and not self.outage.shortage:
            self.outage.end()
        elif self.held and self.outage is None:
            self.settle()

    def settle(self) -> None:
        """Ask the held ones once more, or let them fail."""
        if self.settler is not None:
            self.settler.cancel()
            self.settler = None
        if self.outage is not None:
            return
        held, self.held = self.held, {}
        now = self.loop.time()
        for lookup in held:
            if lookup.failed(now):
                self.finish(lookup, lookup.failure)
            else:
                self.waiting.appendleft(lookup)
        self.pump()

    def finish(self, lookup: Lookup, answer: Answer | LocalFault) -> None:
        """Tell everybody who waits."""
        self.forget(lookup)
        for waiter in lookup.waiters:
            if not waiter.done():
                waiter.set_result(answer)

    def forget(self, lookup: Lookup) -> None:
        """The look-up is over."""
        lookup.over = True
        self.active.pop(lookup, None)
        self.held.pop(lookup, None)
        del self.joined[lookup.key]

    def give_up(self, fault: LocalFault) -> None:
        """All look-ups end with our own fault, now and from now on."""
        self.fault = fault
        for lookup in list(self.joined.values()):
            self.finish(lookup, fault)
        self.waiting.clear()

    def close(self) -> None:
        """Nothing is sent any more, no timer is left; whoever still waits is cancelled."""
        self.closed, self.fault = True, LocalFault("the resolver is closed")
        for timer in (self.sweeper, self.settler):
            if timer is not None:
                timer.cancel()
        if self.outage is not None:
            self.outage.cancel()
        for lookup in list(self.joined.values()):
            self.forget(lookup)
            for waiter in lookup.waiters:
                waiter.cancel()
        self.waiting.clear()


class Outage:
    """Time without a resolver, or without descriptors to ask it; look-ups wait in `lookups.held` and `.waiting`."""

    def __init__(self, lookups: Lookups, *, shortage: bool) -> None:
        self.lookups = lookups
        self.shortage = shortage
        self.began = lookups.loop.time()
        self.probes = 0
        self.timer = lookups.loop.call_soon(self.probe)
        if shortage:
            lookups.warn("no descriptor is left for DNS: look-ups wait")

    def probe(self) -> None:
        """See whether it is over."""
        lookups, limits = self.lookups, self.lookups.limits
        server = " ".join(lookups.channel.servers)
        if self.shortage and not lookups.short():
            self.end()
            return
        if lookups.loop.time() - self.began >= limits.outage_s:
            what = "no descriptor for DNS" if self.shortage else f"no answer from the resolver ({server})"
            lookups.outage = None
            lookups.give_up(LocalFault(f"{what} for {limits.outage_s:g} s"))
            return
        self.timer = lookups.loop.call_later(
            limits.shortage_every_s if self.shortage else limits.probe_every_s, self.probe
        )
        if self.shortage:
            return
        self.probes += 1
        if self.probes == 2:
            lookups.warn(f"the resolver ({server}) does not answer: look-ups wait for it")
        # Any answer ends the outage. The root's name servers are in every resolver's cache; a server that knows nothing
        # of the root may still answer one of those that were held back.
        lookups.channel.ask(".", RecordType.NS, self.probed)
        if lookups.held and lookups.outage is self:
            oldest = next(iter(lookups.held))
            del lookups.held[oldest]
            lookups.launch(oldest)
            oldest.deadline = lookups.loop.time() + limits.lookup_s

    def probed(self, answer: Answer | None) -> None:
        """The channel's callback for the probe."""
        if answer is not None and answer.status.answered:
            self.lookups.alive()
            self.lookups.pump()

    def end(self) -> None:
        """Ask again what was caught in it.

        Where the first probe was answered at once, the row of failures was a row of dead names: each is asked once
        more and may then fail. Else none of the failures says anything about a name.
        """
        lookups = self.lookups
        self.timer.cancel()
        lookups.outage = None
        real = self.shortage or self.probes > 1
        if self.probes > 1:
            lookups.warn("the resolver answers again")
        for lookup in lookups.held:
            lookup.outages += 1
            if real and lookup.outages <= OUTAGES_AT_MOST:
                lookup.failures, lookup.counted = 0, False
            elif lookup.outages == 1:
                lookup.failures, lookup.deadline = 1, lookups.loop.time() + lookups.limits.lookup_s
        lookups.settle()

    def cancel(self) -> None:
        """Stop probing."""
        self.timer.cancel()


def descriptors_short() -> bool:
    """Whether no socket can be opened now."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as error:
        return error.errno in SHORTAGES
    return False
