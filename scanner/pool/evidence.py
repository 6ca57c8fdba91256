"""What one probe found out for all probes of a target, and for how long. Pure: whoever asks brings the time.

Evidence has a scope. What happens at connect, banner, helo or starttls is about the target, whatever the domain; what
happens at mail and rcpt belongs to the transaction and is never shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.pool.probe import Answer
from scanner.terms import ProbeVerdict, SessionUse, Stage

if TYPE_CHECKING:
    from scanner.smtp.outcome import Outcome

OF_THE_TARGET = frozenset({Stage.CONNECT, Stage.BANNER, Stage.HELO, Stage.STARTTLS})
DEATHS = frozenset(
    {ProbeVerdict.REFUSED, ProbeVerdict.CONNECT_TIMEOUT, ProbeVerdict.UNREACHABLE, ProbeVerdict.DISCONNECTED}
)


class Known(NamedTuple):
    """An answer that holds for a target; noted `at`, until `until`."""

    answer: Answer
    at: float
    until: float


class Evidence:
    """What is known of the ports of one address."""

    __slots__ = ("of_port",)

    def __init__(self) -> None:
        self.of_port: dict[int, Known] = {}

    def note(self, port: int, answer: Answer, now: float, memory_s: float) -> bool:
        """Remember an answer if it is about the target; whether it is."""
        if not memory_s or not is_about_target(answer.outcome):
            return False
        self.of_port[port] = Known(answer, now, now + memory_s)
        return True

    def forget(self, port: int) -> None:
        """A later session got further: what was known holds no more."""
        self.of_port.pop(port, None)

    def about(self, port: int, now: float, since: float | None = None) -> Answer | None:
        """What is known of a port, if it still holds, and was found out after `since`."""
        known = self.of_port.get(port)
        if known is None or (since is not None and known.at < since):
            return None
        if now >= known.until:
            del self.of_port[port]
            return None
        return known.answer

    def holds(self, now: float) -> bool:
        """Whether anything is known."""
        return any(now < known.until for known in self.of_port.values())


def is_about_target(outcome: Outcome) -> bool:
    """Whether it says the same to every probe; an error of ours says nothing about the target."""
    return outcome.stage in OF_THE_TARGET and outcome.trouble is not ProbeVerdict.LOCAL_ERROR


def is_death(outcome: Outcome) -> bool:
    """No connection, or one that was dropped before a word: one lost SYN looks like that too."""
    return outcome.trouble in DEATHS and outcome.stage in (Stage.CONNECT, Stage.BANNER)


def shared(answer: Answer, now: float) -> Answer:
    """The answer, for a probe that was not sent; `now`: wall-clock seconds since the epoch."""
    outcome = answer.outcome._replace(sender_said=False, recipient_said=False, again=None)
    return Answer(outcome, now, server=answer.server, session=SessionUse.SHARED, attempts=0)
