from __future__ import annotations

import pytest

from scanner.judge.reason import judge_reply, judge_transport
from scanner.judge.standing import NO_REPLY
from scanner.quotations.judgement import UNKNOWN_RULE, judge_quoted
from scanner.quotations.quoted import Quoted
from scanner.terms import About, Confidence, ProbeVerdict, Stage, Standing


def test_a_reply_with_its_code_is_judged_as_one_that_we_heard() -> None:
    quoted = Quoted(554, "5.7.1", "5.7.1 <a@b.example>: Relay access denied", Stage.RCPT)
    assert judge_quoted(quoted) == judge_reply(Stage.RCPT, 554, "5.7.1", quoted.text)


@pytest.mark.parametrize("verdict", sorted(NO_REPLY))
def test_a_failure_is_judged_as_one_that_we_met(verdict: ProbeVerdict) -> None:
    assert judge_quoted(Quoted(None, None, "", trouble=verdict)) == judge_transport(verdict)


def test_starttls_that_was_not_offered_leaves_the_domain_undecided() -> None:
    found = judge_quoted(
        Quoted(None, None, "TLS is required, but was not offered", trouble=ProbeVerdict.TLS_UNAVAILABLE)
    )
    assert (found.verdict, found.standing, found.about) == ("tls_unavailable", Standing.UNDECIDED, About.SERVER)
    assert (found.transient, found.confidence) == (True, Confidence.HIGH)


@pytest.mark.parametrize(
    ("enhanced", "transient", "said_transient"),
    [("5.7.1", None, False), ("4.7.1", None, True), (None, True, True), (None, False, False), (None, None, False)],
)
def test_without_a_code_the_enhanced_code_or_the_form_tells_whether_it_lasts(
    enhanced: str | None,
    transient: bool | None,  # noqa: FBT001 - a column of the table
    said_transient: bool,  # noqa: FBT001
) -> None:
    found = judge_quoted(Quoted(None, enhanced, "Relay access denied", transient=transient))
    assert (found.verdict, found.transient, found.standing) == ("relay_denied", said_transient, Standing.BROKEN)


def test_what_only_a_code_could_have_told_is_not_known_without_one() -> None:
    for quoted in (Quoted(None, None, "frobnicated"), Quoted(None, "5.0.0", "frobnicated", Stage.RCPT)):
        found = judge_quoted(quoted)
        assert (found.verdict, found.rule) == ("unclassified", UNKNOWN_RULE)
        assert (found.confidence, found.standing) == (Confidence.LOW, Standing.UNDECIDED)


def test_an_enhanced_code_alone_decides_what_it_names() -> None:
    found = judge_quoted(Quoted(None, "5.1.1", ""))
    assert (found.verdict, found.confidence) == ("user_unknown", Confidence.HIGH)


def test_a_success_without_its_code_is_accepted() -> None:
    assert judge_quoted(Quoted(None, "2.1.5", "2.1.5 Ok")).verdict == "accepted"


def test_words_that_weigh_differently_for_now_and_for_good_leave_the_domain_undecided() -> None:
    found = judge_quoted(Quoted(None, None, "Service unavailable, closing transmission channel"))
    assert (found.verdict, found.standing) == ("service_unavailable", Standing.UNDECIDED)
    assert found.confidence is Confidence.LOW
