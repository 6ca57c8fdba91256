from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.compare.output import Output, Target, differences
from scanner.terms import UsageError
from tests.compare.records import SETTINGS, of_domain, probe, written

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> Output:
    output = Output(path)
    list(output.seen())
    return output


def test_a_target_is_an_address_and_port_of_a_sweep_or_an_exchange_of_an_audit(tmp_path: Path) -> None:
    swept = written(tmp_path / "a", probe("192.0.2.1", exchange="mx.example"), probe("192.0.2.1", port=587))
    assert [seen.target for seen in Output(swept).seen()] == [
        Target(None, None, "192.0.2.1", 25),
        Target(None, None, "192.0.2.1", 587),
    ]
    audited = written(tmp_path / "b", of_domain("a.example", "192.0.2.1", "accepted", "serves"), command="audit")
    assert [seen.target for seen in Output(audited).seen()] == [Target("a.example", "mx.a.example", "192.0.2.1", 25)]


def test_a_run_is_complete_where_its_last_line_says_so(tmp_path: Path) -> None:
    for complete in (True, False, None):
        output = read(written(tmp_path / "a", probe("192.0.2.1"), complete=complete))
        assert output.complete is bool(complete)


def test_a_torn_last_line_is_what_a_killed_run_leaves(tmp_path: Path) -> None:
    path = written(tmp_path / "a", probe("192.0.2.1"), probe("192.0.2.2"), complete=None)
    path.write_bytes(path.read_bytes()[:-20])
    assert [seen.target.address for seen in Output(path).seen()] == ["192.0.2.1"]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "no records"),
        (b"what\n", "line 1: no record"),
        (b'{"kind":"probe"}\n', "does not begin with a start record"),
        (b"[1]\n", "line 1: no record"),
        (b'{"kind":"start","command":"sweep","settings":{},"started":""}\nwhat\n', "line 2: no record"),
        (b'{"kind":"start","command":"sweep","settings":{},"started":""}\n{"kind":"probe"}\n', "line 2: no record"),
    ],
)
def test_what_is_no_output_is_named_with_its_line(tmp_path: Path, data: bytes, fault: str) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(UsageError, match=fault):
        read(tmp_path / "a")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, []),
        ({"tests": ["plain", "bang"]}, ['tests: ["plain"], now ["plain","bang"]']),
        ({"source": "192.0.2.9"}, ['source: null, now "192.0.2.9"']),
        ({"rate": 7}, []),
    ],
)
def test_settings_that_the_answers_depend_on_must_be_the_same(
    tmp_path: Path, settings: dict[str, object], said: list[str]
) -> None:
    old = read(written(tmp_path / "a", probe("192.0.2.1")))
    new = read(written(tmp_path / "b", probe("192.0.2.1"), settings=SETTINGS | settings))
    assert differences(old, new) == said


def test_another_source_address_makes_another_question(tmp_path: Path) -> None:
    old = read(written(tmp_path / "a", probe("192.0.2.1"), probe("192.0.2.2", source=None)))
    new = read(written(tmp_path / "b", probe("192.0.2.1", source="192.0.2.77")))
    assert differences(old, new) == ["asked from 127.0.0.1, now from 192.0.2.77"]
    assert not differences(old, read(written(tmp_path / "c", probe("192.0.2.1", source=None))))


def test_an_audit_and_a_sweep_have_nothing_in_common(tmp_path: Path) -> None:
    old, new = read(written(tmp_path / "a")), read(written(tmp_path / "b", command="audit"))
    assert differences(old, new) == ["one is of sweep, the other of audit"]
