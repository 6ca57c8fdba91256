"""A guard against slow-downs that no busy machine can trip: bytecode instructions per probe.

They are held to those of the day when they were written down, and who makes something dearer on purpose writes the new
figure here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from itertools import count
from typing import TYPE_CHECKING

import pytest

from scanner.cli.recording import domain_facts, probe_facts
from scanner.intake.lines import Intake
from scanner.pool.probe import Answer
from scanner.records.record import encode_group
from scanner.run.group import AskedProbe, AuditedDomain
from scanner.run.plan import Planned
from scanner.run.verdict import judge
from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import DomainVerdict, Exchange, Item, Role, ServerFacts, SessionUse, Stage
from tests.pool.servers import OFFERS
from tests.promises.counted import Instructions
from tests.promises.process import ROOT, environment
from tests.promises.world import world

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

THEN = {
    "intake": 56,
    "a session a probe": 825,
    "a session for ten": 320,
    "a verdict of known words": 363,
    "a verdict of new words": 6248,
    "records": 420,
    "the whole audit": 5000,
}
"""Instructions a probe, the most of Python 3.11 to 3.13: the same code is a tenth longer here and shorter there."""

ROOM, ROOM_OF_THE_WHOLE = 1.10, 1.25
"""A stage takes the same number each time; the whole does not, by a hundredth or two."""
FEW, MANY = 200, 400

GREETING = b"220 mx.example ESMTP\r\n"
HELLO = OFFERS
ANSWERS = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
RESET, BYE = b"250 2.0.0 Ok\r\n", b"221 2.0.0 Bye\r\n"


never_before = count()


def questions(number: int) -> list[Question]:
    return [Question("postmaster@probe.example", f"postmaster@d{n}.example") for n in range(number)]


def hold(group: list[Question]) -> None:
    """One session for these questions."""
    dialogue = Dialogue("probe.example")
    dialogue.ask(group[0], last=len(group) == 1)
    for heard in (GREETING, HELLO):
        dialogue.receive_data(heard)
        assert dialogue.data_to_send()
    for place, question in enumerate(group):
        last = place == len(group) - 1
        if place:
            dialogue.ask(question, last=last)
            assert dialogue.data_to_send().count(b"\r\n") == 3
        dialogue.receive_data(ANSWERS + (BYE if last else RESET))
        assert len(dialogue.events()) == 1


def intake(number: int) -> Callable[[], None]:
    block = "".join(f"d{n}.example\n" for n in range(number)).encode()

    def work() -> None:
        assert len(Intake().feed(block)) == number

    return work


def sessions(of: int) -> Callable[[int], Callable[[], None]]:
    def made(number: int) -> Callable[[], None]:
        asked = questions(number)

        def work() -> None:
            for place in range(0, number, of):
                hold(asked[place : place + of])

        return work

    return made


def letters(number: int) -> str:
    """A word for a number: digits are taken out of a reply before it is judged."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def verdicts(words: str) -> Callable[[int], Callable[[], None]]:
    """Of a refusal; `{n}` in the words is something else each time."""

    def made(number: int) -> Callable[[], None]:
        said = [words.format(n=letters(next(never_before))) for _ in range(number)]
        texts = [f"5.7.1 <postmaster@d{n}.example>: {text}".encode() for n, text in enumerate(said)]
        outcomes = [Outcome(Stage.RCPT, Reply(554, (text,)), sender_said=True, recipient_said=True) for text in texts]

        def work() -> None:
            for outcome in outcomes:
                judge(outcome)

        return work

    return made


def records(number: int) -> Callable[[], None]:
    exchange = Exchange("mx.example", 10, Role.PRIMARY)
    server = ServerFacts("probe.example", "mx.example ESMTP", None, ("PIPELINING",), None)
    outcome = Outcome(Stage.RCPT, Reply(250, (b"2.1.5 Ok",)), sender_said=True, recipient_said=True)
    judgement = judge(outcome)
    planned = Planned(exchange, "192.0.2.1")
    domains = []
    for n, question in enumerate(questions(number)):
        answer = Answer(outcome, 1000.5 + n, 12.25, server, "192.0.2.9", SessionUse.REUSED)
        probe = AskedProbe(planned, question, answer, judgement)
        domains.append(AuditedDomain(Item(n, f"d{n}.example"), DomainVerdict.OK, 1, (probe,)))

    def work() -> None:
        for domain in domains:
            probes = [probe_facts(domain.item, 25, probe) for probe in domain.probes]
            assert encode_group("run", probes, domain_facts(domain, recipient_named=False)).data

    return work


STAGES: dict[str, Callable[[int], Callable[[], None]]] = {
    "intake": intake,
    "a session a probe": sessions(1),
    "a session for ten": sessions(10),
    "a verdict of known words": verdicts("Relay access denied"),
    "a verdict of new words": verdicts("nobody has said {n} in this way before"),
    "records": records,
}


def counted(work: Callable[[], None]) -> int:
    with Instructions() as instructions:
        work()
    return instructions.count


def not_dearer(what: str, cost: float, room: float = ROOM) -> None:
    assert cost <= room * THEN[what], f"{what}: {cost:.0f} instructions a probe, {THEN[what]} when last written down"


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_takes_a_tenth_more_instructions_than_it_did(stage: str) -> None:
    made = STAGES[stage]
    counted(made(10))  # what is imported, compiled or remembered at the first time is not the probe's
    not_dearer(stage, (counted(made(MANY)) - counted(made(FEW))) / (MANY - FEW))


def test_the_count_is_of_the_code_and_not_of_the_machine() -> None:
    work = sessions(10)(MANY)
    work()
    assert counted(work) == pytest.approx(counted(work), rel=0.01)


async def whole(directory: Path, number: int) -> int:
    """The instructions of an audit of so many domains on ten exchanges, from the first import to the exit code."""
    addresses = [f"127.31.0.{n + 1}" for n in range(10)]
    zone = "".join(f"mx{n}.example. 60 A {address}\n" for n, address in enumerate(addresses))
    zone += "".join(f"d{n}.example. 60 MX 10 mx{n % 10}.example.\n" for n in range(number))
    listed, written, output = directory / "list", directory / "count", directory / "out"
    listed.write_text("".join(f"d{n}.example\n" for n in range(number)))
    scripts = {address: {"EHLO": OFFERS} for address in addresses}
    async with world(zone, scripts) as playing, contextlib.AsyncExitStack() as stack:
        arguments = ["audit", *playing.options, "-i", listed, "-o", output, "--quiet", "--force"]
        child = await asyncio.create_subprocess_exec(
            sys.executable, ROOT / "tests/promises/counted.py", written, *arguments, env=environment(), cwd=ROOT
        )
        stack.callback(lambda: child.returncode is None and child.kill())
        assert await child.wait() == 0
    assert output.read_bytes().count(b'"verdict":"accepted"') == number
    return sum(json.loads(written.read_text()).values())


async def test_the_whole_audit_takes_no_quarter_more_instructions_a_domain_than_it_did(tmp_path: Path) -> None:
    """From DNS to records. Not the same to the last instruction: replies come in other portions each time."""
    few, many = [await whole(tmp_path, number) for number in (FEW, MANY)]
    not_dearer("the whole audit", (many - few) / (MANY - FEW), ROOM_OF_THE_WHOLE)
