"""Progress on stderr: one living line on a terminal, or one every few seconds, or JSON objects for programs."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import orjson

from scanner.cli.screen import DUMB
from scanner.cli.status import SAMPLE_S
from scanner.cli.telling import fields_of, report_of, sentence_of
from scanner.cli.warnings import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.cli.status import Gauge, Status

INTERVAL_S = {"line": 0.25, "plain": 5.0, "json": 5.0}


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
        say(f"mxsweep: {sentence_of(status)}")

    def close(self) -> None:
        """Nothing to put back."""


class JsonLine:
    """An object each time, for programs."""

    def show(self, status: Status) -> None:
        """Print it."""
        say(orjson.dumps(fields_of(status)).decode())

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
        self.live.update(self.text(sentence_of(status), no_wrap=True, overflow="ellipsis"), refresh=True)

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
def progress(kind: str, gauge: Gauge) -> Iterator[None]:
    """Show the status at intervals while the block runs; where none is shown, somebody may still ask for it."""
    with every(SAMPLE_S, gauge.sample):
        if kind == "none":
            yield
            return
        forms: dict[str, Callable[[], Line]] = {"line": LivingLine, "plain": PlainLine, "json": JsonLine}
        line = forms[kind]()
        with every(INTERVAL_S[kind], lambda: line.show(gauge.status(targets=kind == "json"))):
            try:
                yield
            finally:
                with suppress(OSError):  # the terminal may be gone
                    line.close()


@contextmanager
def every(interval_s: float, do: Callable[[], None]) -> Iterator[None]:
    """Do something at intervals while the block runs; a terminal that is gone is none of its business."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def tick() -> None:
        nonlocal timer
        with suppress(OSError):
            do()
        timer = loop.call_later(interval_s, tick)

    timer = loop.call_later(interval_s, tick)
    try:
        yield
    finally:
        timer.cancel()


def tell(status: Status, *, as_json: bool) -> None:
    """All of it at once, for who asked; above the living line where there is one."""
    if as_json:
        JsonLine().show(status)
        return
    for line in report_of(status):
        say(f"mxsweep: {line}")
