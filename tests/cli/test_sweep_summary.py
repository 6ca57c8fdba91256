from __future__ import annotations

import re

from scanner.cli.recording import swept_group
from scanner.cli.sweep_summary import FINDINGS_KEPT, SweepSummary
from scanner.pool.probe import Answer
from scanner.records.tally import DEFAULT_FINDINGS, Tally
from scanner.relay.course import Course
from scanner.relay.verdict import judge_tests
from scanner.run.sweep import SweepItem, SweptTarget
from scanner.terms import Target
from tests.relay.asking import NAMES, named, played, taking


def swept(seq: int, *accepted: str) -> SweptTarget:
    course = Course(named("plain", "bang"), NAMES)
    played(course, taking(*accepted))
    found = judge_tests(course.tested)
    question, outcome = found.decided_by.question, found.decided_by.outcome
    assert question is not None
    assert outcome is not None
    item = SweepItem(seq, Target(f"192.0.2.{seq}" if seq else "2001:db8::1", 25))
    return SweptTarget(item, question, Answer(outcome, 0.0), found, tuple(course.tested))


def lines_of(*targets: SweptTarget, excluded: int = 0) -> list[str]:
    """The summary without colours."""
    tally, summary = Tally(), SweepSummary(DEFAULT_FINDINGS)
    tally.add(*[swept_group("run", each) for each in targets])
    tally.excluded = excluded
    summary.see(*targets)
    lines = summary.lines(tally, bad_lines=0, interrupted=False)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def test_verdicts_are_counted_and_relays_told_with_the_test_they_took() -> None:
    assert lines_of(swept(2), swept(1, "plain"), swept(0, "bang"), excluded=7) == [
        "\ndone: 3 targets, 7 addresses taken out",
        "         2  open_relay_suspected",
        "         1  closed",
        "\nfindings:",
        "  [2001:db8::1]:25 open_relay_suspected by bang: 250 2.1.5 Ok",
        "  192.0.2.1:25 open_relay_suspected by plain: 250 2.1.5 Ok",
    ]


def test_a_catastrophe_is_told_in_part_and_counted_in_whole() -> None:
    lines = lines_of(*[swept(number % 200 + 1, "plain") for number in range(FINDINGS_KEPT + 3)])
    assert lines[-1] == "  … and 3 more; the records have them all"
