"""One address and everything that waits for it: the owner of its limits.

Limits belong to the address, not to (address, port) and never to a domain: the same host under ten names is one host.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from scanner.pool.backoff import BackOff
from scanner.pool.evidence import Evidence
from scanner.pool.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.pool.asked import Asked
    from scanner.pool.limits import Limits
    from scanner.pool.session import Session
    from scanner.terms import TlsFacts

TARGET_BURST = 2
"""Dials to one address at once after a pause: a second address of the queue must not wait for a first look."""


class TargetState(NamedTuple):
    """An address as it stands: probes that wait, sessions open, probes answered, and what one took on average."""

    address: str
    waiting: int
    sessions: int
    answered: int
    mean_ms: float


class Host:
    """Probes that wait for an address, in the order in which they came, and the sessions that are open to it.

    Attributes:
        soon: waiting probes that are left to an open session before a further one is dialled.
        sessions: places taken, from the turn to the end; `dialling` of them have no connection yet.
        per_target: sessions at once, lowered to what the server was seen to take.
        deaths: dials in a row that found nobody.
        alive: the last dial found somebody. Until one has, there is one dial at a time: of a dead one, two are enough.
        no_dial_until: when the next dial is allowed, beside the pace.
        idle: open sessions without a question.
        unverified: names whose certificate here is known not to be valid, and why: looked at once.
        listed: it stands in one of the queues for a dial.
    """

    __slots__ = (
        "alive", "answered", "backoff", "deaths", "dialling", "evidence", "idle", "listed", "no_dial_until", "pace",
        "per_target", "queue", "sessions", "short_since", "soon", "took_ms", "unverified",
    )  # fmt: skip

    def __init__(self, limits: Limits, soon: int = 0) -> None:
        self.soon = soon
        self.queue: deque[Asked] = deque()
        self.sessions = 0
        self.dialling = 0
        self.per_target = limits.per_target
        self.alive = False
        self.deaths = 0
        self.pace = Pace(limits.target_rate, TARGET_BURST)
        self.no_dial_until = float("-inf")
        self.backoff = BackOff()
        self.evidence = Evidence()
        self.idle: list[Session] = []
        self.unverified: dict[str | None, TlsFacts] = {}
        self.listed = False
        self.short_since: float | None = None
        self.answered = 0
        self.took_ms = 0.0

    @property
    def wants_a_dial(self) -> bool:
        """More wait than the open sessions will soon have carried, or one that they cannot; and a dial is allowed."""
        return (
            self.sessions < self.per_target
            and bool(self.queue)
            and (len(self.queue) > self.soon * self.sessions or self.queue[0].needs_new)
            and (self.alive or not self.dialling)
        )

    def delay(self, now: float) -> float:
        """Seconds until it may be dialled; 0 or less: now."""
        return max(self.pace.delay(now), self.no_dial_until - now)

    def next_for(self, session: Session, clock: Callable[[], float]) -> Asked | None:
        """The probe that waits longest, if the session can carry it; none while the address is left alone."""
        if (
            self.queue
            and (not self.backoff.pauses or clock() >= self.backoff.until)
            and session.may_take(self.queue[0])
        ):
            return self.queue.popleft()
        return None

    def take_fewer(self, sessions: int) -> None:
        """It turned one away while so many stood: it takes no more of us at once."""
        if sessions:
            self.per_target = min(self.per_target, sessions)

    def at_rest(self, now: float) -> bool:
        """Nothing would be lost by forgetting it."""
        return (
            not (self.queue or self.sessions or self.listed)
            and now >= self.no_dial_until
            and self.pace.rested(now)
            and not self.evidence.holds(now)
        )

    def state(self, address: str) -> TargetState:
        """For whoever looks on."""
        mean_ms = self.took_ms / self.answered if self.answered else 0.0
        return TargetState(address, len(self.queue), self.sessions, self.answered, mean_ms)
