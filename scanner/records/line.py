r"""One record to one line of output, and the last look at it before it leaves.

Text is made safe where it enters. Here is the second look: a line that could hold a control character is encoded again
from fields made safe. Only a `tag` passes unchanged, because its value is the operator's own: what is unsafe in it
leaves as the JSON escape `\uNNNN`, so that the value survives and the line is harmless on a terminal.

orjson escapes C0 only and leaves DEL, C1 and bidi controls raw; it refuses lone surrogates, integers beyond 64 bits and
more than 254 levels with a TypeError, which is the one failure of this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from scanner.escape import UNSAFE, cut, safe_text

ODD_ESCAPE = re.compile(rb'\\[^n"\\]')
r"""A JSON escape that safe text never needs. `\n` joins the lines of a reply; `\"` and `\\` are ordinary characters."""

MULTILINE = frozenset({"text", "banner"})
"""Fields that hold several lines of a peer, joined by LF."""

LIMITED = frozenset({"text", "banner", "error"})
"""Fields that are cut at the limit of `scanner.escape`."""

VERBATIM = frozenset({"tag"})
"""Fields that pass unchanged."""


def encode_line(record: Mapping[str, object]) -> bytes:
    """The record as one line of JSON with its LF, its keys in the order given.

    Raises:
        TypeError: a value that JSON or orjson has no room for, even after text was made safe.
    """
    try:
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate can still be made visible; what else it may be fails again below
        return encode_again(record)
    return line if is_harmless(line) else encode_again(record)


def members(fields: Mapping[str, object]) -> bytes:
    """Neighbouring fields of a record as they stand between its braces; what holds for a line holds for them.

    Raises:
        TypeError: as `encode_line`.
    """
    return encode_line(fields)[1:-2]


def json_text(text: str | None) -> bytes:
    """A text of one line as a JSON value, made safe; null for None."""
    return b"null" if text is None else orjson.dumps(safe_text(text))


def is_harmless(line: bytes) -> bool:
    """Whether an encoded line can hold no control character, neither raw nor as an escape that a reader would undo.

    A few scans at memory speed: 0.2 µs where looking at each field costs several.
    """
    if b"\\" in line and ODD_ESCAPE.search(line):
        return False
    text = line.decode()
    return "\x7f" not in text if text.isascii() else not UNSAFE.search(text.removesuffix("\n"))


def encode_again(record: Mapping[str, object]) -> bytes:
    """The slow way: every text made safe, what is left in verbatim fields as JSON escapes."""
    line = orjson.dumps(with_safe_text(record))
    if line.isascii() and b"\x7f" not in line:
        return line + b"\n"
    return UNSAFE.sub(json_escape, line.decode()).encode() + b"\n"


def json_escape(match: re.Match[str]) -> str:
    """One unsafe character as the escape that JSON has for it; all of them lie in the basic plane."""
    return f"\\u{ord(match.group()):04x}"


def with_safe_text(record: Mapping[str, object]) -> dict[str, object]:
    """A copy with all text made safe, except in verbatim fields."""
    return {safe_text(name): value if name in VERBATIM else safe_field(name, value) for name, value in record.items()}


def safe_field(name: str, value: object) -> object:
    """One field's value, at any depth, with its text made safe and cut."""
    if isinstance(value, str):
        safe = "\n".join(map(safe_text, value.split("\n"))) if name in MULTILINE else safe_text(value)
        return cut(safe) if name in LIMITED else safe
    if isinstance(value, Mapping):
        return with_safe_text(value)
    if isinstance(value, list | tuple):
        return [safe_field(name, element) for element in value]
    return value
