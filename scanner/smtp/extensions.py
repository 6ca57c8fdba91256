"""What a server offers: the EHLO reply read as RFC 5321 4.1.1.1 has it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from scanner.escape import cut, safe_line

KEPT = 64
"""Extensions kept of one reply; real servers offer about twenty."""
CACHED_BYTES = 2048
"""Replies up to this size are read once per text: a provider's servers all say the same."""


class Extensions(NamedTuple):
    """`offered`: the lines as said, escaped, `PIPELINING` or `SIZE 10240000`; `hello`: the line above them."""

    offered: tuple[str, ...] = ()
    pipelining: bool = False
    starttls: bool = False
    surplus: int = 0
    """How many more were offered than are kept."""
    hello: str | None = None


def read_extensions(lines: tuple[bytes, ...]) -> Extensions:
    """The extensions that an EHLO reply's lines offer; its first line is the server's name."""
    return (remembered if sum(map(len, lines)) <= CACHED_BYTES else read)(lines)


def read(lines: tuple[bytes, ...]) -> Extensions:
    """As `read_extensions`, without memory."""
    offered = tuple(cut(safe_line(line).strip()) for line in lines[1 : KEPT + 1])
    keywords = {line.split(maxsplit=1)[0].upper() for line in offered if line}
    surplus = max(0, len(lines) - 1 - KEPT)
    hello = cut(safe_line(lines[0]).strip()) if lines else None
    return Extensions(offered, "PIPELINING" in keywords, "STARTTLS" in keywords, surplus, hello)


remembered = lru_cache(maxsize=1024)(read)
