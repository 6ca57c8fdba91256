"""`mxsweep explain`: what replies mean, told to people, or JSON lines answered with JSON lines."""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import closing
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING

import click

from scanner.cli.answering import answer_all
from scanner.cli.exits import Exit
from scanner.cli.explanation import Explainer
from scanner.cli.options import as_click
from scanner.cli.screen import Screen, colour_wanted
from scanner.cli.warnings import say
from scanner.escape import quoted
from scanner.intake.blocks import LINE_LIMIT_BYTES, UTF16_MARKS, LineReader
from scanner.quotations.text import QuotationReader, read_quotation
from scanner.records.output import ReaderGone
from scanner.settings import Settings
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.cli.answering import NumberedLines

STDIN = "-"
BLOCK_BYTES = 64 * 1024
BLANK = b" \t\r\n\xef\xbb\xbf"
"""White space and the bytes of a byte order mark."""
JSON = re.compile(rb"\{(?!LED=|LRT=|MSG=|FQDN=|IP=)")
"""How JSON lines begin, and not what Exchange says of its last error."""
SETTINGS = {setting.name: setting for setting in fields(Settings)}


@click.command()
@click.argument("replies", nargs=-1, metavar="[REPLY]...")
@click.option("-i", "--input", "path", metavar="FILE", help="Read replies from FILE: text, or JSON lines.")
@as_click(SETTINGS["strict"])
@as_click(SETTINGS["color"])
def command(replies: tuple[str, ...], path: str | None, *, strict: bool, color: str) -> int:
    """Say what a mail server's reply means: from a log, a bounce or a telnet window, one or many.

    Replies are arguments, one each, or text in FILE or on standard input: reply lines, log lines of Postfix, Exim,
    Sendmail or qmail, bounces of these and of Exchange and Gmail, sessions of telnet or swaks.

    Where the input begins with `{` it is JSON lines, objects with code, enhanced, text and stage; each is answered with
    one JSON line: the same fields, then verdict, standing, about, transient, confidence and rule.
    """
    if sys.stdout is None:
        raise UsageError("stdout is closed: open it")
    if replies and path is not None:
        raise UsageError("replies as arguments or -i FILE, not both")
    if replies:
        return explain_arguments(replies, color)
    with closing(Blocks(path)) as blocks:
        return explain_portions(portions_of(blocks), blocks.name, strict=strict, color=color)


def explain_portions(portions: Iterator[NumberedLines], name: str, *, strict: bool, color: str) -> int:
    """All of the input, by what its first line with text begins with."""
    first = next((portion for portion in portions if any(map(has_text, portion))), None)
    if first is None:
        raise UsageError(f"{name}: no reply in it")
    text = next(line for number, line in first if has_text((number, line))) or b""
    if text.startswith(UTF16_MARKS):
        raise UsageError(f"{name}: this is UTF-16, not UTF-8; to convert it: iconv -f UTF-16 -t UTF-8")
    portions = chain([first], portions)
    if JSON.match(text.lstrip(BLANK)) is None:
        return explain_text(portions, name, color)
    try:
        answer_all(portions, name, strict=strict)
    except ReaderGone:
        return Exit.INCOMPLETE
    return Exit.CLEAN


def explain_arguments(replies: tuple[str, ...], color: str) -> int:
    """Each argument for itself, to people."""
    screen = Screen(colour=colour_wanted(color))
    explainer = Explainer(screen)
    for number, reply in enumerate(replies, 1):
        found = read_quotation(reply.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
        if not found:
            raise UsageError(f"argument {number}: no reply in {quoted(reply)}")
        for each in found:
            explainer.explain(each)
    screen.check()
    return Exit.CLEAN


def explain_text(portions: Iterator[NumberedLines], name: str, color: str) -> int:
    """A text that quotes replies, to people, as it comes."""
    screen = Screen(colour=colour_wanted(color))
    explainer, reader = Explainer(screen), QuotationReader()
    for portion in portions:
        for number, line in portion:
            if line is None:
                say(f"mxsweep: line {number}: longer than {LINE_LIMIT_BYTES} bytes; skipped")
                continue
            for each in reader.feed(line.decode("utf-8", "backslashreplace").lstrip("\ufeff")):
                explainer.explain(each)
        screen.check()
    for each in reader.finish():
        explainer.explain(each)
    screen.check()
    if not explainer.number:
        raise UsageError(f"{name}: no reply in it")
    return Exit.CLEAN


def portions_of(blocks: Iterable[bytes]) -> Iterator[NumberedLines]:
    """The lines of each block, as they come."""
    reader = LineReader()
    for block in blocks:
        yield reader.feed(block)
    yield reader.finish()


def has_text(numbered: tuple[int, bytes | None]) -> bool:
    """Whether a line is more than blanks."""
    return numbered[1] is None or bool(numbered[1].strip(BLANK))


class Blocks:
    """The input in blocks, as they come.

    Args:
        path: of the input, `-` or None for standard input.

    Raises:
        UsageError: it cannot be read, or there is none.
    """

    def __init__(self, path: str | None) -> None:
        self.name = "standard input" if path in (None, STDIN) else str(path)
        if path is None and (sys.stdin is None or sys.stdin.closed or sys.stdin.isatty()):
            raise UsageError("nothing to explain: give a reply, -i FILE, or pipe text into standard input")
        if path not in (None, STDIN):
            try:
                self.fd = os.open(str(path), os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror}") from error
        elif sys.stdin is None or sys.stdin.closed:
            raise UsageError("standard input is closed: give a reply, or -i FILE")
        else:
            self.fd = os.dup(sys.stdin.fileno())
        if stat.S_ISDIR(os.fstat(self.fd).st_mode):
            self.close()
            raise UsageError(f"{self.name}: is a directory")

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                block = os.read(self.fd, BLOCK_BYTES)
            except OSError as error:
                raise UsageError(f"{self.name}: {error.strerror}") from error
            if not block:
                return
            yield block

    def close(self) -> None:
        """Let go of the input."""
        os.close(self.fd)
