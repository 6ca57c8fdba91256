"""One address and everything that waits for it: the owner of its limits.

Limits belong to the address, not to (address, port) and never to a domain: the same host under ten names is one host.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from scanner.pool.pace import Pace

if TYPE_CHECKING:
    from scanner.pool.asked import Asked
    from scanner.pool.limits import Limits
    from scanner.pool.session import Session
    from scanner.terms import TlsFacts

TARGET_BURST = 2
"""Dials to one address at once after a pause: a second address of the queue must not wait for a first look."""


class Host:
    """Probes that wait for an address, in the order in which they came, and the sessions that are open to it."""

    __slots__ = ("listed", "pace", "per_target", "queue", "sessions", "soon", "unverified")

    def __init__(self, limits: Limits, soon: int = 0) -> None:
        self.soon = soon
        """Waiting probes that are left to an open session before a further one is dialled."""
        self.queue: deque[Asked] = deque()
        self.sessions = 0
        self.per_target = limits.per_target
        self.pace = Pace(limits.target_rate, TARGET_BURST)
        self.unverified: dict[str | None, TlsFacts] = {}
        """Names whose certificate here is known not to be valid, and why: looked at once."""
        self.listed = False
        """It stands in one of the pool's queues for a dial."""

    @property
    def wants_a_dial(self) -> bool:
        """More wait than the open sessions will soon have carried, and another one is allowed."""
        return len(self.queue) > self.soon * self.sessions and self.sessions < self.per_target

    def next_for(self, session: Session) -> Asked | None:
        """The probe that waits longest, if the session can carry it."""
        return self.queue.popleft() if self.queue and session.may_take(self.queue[0]) else None

    def idle(self, now: float) -> bool:
        """Nothing would be lost by forgetting it."""
        return not (self.queue or self.sessions or self.listed) and self.pace.rested(now)
