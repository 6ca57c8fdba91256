"""The sweep's wiring: one target's tests follow each other, and none is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from scanner.pool.probe import Answer, Probe
from scanner.relay.patterns import PATTERNS
from scanner.run import sweep as sweeping
from scanner.run.sweep import RelayQuestions, Sweep, SweepItem, SweptTarget
from scanner.terms import ProbeVerdict, ServerFacts, Stage, SweepVerdict, Target
from tests.relay.asking import ACCEPTED, DENIED, at, named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

    from scanner.smtp.outcome import Outcome, Question

BANNER = "mx.target.example ESMTP"


class FakePool:
    """Answers each probe in a later turn of the loop, as a server would that this function describes."""

    waiting_for_a_dial = 0

    def __init__(self, server: Callable[[Question], Outcome], banner: str | None = BANNER) -> None:
        self.server = server
        self.banner = banner
        self.asked: list[Probe] = []
        self.settle: Callable[[Probe, Answer], None]

    def submit(self, probe: Probe) -> None:
        self.asked.append(probe)
        answer = Answer(self.server(probe.question), 0.0, server=ServerFacts(banner=self.banner))
        asyncio.get_running_loop().call_soon(self.settle, probe, answer)


class Run:
    """One sweep over some addresses."""

    def __init__(self, pool: FakePool, *patterns: str, name: str | None = None, **more: Any) -> None:
        self.swept: list[SweptTarget] = []
        self.names: list[str] = []
        self.name = name
        self.pool = pool
        questions = RelayQuestions(named(*patterns), ("me", "canary.example"), "probe.example")
        self.sweep = Sweep(questions, word=lambda: "nobody7", name_of=self.name_of, deliver=self.swept.append, **more)
        pool.settle = self.sweep.settle

    async def name_of(self, address: str) -> str | None:
        self.names.append(address)
        return self.name

    async def over(self, *addresses: str) -> dict[str, SweptTarget]:
        async def items() -> AsyncIterator[SweepItem]:
            for seq, address in enumerate(addresses):
                yield SweepItem(seq, Target(address, 25))

        async with asyncio.timeout(10):
            await self.sweep.run(items(), cast("Any", self.pool))
        assert not self.sweep.pending
        return {swept.item.target.address: swept for swept in self.swept}


async def test_each_target_is_delivered_once_with_all_its_tests() -> None:
    run = Run(FakePool(lambda _: DENIED))
    found = await run.over("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert len(run.swept) == 3
    for swept in found.values():
        assert swept.swept.verdict is SweepVerdict.CLOSED
        assert [test.pattern for test in swept.tests] == list(PATTERNS)
    literals = {probe.question.recipient for probe in run.pool.asked if probe.question.recipient.startswith("@[")}
    assert literals == {
        "@[192.0.2.1]:me@canary.example",
        "@[192.0.2.2]:me@canary.example",
        "@[IPv6:2001:db8::1]:me@canary.example",
    }


async def test_questions_follow_each_other_and_say_whether_more_may_come() -> None:
    run = Run(FakePool(lambda _: DENIED), "plain", "sender-null")
    await run.over("192.0.2.1")
    assert [(probe.number, probe.more, probe.typed) for probe in run.pool.asked] == [(1, True, True), (2, False, True)]


async def test_a_target_whose_greeting_names_it_is_not_looked_up() -> None:
    run = Run(FakePool(lambda _: DENIED), "plain", "sender-host")
    await run.over("192.0.2.1")
    assert [probe.question.sender for probe in run.pool.asked] == ["me@canary.example", "me@mx.target.example"]
    assert not run.names


async def test_else_reverse_dns_names_it() -> None:
    run = Run(FakePool(lambda _: DENIED, "ESMTP ready"), "plain", "sender-host", name="rev.target.example")
    await run.over("192.0.2.1")
    assert [probe.question.sender for probe in run.pool.asked] == ["me@canary.example", "me@rev.target.example"]
    assert run.names == ["192.0.2.1"]


async def test_a_target_without_a_name_is_tested_without_it_and_a_note_says_so() -> None:
    run = Run(FakePool(lambda _: DENIED, "ESMTP ready"), "plain", "sender-host", "percent-host")
    [swept] = (await run.over("192.0.2.1")).values()
    assert len(run.pool.asked) == 1
    assert swept.notes == (sweeping.NAMELESS,)
    assert [str(test.verdict) for test in swept.tests] == ["relay_denied", "skipped", "skipped"]


async def test_the_answer_is_that_of_the_test_that_decided() -> None:
    run = Run(FakePool(lambda question: ACCEPTED if not question.sender else DENIED), "plain", "sender-null")
    [swept] = (await run.over("192.0.2.1")).values()
    assert (swept.question.sender, swept.answer.outcome) == ("", ACCEPTED)


async def test_no_more_targets_are_in_memory_than_allowed() -> None:
    run = Run(FakePool(lambda _: DENIED), "plain", most=2)
    most = 0
    submit = run.pool.submit

    def counted(probe: Probe) -> None:
        nonlocal most
        most = max(most, len(run.sweep.pending))
        submit(probe)

    run.pool.submit = counted  # type: ignore[method-assign]
    await run.over(*(f"192.0.2.{number}" for number in range(20)))
    assert most == 2


async def test_a_bug_in_one_judgement_costs_that_target_only(monkeypatch: pytest.MonkeyPatch) -> None:
    judge, odd = sweeping.judge, at(Stage.RCPT, 550, "odd")

    def sometimes(outcome: Outcome) -> Any:
        if outcome is odd:
            raise ZeroDivisionError("nobody thought of it")
        return judge(outcome)

    monkeypatch.setattr(sweeping, "judge", sometimes)
    answers = iter([DENIED, odd, DENIED])
    found = await Run(FakePool(lambda _: next(answers)), "plain").over("192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert [str(swept.swept.verdict) for swept in found.values()].count("closed") == 2
    assert ProbeVerdict.LOCAL_ERROR in {swept.swept.verdict for swept in found.values()}
