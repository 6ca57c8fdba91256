"""Each hostile answer of the table ends as it has to: all in one sitting, by the real command."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson
import pytest

from scanner.escape import UNSAFE
from scanner.records.schema import schema_text
from tests.hostile_dns.answers import TABLE
from tests.hostile_dns.case import FORBIDDEN, Case, Setting
from tests.hostile_dns.trial import Ended, Played, all_played, report_of
from tests.promises.process import SLOW, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = jsonschema_rs.validator_for(orjson.loads(schema_text()))


@pytest.fixture(scope="module")
def plays() -> dict[Setting, Played]:
    with asyncio.Runner() as runner:
        return runner.run(all_played())


def records(plays: dict[Setting, Played]) -> Iterator[dict[str, Any]]:
    """Of all runs."""
    return (record for each in plays.values() for record in each.ran.records)


def probes(plays: dict[Setting, Played]) -> Iterator[dict[str, Any]]:
    return (record for record in records(plays) if record["kind"] == "probe")


def test_the_table_is_as_rich_as_it_claims_and_no_name_stands_twice() -> None:
    assert len({case.name for case in TABLE}) == len({case.domain for case in TABLE}) == len(TABLE) >= 240
    assert {case.row for case in TABLE} >= {1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 14, 15, 16, 23}


def test_the_server_could_play_all_of_it(plays: dict[Setting, Played]) -> None:
    assert not [broken for each in plays.values() for broken in each.broken]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_each_answer_ends_as_it_has_to(plays: dict[Setting, Played], case: Case) -> None:
    played = plays[case.setting]
    domain, of_case = played.domains[case.name], played.probes[case.name]
    assert played.end_of(case.name) == Ended(case.verdict, case.probes), [each["error"] for each in of_case]
    errors = [each["error"] for each in (domain, *of_case) if each["error"]]
    assert not case.error or any(case.error in error for error in errors), errors
    notes = {note for each in (domain, *of_case) for note in each["notes"]}
    for note in case.notes:
        assert any(note.replace("@", case.domain) in each for each in notes), notes


def test_every_domain_has_one_verdict_and_no_probe_stands_twice(plays: dict[Setting, Played]) -> None:
    for each in plays.values():
        assert [record["seq"] for record in each.ran.of_kind("domain")].count(0) == 1
        assert sorted(record["seq"] for record in each.ran.of_kind("domain")) == list(range(len(each.cases)))
        assert each.ran.run["items"] == len(each.cases)
        found = [(probe["seq"], probe["exchange"], probe["address"]) for probe in each.ran.of_kind("probe")]
        assert len(set(found)) == len(found)


def test_nothing_is_dialled_that_may_not_be_and_each_mail_server_once(plays: dict[Setting, Played]) -> None:
    """At both ends: what the command connects to, and what arrives at the servers, which listen on loopback too."""
    for each in plays.values():
        assert (each.dialled, each.arrived) == (each.wanted, each.wanted)
    assert plays[Setting.FENCED].arrived.total() == 0
    assert plays[Setting.SERVED].arrived.total() >= 40
    assert report_of(plays).forbidden_dials == 0


def test_what_is_not_dialled_says_so(plays: dict[Setting, Played]) -> None:
    not_asked = [probe for probe in probes(plays) if probe["verdict"] != "accepted"]
    assert len(not_asked) >= 300
    stages = {"address_forbidden": "connect", "no_address": "resolve", "dns_failed": "resolve"}
    for probe in not_asked:
        assert (probe["session"], probe["source"], probe["attempts"]) == ("none", None, 0)
        assert (probe["code"], probe["sender"], probe["recipient"]) == (None, None, None)
        assert probe["stage"] == stages[probe["verdict"]]
        assert probe["transient"] is (probe["verdict"] == "dns_failed")
        assert probe["error"]
    assert sum(probe["verdict"] == FORBIDDEN for probe in not_asked) >= 150


def test_no_more_is_looked_up_than_the_caps_allow_and_nothing_that_is_no_host_name(
    plays: dict[Setting, Played],
) -> None:
    for each in plays.values():
        assert not [name for name, _ in each.asked if not re.fullmatch(r"[a-z0-9.-]+", name)]
        for case in each.cases:
            below = {name for name, _ in each.asked if name.endswith(f".{case.domain}")}
            assert len(below) <= 16, case.name
    for name in ("127.0.0.1", "2130706433", "localhost", "mail", "other.hostile.example"):
        assert not any((name, kind) in each.asked for each in plays.values() for kind in ("A", "AAAA", "MX"))


def test_every_line_is_the_same_json_to_two_parsers_and_keeps_the_contract(plays: dict[Setting, Played]) -> None:
    for each in plays.values():
        lines = each.ran.stdout.splitlines()
        assert [orjson.loads(line) for line in lines] == [json.loads(line) for line in lines]
        assert each.ran.stdout.count(b"\n") == len(lines)
    for record in records(plays):
        SCHEMA.validate(record)


def test_no_line_and_no_text_in_it_holds_a_control_character(plays: dict[Setting, Played]) -> None:
    for each in plays.values():
        *lines, nothing = each.ran.stdout.decode().split("\n")
        assert (nothing, [line for line in lines if UNSAFE.search(line)]) == ("", [])
    for record in records(plays):
        unsafe = [text for text in texts_of(record) if UNSAFE.search(text.replace("\n", ""))]
        assert not unsafe, (record["kind"], unsafe)


def test_the_command_has_nothing_else_to_say_and_python_nothing_to_warn_of(plays: dict[Setting, Played]) -> None:
    said = {setting: SLOW.sub("", each.ran.stderr) for setting, each in plays.items()}
    assert said == dict.fromkeys(Setting, "")
    assert {setting: each.ran.code for setting, each in plays.items()} == dict.fromkeys(Setting, 1)
    assert [each.ran.run["interrupted"] for each in plays.values()] == [False] * len(Setting)


START_CPU_S = 2.0
"""Of the command in developer's mode, on a busy machine."""


@pytest.mark.parametrize("setting", Setting, ids=lambda setting: setting.name)
def test_waiting_for_dns_keeps_no_core_busy(plays: dict[Setting, Played], setting: Setting) -> None:
    """Silence, TCP that hangs and TCP that drips last 20 s: with a writer watched for nothing, all of it is CPU."""
    assert plays[setting].cpu_s < START_CPU_S + 0.1 * plays[setting].wall_s


@pytest.mark.parametrize("setting", [Setting.FENCED, Setting.MALFORMED, Setting.HUNG_TCP], ids=lambda it: it.name)
def test_somebody_was_waited_for(plays: dict[Setting, Played], setting: Setting) -> None:
    """Of those who break the one TCP connection that all share nobody knows how long they last."""
    assert plays[setting].wall_s > 10
