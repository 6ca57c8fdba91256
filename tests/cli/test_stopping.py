from __future__ import annotations

import asyncio
import os
import signal

import pytest

from scanner.cli.stopping import DRAIN_S, SIGNALS, WRITE_S, Stopping, on_signals
from tests.pool.servers import until


class Asked:
    """A wish to stop, its limits entered, and how often no more was to be admitted."""

    def __init__(self) -> None:
        self.limit, self.last = asyncio.timeout(None), asyncio.timeout(None)
        self.calls = 0
        self.stopping = Stopping(self.limit, self.no_more, self.last)

    def no_more(self) -> None:
        self.calls += 1

    def left_s(self) -> tuple[float | None, ...]:
        """Until each limit, rounded to the second."""
        now = asyncio.get_running_loop().time()
        return tuple(None if (at := limit.when()) is None else round(at - now) for limit in (self.limit, self.last))


async def test_the_first_wish_drains_and_the_second_stops_now() -> None:
    asked = Asked()
    with pytest.raises(TimeoutError):  # noqa: PT012 - the wish is a wish inside the run
        async with asked.last, asked.limit:
            assert (asked.left_s(), asked.stopping.asked) == ((None, None), False)
            asked.stopping.ask()
            assert (asked.left_s(), asked.stopping.asked, asked.calls) == ((DRAIN_S, DRAIN_S + WRITE_S), True, 1)
            asked.stopping.ask()
            assert asked.left_s() == (0, WRITE_S)
            await asyncio.Event().wait()
    assert asked.limit.expired()
    assert not asked.last.expired()


async def test_draining_of_itself_sets_no_limit() -> None:
    asked = Asked()
    async with asked.last, asked.limit:
        asked.stopping.drain()
        assert (asked.left_s(), asked.stopping.asked, asked.calls) == ((None, None), True, 1)


async def test_a_wish_after_the_run_limits_what_is_left_of_the_output() -> None:
    asked = Asked()
    async with asked.last:
        async with asked.limit:
            pass
        asked.stopping.ask()
        assert asked.left_s() == (None, DRAIN_S + WRITE_S)


@pytest.mark.parametrize("number", SIGNALS)
async def test_each_signal_is_a_wish_and_only_inside_the_block(number: signal.Signals) -> None:
    asked = Asked()
    async with asked.last, asked.limit:
        with on_signals(asked.stopping):
            os.kill(os.getpid(), number)
            await until(lambda: asked.stopping.asked)
    assert signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL)
    assert asked.calls == 1


async def test_a_signal_that_was_ignored_stays_ignored() -> None:
    asked = Asked()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with asked.last, asked.limit:
            with on_signals(asked.stopping):
                assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
                os.kill(os.getpid(), signal.SIGHUP)
                await asyncio.sleep(0)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not asked.stopping.asked
