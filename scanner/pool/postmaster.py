"""The mailbox that settles a doubt: who takes mail for a domain must take its postmaster's (RFC 5321 4.5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.escape import cut
from scanner.pool.asked import Asked
from scanner.smtp.reply import text_of

if TYPE_CHECKING:
    from scanner.pool.probe import Probe
    from scanner.smtp.outcome import Outcome

POSTMASTER = "postmaster"


def about_postmaster(probe: Probe) -> Asked | None:
    """The same of the recipient domain's postmaster; None where it is what the probe asks."""
    local_part, _, domain = probe.question.recipient.rpartition("@")
    if local_part.lower() == POSTMASTER:
        return None
    question = probe.question._replace(recipient=f"{POSTMASTER}@{domain}")
    return Asked(probe._replace(question=question))


def postmaster_in_words(outcome: Outcome | None) -> str:
    """For a record's `notes`; None: the session ended under the question."""
    if outcome is None or outcome.reply is None:
        error = "closed by the server" if outcome is None else outcome.error
        return f"postmaster not answered: {error}"
    return cut(f"postmaster answered {outcome.reply.code} {text_of(outcome.reply)}".replace("\n", " "))
