"""What goes into the pool and what comes out of it: one question to one target, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.terms import ServerFacts, SessionUse

if TYPE_CHECKING:
    from scanner.smtp.outcome import Outcome, Question
    from scanner.terms import Target


class Probe(NamedTuple):
    """One question to one target.

    `seq` and `number` tell the asker which item's which probe it is. `host` is the name that a certificate should
    carry; `typed`: the operator named the address, so that the fence lets private ones pass. `asked_before`: when it
    was answered the last time, in seconds of the loop's clock; it is asked again in a new session, and only younger
    evidence answers it. `more`: another question to the same target will follow at once, so the session is kept.
    """

    seq: int
    number: int
    target: Target
    question: Question
    host: str | None = None
    typed: bool = False
    asked_before: float | None = None
    more: bool = False


class Answer(NamedTuple):
    """How a probe ended.

    `started` is wall-clock seconds since the epoch; `elapsed_ms` lasts up to the deciding reply. `attempts` counts the
    sessions that were dialled for it. `postmaster`: how the server answered about its postmaster, where that was asked
    to settle what its answer left open.
    """

    outcome: Outcome
    started: float
    elapsed_ms: float = 0.0
    server: ServerFacts = ServerFacts()
    source: str | None = None
    session: SessionUse = SessionUse.NEW
    attempts: int = 1
    notes: tuple[str, ...] = ()
    postmaster: Outcome | None = None
