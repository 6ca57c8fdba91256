"""Replies to verdicts: each pitfall that real servers set, the samples, and what must hold for any reply at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.judge import reason
from scanner.judge.reason import judge_cleaned, judge_protocol_error, judge_reply, judge_transport
from scanner.judge.standing import NO_REPLY
from scanner.terms import About, Confidence, ProbeVerdict, Stage, Standing

V = ProbeVerdict
SAMPLES = [json.loads(line) for line in (Path(__file__).parent / "samples.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{row['code']}-{row['text'][:40]}" for row in SAMPLES])
def test_every_sample_of_a_real_server_is_read_as_what_it_stands_for(sample: dict) -> None:
    stage = Stage(sample["stage"]) if sample["stage"] else None
    assert judge_reply(stage, sample["code"], sample["enhanced"], sample["text"]).verdict == sample["reason"]


def test_each_sample_names_its_source_and_there_are_many_from_many_servers() -> None:
    assert len(SAMPLES) >= 150
    assert all(sample["source"] for sample in SAMPLES)
    assert len({sample["source"] for sample in SAMPLES}) >= 40


# --- the order of decision ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [*Stage, None])
@pytest.mark.parametrize("code", [200, 220, 250, 251, 252, 334, 354, 399])
def test_2xx_and_3xx_are_accepted_at_every_stage_without_a_look_at_the_text(stage: Stage | None, code: int) -> None:
    assert judge_reply(stage, code, "5.7.1", "relay access denied") is reason.ACCEPTED


@pytest.mark.parametrize("code", [0, 100, 199, 600, 700, 999, -1])
def test_a_code_outside_200_to_599_is_unclassified(code: int) -> None:
    judged = judge_reply(Stage.RCPT, code, None, "Relay access denied")
    assert (judged.verdict, judged.standing, judged.about) == (V.UNCLASSIFIED, Standing.UNDECIDED, About.SERVER)


@pytest.mark.parametrize(
    "text",
    ["5.2.2 x", "x (#5.2.2)", "x (#5.2.2 - chkusr)", "#5.2.2 x", "a line\n5.2.2 the last line", "5.2.2 first line\nx"],
)
def test_an_enhanced_code_is_taken_from_the_places_where_one_may_stand(text: str) -> None:
    assert judge_reply(Stage.RCPT, 550, None, text).rule == "enhanced.X.2.2"


@pytest.mark.parametrize("text", ["x 5.2.2 x", "x (5.2.2)", "15.2.2 x", "5.2.2.1 x", "5.2 x"])
def test_an_enhanced_code_elsewhere_is_only_a_number(text: str) -> None:
    assert judge_reply(Stage.RCPT, 550, None, text).rule == "stage.rcpt.550"


def test_a_phrase_split_over_the_lines_of_a_reply_is_one_phrase() -> None:
    text = "5.1.1 The email account that you tried to reach does not\n5.1.1 exist. Please try"
    assert judge_reply(Stage.RCPT, 550, "5.1.1", text).rule == "user.unknown"


def test_refusals_that_differ_only_in_what_they_echo_are_judged_once() -> None:
    judge_cleaned.cache_clear()
    for number in range(50):
        judge_reply(Stage.RCPT, 550, "5.7.1", f"5.7.1 <user{number}@d{number}.example>: Relay access denied")
    assert (judge_cleaned.cache_info().misses, judge_cleaned.cache_info().hits) == (1, 49)


def test_the_memory_of_refusals_is_bounded() -> None:
    assert judge_cleaned.cache_info().maxsize == reason.REMEMBERED_REFUSALS


REPLY_TEXT = st.lists(
    st.one_of(st.text(max_size=60), st.sampled_from([row["text"] for row in SAMPLES])), max_size=3
).map("\n".join)


@given(
    stage=st.sampled_from([*Stage, None]),
    code=st.integers(400, 599),
    enhanced=st.one_of(st.none(), st.from_regex(r"[245]\.\d{1,3}\.\d{1,3}", fullmatch=True), st.text(max_size=8)),
    text=REPLY_TEXT,
)
def test_every_refusal_has_a_verdict_a_rule_and_a_transience_of_its_first_digit(
    stage: Stage | None, code: int, enhanced: str | None, text: str
) -> None:
    judged = judge_reply(stage, code, enhanced, text)
    assert judged.verdict not in NO_REPLY | {V.ACCEPTED}
    assert judged.transient is (code < 500)
    assert judged.rule
    if judged.confidence is Confidence.LOW and stage in {Stage.MAIL, Stage.RCPT}:
        assert judged.standing is Standing.UNDECIDED


@pytest.mark.parametrize("unit", ["a", "<", "[", "@", "a.", "a@", "no relay ", "user ", "not ", "(#5", "\\xe9", "- "])
def test_a_hostile_text_costs_no_more_than_its_first_thousand_characters(unit: str) -> None:
    """No pattern may run away: what comes after the first 1,000 characters does not even count."""
    long = unit * 40_000
    assert judge_reply(Stage.RCPT, 550, None, long) == judge_reply(Stage.RCPT, 550, None, long[:1000])


# --- without a reply ----------------------------------------------------------------------------------------------

LASTING = {V.NOT_SMTP, V.TLS_FAILED, V.NO_ADDRESS, V.ADDRESS_FORBIDDEN, V.EXCLUDED}


@pytest.mark.parametrize("verdict", sorted(NO_REPLY))
def test_without_a_reply_all_may_differ_later_but_what_is_no_matter_of_the_moment(verdict: V) -> None:
    judged = judge_transport(verdict)
    assert (judged.verdict, judged.confidence, judged.rule) == (verdict, Confidence.HIGH, f"transport.{verdict}")
    assert judged.transient is (verdict not in LASTING)


@pytest.mark.parametrize("verdict", sorted(set(V) - NO_REPLY - {V.PROTOCOL_ERROR}))
def test_a_verdict_that_only_a_reply_can_give_is_no_transport_outcome(verdict: V) -> None:
    with pytest.raises(ValueError, match=verdict):
        judge_transport(verdict)


@pytest.mark.parametrize(
    ("code", "standing", "transient"),
    [
        (None, Standing.BROKEN, True),
        (250, Standing.BROKEN, False),
        (450, Standing.UNDECIDED, True),
        (550, Standing.BROKEN, False),
    ],
)
def test_a_broken_dialogue_is_judged_by_its_last_line(code: int | None, standing: Standing, transient: bool) -> None:  # noqa: FBT001
    judged = judge_protocol_error(code)
    assert judged[:4] == (V.PROTOCOL_ERROR, standing, About.SERVER, transient)
    assert judge_transport(V.PROTOCOL_ERROR) == judge_protocol_error(None)
