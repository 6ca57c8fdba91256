r"""A reply's own words, as somebody quotes them: with a code or without, on one line or several, wrapped or run on.

Codes are looked for where a reply has them and nowhere else: at its beginning, and at the beginning of its further
lines. Addresses, sizes and identifiers look like codes, and a reply may quote another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.quotations.quoted import Quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.terms import Stage

BASIC = re.compile(
    r"(?P<code>\d{3})(?:-(?!\d{3}-|\d{4}(?!\d))| (?=\S)|[ \t]*$|[:,]\s|[ \t]{2,}"
    r"|[_ ](?=#?\d\.\d{1,3}\.\d)|(?=#\d\.\d))"
)
"""A code, and what sets it off; a telephone number or a date goes on with digits."""
ENHANCED = re.compile(r"[#(\[]*([245]\.\d{1,3}\.\d{1,3})(?![.\d]*\d)[)\]]?")
"""At the beginning of a reply's text; Cisco's appliances write `#5.1.0`."""
ENHANCED_QMAIL = re.compile(r"\(#([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
LITERAL_LINE_FEED = re.compile(r"\\(?:r\\)?n(?=\d{3}[ -])")
"""Exim writes the line ends of a reply into its log as backslash and n."""
TERMINAL_WIDTHS = frozenset({80, 100, 120, 132, 160, 200})
LEAST_WIDTH = 60
"""Several lines of one length, and no shorter than this, were cut and not folded."""
FIRST_CODE, LAST_CODE = 200, 599


def begins_reply(line: str) -> bool:
    """Whether a line begins as a line of a reply does, with a code of SMTP."""
    found = BASIC.match(line)
    return found is not None and FIRST_CODE <= int(found.group("code")) <= LAST_CODE


def goes_on(line: str) -> bool:
    """Whether a line of a reply says that another follows."""
    return line[3:4] == "-"


def read_reply(lines: Iterable[str], stage: Stage | None = None) -> Quoted:
    """One reply.

    Args:
        lines: as they stand in the quotation, without what stands before the reply.
        stage: of the command that it answers, where that is known.
    """
    parts = [part for line in lines for part in LITERAL_LINE_FEED.split(line)]
    first = next((part.strip() for part in parts if part.strip()), "")
    found = BASIC.match(first)
    code = int(found.group("code")) if found else None
    texts: list[str] = []
    whole = unwrapped(parts, None if found is None else found.group("code"))
    for part in whole:
        text = part.strip()
        if found is None:
            texts.append(text)
        elif goes_on(text):
            texts += run_on(text, found.group("code"), several=len(whole) > 1)
        else:
            texts.append(BASIC.sub("", text, count=1).strip())
    text = "\n".join(text for text in texts)
    return Quoted(code, enhanced_of(texts), text, stage)


def unwrapped(parts: list[str], code: str | None) -> list[str]:
    """The reply's own lines: what a mail client or a terminal broke is whole again."""
    whole: list[list[str]] = []
    for part in parts:
        text = part.strip()
        if not text:
            continue
        begins = code is None or (text.startswith(code) and BASIC.match(text) is not None)
        if whole and not (begins and code is not None):
            whole[-1].append(part)
        else:
            whole.append([part])
    return [joined(broken) for broken in whole]


def joined(broken: list[str]) -> str:
    """One line of its pieces: put together without a blank where a terminal cut all of them at its width."""
    if len(broken) == 1:
        return broken[0]
    widths = {len(piece) for piece in broken[:-1]}
    cut = not any(piece.startswith("  ") for piece in broken)
    if cut and len(widths) == 1 and (widths <= TERMINAL_WIDTHS or (len(broken) > 2 and min(widths) >= LEAST_WIDTH)):
        return "".join(broken)
    return " ".join(piece.strip() for piece in broken)


def run_on(text: str, code: str, *, several: bool) -> list[str]:
    """The lines of a reply that a log wrote on one: `550-5.1.1 No such 550 5.1.1 user`.

    Args:
        text: a line with its code, which says that another follows.
        code: of the reply.
        several: the reply has further lines; then the last does not begin on this one, unless an enhanced code says so.
    """
    *lines, rest = text[4:].split(f" {code}-")
    last = rest.find(f" {code} ")
    at = last
    while at >= 0 and not ENHANCED.match(rest, at + 5):
        at = rest.find(f" {code} ", at + 4)
    if ENHANCED.match(text, 4) and at >= 0:
        last = at
    elif several:
        last = -1
    if last >= 0:
        lines.append(rest[:last])
        rest = rest[last + 5 :]
    return [line.strip() for line in (*lines, rest)]


def enhanced_of(texts: list[str]) -> str | None:
    """The enhanced code: the last line's that has one at its beginning, or qmail's, in the text."""
    for text in reversed(texts):
        if found := ENHANCED.match(text):
            return found.group(1)
    found = ENHANCED_QMAIL.search(texts[-1]) if texts else None
    return found.group(1) if found else None
