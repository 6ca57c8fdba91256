"""What is asked next, given what was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.relay.course import Course
from scanner.relay.patterns import BASIC, BY_NAME, PATTERNS
from scanner.run.verdict import judge
from scanner.terms import ProbeVerdict, Stage, Unproven
from tests.relay.asking import ACCEPTED, DENIED, GO_AHEAD, NAMES, SILENT, at, named, played, taking

if TYPE_CHECKING:
    from scanner.relay.patterns import Pattern
    from scanner.smtp.outcome import Outcome, Question

SKIPPED, INCONCLUSIVE = Unproven.SKIPPED, Unproven.INCONCLUSIVE


def ends(course: Course) -> dict[str, str]:
    return {test.pattern.name: str(test.verdict) for test in course.tested}


def test_a_closed_server_is_asked_all_that_was_wanted_and_no_control() -> None:
    course = Course(named(*BASIC), NAMES)
    asked = played(course, taking())
    assert [question[:2] for question in asked] == [pattern.question(NAMES)[:2] for pattern in named(*BASIC)]
    assert set(ends(course).values()) == {"relay_denied"}


def test_after_a_strong_hit_the_rest_is_skipped() -> None:
    course = Course(named(*BASIC), NAMES)
    assert len(played(course, taking("plain", "sender-null"))) == 1
    assert ends(course) == {"plain": "accepted", **dict.fromkeys(list(ends(course))[1:], "skipped")}


def test_with_every_test_wanted_a_hit_stops_nothing() -> None:
    course = Course(PATTERNS, NAMES, every=True)
    played(course, taking("sender-bare", "route-ip"))
    assert [name for name, verdict in ends(course).items() if verdict == "accepted"] == ["sender-bare", "route-ip"]
    assert "skipped" not in ends(course).values()


def test_a_weak_hit_asks_for_its_control_and_counts_where_that_is_refused() -> None:
    course = Course(named("percent-host"), NAMES)
    asked = played(course, taking("percent-host"))
    assert [question.recipient for question in asked] == [
        "me%canary.example@mx.target.example",
        "nobody7@mx.target.example",
    ]
    assert ends(course) == {"percent-host": "accepted"}


def test_a_catch_all_takes_the_control_too_and_proves_nothing() -> None:
    course = Course(PATTERNS, NAMES)
    asked = played(course, lambda q: ACCEPTED if q.recipient.endswith("@mx.target.example") else DENIED)
    assert {name for name, verdict in ends(course).items() if verdict == INCONCLUSIVE} == {
        "percent-host",
        "quotedat-host",
        "doubleat-host",
        "bang-host",
    }
    assert "accepted" not in ends(course).values()
    controls = [question.recipient for question in asked if "nobody7" in question.recipient]
    assert controls == ["nobody7@mx.target.example", '"nobody7"@mx.target.example'], "each once"


@pytest.mark.parametrize(
    "no_answer",
    [SILENT, at(Stage.BANNER, 554, "go away"), at(Stage.MAIL, 550, "enough")],
    ids=["silent", "at the door", "at mail"],
)
def test_a_control_that_was_not_refused_as_a_recipient_clears_nobody_and_accuses_nobody(no_answer: Outcome) -> None:
    course = Course(named("percent-host"), NAMES)
    played(course, lambda q: no_answer if "nobody7" in q.recipient else ACCEPTED)
    assert ends(course) == {"percent-host": "inconclusive"}


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.BANNER, Stage.HELO, Stage.STARTTLS])
def test_a_host_that_refuses_before_mail_is_asked_nothing_more(stage: Stage) -> None:
    course = Course(PATTERNS, NAMES._replace(host=None))
    assert len(played(course, lambda _: at(stage, 554, "go away"))) == 1
    assert not course.waits_for_host
    assert list(ends(course).values())[1:] == ["skipped"] * 25


def test_a_host_that_says_nothing_is_given_up_at_the_second_time() -> None:
    course = Course(PATTERNS, NAMES)
    assert len(played(course, lambda _: SILENT)) == 2


def test_what_needs_the_target_s_name_waits_for_it_and_is_skipped_where_there_is_none() -> None:
    course = Course(named(*BASIC), NAMES._replace(host=None))
    for _ in range(2):
        assert not course.waits_for_host
        assert course.next() is not None
        course.take(DENIED, judge(DENIED))
    assert course.waits_for_host
    course.name_host(None)
    assert course.next() is None
    assert course.lacks_name
    assert ends(course) == {
        "plain": "relay_denied",
        "sender-null": "relay_denied",
        "sender-host": "skipped",
        "route-host": "skipped",
        "percent-host": "skipped",
    }


# -- evidence: DATA ---------------------------------------------------------------------------------------------------


def test_with_data_an_accepted_recipient_is_followed_by_it() -> None:
    course = Course(named("plain"), NAMES, data=True)
    [asked] = played(course, taking("plain"))
    assert asked.data
    assert course.tested[0].outcome == GO_AHEAD


def test_a_test_that_is_refused_at_data_is_refused_whatever_the_reason() -> None:
    refused = at(Stage.DATA, 550, "5.7.1 message content rejected")
    course = Course(named("plain"), NAMES, data=True)
    played(course, lambda _: refused)
    assert ends(course) == {"plain": "content_rejected"}


def test_a_weak_test_has_its_control_before_its_data() -> None:
    course = Course(named("percent-host"), NAMES, data=True)
    asked = played(course, taking("percent-host"))
    assert [(question.recipient, question.data) for question in asked] == [
        ("me%canary.example@mx.target.example", False),
        ("nobody7@mx.target.example", False),
        ("me%canary.example@mx.target.example", True),
    ]
    assert ends(course) == {"percent-host": "accepted"}
    assert course.tested[0].outcome == GO_AHEAD


def test_at_most_one_354_is_provoked() -> None:
    course = Course(PATTERNS, NAMES, data=True, every=True)
    asked = played(course, lambda question: GO_AHEAD if question.data else ACCEPTED)
    assert sum(question.data for question in asked) == 1


OUTCOMES = [ACCEPTED, DENIED, GO_AHEAD, SILENT, at(Stage.BANNER, 421, "busy"), at(Stage.RCPT, 450, "4.2.0 later")]


@given(
    st.lists(st.sampled_from(OUTCOMES), min_size=80, max_size=80),
    st.sets(st.sampled_from(PATTERNS), min_size=1),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from([None, "mx.target.example"]),
)
def test_whatever_is_answered_every_test_ends_once_and_soon(
    outcomes: list[Outcome], patterns: set[Pattern], modes: tuple[bool, bool], host: str | None
) -> None:
    data, every = modes
    wanted = [pattern for pattern in PATTERNS if pattern in patterns]
    course = Course(wanted, NAMES._replace(host=host), data=data, every=every)
    course.name_host(host)
    answers = iter(outcomes)

    def server(question: Question) -> Outcome:
        outcome = next(answers)
        return outcome if question.data or outcome is not GO_AHEAD else ACCEPTED

    asked = played(course, server)
    assert [test.pattern for test in course.tested] == wanted
    assert len(asked) <= 3 * len(wanted)
    assert not course.waits_for_host
    for test in course.tested:
        assert (test.question is None) == (test.verdict == SKIPPED)
        if test.verdict is ProbeVerdict.ACCEPTED and test.pattern.control is not None:
            control = test.pattern.control_question(course.names)
            assert control in asked


def test_the_names_of_tests_are_unique() -> None:
    assert len(BY_NAME) == len(PATTERNS)
