from __future__ import annotations

import pytest

from scanner.cli.status import Status, TargetStatus
from scanner.cli.telling import COLUMNS_AT_MOST, duration, fields_of, report_of, sentence_of

VERDICTS = {"ok": 100, "undeliverable": 12, "no_mail": 4, "no_domain": 2, "no_route": 1, "dns_failed": 1}
BARE = Status(120, 7, 3, 60.0, VERDICTS, {"accepted": 130, "refused": 9}, rate=2.0, mean_rate=2.0)
SLOW = TargetStatus("192.0.2.7", 8, 0, 2, 40, 12_340.4)
BUSY = TargetStatus("2001:db8::9", 8, 31_000, 2, 5120, 250.0)
FRESH = TargetStatus("192.0.2.8", 1, 0, 1, 0, 0.0)
FULL = Status(
    123_456, 20_000, 500, 7_260.0, {"ok": 123_000, "undeliverable": 456}, {"accepted": 130_000},
    rate=48.3, mean_rate=17.0, probes=19_999, parked=31_000, retrying=250, paused=12,
    total=1_000_000, left_s=18_000.0, busiest=(BUSY, SLOW), slowest=(SLOW, FRESH),
)  # fmt: skip


def test_a_status_is_one_sentence_with_the_most_frequent_verdicts() -> None:
    assert sentence_of(BARE) == (
        "120 domains done (2.0/s), 7 in progress, 3 connections:"
        " ok 100, undeliverable 12, no_mail 4, no_domain 2, no_route 1"
    )


def test_what_is_nought_or_not_known_is_not_named() -> None:
    nothing = Status(0, 0, 0, 0.0, {}, {})
    assert sentence_of(nothing) == "0 domains done (0/s), 0 in progress, 0 connections"


def test_the_sentence_has_the_total_the_time_left_and_what_waits() -> None:
    assert sentence_of(FULL) == (
        "123456 of about 1000000 domains (48/s), about 5 h left, 20000 in progress, 500 connections,"
        " 31000 parked, 250 to retry, 12 targets paused: ok 123000"
    )


def test_a_total_that_was_counted_is_not_about() -> None:
    assert sentence_of(FULL._replace(total_exact=True)).startswith("123456 of 1000000 domains (48/s), about 5 h")


def test_a_sentence_is_one_readable_line_however_much_there_is() -> None:
    """Verdicts are left out, whole ones; eighty columns still have the time that is left."""
    verdicts = {f"secondary_rejects_relay_{number}": 1_000_000 for number in range(9)}
    sentence = sentence_of(FULL._replace(verdicts=verdicts))
    assert len(sentence) <= COLUMNS_AT_MOST
    assert sentence.endswith("12 targets paused")
    assert "about 5 h left" in sentence[:71]
    some = sentence_of(BARE._replace(verdicts=verdicts))
    assert len(some) <= COLUMNS_AT_MOST
    assert some.endswith(": secondary_rejects_relay_0 1000000, secondary_rejects_relay_1 1000000")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (89, "1 min"), (3569, "59 min"), (3590, "1 h"),
        (7_800, "2 h 10 min"), (7_200, "2 h"), (86_350, "23 h 59 min"), (86_399, "1 d"), (100_000, "1 d 4 h"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_told_in_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_who_asks_is_told_all_of_it() -> None:
    assert list(report_of(FULL)) == [
        "123456 of about 1000000 domains in 2 h 1 min, about 5 h left",
        "48/s in the last minute, 17/s since the start",
        "20000 domains in progress, 19999 probes in memory, 500 connections, 12 targets paused",
        "31000 domains parked at busy targets, 250 wait to be asked again",
        "domains: ok 123000, undeliverable 456",
        "probes: accepted 130000",
        "busiest targets:",
        "  2001:db8::9: 8 probes waiting and 31000 domains parked, 2 connections, 5120 answered in 0.25 s on average",
        "  192.0.2.7: 8 probes waiting, 2 connections, 40 answered in 12.34 s on average",
        "slowest targets:",
        "  192.0.2.7: 8 probes waiting, 2 connections, 40 answered in 12.34 s on average",
        "  192.0.2.8: 1 probes waiting, 1 connections, nothing answered yet",
    ]


def test_who_asks_is_told_every_verdict() -> None:
    assert f"domains: {', '.join(f'{name} {number}' for name, number in VERDICTS.items())}" in report_of(BARE)


def test_who_asks_before_there_is_anything_is_told_so() -> None:
    assert list(report_of(Status(0, 0, 0, 0.4, {}, {}))) == [
        "0 domains done in 0 s",
        "0/s in the last minute, 0/s since the start",
        "0 domains in progress, 0 probes in memory, 0 connections, 0 targets paused",
        "0 domains parked at busy targets, 0 wait to be asked again",
        "domains: no verdict yet",
        "probes: no verdict yet",
        "busiest targets: none",
        "slowest targets: none",
    ]


def test_the_object_for_programs_has_every_number_rounded_to_what_is_worth_reading() -> None:
    assert fields_of(FULL._replace(elapsed_s=60.123, rate=1 / 3, mean_rate=2 / 3, left_s=99.96)) == {
        "items": 123_456, "in_progress": 20_000, "sessions": 500, "elapsed_s": 60.1,
        "verdicts": {"ok": 123_000, "undeliverable": 456}, "probe_verdicts": {"accepted": 130_000},
        "rate": 0.33, "mean_rate": 0.67, "probes": 19_999, "parked": 31_000, "retrying": 250, "paused": 12,
        "what": "domains", "total": 1_000_000, "total_exact": False, "left_s": 100.0,
        "busiest": [
            {"address": "2001:db8::9", "waiting": 8, "parked": 31_000, "sessions": 2, "answered": 5120,
             "mean_ms": 250.0},
            {"address": "192.0.2.7", "waiting": 8, "parked": 0, "sessions": 2, "answered": 40, "mean_ms": 12_340.4},
        ],
        "slowest": [
            {"address": "192.0.2.7", "waiting": 8, "parked": 0, "sessions": 2, "answered": 40, "mean_ms": 12_340.4},
            {"address": "192.0.2.8", "waiting": 1, "parked": 0, "sessions": 1, "answered": 0, "mean_ms": 0.0},
        ],
    }  # fmt: skip


def test_what_nobody_knows_is_null_for_programs() -> None:
    fields = fields_of(BARE)
    assert (fields["total"], fields["left_s"], fields["busiest"]) == (None, None, [])
