from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from scanner.records.known import Known, KnownFindings, parse_known
from scanner.records.tally import KNOWN_VERDICTS
from scanner.terms import UsageError

DAY = dt.date(2027, 1, 31)
PRINTER = {"address": "192.0.2.0/28", "reason": "the printers", "expires": DAY}


def entry(**more: Any) -> Known:
    [known] = parse_known([PRINTER | more], KNOWN_VERDICTS)
    return known


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"reason": ""}, "reason must be a string"),
        ({"expires": "2027-01-31"}, "expires is required, a date"),
        ({"verdict": "opne_relay"}, "no verdict is called 'opne_relay'"),
        ({"verdict": 7}, "verdict must be"),
        ({"adress": "192.0.2.1"}, "no key is called 'adress'"),
        ({"address": "192.0.2.1/8"}, "address: "),
        ({"port": "25"}, "port must be a number"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named(more: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError, match=r"^\[\[known\]\] 2: ") as error:
        parse_known([PRINTER, PRINTER | more], KNOWN_VERDICTS)
    assert fault in str(error.value)


def test_a_reason_and_something_to_cover_are_required() -> None:
    for without in ("reason", "address"):
        table = {name: value for name, value in PRINTER.items() if name != without}
        with pytest.raises(UsageError, match="reason" if without == "reason" else "would cover everything"):
            parse_known([table], KNOWN_VERDICTS)
    with pytest.raises(UsageError, match="must be tables"):
        parse_known({"address": "192.0.2.1"}, KNOWN_VERDICTS)


@pytest.mark.parametrize(
    ("more", "found", "covered"),
    [
        ({}, ("open_relay", None, None, "192.0.2.7", 25), True),
        ({}, ("open_relay", None, None, "192.0.2.16", 25), False),
        ({"port": 587}, ("open_relay", None, None, "192.0.2.7", 25), False),
        ({"verdict": ["closed", "open_relay"]}, ("open_relay", None, None, "192.0.2.7", 25), True),
        ({"verdict": "closed"}, ("open_relay", None, None, "192.0.2.7", 25), False),
        ({"domain": "A.example."}, ("relay_denied", "a.example", "mx.a.example", "192.0.2.7", 25), True),
        ({"exchange": "mx.b.example"}, ("relay_denied", "a.example", "mx.a.example", "192.0.2.7", 25), False),
        ({}, ("no_domain", "a.example", None, None, None), False),
    ],
)
def test_an_entry_covers_what_all_of_its_keys_say(more: dict[str, Any], found: Any, *, covered: bool) -> None:
    assert entry(**more).covers(*found) is covered


def test_an_entry_holds_up_to_its_day() -> None:
    assert KnownFindings([entry()], DAY).valid
    late = KnownFindings([entry()], DAY + dt.timedelta(days=1))
    assert not late
    assert late.warnings() == ["known finding expired on 2027-01-31: the printers"]


def test_each_entry_that_was_met_is_told_with_its_count() -> None:
    known = KnownFindings([entry(), entry(reason="never met", address="198.51.100.1")], DAY)
    for address in ("192.0.2.1", "192.0.2.2", "203.0.113.1"):
        known.meet("open_relay", None, None, address, 25)
    assert known.told() == ["known: 2 findings: the printers (until 2027-01-31)"]
