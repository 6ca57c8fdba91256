"""Who is dialled next.

A dial asks in order: the address's rate, the rate of all, a free place among the connections; while it waits it holds
none of them. Nothing here is a task: addresses wait in a heap for their own time, then in a queue for the common
limits, and one timer wakes the earliest.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from scanner.pool.dial import PortsExhausted
from scanner.pool.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.pool.asked import Asked
    from scanner.pool.host import Host
    from scanner.pool.limits import Limits
    from scanner.terms import LocalFault

logger = logging.getLogger(__name__)

SHORTAGE_PAUSE_S = 1.0
"""How long no dial is made after one found us short of descriptors, ports or memory."""
SHORTAGE_LIMIT_S = 600.0
"""How long a shortage may last before the run stops: cron must not hang."""


class Turns:
    """Addresses that wait for a dial, and the places of the connections.

    Args:
        limits: how many and how fast.
        begin: called for each dial that is allowed, its turn and its place taken.
        make_room: called with the number of addresses that wait for nothing but a place.
    """

    def __init__(self, limits: Limits, begin: Callable[[Host, Asked], None], make_room: Callable[[int], None]) -> None:
        self.begin = begin
        self.make_room = make_room
        self.most_places = limits.concurrency
        self.places = limits.concurrency  # fewer while descriptors are short
        self.taken = 0
        self.pace = Pace(limits.rate)
        self.ready: deque[Host] = deque()
        self.resting: list[tuple[float, int, Host]] = []
        self.order = count()
        self.paused_until = float("-inf")
        self.short_since: float | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.wake_at = float("inf")
        self.loop = asyncio.get_running_loop()
        self.stopped = False

    def stop(self) -> None:
        """No dial after this. While a cancelled session is on its way out, the timer would start a new one."""
        self.stopped = True
        if self.timer is not None:
            self.timer.cancel()

    @property
    def place_wanted(self) -> bool:
        """An address waits for nothing but a place."""
        return bool(self.ready) and self.taken >= self.places

    def list_host(self, host: Host) -> None:
        """Put an address where it waits for its next dial, unless it does already or wants none."""
        if host.listed or not host.wants_a_dial:
            return
        host.listed = True
        now = self.loop.time()
        delay = host.delay(now)
        if delay <= 0:
            self.ready.append(host)
        else:
            heappush(self.resting, (now + delay, next(self.order), host))

    def pump(self) -> None:
        """Begin every dial that is allowed now."""
        while (turn := self.next()) is not None:
            self.begin(*turn)

    def next(self) -> tuple[Host, Asked] | None:
        """The next dial, its turn and its place taken; None where none is allowed now, with the timer set for later."""
        if self.stopped:
            return None
        now = self.loop.time()
        while self.resting and self.resting[0][0] <= now:
            self.ready.append(heappop(self.resting)[2])
        wake_at = float("inf")
        while self.ready and self.taken < self.places:
            wait_until = max(self.paused_until, now + self.pace.delay(now))
            if wait_until > now:
                wake_at = min(wake_at, wait_until)
                break
            host = self.ready.popleft()
            host.listed = False
            if host.no_dial_until <= now and host.wants_a_dial:
                asked = self.take(host, now)
                self.list_host(host)
                if self.resting:
                    self.wake(self.resting[0][0])
                return host, asked
            self.list_host(host)
        if self.ready and self.taken >= self.places:
            self.make_room(len(self.ready))
        if self.resting:  # looked at last: who was paused while it waited for a place has just come in
            wake_at = min(wake_at, self.resting[0][0])
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

    def take(self, host: Host, now: float) -> Asked:
        """One dial of all, one of the host's, one place; and the probe that they are for."""
        self.pace.take(now)
        host.pace.take(now)
        host.sessions += 1
        host.dialling += 1
        self.taken += 1
        return host.queue.popleft()

    def give_back(self, host: Host) -> None:
        """A session is over: its place is free."""
        host.sessions -= 1
        self.taken -= 1

    def dialled(self, host: Host) -> None:
        """A dial found somebody: no shortage any more, and no reason to go one by one."""
        host.dialling -= 1
        host.alive = True
        self.short_since = host.short_since = None
        if self.places < self.most_places:
            self.places += 1
            self.pump()  # a session that ends is followed by one: without this they would stay as few as they were

    def pause(self, host: Host, fault: LocalFault) -> None:
        """No dial for a moment: we are short of something, and that is nobody's verdict.

        Ports are short for one address only; descriptors and memory for all, and half as many connections may do.

        Raises:
            LocalFault: it has lasted too long; ends the run.
        """
        now = self.loop.time()
        of_host = isinstance(fault, PortsExhausted)
        since = host.short_since if of_host else self.short_since
        if since is None:
            logger.warning("%s; pausing", fault)
        elif now - since > SHORTAGE_LIMIT_S:
            raise fault
        if of_host:
            host.short_since = now if since is None else since
            host.no_dial_until = max(host.no_dial_until, now + SHORTAGE_PAUSE_S)
        else:
            self.short_since = now if since is None else since
            self.paused_until = now + SHORTAGE_PAUSE_S
            self.places = max(1, min(self.places, self.taken) // 2)
