"""How a run is stopped: SIGINT, SIGTERM and SIGHUP stop admitting and drain; a second signal stops at once."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRAIN_S = 10.0
"""How long what is under way may take to end after the first signal."""
WRITE_S = 1.0
"""How much longer the output may take for what was written until then; a stalled reader holds it up."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """The wish to stop, and the time limits that it sets.

    Args:
        limit: the `asyncio.timeout` round the run; entered by the time somebody asks.
        no_more: called at the first wish: nothing new is admitted from then on.
        last: the one round the output too, which may take `WRITE_S` longer.
    """

    def __init__(
        self, limit: asyncio.Timeout, no_more: Callable[[], None], last: asyncio.Timeout | None = None
    ) -> None:
        self.limit = limit
        self.no_more = no_more
        self.last = last
        self.asked = False

    def ask(self) -> None:
        """Stop admitting and drain; asked again, stop now."""
        at = asyncio.get_running_loop().time() + (0.0 if self.asked else DRAIN_S)
        end_by(self.limit, at)
        if self.last is not None:
            end_by(self.last, at + WRITE_S)
        self.drain()

    def time_is_up(self) -> None:
        """As a first signal; nothing new where somebody has asked before."""
        if not self.asked:
            self.ask()

    def drain(self) -> None:
        """Stop admitting; what is under way may end by itself, however long that takes."""
        self.asked = True
        self.no_more()


def end_by(limit: asyncio.Timeout, at: float) -> None:
    """Set a limit, unless what it limits is over."""
    with suppress(RuntimeError):
        limit.reschedule(at)


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
