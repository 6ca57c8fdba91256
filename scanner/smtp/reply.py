"""Bytes of a mail server to replies (RFC 5321 4.2), and what is no reply.

Strict where a lenient reader would invent an answer: three digits 200-599, then a space, a hyphen or the line's end.
Lenient where servers are known to differ and the meaning stays clear: a bare LF ends a line, a text may be missing,
8-bit or cut. The first impossible byte ends the stream (`ReplyReader.garbage`): an HTTP server is known by its `H`,
not by a time-out. Any split of a stream gives the same replies.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from scanner.escape import cut, safe_line

LINE_KEPT_BYTES = 8 * 1024
"""What is kept of a line; RFC 5321 4.5.3.1.5 grants a reply line 512 octets, real servers stay below 4 KB."""
REPLY_LIMIT_BYTES = 64 * 1024
"""A longer reply is no reply: endless lines and endless continuations end here."""
REPLY_LIMIT_LINES = 512
REMEMBERED_BYTES = 1024
"""Portions up to this size are read once per text: hosts greet, offer and accept in the same words all day long."""

CODES = {b"%d" % code: code for code in range(200, 600)}
ONE_LINE_EACH = re.compile(rb"(?:[2-5][0-9][0-9](?: [^\r\n]*)?\r\n)+")
"""Whole replies of one line, as RFC 5321 has them: nothing about them is odd."""
BEGINNING = re.compile(rb"(?:[2-5](?:[0-9](?:[0-9](?:\r|[ -].*)?)?)?)?", re.DOTALL)
"""What an unfinished line may look like so far."""
ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
"""RFC 2034: right after the basic code."""
ENHANCED_QMAIL = re.compile(r"\(#([245]\.\d{1,3}\.\d{1,3})\b")
"""qmail and its descendants put it in the text: `sorry, no mailbox here by that name (#5.1.1)`."""


class Reply(NamedTuple):
    """One whole reply. `lines` are its texts without code, separator and line end, as sent; there is at least one."""

    code: int
    lines: tuple[bytes, ...]
    mixed: bool = False
    """Lines of different classes (RFC 5321 4.2.1 forbids it): nobody can say what was meant."""
    flaws: tuple[str, ...] = ()
    """What was odd about its form: `bare LF`, `long line`, `no CRLF`."""


def text_of(reply: Reply) -> str:
    """All lines joined by a line feed, escaped (`scanner.escape`), cut to a record's limit."""
    return cut("\n".join([safe_line(line) for line in reply.lines]))


def enhanced_of(reply: Reply) -> str | None:
    """The enhanced status code (RFC 3463) of the last line; None where it carries none."""
    last = safe_line(reply.lines[-1])
    if match := ENHANCED.match(last):
        return match.group()
    if match := ENHANCED_QMAIL.search(last):
        return match.group(1)
    return None


