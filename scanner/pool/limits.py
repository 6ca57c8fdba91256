"""What the pool is told: who we are, how many, how fast, how long. Small frozen values cut from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.smtp.outcome import StartTls


@dataclass(frozen=True, slots=True)
class Identity:
    """How we present ourselves. `source`: local address to connect from; None leaves it to the kernel."""

    helo: str
    source: str | None = None
    starttls: StartTls = StartTls.WHEN_REQUIRED


@dataclass(frozen=True, slots=True)
class Limits:
    """At once and a second, over all and to one address; and how long an address is left alone.

    A rate of 0 is no limit. `backoff_s`: the first pause of an address that turns us away, the second is twice that; 0:
    what it says first counts. `memory_s`: how long what a target says before a transaction holds for its other probes;
    0: each finds out for itself. `redial_s`: between the two dials that say that a target is dead.
    """

    concurrency: int = 500
    per_target: int = 2
    rate: float = 50.0
    target_rate: float = 1.0
    backoff_s: float = 60.0
    memory_s: float = 300.0
    redial_s: float = 5.0

    @property
    def full_at(self) -> int:
        """Probes that one address holds at a time; further ones wait outside of the pool."""
        return max(FULL_AT_LEAST, 4 * self.per_target)


FULL_AT_LEAST = 8


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How much one session carries: Exim drops a client at the 12th RSET, Postfix minds the 10th error."""

    transactions: int = 10
    errors: int = 8


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. A reply's limit is for the whole reply, the greeting's is twice that; a probe's counts from its dial."""

    connect_s: float = 10.0
    reply_s: float = 30.0
    probe_s: float = 180.0
