"""What goes into a dialogue and what comes out of it: the question, the events, the outcome."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scanner.smtp.reply import Reply
    from scanner.terms import ProbeVerdict, Stage


class StartTls(StrEnum):
    """When the session is secured (RFC 3207)."""

    WHEN_REQUIRED = "when-required"
    WHEN_OFFERED = "when-offered"
    NEVER = "never"


class Again(StrEnum):
    """Why the same question deserves one more session, and how that one differs."""

    UNPIPELINED = "unpipelined"
    IN_CLEAR = "in the clear"
    UNVERIFIED = "unverified"
    """The certificate was not valid: secured without a look at it."""


class Question(NamedTuple):
    """Reverse-path and forward-path of one transaction, without brackets; an empty sender is the null sender.

    `data`: an accepted recipient is followed by DATA, and at its 354 the connection is dropped, so that no message
    leaves. `bare`: the forward-path is said without brackets.
    """

    sender: str
    recipient: str
    data: bool = False
    bare: bool = False


class Outcome(NamedTuple):
    """How a question ended.

    `trouble` is set where no reply decides, or where one does so by its form or place rather than by its text
    (PROTOCOL_ERROR, TLS_UNAVAILABLE). `again` asks for one more session with the same question.
    """

    stage: Stage
    reply: Reply | None = None
    trouble: ProbeVerdict | None = None
    error: str | None = None
    sender_said: bool = False
    recipient_said: bool = False
    again: Again | None = None


class TlsAgreed(NamedTuple):
    """Shake hands now, then say `secured` or `tls_failed`."""


class Ended(NamedTuple):
    """The question has its outcome."""

    outcome: Outcome
