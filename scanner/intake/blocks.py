"""Blocks of bytes to numbered lines, and lines to text; whatever the blocks' borders, the lines are the same.

Memory is bounded by one line's limit: of a longer line nothing is kept but that it was too long.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.intake.names import BLANKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE_LIMIT_BYTES = 65_536
"""Far more than a domain with the longest tag; what is longer is no list of ours but another kind of file."""

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""How UTF-16 (and UTF-32 in the common byte order) begins; UTF-8 never does."""


COMMENT = re.compile(r"(?:^|[ \t])#")


class BadText(ValueError):  # noqa: N818 - reads like its siblings
    """A line that is no text of ours; the sentence says why, without repeating bytes."""


class LineReader:
    """Splits a stream of blocks at LF. Lines are numbered from 1; None stands for one over LINE_LIMIT_BYTES."""

    def __init__(self) -> None:
        self.number = 0
        self.kept = bytearray()
        self.overlong = False

    def feed(self, block: bytes) -> list[tuple[int, bytes | None]]:
        """The lines that end in this block, without their LF."""
        first, *others = block.split(b"\n")
        self.keep(first)
        if not others:
            return []
        lines: list[tuple[int, bytes | None]] = [self.take()]
        rest = others.pop()
        start = self.number + 1
        if len(block) > LINE_LIMIT_BYTES:
            lines += enumerate([line if len(line) <= LINE_LIMIT_BYTES else None for line in others], start)
        else:
            lines += enumerate(others, start)
        self.number += len(others)
        self.keep(rest)
        return lines

    def finish(self) -> list[tuple[int, bytes | None]]:
        """The last line, where no LF ended it."""
        return [self.take()] if self.kept or self.overlong else []

    def keep(self, part: bytes) -> None:
        """Add to the line that has not ended yet."""
        if self.overlong or len(self.kept) + len(part) > LINE_LIMIT_BYTES:
            self.overlong = True
            self.kept.clear()
        else:
            self.kept += part

    def take(self) -> tuple[int, bytes | None]:
        """The line that ends here."""
        self.number += 1
        line = None if self.overlong else bytes(self.kept)
        self.overlong = False
        self.kept.clear()
        return self.number, line


def read_lines(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """All lines of a stream, numbered from 1; None stands for one over LINE_LIMIT_BYTES."""
    reader = LineReader()
    for block in blocks:
        yield from reader.feed(block)
    yield from reader.finish()


def line_text(line: bytes | None) -> str:
    """A line as text, without blanks around and without a byte order mark.

    Raises:
        BadText: too long, or no UTF-8.
    """
    if line is None:
        raise BadText(f"longer than {LINE_LIMIT_BYTES} bytes")
    if line.startswith(UTF16_MARKS):
        raise BadText("this is UTF-16, not UTF-8; to convert it: iconv -f UTF-16 -t UTF-8")
    try:
        return line.decode().strip(BLANKS)
    except UnicodeDecodeError as error:
        raise BadText(f"not UTF-8 (byte 0x{line[error.start]:02x} at {error.start + 1})") from None


def without_comment(text: str, start: int = 0) -> str:
    """The text up to a `#` that stands at its beginning or behind a blank, without the blanks before it.

    Args:
        text: one line, without blanks around.
        start: no comment begins before this place.
    """
    comment = COMMENT.search(text, start)
    return text[: comment.start()].rstrip(BLANKS) if comment else text
