"""What all runs that write records have in common; `test_audit.py` drives it whole."""

from __future__ import annotations

import pytest

from scanner.cli.recorded import check_output, findings_of, first_of
from scanner.settings import Settings
from scanner.terms import LocalFault, UsageError


@pytest.mark.parametrize(
    ("fail_on", "names"),
    [
        (None, None),
        ("none", set()),
        ("", set()),
        ("relay_denied", {"relay_denied"}),
        (" ok , no_domain,", {"ok", "no_domain"}),
        ("open_relay", {"open_relay"}),
        ("none,ok", {"ok"}),
    ],
)
def test_fail_on_is_a_list_of_verdicts_of_any_kind(fail_on: str | None, names: set[str] | None) -> None:
    assert findings_of(fail_on) == names


def test_every_unknown_name_in_fail_on_is_named() -> None:
    with pytest.raises(UsageError, match="no verdict is called 'grelisted', 'okay'"):
        findings_of("okay,ok,grelisted")


def test_the_first_error_of_nested_groups_is_found() -> None:
    inner = ExceptionGroup("inner", [LocalFault("one"), LocalFault("two")])
    assert str(first_of(ExceptionGroup("outer", [inner, LocalFault("three")]))) == "one"


def test_a_closed_standard_output_is_said_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(UsageError, match="stdout is closed"):
        check_output(Settings())
    check_output(Settings(output="file.jsonl"))
