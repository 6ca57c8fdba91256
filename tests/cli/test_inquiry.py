from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
import uvloop

from scanner.cli.inquiry import on_inquiry, outlive_inquiries
from tests.pool.servers import until

if TYPE_CHECKING:
    from collections.abc import Iterator


def ask() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Whatever a test makes of the signal is over with it."""
    before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGUSR1, before)


class Answers:
    """Counts how often somebody was answered, and where."""

    def __init__(self) -> None:
        self.number = 0
        self.in_the_loop = True

    def __call__(self) -> None:
        self.number += 1
        self.in_the_loop &= asyncio.current_task() is None

    async def all_of_two(self) -> None:
        """Two questions, the second after the first one's answer."""
        with on_inquiry(self):
            for number in (1, 2):
                ask()
                await until(lambda number=number: self.number == number)  # type: ignore[misc]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_each_question_is_answered_from_the_loop(run: object) -> None:
    """Not inside of whatever the signal interrupts, which may be a line that is half shown."""
    answers = Answers()
    run(answers.all_of_two())  # type: ignore[operator]
    assert (answers.number, answers.in_the_loop) == (2, True)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_question_wakes_a_loop_that_waits(run: object) -> None:
    """Nothing else happens in it: no timer, no traffic."""

    async def asleep() -> None:
        answered = asyncio.Event()
        with on_inquiry(answered.set):
            asyncio.get_running_loop().call_later(0.01, ask)
            async with asyncio.timeout(10):
                await answered.wait()

    run(asleep())  # type: ignore[operator]


def test_no_question_ends_the_process_before_or_after_the_run() -> None:
    outlive_inquiries()
    ask()
    answers = Answers()
    uvloop.run(answers.all_of_two())
    ask()
    assert answers.number == 2


async def test_a_question_while_the_answer_goes_out_is_one_more() -> None:
    answers = Answers()

    def once_more() -> None:
        answers()
        if answers.number == 1:
            ask()

    with on_inquiry(once_more):
        ask()
        await until(lambda: answers.number == 2)


async def test_where_it_was_ignored_it_stays_ignored() -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    outlive_inquiries()
    answers = Answers()
    with on_inquiry(answers):
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        ask()
        await asyncio.sleep(0)
    assert (signal.getsignal(signal.SIGUSR1), answers.number) == (signal.SIG_IGN, 0)


async def test_somebody_else_s_handler_is_put_back() -> None:
    heard: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _frame: heard.append(number))
    outlive_inquiries()
    with on_inquiry(lambda: None):
        ask()
        await asyncio.sleep(0)
    assert heard == []
    ask()
    assert heard == [signal.SIGUSR1]
