"""The sweep wired: targets in, one verdict per target out, in order of completion.

A target's tests follow each other: the answer to one says what is asked next, in the same session as long as its limits
allow. Nothing here is a task but the reader, and a look-up for a target whose greeting did not tell its name.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from scanner.addresses import literal_of, parse_address
from scanner.pool.probe import Probe
from scanner.pool.session import internal_error
from scanner.relay.course import Course
from scanner.relay.patterns import Names, host_of
from scanner.relay.verdict import Swept, judge_tests
from scanner.run.verdict import judge
from scanner.smtp.outcome import Outcome
from scanner.terms import ProbeVerdict, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from scanner.pool.pool import Pool
    from scanner.pool.probe import Answer
    from scanner.relay.course import RelayTest
    from scanner.relay.patterns import Pattern
    from scanner.smtp.outcome import Question

logger = logging.getLogger(__name__)

NAMELESS = "no host name: tests that need one skipped"


class SweepItem(NamedTuple):
    """One target. `seq`: its number, from 0. `name`: the host name that the operator typed, if it was one."""

    seq: int
    target: Target
    name: str | None = None


class SweptTarget(NamedTuple):
    """A target's final result. `answer`: of the question that its verdict rests on."""

    item: SweepItem
    question: Question
    answer: Answer
    swept: Swept
    tests: tuple[RelayTest, ...]
    notes: tuple[str, ...] = ()


class Testing:
    """A target whose tests are under way."""

    __test__ = False  # for pytest
    __slots__ = ("answers", "course", "item", "number", "question")

    def __init__(self, item: SweepItem, course: Course) -> None:
        self.item = item
        self.course = course
        self.number = 0
        self.question: Question | None = None
        self.answers: dict[Question, Answer] = {}


class RelayQuestions(NamedTuple):
    """What is asked of every target. `canary`: local part, domain; `sender_domain`: of --sender, None without one."""

    patterns: Sequence[Pattern]
    canary: tuple[str, str]
    sender_domain: str | None = None
    data: bool = False
    every: bool = False


class InMemory:
    """Where the targets of a sweep are: in memory, all of them."""

    parked = 0

    def __init__(self, pending: dict[int, Testing]) -> None:
        self.pending = pending

    @property
    def used(self) -> int:
        """Probes in memory: each target has one at a time."""
        return len(self.pending)

    def parked_at(self) -> tuple[tuple[str, int], ...]:
        """Nothing waits on disk: each target is asked about itself only."""
        return ()


class Sweep:
    """One run over a stream of targets.

    Args:
        questions: what is asked.
        word: gives a local part that nobody has, another one for each target.
        name_of: looks up an address' name in reverse DNS.
        deliver: gets each target's result, once.
        most: targets in memory.
        ahead: targets that wait for nothing but their first dial.
    """

    def __init__(  # noqa: PLR0913 - both ends, and what lies between them
        self,
        questions: RelayQuestions,
        *,
        word: Callable[[], str],
        name_of: Callable[[str], Coroutine[None, None, str | None]],
        deliver: Callable[[SweptTarget], None],
        most: int = 20_000,
        ahead: int = 500,
    ) -> None:
        self.questions = questions
        self.word = word
        self.name_of = name_of
        self.deliver = deliver
        self.most = most
        self.ahead = ahead
        self.pool: Pool
        self.tasks: asyncio.TaskGroup
        self.pending: dict[int, Testing] = {}
        self.window = InMemory(self.pending)
        self.retries = None
        self.freed = asyncio.Event()
        self.stopped = False

    async def run(self, targets: AsyncIterator[SweepItem], pool: Pool) -> None:
        """Test all targets; ends when the last result was delivered, or after `stop` with the last under way.

        Raises:
            LocalFault: our resolver is gone, or we are short of something for too long.
        """
        self.pool = pool
        async with asyncio.TaskGroup() as self.tasks:
            async for item in targets:
                self.begin(item)
                while len(self.pending) >= self.most or pool.waiting_for_a_dial >= self.ahead:
                    await self.wait()
            while self.pending:
                await self.wait()

    def stop(self) -> None:
        """What is under way may end; no target is taken any more."""
        self.stopped = True
        self.freed.set()

    async def wait(self) -> None:
        """Until a target has ended."""
        self.freed.clear()
        await self.freed.wait()

    def begin(self, item: SweepItem) -> None:
        """Ask a target's first question."""
        local_part, domain = self.questions.canary
        literal = literal_of(parse_address(item.target.address))
        names = Names(local_part, domain, self.questions.sender_domain, literal, None, self.word())
        course = Course(self.questions.patterns, names, data=self.questions.data, every=self.questions.every)
        testing = self.pending[item.seq] = Testing(item, course)
        self.go_on(testing)

    def settle(self, probe: Probe, answer: Answer) -> None:
        """The pool's answer to one question; the next one follows at once, so that its session takes it."""
        testing = self.pending[probe.seq]
        course, question = testing.course, testing.question
        if question is None:
            raise TypeError("an answer to no question")
        testing.answers[question] = answer
        try:
            course.take(answer.outcome, judge(answer.outcome))
        except Exception as error:
            logger.exception("internal error in judging what %s said", probe.target.address)
            outcome = Outcome(answer.outcome.stage, trouble=ProbeVerdict.LOCAL_ERROR, error=internal_error(error))
            testing.answers[question] = answer._replace(outcome=outcome)
            course.take(outcome, judge(outcome))
        if not course.host_known and (host := host_of(answer.server.banner)) is not None:
            course.name_host(host)
        self.go_on(testing)

    def go_on(self, testing: Testing) -> None:
        """Ask what comes next, or finish."""
        course, target = testing.course, testing.item.target
        if course.waits_for_host and testing.answers:
            self.tasks.create_task(self.look_up_name(testing))
            return
        question = course.next()
        if question is None:
            self.finish(testing)
            return
        testing.question = question
        testing.number += 1
        self.pool.submit(Probe(testing.item.seq, testing.number, target, question, typed=True, more=course.may_go_on))

    async def look_up_name(self, testing: Testing) -> None:
        """The target's name in reverse DNS, where its greeting did not tell."""
        testing.course.name_host(await self.name_of(testing.item.target.address))
        self.go_on(testing)

    def finish(self, testing: Testing) -> None:
        """All tests have ended: judge and deliver."""
        course, item = testing.course, testing.item
        swept = judge_tests(course.tested)
        question = swept.decided_by.question
        if question is None:
            raise TypeError("decided by a test that was not run")
        notes = (NAMELESS,) if course.lacks_name else ()
        del self.pending[item.seq]
        self.freed.set()
        answer = testing.answers[question]
        self.deliver(SweptTarget(item, question, answer, swept, tuple(course.tested), notes))