class ReplyReader:
    """Collects bytes, gives whole replies. After `garbage` is set it takes nothing more."""

    __slots__ = ("classes", "flaws", "garbage", "lines", "overlong_bytes", "rest", "size_bytes")

    def __init__(self) -> None:
        self.garbage: str | None = None
        """Why what came is no SMTP, in words; None as long as it is."""
        self.rest = b""
        self.overlong_bytes = 0  # of the unfinished line, beyond what is kept
        self.forget()

    def forget(self) -> None:
        """Begin the next reply."""
        self.lines: list[bytes] = []
        self.classes: list[bytes] = []
        self.flaws: list[str] = []
        self.size_bytes = 0

    @property
    def unfinished(self) -> bool:
        """Bytes of a reply have come that is not whole yet."""
        return bool(self.rest or self.lines)

    def receive(self, data: bytes) -> list[Reply]:
        """The replies that are whole now; look at `garbage` after them."""
        if self.garbage is not None:
            return []
        if len(data) <= REMEMBERED_BYTES and not self.rest and not self.lines:
            known = whole_replies(data)
            if known is not None:
                return list(known)
        return self.read(data)

    def read(self, data: bytes) -> list[Reply]:
        """As `receive`, line by line."""
        pieces = data.split(b"\n")
        pieces[0] = self.rest + pieces[0]
        self.rest = pieces.pop()
        replies: list[Reply] = []
        for piece in pieces:
            length = len(piece) + self.overlong_bytes
            self.overlong_bytes = 0
            reply = self.take_line(piece, length)
            if self.garbage is not None:
                return replies
            if reply is not None:
                replies.append(reply)
        if self.rest:
            self.check_rest()
        return replies

    def check_rest(self) -> None:
        """An unfinished line must still be able to become a line of a reply, and stays bounded."""
        length = len(self.rest) + self.overlong_bytes
        if not BEGINNING.fullmatch(self.rest[:5]):
            self.not_smtp(self.rest)
        elif self.size_bytes + length > REPLY_LIMIT_BYTES:
            self.too_long()
        elif len(self.rest) > LINE_KEPT_BYTES + 1:
            self.overlong_bytes = length - (LINE_KEPT_BYTES + 1)
            self.rest = self.rest[: LINE_KEPT_BYTES + 1]

    def take_line(self, line: bytes, length: int) -> Reply | None:
        """One line up to its LF, `length` bytes with what was not kept; the reply that it finishes."""
        self.size_bytes += length + 1
        if length > LINE_KEPT_BYTES:
            line = line[:LINE_KEPT_BYTES]
            self.flaw("long line")
        elif line.endswith(b"\r"):
            line = line[:-1]
        else:
            self.flaw("bare LF")
        code = CODES.get(line[:3])
        separator = line[3:4]
        if code is None or separator not in (b" ", b"-", b""):
            self.not_smtp(line)
            return None
        if self.size_bytes > REPLY_LIMIT_BYTES or len(self.lines) >= REPLY_LIMIT_LINES:
            self.too_long()
            return None
        self.lines.append(line[4:])
        if separator == b"-":
            self.classes.append(line[:1])
            return None
        return self.whole(code)

    def whole(self, code: int) -> Reply:
        """The reply that just ended. Within one class the last line's code counts, as Postfix has it."""
        mixed = bool(self.classes) and set(self.classes) != {b"%d" % (code // 100)}
        reply = Reply(code, tuple(self.lines), mixed, tuple(self.flaws))
        self.forget()
        return reply

    def finish(self) -> Reply | None:
        """At the end of the stream: a whole last line that only lacks its line end counts, and says so."""
        line = self.rest.removesuffix(b"\r")
        self.rest = b""
        if self.garbage is not None or self.overlong_bytes:
            return None
        code = CODES.get(line[:3])
        if code is None or line[3:4] not in (b" ", b""):
            return None
        self.flaw("no CRLF")
        self.lines.append(line[4:])
        return self.whole(code)

    def flaw(self, name: str) -> None:
        """Remember an oddity of the reply under way, once."""
        if name not in self.flaws:
            self.flaws.append(name)

    def not_smtp(self, line: bytes) -> None:
        """Give up on the stream: this line can be no reply's."""
        self.garbage = f"not an SMTP reply: {safe_line(line[:80])!r}"
        self.rest = b""

    def too_long(self) -> None:
        """Give up on the stream: nobody reads this much."""
        self.garbage = f"a reply of more than {REPLY_LIMIT_BYTES} bytes or {REPLY_LIMIT_LINES} lines"
        self.rest = b""


@lru_cache(maxsize=2048)
def whole_replies(data: bytes) -> tuple[Reply, ...] | None:
    """The replies of a portion, not a large one, that begins and ends with one; None where anything is odd about it."""
    if ONE_LINE_EACH.fullmatch(data):
        return tuple([Reply(CODES[line[:3]], (line[4:],)) for line in data.split(b"\r\n")[:-1]])
    reader = ReplyReader()
    replies = reader.read(data)
    odd = reader.garbage is not None or reader.unfinished or any(reply.flaws for reply in replies)
    return None if odd else tuple(replies)
