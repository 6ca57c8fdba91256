"""Open, closed, or not tested: each sentence of what a sweep's verdicts mean."""

from __future__ import annotations

import pytest

from scanner.relay.course import Course
from scanner.relay.patterns import BASIC, PATTERNS
from scanner.relay.verdict import Swept, judge_tests
from scanner.smtp.outcome import Outcome
from scanner.terms import About, Confidence, ProbeVerdict, Stage, SweepVerdict
from tests.relay.asking import ACCEPTED, DENIED, NAMES, at, named, played, taking

OPEN = SweepVerdict.OPEN_RELAY_SUSPECTED
CLOSED = SweepVerdict.CLOSED


def swept(server: object, *, names: tuple[str, ...] = BASIC, data: bool = False, every: bool = False) -> Swept:
    course = Course(named(*names), NAMES, data=data, every=every)
    played(course, server)  # type: ignore[arg-type]
    return judge_tests(course.tested)


def test_an_accepted_recipient_is_a_suspicion_only() -> None:
    """Many servers accept and discard, or refuse at end of data."""
    found = swept(taking("plain"))
    assert found[:5] == (OPEN, About.SERVER, False, Confidence.HIGH, "relay.plain")


def test_a_354_makes_it_likely() -> None:
    assert swept(taking("plain"), data=True).verdict is SweepVerdict.OPEN_RELAY_LIKELY


def test_a_weak_test_alone_is_a_suspicion_of_low_confidence() -> None:
    found = swept(taking("percent-host"))
    assert (found.verdict, found.confidence, found.rule) == (OPEN, Confidence.LOW, "relay.percent-host")


def test_the_first_strong_one_in_list_order_decides() -> None:
    found = swept(taking("percent-host", "route-host", "sender-host"), every=True, names=())
    assert (found.confidence, found.decided_by.pattern.name) == (Confidence.HIGH, "sender-host")


@pytest.mark.parametrize(
    ("plain", "verdict"),
    [
        (DENIED, CLOSED),
        (at(Stage.RCPT, 454, "4.7.1 Relay access denied"), CLOSED),
        (at(Stage.RCPT, 550, "5.1.1 User unknown"), CLOSED),
        (at(Stage.RCPT, 550, "5.7.1 Administrative prohibition"), CLOSED),
        (at(Stage.RCPT, 530, "5.7.0 Authentication required"), CLOSED),
        (at(Stage.MAIL, 530, "5.7.0 Authentication required"), CLOSED),
        (at(Stage.RCPT, 550, "Invalid recipient"), CLOSED),
        (at(Stage.RCPT, 450, "4.2.0 Greylisted, please try again"), ProbeVerdict.GREYLISTED),
        (at(Stage.RCPT, 554, "5.7.1 Client host blocked using zen.spamhaus.org"), ProbeVerdict.CLIENT_BLOCKED),
        (at(Stage.MAIL, 553, "5.1.8 Sender domain does not exist"), ProbeVerdict.SENDER_REJECTED),
        (at(Stage.BANNER, 554, "No SMTP service here"), CLOSED),
        (at(Stage.BANNER, 554, "5.7.1 Your address is on a blocklist"), ProbeVerdict.CLIENT_BLOCKED),
        (Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED), ProbeVerdict.REFUSED),
        (Outcome(Stage.RCPT, trouble=ProbeVerdict.DISCONNECTED), ProbeVerdict.DISCONNECTED),
        (at(Stage.RCPT, 450, "4.1.1 User unknown"), ProbeVerdict.USER_UNKNOWN),
    ],
)
def test_closed_is_who_refuses_plain_for_good_and_for_its_recipient(
    plain: Outcome, verdict: SweepVerdict | ProbeVerdict
) -> None:
    """Refused for another reason is not tested, and never counted as closed."""
    found = swept(lambda question: plain if question.recipient == question.sender else DENIED)
    assert found.decided_by.outcome == plain
    assert found.verdict is verdict
    assert (found.about is About.NONE) == (found.verdict is CLOSED)


def test_other_tests_reasons_do_not_matter_to_a_closed_server() -> None:
    grey = at(Stage.RCPT, 450, "4.2.0 Greylisted")
    assert swept(lambda question: DENIED if question.recipient == question.sender else grey).verdict is CLOSED


def test_an_odd_shape_that_is_bad_syntax_to_the_server_is_refused_and_no_fault_of_its() -> None:
    odd = at(Stage.RCPT, 501, "5.1.3 Bad recipient address syntax")
    found = swept(lambda question: DENIED if question.recipient == question.sender else odd, names=())
    assert found.verdict is CLOSED


def test_plain_refused_for_good_after_its_recipient_was_accepted_is_closed_whatever_the_reason() -> None:
    late = at(Stage.DATA, 550, "5.7.1 message looks like spam")
    assert swept(lambda question: late if question.data else ACCEPTED, data=True, names=("plain",)).verdict is CLOSED


def test_plain_put_off_after_its_recipient_was_accepted_is_not_tested() -> None:
    late = at(Stage.DATA, 451, "4.3.1 Insufficient system storage")
    found = swept(lambda _: late, data=True, names=("plain",))
    assert found.verdict is ProbeVerdict.SERVICE_UNAVAILABLE


def test_a_catch_all_is_closed_where_it_refuses_plain() -> None:
    found = swept(lambda q: ACCEPTED if "@mx.target" in q.recipient and not q.recipient.startswith("@") else DENIED)
    assert found.verdict is CLOSED


def test_weak_tests_alone_at_a_catch_all_say_nothing() -> None:
    found = swept(lambda _: ACCEPTED, names=("percent-host",))
    assert (found.verdict, found.confidence) == (ProbeVerdict.UNCLASSIFIED, Confidence.LOW)


def test_without_plain_the_first_test_s_answer_is_the_target_s() -> None:
    found = swept(taking(), names=("sender-null", "route-ip"))
    assert (found.verdict, found.decided_by.pattern.name) == (CLOSED, "sender-null")


def test_where_nothing_was_run_there_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="no test was run"):
        judge_tests([])


def test_all_tests_of_a_closed_server_together() -> None:
    found = swept(taking(), names=tuple(pattern.name for pattern in PATTERNS), every=True)
    assert (found.verdict, found.transient, found.confidence) == (CLOSED, False, Confidence.HIGH)
