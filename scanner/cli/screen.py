"""Standard output for people: a line as soon as it is there, coloured where that is wanted."""

from __future__ import annotations

import io
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

WIDTH_AT_MOST = 100
"""Longer lines are hard to read."""
DUMB = frozenset({"", "dumb"})


def colour_wanted(setting: str, stream: TextIO | None = None) -> bool:
    """Whether to colour what goes to a stream (None: stdout): by `--color`, else by terminal, `NO_COLOR`, `TERM`."""
    if setting != "auto":
        return setting == "always"
    stream = stream or sys.stdout
    if stream is None or not stream.isatty():
        return False
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in DUMB


class Screen:
    """Where lines are shown.

    A line that cannot be shown must not raise where it is said, which may be deep in the loop's own calls: the failure
    is kept for `check`, and `stop` is called.

    Attributes:
        lines: how many were shown.
        stop: called at the first failure.
    """

    def __init__(self, *, colour: bool) -> None:
        self.colour = colour
        self.lines = 0
        self.failure: OSError | None = None
        self.stop: Callable[[], None] = lambda: None
        self.width = min(WIDTH_AT_MOST, shutil.get_terminal_size((WIDTH_AT_MOST, 24)).columns)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a locale that lacks a peer's letters

    def line(self, text: str) -> None:
        """Show one line, which is safe and may hold our styles."""
        if self.failure is not None:
            return
        try:
            click.echo(text, color=self.colour)
            self.lines += 1
        except OSError as error:
            self.failure = error
            self.stop()

    def paragraph(self, text: str, *, indent: str) -> None:
        """Show a text without styles, filled into lines."""
        for line in filled(text, self.width, indent):
            self.line(line)

    def check(self) -> None:
        """Say what has failed.

        Raises:
            BrokenPipeError: the reader is gone.
            LocalFault: anything else.
        """
        if isinstance(self.failure, BrokenPipeError):
            raise self.failure
        if self.failure is not None:
            raise LocalFault(f"stdout: {self.failure.strerror}") from self.failure


def filled(text: str, width: int, indent: str) -> Iterator[str]:
    """A text in lines of a width, indented; a word is never broken."""
    yield from textwrap.wrap(
        text,
        max(width, len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
