from __future__ import annotations

import asyncio

import pytest

from scanner.pool.dial import DialFailed, dial
from scanner.pool.watch import Dialling, Watch
from scanner.terms import ProbeVerdict
from tests.pool.asking import LOOPBACK
from tests.pool.servers import Server, sockets, unanswered, until


class Alarm:
    """Something timed that notes when it was told."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.told: list[float] = []

    def expire(self, now: float) -> None:
        self.told.append(now)
        self.deadline = float("inf")


async def test_the_late_are_told_once_and_never_early() -> None:
    now = asyncio.get_running_loop().time()
    watch = Watch()
    late, later = Alarm(now), Alarm(now + 0.25)
    for each in (late, later, in_time := Alarm(now + 60)):
        watch.add(each)
    await until(lambda: bool(later.told))
    assert (len(late.told), len(later.told), in_time.told) == (1, 1, [])
    assert later.told[0] >= now + 0.25
    watch.close()


async def test_it_stops_when_nobody_is_left_and_starts_again_for_the_next() -> None:
    now = asyncio.get_running_loop().time()
    watch = Watch()
    first = Alarm(now + 60)
    watch.add(first)
    watch.discard(first)
    await until(lambda: watch.timer is None)
    watch.add(second := Alarm(now))
    await until(lambda: bool(second.told))
    watch.close()


async def test_closed_it_has_no_timer() -> None:
    watch = Watch()
    watch.add(Alarm(asyncio.get_running_loop().time() + 60))
    timer = watch.timer
    watch.close()
    assert timer is not None
    assert timer.cancelled()
    assert watch.timer is None


async def test_a_dial_that_is_late_is_a_timeout_and_its_task_goes_on() -> None:
    watch = Watch()
    with pytest.raises(TimeoutError), Dialling(watch, asyncio.get_running_loop().time() + 0.1):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)
    assert not watch.timed
    watch.close()


async def test_a_cancellation_from_outside_stays_one() -> None:
    """Also where the deadline passes in the same moment: a stopped run must not go on with a verdict."""
    for expires in (False, True):
        watch = Watch()
        limit = Dialling(watch, float("inf"))

        async def wait(limit: Dialling = limit) -> None:
            with limit:
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(wait())
            await until(lambda watch=watch: bool(watch.timed))  # type: ignore[misc]
            if expires:
                limit.expire(0.0)
            waiting.cancel()
        assert waiting.cancelled()
        assert not watch.timed
        watch.close()


@pytest.mark.parametrize("turns", range(12))
async def test_a_deadline_at_any_moment_of_a_dial_leaves_no_socket_and_no_cancellation(turns: int) -> None:
    """Turn by turn of the loop: before the connection, while it is made, when it is there (uvloop#738)."""
    watch, task, loop = Watch(), asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    async with Server() as server:
        before = sockets()
        for _ in range(10):
            limit = Dialling(watch, float("inf"))

            def ring(left: int, limit: Dialling = limit) -> None:
                if left and limit in watch.timed:
                    loop.call_soon(ring, left - 1, limit)
                elif limit in watch.timed:
                    limit.expire(0.0)

            loop.call_soon(ring, turns, limit)
            try:
                transport = await dial(
                    server.target, asyncio.Protocol, fence=LOOPBACK, typed=False, source=None, limit=limit
                )
            except DialFailed as error:
                assert error.verdict is ProbeVerdict.CONNECT_TIMEOUT  # noqa: PT017 - both ways are right
            else:
                transport.abort()
            await asyncio.sleep(0)
            assert task.cancelling() == 0
        await until(lambda: not server.open)
        await until(lambda: not sockets() - before)
    watch.close()


async def test_a_dial_nobody_answers_is_ended_by_the_watch() -> None:
    watch, loop = Watch(), asyncio.get_running_loop()
    with unanswered() as target:
        before = sockets()
        limit = Dialling(watch, loop.time() + 0.1)
        with pytest.raises(DialFailed) as caught:
            await dial(target, asyncio.Protocol, fence=LOOPBACK, typed=False, source=None, limit=limit)
        assert caught.value.verdict is ProbeVerdict.CONNECT_TIMEOUT
        await until(lambda: sockets() == before)
    watch.close()
