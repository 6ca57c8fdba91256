"""A thousand servers that misbehave change nothing about ten thousand that do not."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import uvloop

from tests.hostile.crowd import BAD, GOOD_DOMAINS, VERDICTS, crowd
from tests.hostile.trial import MORE, PARENT

if TYPE_CHECKING:
    from tests.hostile.trial import Measured

MEMORY_LIMIT_KB = 64 * 1024
FIELDS = ("seq", "exchange", "address", "port", "verdict", "stage", "code", "enhanced")


class Both(NamedTuple):
    """The same list asked twice."""

    mixed: Measured
    alone: Measured


@pytest.fixture(scope="module")
def both() -> Both:
    async def audits() -> Both:
        async with crowd() as playing:
            return Both(await playing.asked(), await playing.asked_without_the_bad())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(audits())


def split(run: Measured) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The probes of the good and of the bad."""
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    for probe in run.ran.of_kind("probe"):
        (bad if probe["domain"].endswith(PARENT) else good).append(probe)
    return good, bad


def told(probes: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(probe[field] for field in FIELDS) for probe in probes)


def test_the_good_come_out_as_they_do_alone(both: Both) -> None:
    mixed, alone = (told(split(run)[0]) for run in both)
    assert mixed == alone
    assert mixed.total() == len(mixed) == 2 * GOOD_DOMAINS
    assert {verdict for (_, _, _, _, verdict, *_) in mixed} == VERDICTS


def test_so_do_their_domains(both: Both) -> None:
    mixed, alone = (
        {domain: verdict for domain, verdict in run.ran.verdicts.items() if not domain.endswith(PARENT)} for run in both
    )
    assert mixed == alone
    assert len(mixed) == GOOD_DOMAINS


def test_each_of_the_bad_ends_once_and_in_time(both: Both) -> None:
    _, bad = split(both.mixed)
    assert len({probe["seq"] for probe in bad}) == len(bad) == BAD
    assert max(probe["elapsed_ms"] for probe in bad) <= MORE.limit_ms
    assert {probe["verdict"] for probe in split(both.alone)[1]} == {"excluded"}


def test_they_cost_no_memory_to_speak_of(both: Both) -> None:
    assert both.mixed.peak_kb < both.alone.peak_kb + MEMORY_LIMIT_KB


def test_python_has_nothing_to_say_about_either(both: Both) -> None:
    assert [run.ran.stderr for run in both] == ["", ""]
