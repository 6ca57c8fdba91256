"""An item from its route to its last answer, in memory or put down on disk.

What DNS said is the same for all domains of an MX set, so it is planned and encoded once; an item adds a line to it.
"""

from __future__ import annotations

import marshal
import pickle
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from scanner.run.plan import plan
from scanner.terms import Item, Role, SessionUse, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.pool.probe import Answer
    from scanner.run.plan import Plan, Planned
    from scanner.smtp.outcome import Question
    from scanner.terms import DomainRoute

GROUNDS_KEPT = 4096
"""Plans that are remembered by their route, and as many by what was written of them."""


class Dialled(NamedTuple):
    """Which probe of a plan it is, and what `Probe` says of the one that is asked: the same for all domains."""

    number: int
    target: Target
    host: str | None
    typed: bool


class Ground:
    """What DNS said of a domain, and what is asked of whom on account of it.

    Attributes:
        dialled: probes that somebody is asked, in order.
        addresses: theirs.
        settled: probes that the plan answers, with their numbers.
        notes: of route and plan.
    """

    __slots__ = ("addresses", "dialled", "encoded", "notes", "plan", "port", "route", "settled")

    def __init__(self, route: DomainRoute, planned: Plan, port: int) -> None:
        self.route = route
        self.plan = planned
        self.port = port
        self.dialled: list[Dialled] = []
        self.settled: list[tuple[int, Planned]] = []
        for number, each in enumerate(planned.probes):
            if each.is_dialled and each.address is not None:
                host = None if each.exchange is None else each.exchange.name
                typed = each.exchange is not None and each.exchange.role is Role.DIRECT
                self.dialled.append(Dialled(number, Target(each.address, port), host, typed))
            else:
                self.settled.append((number, each))
        self.addresses = [each.target.address for each in self.dialled]
        self.notes = route.notes + planned.notes
        self.encoded: bytes | None = None

    @property
    def written(self) -> bytes:
        """For the spool."""
        if self.encoded is None:
            self.encoded = pickle.dumps((self.route, self.plan, self.port))
        return self.encoded


class Grounds:
    """Routes with their plans, worked out once for each route object that comes again.

    Args:
        missing_for: why an address's family is not asked from here, or None.
        excluded: whether a name is taken out.
        port: that is dialled.
    """

    def __init__(self, missing_for: Callable[[str], str | None], excluded: Callable[[str], bool], port: int) -> None:
        self.missing_for = missing_for
        self.excluded = excluded
        self.port = port
        self.known: dict[int, Ground] = {}  # by identity, which the value keeps alive

    def of(self, route: DomainRoute) -> Ground:
        """The route's ground; the same object as long as it is remembered."""
        known = self.known.get(id(route))
        if known is None:
            if len(self.known) >= GROUNDS_KEPT:
                self.known.clear()
            planned = plan(route, self.missing_for, self.excluded)
            known = self.known[id(route)] = Ground(route, planned, self.port)
        return known


class Pending:
    """An item whose probes are under way, or waiting.

    Attributes:
        addresses: those that are still to be asked.
        size: probes in memory.
        answers: one a probe of the plan; None where there is none yet.
        left: how many those are.
        asked_before: when it was answered the first time, in seconds of the loop's clock; None the first time.
        attempts: how many each probe took then.
        question: what is asked, once it is.
    """

    __slots__ = ("addresses", "answers", "asked_before", "attempts", "ground", "item", "left", "question", "size")

    def __init__(self, item: Item, ground: Ground) -> None:
        self.item = item
        self.ground = ground
        self.addresses: Sequence[str] = ground.addresses
        self.question: Question | None = None
        self.size = self.left = size = len(ground.plan.probes)
        self.answers: list[Answer | None] = [None] * size
        self.asked_before: float | None = None
        self.attempts: dict[int, int] | None = None

    def put(self, number: int, answer: Answer) -> int:
        """One more answer; what an earlier time took counts too, unless somebody else's answer is shared.

        Returns:
            How many are left.
        """
        if self.attempts is not None and answer.session is not SessionUse.SHARED:
            answer = answer._replace(attempts=answer.attempts + self.attempts.get(number, 0))
        self.answers[number] = answer
        self.left = left = self.left - 1
        return left

    def ask_again(self, numbers: Iterable[int], now: float) -> None:
        """Take back some answers: these probes are to be asked once more."""
        self.asked_before = now
        self.attempts = {}
        for number in numbers:
            answer, self.answers[number] = self.answers[number], None
            self.attempts[number] = 0 if answer is None else answer.attempts
            self.left += 1
        self.addresses = self.unanswered()

    def unanswered(self) -> Sequence[str]:
        """The addresses without an answer."""
        return [each.target.address for each in self.ground.dialled if self.answers[each.number] is None]

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
    ground = Ground(*pickle.loads(written))  # noqa: S301 - our own
    ground.encoded = written
    return ground
