"""How long an address that turns us away is left alone. Pure: whoever asks brings the time.

A server that says "not now" to a new session says it to all of us, so the pause is the address's, not the probe's. It
is asked three times; then its word is taken, for a run must end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.terms import Stage

if TYPE_CHECKING:
    from scanner.smtp.outcome import Outcome

PAUSES = 2
"""How often in a row; the second is twice as long."""
AT_THE_DOOR = frozenset({Stage.CONNECT, Stage.BANNER, Stage.HELO})


class BackOff:
    """The pauses of one address, in seconds of the caller's clock."""

    __slots__ = ("pauses", "until")

    def __init__(self) -> None:
        self.pauses = 0
        self.until = float("-inf")

    def begin(self, now: float, first_s: float, forget_s: float) -> float | None:
        """Begin a pause, or join the one under way.

        Args:
            now: the time.
            first_s: length of the first pause; 0: there are none.
            forget_s: after that long without being turned away it starts afresh.

        Returns:
            When it ends; None where there were enough.
        """
        if now < self.until:
            return self.until
        if now >= self.until + forget_s:
            self.pauses = 0
        if not first_s or self.pauses >= PAUSES:
            return None
        self.pauses += 1
        self.until = now + first_s * self.pauses
        return self.until

    def calm(self) -> None:
        """It took a session: the next pause is a first one."""
        self.pauses = 0


def turned_away(outcome: Outcome) -> bool:
    """Whether a new session was refused for now: 4xx before the first transaction, or a 421 (RFC 5321 3.8)."""
    if outcome.reply is None or outcome.trouble is not None:
        return False
    code = outcome.reply.code
    return code == 421 or (400 <= code < 500 and outcome.stage in AT_THE_DOOR)
