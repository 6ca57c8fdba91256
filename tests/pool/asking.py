"""The client's side of a test: probes with short limits through a whole pool."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvloop

from scanner.addresses import Fence, Networks
from scanner.pool.limits import Deadlines, Identity, Limits, SessionLimits
from scanner.pool.pool import Pool
from scanner.pool.probe import Answer, Probe
from scanner.pool.session import Means
from scanner.pool.tls import Contexts
from scanner.smtp.outcome import Outcome, Question, StartTls

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from scanner.pool.wire import Witness
    from scanner.smtp.reply import Reply
    from scanner.terms import ProbeVerdict, Stage, Target

LOOPBACK = Fence(allow=Networks.from_text(["127.0.0.0/8", "::1"]))
PATIENT = Deadlines(connect_s=5, reply_s=5, probe_s=10)
LOST_S = 25
"""A probe that has no answer by then never gets one."""
QUESTION = Question("postmaster@probe.example", "postmaster@partner.example")
CONTEXTS = Contexts()
ONE_QUESTION = SessionLimits(transactions=1)
"""One session a probe, so that dials can be counted; tests/pool/test_reuse.py is about more."""


def each_for_itself(
    concurrency: int = 500, per_target: int = 2, rate: float = 50.0, target_rate: float = 1.0
) -> Limits:
    """Limits without memory or pauses: what a server says to a probe is that probe's answer."""
    return Limits(concurrency, per_target, rate, target_rate, backoff_s=0, memory_s=0)


UNLIMITED = each_for_itself(1000, 100, 0, 0)


def demands_starttls(_stage: Stage, reply: Reply) -> bool:
    return b"STARTTLS" in reply.lines[-1]


def means(
    deadlines: Deadlines = PATIENT,
    *,
    fence: Fence = LOOPBACK,
    starttls: StartTls = StartTls.WHEN_REQUIRED,
    source: str | None = None,
    contexts: Contexts = CONTEXTS,
    demands_tls: Callable[[Stage, Reply], bool] = demands_starttls,
    witness: Witness | None = None,
    session_limits: SessionLimits = ONE_QUESTION,
) -> Means:
    identity = Identity("probe.example", source, starttls)
    return Means(identity, deadlines, fence, demands_tls, witness, session_limits, contexts=contexts)


def probes_of(targets: Iterable[Target], *, host: str | None = None, typed: bool = False) -> list[Probe]:
    """One probe a target, numbered."""
    return [Probe(seq, 0, target, QUESTION, host, typed) for seq, target in enumerate(targets)]


async def ask_all(probes: Iterable[Probe], with_what: Means | None = None, limits: Limits = UNLIMITED) -> list[Answer]:
    """The answers in the order of the probes; each probe has exactly one."""
    asked = list(probes)
    answers: dict[int, Answer] = {}
    done = asyncio.Event()

    def settle(probe: Probe, answer: Answer) -> None:
        assert probe.seq not in answers
        answers[probe.seq] = answer
        if len(answers) == len(asked):
            done.set()

    async with Pool(with_what or means(), limits, settle) as pool:
        for probe in asked:
            pool.submit(probe)
        async with asyncio.timeout(LOST_S):
            await done.wait()
    return [answers[probe.seq] for probe in asked]


async def ask(target: Target, with_what: Means | None = None, *, host: str | None = None) -> Answer:
    """One probe."""
    [answer] = await ask_all(probes_of([target], host=host), with_what)
    return answer


def ended(outcome: Outcome) -> tuple[Stage, ProbeVerdict | int | None]:
    """Where it ended, and the trouble or else the deciding code."""
    code = outcome.reply.code if outcome.reply is not None else None
    return outcome.stage, outcome.trouble or code


def on_uvloop(test: Coroutine[object, object, None]) -> None:
    """Run a test as the product runs."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test)
