"""The fields of a delivery status notification (RFC 3464) to the reply that each block of a recipient tells of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.quotations.records import read_record, without_reply
from scanner.quotations.reply import begins_reply

if TYPE_CHECKING:
    from scanner.quotations.quoted import Quoted

FIELDS = frozenset(
    {"final-recipient", "original-recipient", "action", "status", "remote-mta", "diagnostic-code", "last-attempt-date"}
    | {"will-retry-until", "final-log-id", "x-display-name", "x-supplementary-info", "x-actual-recipient"}
)
"""Of a recipient's block; a message's own block (`Reporting-MTA`) tells of no reply."""
TYPED = re.compile(r"^\s*(?P<type>[A-Za-z][\w-]*)\s*;\s*(?P<value>.*)$", re.DOTALL)
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
DONE = frozenset({"delivered", "relayed", "expanded"})


def read_fields(fields: dict[str, str]) -> Quoted | None:
    """The reply of one recipient's block; None where it was delivered, or tells nothing.

    Args:
        fields: names in lower case, values unfolded.
    """
    action = fields.get("action", "").strip().lower()
    status = STATUS.search(fields.get("status", ""))
    diagnostic = untyped(fields.get("diagnostic-code", "")) or untyped(fields.get("x-supplementary-info", ""))
    if action in DONE or (not diagnostic and status is None):
        return None
    found = [] if begins_reply(diagnostic) else read_record(" ".join(diagnostic.split()))
    said = found[0] if found else without_reply(diagnostic)
    recipient = untyped(fields.get("final-recipient", "")) or untyped(fields.get("original-recipient", ""))
    enhanced = said.enhanced
    if enhanced is None and status is not None and said.trouble is None:
        enhanced = status.group()
    return said._replace(
        enhanced=enhanced,
        transient={"delayed": True, "failed": False}.get(action),
        recipient=recipient.strip("<> ") or None,
        host=untyped(fields.get("remote-mta", "")).split(" ")[0] or said.host,
    )


def untyped(value: str) -> str:
    """A value without the type before it: `smtp; 550 …`, `rfc822;a@b.example`."""
    typed = TYPED.match(value)
    return (typed.group("value") if typed else value).strip()
