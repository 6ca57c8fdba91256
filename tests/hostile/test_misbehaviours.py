"""Whatever a server does, its probe ends in time, in the verdict that it deserves, and harms nothing else.

Each misbehaviour in `misbehaviours.py` is tried once by the real command, all in one audit.
"""

from __future__ import annotations

import asyncio
import json

import orjson
import pytest

from scanner.escape import UNSAFE
from tests.hostile.misbehaviours import BY_NAME, FLOODS, MISBEHAVIOURS
from tests.hostile.trial import Patience, Report, tried
from tests.promises.process import SLOW, texts_of

BAD = 1000
MEMORY_LIMIT_KB = 64 * 1024
"""How much more than for one polite server: two hundred sessions at once, a dozen handshakes, and forty floods."""
CUT_AFTER_BYTES = 32 * 1024**2
"""Of a gigabyte that is offered; what the kernel's buffers take is among it."""
FLAWED = ("a valid certificate of another name", "an expired certificate", "a certificate of nobody we know",
          "a self-signed certificate")  # fmt: skip


@pytest.fixture(scope="module")
def report() -> Report:
    with asyncio.Runner() as runner:
        return runner.run(tried())


def test_the_table_is_long_and_says_nothing_twice() -> None:
    assert len(BY_NAME) == len(MISBEHAVIOURS) >= 75


def test_each_ends_once(report: Report) -> None:
    assert report.ran.code == 1
    assert sorted(probe["seq"] for probe in report.ran.of_kind("probe")) == list(range(len(MISBEHAVIOURS)))
    assert report.ran.run["items"] == len(MISBEHAVIOURS)


@pytest.mark.parametrize("name", BY_NAME)
def test_each_ends_in_its_verdict_and_in_time(report: Report, name: str) -> None:
    expected, probe = BY_NAME[name], report.probes[name]
    assert (probe["verdict"], probe["stage"], probe["code"]) == expected.ends
    assert expected.note is None or expected.note in probe["notes"]
    assert probe["elapsed_ms"] <= report.limit_ms
    assert (probe["text"] is None) == (probe["code"] is None)
    assert probe["text"] is not None or probe["error"], "where no reply tells, the record does"


def test_the_report_says_the_same(report: Report) -> None:
    assert (report.tried, report.as_expected, report.unexpected) == (len(MISBEHAVIOURS), len(MISBEHAVIOURS), [])
    assert 0 < report.longest_ms <= report.limit_ms


def test_memory_is_bounded_though_gigabytes_are_offered(report: Report) -> None:
    assert report.peak_kb < report.baseline_kb + MEMORY_LIMIT_KB
    assert report.most_poured_bytes < CUT_AFTER_BYTES


def test_python_has_nothing_to_say_about_it(report: Report) -> None:
    """It ran with every warning an error: no descriptor was left to the garbage collector, no task unwaited for."""
    assert SLOW.sub("", report.ran.stderr) == ""


def test_every_line_is_the_same_json_to_two_parsers_and_holds_no_control_character(report: Report) -> None:
    *lines, nothing = report.ran.stdout.split(b"\n")
    assert nothing == b""
    assert [orjson.loads(line) for line in lines] == [json.loads(line) for line in lines]
    assert [line for line in lines if UNSAFE.search(line.decode())] == []


def test_what_servers_said_is_harmless_also_when_the_json_is_undone(report: Report) -> None:
    texts = [text for record in report.ran.records for text in texts_of(record)]
    assert [text for text in texts if UNSAFE.search(text.replace("\n", ""))] == []
    assert max(map(len, texts)) <= 1000


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_certificate_is_reported_and_not_enforced(report: Report, flaw: str) -> None:
    tls = report.probes[f"TLS with {flaw}"]["server"]["tls"]
    assert tls["verified"] is False
    assert tls["error"]


def test_what_is_offered_inside_tls_replaces_what_was_offered_in_the_clear(report: Report) -> None:
    server = report.probes["other offers inside TLS"]["server"]
    assert server["extensions"] == ["X-INSIDE"]
    assert server["tls"]["verified"] is True


async def test_a_thousand_floods_cost_no_more_than_a_few() -> None:
    """Four gigabytes are poured into as many as five hundred sessions at once, before they are hung up on."""
    report = await tried((FLOODS * BAD)[:BAD], Patience(10.0, 10.0, 30.0), {})
    assert report.unexpected == []
    assert report.longest_ms <= report.limit_ms
    assert report.peak_kb < report.baseline_kb + MEMORY_LIMIT_KB
    assert report.most_poured_bytes < CUT_AFTER_BYTES
