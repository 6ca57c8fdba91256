from __future__ import annotations

from typing import Any

import jsonschema_rs
import orjson
import pytest

from scanner.records.record import SCHEMA, encode_probe
from scanner.records.schema import schema_text
from scanner.records.shapes import (
    BusyTarget,
    DomainRecord,
    Finding,
    KindCounts,
    ProbeRecord,
    RelayTest,
    RunRecord,
    ServerObject,
    StartRecord,
    TlsObject,
    VerdictCounts,
)
from scanner.terms import (
    About,
    Confidence,
    DomainVerdict,
    ProbeVerdict,
    Role,
    SessionUse,
    Stage,
    Standing,
    SweepVerdict,
)


@pytest.fixture(scope="module")
def schema() -> Any:
    return orjson.loads(schema_text())


def test_the_contract_is_a_valid_schema_of_its_dialect(schema: Any) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert jsonschema_rs.meta.is_valid(schema)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("probe_verdict", ProbeVerdict),
        ("domain_verdict", DomainVerdict),
        ("sweep_verdict", SweepVerdict),
        ("stage", Stage),
        ("role", Role),
        ("standing", Standing),
        ("about", About),
        ("confidence", Confidence),
    ],
)
def test_the_contract_knows_exactly_the_words_of_the_program(schema: Any, name: str, words: Any) -> None:
    assert schema["$defs"][name]["enum"] == list(words)


def test_the_contract_knows_exactly_the_ways_to_a_session(schema: Any) -> None:
    assert schema["$defs"]["probe"]["properties"]["session"]["enum"] == list(SessionUse)


def test_the_contract_has_the_programs_number(schema: Any) -> None:
    assert {schema["$defs"][kind]["properties"]["schema"]["const"] for kind in ("start", "probe", "domain", "run")} == {
        SCHEMA
    }


def shapes(schema: Any) -> dict[type, Any]:
    defs = schema["$defs"]
    run = defs["run"]["properties"]
    return {
        StartRecord: defs["start"],
        ProbeRecord: defs["probe"],
        DomainRecord: defs["domain"],
        RunRecord: defs["run"],
        Finding: defs["finding"],
        ServerObject: defs["server"],
        TlsObject: defs["tls"],
        RelayTest: defs["relay_test"],
        KindCounts: run["records"],
        VerdictCounts: run["verdicts"],
        BusyTarget: run["busiest"]["items"],
    }


def test_types_and_contract_have_the_same_keys_in_the_same_order_and_allow_no_others(schema: Any) -> None:
    for shape, described in shapes(schema).items():
        assert list(described["properties"]) == list(shape.__annotations__), shape
        assert described["additionalProperties"] is False, shape
        optional = {"tests"} if shape is ProbeRecord else set()
        assert described["required"] == [key for key in shape.__annotations__ if key not in optional], shape


SWEPT = {
    "name": "plain",
    "sender": "canary@own.example",
    "recipient": "canary@own.example",
    "strength": "strong",
    "verdict": "accepted",
    "stage": "rcpt",
    "code": 250,
    "enhanced": None,
    "text": "OK",
}


def test_a_sweeps_verdict_needs_its_tests_and_has_no_standing(contract: Any, refusal: Any) -> None:
    audited = orjson.loads(encode_probe("r", refusal))
    swept = audited | {
        "domain": None,
        "exchange": None,
        "preference": None,
        "role": None,
        "verdict": "open_relay_suspected",
        "standing": None,
        "about": "server",
        "tests": [SWEPT],
    }
    contract.validate(audited)
    contract.validate(swept)
    assert not contract.is_valid(swept | {"standing": "broken"})
    assert not contract.is_valid(audited | {"standing": None})
    assert not contract.is_valid(audited | {"verdict": "open_relay"})
    assert not contract.is_valid(audited | {"verdict": "ok"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"extra": 1},
        {"schema": 2},
        {"seq": -1},
        {"seq": "17"},
        {"domain": "Example.org"},
        {"domain": "example.org."},
        {"port": 0},
        {"code": 199},
        {"code": 600},
        {"enhanced": "5.7"},
        {"text": "\x1b[2J"},
        {"text": "x" * 1001},
        {"error": "two\nlines"},
        {"transient": None},
        {"server": None},
        {"session": "old"},
        {"started": "2026-11-24 22:50:28Z"},
        {"elapsed_ms": None},
        {"notes": None},
        {"session": "shared"},  # with attempts and a source of its own
    ],
    ids=str,
)
def test_the_contract_refuses_what_is_none_of_its_records(
    contract: Any, refusal: Any, wrong: dict[str, object]
) -> None:
    record = orjson.loads(encode_probe("r", refusal))
    contract.validate(record)
    assert not contract.is_valid(record | wrong)


def test_the_contract_refuses_a_record_with_a_key_missing(contract: Any, refusal: Any) -> None:
    record = orjson.loads(encode_probe("r", refusal))
    for key in record:
        assert not contract.is_valid({name: value for name, value in record.items() if name != key}), key
