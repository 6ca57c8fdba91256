r"""A reply as a JSON object on one line, `{"code": 550, "enhanced": "5.1.1", "text": "…", "stage": "rcpt"}`.

`enhanced`, `stage` and `text` may be null or missing, and so may `code` where there is a text; other fields are of no
concern here and stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.escape import quoted as named
from scanner.intake.tags import BadJson, parse_object
from scanner.quotations.quoted import Quoted
from scanner.terms import Stage

if TYPE_CHECKING:
    from scanner.intake.tags import Json

LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""What Python's `surrogateescape` leaves of a byte that is no UTF-8; no decoder takes it."""
STAGES = {stage.value: stage for stage in Stage} | {
    "greeting": Stage.BANNER,
    "ehlo": Stage.HELO,
    "lhlo": Stage.HELO,
    "tls": Stage.STARTTLS,
    "mail from": Stage.MAIL,
    "rcpt to": Stage.RCPT,
    "eod": Stage.MESSAGE,
    "end of data": Stage.MESSAGE,
    "dot": Stage.MESSAGE,
}
"""Ours, and what other programs call them."""


def parse_quoted(text: str) -> tuple[dict[str, Json], Quoted]:
    """The object as it is, and the reply that it tells of.

    Raises:
        BadJson: no JSON object, or a field that is none of a reply; names it.
    """
    try:
        found = parse_object(text)
    except BadJson:
        mended, number = LONE_SURROGATE.subn(r"\\ufffd", text)
        if not number:
            raise
        found = parse_object(mended)
    code = code_of(found.get("code"))
    said = text_of(found, "text") or ""
    enhanced = (text_of(found, "enhanced") or "").strip(" #") or None
    if code is None and not said.strip() and enhanced is None:
        raise BadJson("the object has neither a code nor a text")
    return found, Quoted(code, enhanced, said, stage_of(text_of(found, "stage")))


def code_of(value: Json) -> int | None:
    """The basic code; any whole number is one here, also as a string.

    Raises:
        BadJson: something else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < 10:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadJson("code is not a whole number")


def text_of(found: dict[str, Json], key: str) -> str | None:
    """The text under a key; None where there is none.

    Raises:
        BadJson: something else than a text.
    """
    value = found.get(key)
    if value is None or isinstance(value, str):
        return value
    raise BadJson(f"{key} is not a string")


def stage_of(name: str | None) -> Stage | None:
    """The stage of a name.

    Raises:
        BadJson: there is none of that name: to judge as if none were given would hide a slip.
    """
    if not name:
        return None
    stage = STAGES.get(name) or STAGES.get(name.strip().lower().replace("_", " "))
    if stage is None:
        raise BadJson(f"no stage is called {named(name)}; there are {', '.join(Stage)}")
    return stage
