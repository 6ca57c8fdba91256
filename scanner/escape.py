r"""Text of strangers made safe, once, where it enters: nothing a server or DNS says is a control sequence after this.

C0, DEL, C1, bidi controls, U+2028/9 and lone surrogates become `\xNN` or `\uNNNN`; so do bytes that are no UTF-8.
Escaping is not reversible, by intent: a literal backslash stays as it is, so that ordinary texts stay readable.
"""

from __future__ import annotations

import re

TEXT_LIMIT_CHARS = 1000
"""Where `text`, `banner` and `error` of a record are cut."""

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0, DEL, C1 · ALM, LRM, RLM, line and paragraph separators, bidi embeddings, overrides and isolates · surrogates."""


def visible(match: re.Match[str]) -> str:
    r"""One unsafe character as `\xNN` or `\uNNNN`."""
    point = ord(match.group())
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def safe_text(text: str) -> str:
    """The text with every unsafe character made visible, line feeds included."""
    return text if text.isascii() and text.isprintable() else UNSAFE.sub(visible, text)


def safe_line(line: bytes) -> str:
    """One line as a peer sent it, without its line end, as safe text."""
    return safe_text(line.decode("utf-8", "backslashreplace"))


def cut(text: str) -> str:
    """The text within the limit of a record's field."""
    return text if len(text) <= TEXT_LIMIT_CHARS else text[:TEXT_LIMIT_CHARS]


QUOTED_CHARS = 80
"""How much of an unusable text an error message repeats."""


def quoted(text: str) -> str:
    """A text of any origin, fit to stand in an error message: cut, safe, between quotation marks."""
    return f"'{safe_text(text)}'" if len(text) <= QUOTED_CHARS else f"'{safe_text(text[:QUOTED_CHARS])}…'"
