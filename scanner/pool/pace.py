"""How often: a steady pace with a small burst, in absolute times (the generic cell rate algorithm, ITU-T I.371).

A pace holds nothing while one waits for it: `delay` asks, `take` takes.
"""

from __future__ import annotations

MARGIN = 1.01
"""One per cent slower than the limit, so that a count at the other end does not see it exceeded by jitter."""
CATCH_UP_S = 0.004
"""What a late timer may make up for: at high rates, timers of a millisecond would otherwise set the pace."""


class Pace:
    """At most `rate` a second, `burst` at once after a pause; a rate of 0 is no limit."""

    __slots__ = ("due", "interval_s", "tolerance_s")

    def __init__(self, rate: float, burst: int = 1) -> None:
        self.interval_s = MARGIN / rate if rate > 0 else 0.0
        self.tolerance_s = self.interval_s * (burst - 1) if burst > 1 else min(CATCH_UP_S, self.interval_s)
        self.due = float("-inf")

    def delay(self, now: float) -> float:
        """Seconds until one more is allowed; 0 or less: now."""
        return self.due - self.tolerance_s - now if self.interval_s else 0.0

    def take(self, now: float) -> None:
        """One was used at `now`."""
        self.due = max(self.due, now) + self.interval_s

    def rested(self, now: float) -> bool:
        """It would behave like a new one."""
        return self.due <= now
