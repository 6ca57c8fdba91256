"""What the difference between two records of one target amounts to. Pure.

Compared are verdict, stage, code and enhanced code, never texts: queue ids and dates in them are noise.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from scanner.terms import Standing, SweepVerdict


class Change(StrEnum):
    """What became of a target between two runs, the most urgent first."""

    WORSE = "worse"
    APPEARED = "appeared"
    CHANGED = "changed"
    VANISHED = "vanished"
    BETTER = "better"
    UNCHANGED = "unchanged"


class State(NamedTuple):
    """What one record says of its target; texts are kept to be shown."""

    verdict: str
    standing: str | None
    stage: str
    code: int | None
    enhanced: str | None
    transient: bool
    text: str | None = None
    error: str | None = None

    @property
    def is_open(self) -> bool:
        """It relays, as far as the evidence goes."""
        return self.verdict in OPEN

    @property
    def is_good(self) -> bool:
        """It serves its domain, or is known to be closed."""
        return self.standing == Standing.SERVES or self.verdict == SweepVerdict.CLOSED

    @property
    def is_bad(self) -> bool:
        """It does not take its domain's mail, or relays."""
        return self.standing == Standing.BROKEN or self.is_open

    @property
    def cause(self) -> tuple[str, str, int | None, str | None]:
        """What is compared."""
        return self.verdict, self.stage, self.code, self.enhanced


OPEN = frozenset(SweepVerdict) - {SweepVerdict.CLOSED}


def change(old: State | None, new: State | None) -> Change:  # noqa: PLR0911 - one line a sentence of the contract
    """What became of a target; None: the run has no record of it.

    A relay is worse news whatever was known of its host before, also where nothing was. What may pass and changed into
    something else that may pass is no news.
    """
    if new is None:
        return Change.VANISHED
    if new.is_open and (old is None or not old.is_open):
        return Change.WORSE
    if old is None:
        return Change.APPEARED
    if old.cause == new.cause or (old.transient and new.transient):
        return Change.UNCHANGED
    if old.is_good and new.is_bad:
        return Change.WORSE
    if old.is_bad and new.is_good:
        return Change.BETTER
    return Change.CHANGED
