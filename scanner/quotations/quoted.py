"""What a quotation of a reply comes to: its parts, as a log, a bounce or a session shows them, whatever its form was.

A quotation need not show a code, and it may tell of no reply at all: then of the way in which the attempt failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.escape import cut, safe_text

if TYPE_CHECKING:
    from scanner.terms import ProbeVerdict, Stage

ADDRESS_LIMIT_CHARS = 320
"""Of a mailbox or host that is repeated: a local part of 64, a domain of 255 (RFC 5321 4.5.3.1)."""


class Quoted(NamedTuple):
    r"""One reply, or one failure without a reply, as somebody quotes it.

    Attributes:
        code: the basic code, None where none is shown.
        enhanced: the enhanced code (RFC 3463), also where the form gives it apart (`dsn=5.1.1`, `Status: 5.1.1`).
        text: lines joined by line feeds, without codes; where there was no reply, the words for that.
        stage: of the command that was answered; None where the form does not tell.
        trouble: the verdict where no reply decided; then code and enhanced code are None.
        transient: whether the form says that it will be tried again (a deferral), None where it does not say.
        recipient: the mailbox that it is about, as it is written there.
        host: who said it, as it is written there.
        sender: of the message.
    """

    code: int | None
    enhanced: str | None
    text: str
    stage: Stage | None = None
    trouble: ProbeVerdict | None = None
    transient: bool | None = None
    recipient: str | None = None
    host: str | None = None
    sender: str | None = None


def made_safe(quoted: Quoted) -> Quoted:
    """The same, fit for a terminal and of bounded size."""

    def short(text: str | None) -> str | None:
        return safe_text(text)[:ADDRESS_LIMIT_CHARS] if text else None

    return quoted._replace(
        text=cut("\n".join(map(safe_text, quoted.text.split("\n")))),
        recipient=short(quoted.recipient),
        host=short(quoted.host),
        sender=short(quoted.sender),
    )
