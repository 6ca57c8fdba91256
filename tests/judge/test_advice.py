"""Every verdict has its sentences, and the special cases have theirs."""

import itertools

import pytest

from scanner.judge.advice import DOMAINS, PROBES, SPECIAL_RULES, explain_domain, explain_probe
from scanner.judge.reason import judge_reply
from scanner.terms import Confidence, DomainVerdict, ProbeVerdict, Role, Stage


def test_every_verdict_is_explained_once_and_no_two_alike() -> None:
    assert set(PROBES) == set(ProbeVerdict)
    assert set(DOMAINS) == set(DomainVerdict)
    for texts in (PROBES, DOMAINS):
        assert len({advice.meaning for advice in texts.values()}) == len(texts)


def test_texts_are_sentences() -> None:
    for advice in itertools.chain(PROBES.values(), DOMAINS.values(), SPECIAL_RULES.values()):
        for text in advice:
            assert text.strip() == text
            assert text[0].isupper() or text.startswith("SPF")
            assert text.endswith(".")


def test_a_login_asked_for_at_rcpt_is_explained_as_a_domain_not_served() -> None:
    assert "does not serve this domain" in explain_probe(ProbeVerdict.AUTH_REQUIRED, stage=Stage.RCPT).meaning
    assert "does not serve" not in explain_probe(ProbeVerdict.AUTH_REQUIRED, stage=Stage.MAIL).meaning


def test_a_secondary_that_refuses_or_defers_has_its_own_explanation() -> None:
    assert "never told" in explain_probe(ProbeVerdict.RELAY_DENIED, role=Role.SECONDARY).meaning
    assert "never told" not in explain_probe(ProbeVerdict.RELAY_DENIED, role=Role.PRIMARY).meaning
    assert "postscreen" in explain_probe(ProbeVerdict.GREYLISTED, role=Role.SECONDARY, transient=True).meaning


def test_a_tenant_without_postmaster_and_one_locked_to_its_connector_are_told_apart() -> None:
    edge = judge_reply(Stage.RCPT, 550, "5.4.1", "Recipient address rejected: Access denied. AS(201806281)")
    locked = judge_reply(Stage.RCPT, 550, "5.7.51", "5.7.51 TenantInboundAttribution; There is a partner connector")
    assert "postmaster" in explain_probe(edge.verdict, stage=Stage.RCPT, rule=edge.rule).meaning
    assert "connector" in explain_probe(locked.verdict, stage=Stage.RCPT, rule=locked.rule).meaning


def test_a_guess_says_that_it_is_one_and_a_temporary_refusal_that_it_may_pass() -> None:
    sure = explain_probe(ProbeVerdict.USER_UNKNOWN).meaning
    assert explain_probe(ProbeVerdict.USER_UNKNOWN, confidence=Confidence.LOW).meaning.startswith(sure)
    assert "ambiguous" in explain_probe(ProbeVerdict.USER_UNKNOWN, confidence=Confidence.LOW).meaning
    assert "temporary" in explain_probe(ProbeVerdict.RELAY_DENIED, transient=True).meaning
    assert explain_probe(ProbeVerdict.CONNECT_TIMEOUT, transient=True) == PROBES[ProbeVerdict.CONNECT_TIMEOUT]


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        (DomainVerdict.PRIMARY_BROKEN, "nolisting"),
        (DomainVerdict.PRIMARY_BROKEN, "hidden primary"),
        (DomainVerdict.INCONCLUSIVE, "postscreen"),
        (DomainVerdict.SECONDARY_REJECTS_RELAY, "never told"),
    ],
)
def test_what_may_be_meant_so_is_said(verdict: DomainVerdict, word: str) -> None:
    assert word in explain_domain(verdict).meaning
