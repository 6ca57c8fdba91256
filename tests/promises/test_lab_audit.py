"""One audit of all partners of the embedded lab, as `mxsweep lab` prints the line for it."""

from __future__ import annotations

import asyncio
import itertools
import json
import stat
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema_rs
import pytest

from scanner.lab.lab import PARTNERS, Lab
from scanner.lab.scenes import SCENES, Scene
from scanner.records.schema import schema_text
from scanner.terms import Role
from tests.promises.process import Ran, mxsweep, read

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]


class Audited(NamedTuple):
    """The run, and the file that it wrote."""

    ran: Ran
    file: Path

    @property
    def records(self) -> list[Record]:
        return read(self.file.read_bytes())

    def group(self, domain: str) -> list[Record]:
        return [record for record in self.records if record.get("domain") == domain]

    def told(self, domain: str) -> list[str]:
        """What the summary says under a domain's name."""
        lines = iter(self.ran.stderr.splitlines())
        for line in lines:
            if line.startswith(f"  {domain}: "):
                return [line, *itertools.takewhile(lambda each: each.startswith("      "), lines)]
        return []


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    file = tmp_path_factory.mktemp("lab") / "partners.jsonl"

    async def audit() -> Ran:
        async with Lab() as lab:
            return await mxsweep("audit", "-i", str(PARTNERS), "-o", str(file), *lab.audit_options)

    with asyncio.Runner() as runner:
        return Audited(runner.run(audit()), file)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.domain)
def test_each_scene_of_the_lab_gets_the_verdicts_it_plays(audited: Audited, scene: Scene) -> None:
    *probes, domain = audited.group(scene.domain)
    assert (domain["kind"], domain["verdict"]) == ("domain", scene.verdict)
    assert Counter(probe["verdict"] for probe in probes) == Counter(scene.finds)
    first_of_preference = [preference for preference, _ in itertools.groupby(probe["preference"] for probe in probes)]
    assert first_of_preference == sorted(set(first_of_preference), key=lambda each: each or 0)


def test_every_line_keeps_to_the_published_schema(audited: Audited) -> None:
    validator = jsonschema_rs.validator_for(json.loads(schema_text()))
    assert [error.message for record in audited.records for error in validator.iter_errors(record)] == []


def test_start_comes_first_and_run_last_and_once(audited: Audited) -> None:
    kinds = [record["kind"] for record in audited.records]
    assert (kinds[0], kinds[-1]) == ("start", "run")
    assert Counter(kinds)["start"] == Counter(kinds)["run"] == 1


def test_each_item_is_one_group_in_one_piece_with_its_domain_last(audited: Audited) -> None:
    between = audited.records[1:-1]
    groups = [list(group) for _, group in itertools.groupby(between, key=lambda record: record["seq"])]
    assert sorted(group[0]["seq"] for group in groups) == list(range(len(SCENES)))
    assert [record["kind"] for group in groups for record in group[-1:]] == ["domain"] * len(SCENES)
    assert {record["kind"] for group in groups for record in group[:-1]} == {"probe"}


def test_seq_is_the_number_of_the_item_in_the_input(audited: Audited) -> None:
    named = {record["seq"]: record["domain"] for record in audited.records if record["kind"] == "domain"}
    assert [named[seq] for seq in sorted(named)] == [scene.domain for scene in SCENES]


def test_a_domains_counts_and_findings_are_those_of_its_probes(audited: Audited) -> None:
    for scene in SCENES:
        *probes, domain = audited.group(scene.domain)
        standings = Counter(probe["standing"] for probe in probes)
        counted = (domain["probes"], domain["serving"], domain["broken"], domain["undecided"])
        assert counted == (len(probes), standings["serves"], standings["broken"], standings["undecided"])
        accused = [probe for probe in probes if probe["verdict"] != "accepted"]
        assert domain["findings"] == [{key: probe[key] for key in FINDING} for probe in accused]


FINDING = ["exchange", "preference", "role", "address", "verdict", "standing", "about", "stage", "code", "enhanced"]


def test_the_run_record_counts_what_the_lines_say(audited: Audited) -> None:
    *others, run = audited.records
    for kind in ("probe", "domain"):
        verdicts = Counter(record["verdict"] for record in others if record["kind"] == kind)
        assert (run["records"][kind], run["verdicts"][kind]) == (verdicts.total(), verdicts)
    assert (run["items"], run["bad_lines"], run["interrupted"]) == (len(SCENES), 0, False)


def test_our_own_address_stands_wherever_a_session_was_held(audited: Audited) -> None:
    probes = [record for record in audited.records if record["kind"] == "probe"]
    silent = {"refused", "connect_timeout", "no_address", "address_forbidden"}
    assert {probe["source"] for probe in probes if probe["verdict"] not in silent} == {"127.0.0.1", "::1"}
    assert {probe["source"] for probe in probes if probe["verdict"] in silent} == {None}


def test_what_was_said_is_recorded_as_far_as_it_was_said(audited: Audited) -> None:
    said = {"mail": ("sender",), "rcpt": ("sender", "recipient")}
    for probe in (record for record in audited.records if record["kind"] == "probe"):
        if probe["verdict"] != "tls_failed":  # MAIL was said, refused with "STARTTLS first", and came to nothing
            both = {"sender": "postmaster@probe.test", "recipient": f"postmaster@{probe['domain']}"}
            reached = said.get(probe["stage"], ())
            assert {key: probe[key] for key in both} == {k: v if k in reached else None for k, v in both.items()}


def test_the_classic_find_is_told_with_exchange_role_and_the_servers_own_words(audited: Audited) -> None:
    [probe] = [each for each in audited.group("forgotten-backup.example")[:-1] if each["verdict"] == "relay_denied"]
    assert (probe["exchange"], probe["role"]) == ("backup.isp.example", Role.SECONDARY)
    head, line = audited.told("forgotten-backup.example")
    assert head.endswith("secondary_rejects_relay")
    assert line.strip() == (
        f"backup.isp.example (secondary) [127.25.11.2] relay_denied at rcpt: {probe['code']} {probe['text']}"
    )
    assert "Relay access denied" in line


def test_the_summary_tells_every_finding_and_no_other_domain(audited: Audited) -> None:
    quiet = {"ok", "no_mail", "inconclusive", "refuses_us", "recipient_refused", "dns_failed"}
    for scene in SCENES:
        assert bool(audited.told(scene.domain)) is (scene.verdict not in quiet), scene.domain


def test_findings_make_exit_code_one(audited: Audited) -> None:
    assert audited.ran.code == 1


def test_records_go_to_the_file_and_nothing_to_standard_output(audited: Audited) -> None:
    assert audited.ran.stdout == b""


def test_the_file_is_the_operators_alone(audited: Audited) -> None:
    assert stat.S_IMODE(audited.file.stat().st_mode) == 0o600
