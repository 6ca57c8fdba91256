"""How a run is stopped: SIGINT, SIGTERM and SIGHUP stop admitting and drain; a second signal stops at once."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRAIN_S = 10.0
"""How long what is under way may take to end after the first signal."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """The wish to stop, and the time limit that it sets.

    Args:
        limit: the `asyncio.timeout` round the run, already entered.
        no_more: called at the first wish: nothing new is admitted from then on.
    """

    def __init__(self, limit: asyncio.Timeout, no_more: Callable[[], None]) -> None:
        self.limit = limit
        self.no_more = no_more
        self.asked = False

    def ask(self) -> None:
        """Stop admitting and drain; asked again, stop now."""
        now = asyncio.get_running_loop().time()
        self.limit.reschedule(now + (0.0 if self.asked else DRAIN_S))
        self.drain()

    def drain(self) -> None:
        """Stop admitting; what is under way may end by itself, however long that takes."""
        self.asked = True
        self.no_more()


@contextmanager
def on_signals(stopping: Stopping) -> Iterator[None]:
    """Let signals ask; one that was ignored when we were started (nohup) stays ignored."""
    loop = asyncio.get_running_loop()
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        loop.add_signal_handler(number, stopping.ask)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
