"""SIGUSR1 asks how far a run is. Its default is to end the process, which no question should."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def outlive_inquiries() -> None:
    """For what is before and after the run: SIGUSR1 does nothing. One that was ignored stays ignored."""
    if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
        signal.signal(signal.SIGUSR1, nobody_answers)


def nobody_answers(_number: int, _frame: object) -> None:
    """Nothing to tell yet, or no more."""


@contextmanager
def on_inquiry(answer: Callable[[], None]) -> Iterator[None]:
    """Answer SIGUSR1 from the loop while the block runs, however it found us; where it was ignored it stays so.

    Not by `add_signal_handler`: its removal puts the default back, and the next signal would end the process.
    """
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGUSR1)
    if before is signal.SIG_IGN or before is None:
        yield
        return

    def heard(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(answer)  # here and now it could be in the middle of a line that is being shown

    signal.signal(signal.SIGUSR1, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)
