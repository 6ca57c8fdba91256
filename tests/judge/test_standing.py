"""The table of verdicts, row by row: whose matter, and what it means for the domain at this host."""

import pytest

from scanner.judge.standing import ABOUT, about, standing
from scanner.terms import About, Confidence, ProbeVerdict, Stage, Standing

V = ProbeVerdict
BROKEN, SERVES, UNDECIDED = Standing.BROKEN, Standing.SERVES, Standing.UNDECIDED
HIGH, LOW = Confidence.HIGH, Confidence.LOW


@pytest.mark.parametrize(
    ("verdicts", "whose", "on_4xx", "on_5xx"),
    [
        ("user_unknown mailbox_disabled mailbox_full recipient_restricted", About.RECIPIENT, SERVES, SERVES),
        ("relay_denied not_accepting auth_required", About.DOMAIN, BROKEN, BROKEN),
        ("routing_error", About.DOMAIN, UNDECIDED, BROKEN),
        (
            "greylisted rate_limited client_blocked ptr_required helo_rejected sender_rejected sender_auth_failed",
            About.US,
            UNDECIDED,
            UNDECIDED,
        ),
        ("tls_required policy_rejected content_rejected", About.US, UNDECIDED, UNDECIDED),
        ("service_unavailable protocol_error", About.SERVER, UNDECIDED, BROKEN),
        ("tls_unavailable unclassified", About.SERVER, UNDECIDED, UNDECIDED),
    ],
)
def test_what_a_reply_at_rcpt_means(verdicts: str, whose: About, on_4xx: Standing, on_5xx: Standing) -> None:
    for verdict in map(V, verdicts.split()):
        assert about(verdict, Stage.RCPT) is whose, verdict
        assert standing(verdict, Stage.RCPT, 450, HIGH) is on_4xx, verdict
        assert standing(verdict, Stage.RCPT, 550, HIGH) is on_5xx, verdict


@pytest.mark.parametrize(
    ("verdicts", "whose", "stands"),
    [
        ("accepted", About.NONE, SERVES),
        ("refused connect_timeout unreachable reply_timeout disconnected not_smtp tls_failed", About.SERVER, BROKEN),
        ("no_address address_forbidden", About.DOMAIN, BROKEN),
        ("excluded local_error", About.US, UNDECIDED),
        ("dns_failed given_up", About.SERVER, UNDECIDED),
    ],
)
def test_what_an_acceptance_or_no_reply_means(verdicts: str, whose: About, stands: Standing) -> None:
    for verdict in map(V, verdicts.split()):
        assert about(verdict, None) is whose, verdict
        assert standing(verdict, None, None, HIGH) is stands, verdict


def test_every_verdict_is_somebodys_matter() -> None:
    assert set(ABOUT) == set(V)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.RCPT])
def test_auth_asked_for_elsewhere_than_at_rcpt_is_about_us(stage: Stage) -> None:
    assert about(V.AUTH_REQUIRED, stage) is About.US
    assert standing(V.AUTH_REQUIRED, stage, 530, HIGH) is UNDECIDED


@pytest.mark.parametrize("confidence", [HIGH, LOW])
def test_content_refused_after_an_accepted_rcpt_serves(confidence: Confidence) -> None:
    for stage in (Stage.DATA, Stage.MESSAGE):
        assert standing(V.CONTENT_REJECTED, stage, 554, confidence) is SERVES
    assert standing(V.CONTENT_REJECTED, Stage.MAIL, 552, confidence) is UNDECIDED


@pytest.mark.parametrize("verdict", sorted(set(V) - {V.ACCEPTED}))
def test_no_refusal_at_mail_or_rcpt_that_is_a_guess_decides_anything(verdict: V) -> None:
    for stage in (Stage.MAIL, Stage.RCPT, None):
        assert standing(verdict, stage, 550, LOW) is UNDECIDED


def test_a_guess_at_the_greeting_counts() -> None:
    assert standing(V.NOT_ACCEPTING, Stage.BANNER, 521, LOW) is BROKEN
