"""An item from its route to its last answer, in memory or put down on disk.

What DNS said is the same for all domains of an MX set, so it is planned and encoded once; an item adds a line to it.
"""

from __future__ import annotations

import marshal
import pickle
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.run.plan import plan
from scanner.terms import Item, SessionUse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.pool.probe import Answer
    from scanner.run.plan import Plan
    from scanner.smtp.outcome import Question
    from scanner.terms import DomainRoute

GROUNDS_KEPT = 4096
"""Plans that are remembered by their route, and as many by what was written of them."""


class Ground:
    """What DNS said of a domain, and what is asked of whom on account of it; `addresses`: who is dialled, in order."""

    __slots__ = ("addresses", "encoded", "notes", "plan", "route")

    def __init__(self, route: DomainRoute, planned: Plan) -> None:
        self.route = route
        self.plan = planned
        self.addresses = [each.address for each in planned.probes if each.is_dialled and each.address is not None]
        self.notes = route.notes + planned.notes
        self.encoded: bytes | None = None

    @property
    def written(self) -> bytes:
        """For the spool."""
        if self.encoded is None:
            self.encoded = pickle.dumps((self.route, self.plan))
        return self.encoded


class Grounds:
    """Routes with their plans, worked out once for each route object that comes again.

    Args:
        missing_for: why an address's family is not asked from here, or None.
        excluded: whether a name is taken out.
    """

    def __init__(self, missing_for: Callable[[str], str | None], excluded: Callable[[str], bool]) -> None:
        self.missing_for = missing_for
        self.excluded = excluded
        self.known: dict[int, Ground] = {}  # by identity, which the value keeps alive

    def of(self, route: DomainRoute) -> Ground:
        """The route's ground; the same object as long as it is remembered."""
        known = self.known.get(id(route))
        if known is None:
            if len(self.known) >= GROUNDS_KEPT:
                self.known.clear()
            known = self.known[id(route)] = Ground(route, plan(route, self.missing_for, self.excluded))
        return known


class Pending:
    """An item whose probes are under way, or waiting.

    Attributes:
        addresses: those that are still to be asked.
        answers: one a probe of the plan; None where there is none yet.
        left: how many those are.
        asked_before: when it was answered the first time, in seconds of the loop's clock; None the first time.
        attempts: how many each probe took then.
        question: what is asked, once it is.
    """

    __slots__ = ("addresses", "answers", "asked_before", "attempts", "ground", "item", "left", "question")

    def __init__(self, item: Item, ground: Ground) -> None:
        self.item = item
        self.ground = ground
        self.addresses: Sequence[str] = ground.addresses
        self.question: Question | None = None
        self.answers: list[Answer | None] = [None] * len(ground.plan.probes)
        self.left = len(ground.plan.probes)
        self.asked_before: float | None = None
        self.attempts: dict[int, int] = {}

    def put(self, number: int, answer: Answer) -> None:
        """One more answer; what an earlier time took counts too, unless somebody else's answer is shared."""
        if self.attempts and answer.session is not SessionUse.SHARED:
            answer = answer._replace(attempts=answer.attempts + self.attempts.get(number, 0))
        self.answers[number] = answer
        self.left -= 1

    def ask_again(self, numbers: Iterable[int], now: float) -> None:
        """Take back some answers: these probes are to be asked once more."""
        self.asked_before = now
        for number in numbers:
            answer, self.answers[number] = self.answers[number], None
            self.attempts[number] = 0 if answer is None else answer.attempts
            self.left += 1
        self.addresses = self.unanswered()

    def unanswered(self) -> Sequence[str]:
        """The addresses without an answer."""
        return [
            planned.address
            for planned, answer in zip(self.ground.plan.probes, self.answers, strict=True)
            if answer is None and planned.is_dialled and planned.address is not None
        ]

    @property
    def size(self) -> int:
        """Probes in memory."""
        return len(self.answers)

    def encode(self) -> bytes:
        """For the spool; most items wait with nothing but their line and their ground."""
        again = None
        if self.asked_before is not None:
            again = pickle.dumps((self.answers, self.asked_before, self.attempts))
        return marshal.dumps((self.ground.written, again, *self.item))  # type: ignore[arg-type]  # a tag is JSON

    @classmethod
    def decode(cls, data: bytes) -> Pending:
        """What `encode` made."""
        written, again, *item = marshal.loads(data)  # noqa: S302 - our own
        pending = cls(Item(*item), decoded_ground(written))
        if again is not None:
            pending.answers, pending.asked_before, pending.attempts = pickle.loads(again)  # noqa: S301 - our own
            pending.left = pending.answers.count(None)
            pending.addresses = pending.unanswered()
        return pending


@lru_cache(maxsize=GROUNDS_KEPT)
def decoded_ground(written: bytes) -> Ground:
    """What `Ground.written` made."""
    route, planned = pickle.loads(written)  # noqa: S301 - our own
    ground = Ground(route, planned)
    ground.encoded = written
    return ground
