"""What is said on stderr: safe for a terminal, and never a reason to fail.

A run does not depend on whoever reads its stderr: when that pipe or terminal goes away, the records go on.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

import click

from scanner.escape import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

KEPT = 100
"""More different warnings than these help nobody."""


def say(text: str, *, color: bool | None = None, styled: bool = False) -> None:
    """One line on stderr. `styled`: it holds our own colours, and what others said in it is already safe."""
    with contextlib.suppress(OSError):
        # To `sys.stderr` as it is now: while a living line stands there, what is said goes above it.
        click.echo(text if styled else safe_text(text), file=sys.stderr, err=True, color=color)


class Warnings:
    """What the operator was told; each once, and kept for the records."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        """Say and keep a sentence; the same one again is not news."""
        if text in self.texts or len(self.texts) >= KEPT:
            return
        self.texts.append(text)
        say(f"mxsweep: warning: {text}")

    def carry_over(self, texts: Iterable[str]) -> None:
        """What was said in an earlier part of the run comes first, and is not said again."""
        self.texts = list(dict.fromkeys([*texts, *self.texts]))[:KEPT]


CONTINUED = "\n  "
"""No line but a message's first begins as ours do: whom an exception quotes cannot say a line of its own."""


class SafeFormatter(logging.Formatter):
    """Logs and tracebacks can quote strangers too."""

    def format(self, record: logging.LogRecord) -> str:
        """The usual text, each of its lines safe, all but the first indented."""
        return CONTINUED.join(map(safe_text, super().format(record).split("\n")))


class StderrAsItIs(logging.Handler):
    """To stderr as it is at that moment: a living line puts its own in its place, to be written above it."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record and its traceback."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(self.format(record) + "\n")


def log_to_stderr() -> None:
    """Let what the rooms log be seen: warnings and worse."""
    handler = StderrAsItIs()
    handler.setFormatter(SafeFormatter("mxsweep: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
