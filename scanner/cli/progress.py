"""Progress on stderr: one living line on a terminal, or one every few seconds, or JSON objects for programs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

from scanner.cli.screen import DUMB
from scanner.cli.warnings import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTERVAL_S = {"line": 0.25, "plain": 5.0, "json": 5.0}


class Status(NamedTuple):
    """Where a run is. `verdicts`: domains by verdict, the most frequent first."""

    items: int
    in_progress: int
    sessions: int
    elapsed_s: float
    verdicts: dict[str, int]

    def sentence(self) -> str:
        """For people, in one line."""
        rate = self.items / self.elapsed_s if self.elapsed_s else 0.0
        verdicts = ", ".join(f"{name} {number}" for name, number in list(self.verdicts.items())[:5])
        counts = (
            f"{self.items} domains done ({rate:.0f}/s), {self.in_progress} in progress, {self.sessions} connections"
        )
        return f"{counts}: {verdicts}" if verdicts else counts


class Line(Protocol):
    """What can show a status."""

    def show(self, status: Status) -> None:
        """Show it."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainLine:
    """A line each time."""

    def show(self, status: Status) -> None:
        """Print it."""
        say(f"mxsweep: {status.sentence()}")

    def close(self) -> None:
        """Nothing to put back."""


class JsonLine:
    """An object each time, for programs."""

    def show(self, status: Status) -> None:
        """Print it."""
        fields = status._asdict()
        fields["elapsed_s"] = round(status.elapsed_s, 1)
        say(orjson.dumps(fields).decode())

    def close(self) -> None:
        """Nothing to put back."""


class LivingLine:
    """One line that is written over, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 60 ms that only a terminal needs
        from rich.live import Live  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        self.text = Text
        self.live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self.live.start()

    def show(self, status: Status) -> None:
        """Write it over the last one."""
        self.live.update(self.text(status.sentence(), no_wrap=True, overflow="ellipsis"), refresh=True)

    def close(self) -> None:
        """Take the line away."""
        self.live.stop()


def kind_of(progress: str, *, quiet: bool) -> str:
    """Which form the options and the terminal ask for: line, plain, json or none."""
    if quiet or progress == "none":
        return "none"
    if progress == "auto":
        return "line" if sys.stderr.isatty() and not is_dumb() else "none"
    return progress


def is_dumb() -> bool:
    """A terminal that cannot write over a line."""
    return os.environ.get("TERM", "") in DUMB


@contextmanager
def progress(kind: str, status: Callable[[float], Status]) -> Iterator[None]:
    """Show the status at intervals while the block runs."""
    if kind == "none":
        yield
        return
    forms: dict[str, Callable[[], Line]] = {"line": LivingLine, "plain": PlainLine, "json": JsonLine}
    line = forms[kind]()
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    timer: asyncio.TimerHandle

    def tick() -> None:
        nonlocal timer
        with suppress(OSError):
            line.show(status(time.monotonic() - began))
        timer = loop.call_later(INTERVAL_S[kind], tick)

    timer = loop.call_later(INTERVAL_S[kind], tick)
    try:
        yield
    finally:
        timer.cancel()
        with suppress(OSError):  # the terminal may be gone
            line.close()
