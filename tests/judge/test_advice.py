"""Every verdict has its sentences, and the cases that administrators meet have theirs."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judge.advice import CASES, DEAD, explain_domain, explain_probe
from scanner.judge.reason import judge_reply
from scanner.judge.texts import DOMAINS, LIKELIEST, LISTED, NOT_CONCLUDED, PROBES, TEMPORARY
from scanner.terms import Confidence, DomainVerdict, ProbeVerdict, Role, Stage, Standing

V = ProbeVerdict


def explained(stage: Stage, code: int, text: str, **more: Any) -> str:
    """What is said of a real reply, from its text to its meaning."""
    found = judge_reply(stage, code, None, text)
    return explain_probe(
        found.verdict,
        stage=stage,
        transient=found.transient,
        confidence=found.confidence,
        rule=found.rule,
        standing=found.standing,
        code=code,
        text=text,
        **more,
    ).meaning


MET: dict[str, tuple[Stage, int, str, dict[str, Any]]] = {
    "a Microsoft 365 tenant without postmaster": (
        Stage.RCPT, 550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", {}
    ),
    "a tenant locked to its connector": (
        Stage.RCPT, 550, "5.7.51 TenantInboundAttribution; There is a partner connector configured", {}
    ),
    "a domain in no tenant": (Stage.RCPT, 550, "5.7.64 TenantAttribution; Relay Access Denied", {}),
    "the sender in the recipient's own domain": (
        Stage.RCPT, 554, "5.7.1 Relay access denied", {"sender": "a@b.example", "recipient": "postmaster@B.example"}
    ),
    "the forgotten secondary": (Stage.RCPT, 554, "5.7.1 Relay access denied", {"role": Role.SECONDARY}),
    "a login at RCPT": (Stage.RCPT, 530, "5.7.0 Authentication required", {}),
    "OpenSMTPD's `Invalid recipient`": (Stage.RCPT, 550, "Invalid recipient", {}),
    "Exim's `Unrouteable address`": (Stage.RCPT, 550, "Unrouteable address", {}),
    "a domain without postmaster": (
        Stage.RCPT, 550, "5.1.1 User unknown", {"recipient": "postmaster@b.example", "sender": "a@c.example"}
    ),
    "postscreen at a secondary": (
        Stage.RCPT, 450, "4.3.2 Service currently unavailable", {"role": Role.SECONDARY}
    ),
    "postscreen": (Stage.RCPT, 450, "4.3.2 Service currently unavailable", {}),
    "a secondary that defers": (Stage.RCPT, 451, "4.3.0 Temporary lookup failure", {"role": Role.SECONDARY}),
    "address verification under way": (
        Stage.RCPT, 450, "4.1.1 Recipient address rejected: unverified address: Address verification in progress", {}
    ),
    "sender verification": (Stage.RCPT, 550, "Verification failed for <a@b.example>\nSender verify failed", {}),
    "postscreen's denylist": (Stage.BANNER, 521, "5.3.2 Service currently unavailable", {}),
    "a listed client": (Stage.RCPT, 554, "5.7.1 Client host blocked using zen.spamhaus.org", {}),
    "an unwanted origin": (Stage.RCPT, 550, "Dynamic IP addresses are not accepted here", {}),
    "a greeting that refuses": (Stage.BANNER, 554, "go away", {}),
    "a 421": (Stage.BANNER, 421, "4.3.2 Service shutting down", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_is_met_by_a_reply_and_no_other_case_takes_it(case: Any) -> None:
    stage, code, text, more = MET[case.name]
    expected = case.text.meaning
    if case.text is LISTED:
        expected = expected.format(name="Spamhaus")
    assert explained(stage, code, text, **more).startswith(expected)


def test_every_verdict_is_explained_and_no_two_alike() -> None:
    assert set(PROBES) == set(ProbeVerdict)
    assert set(DOMAINS) == set(DomainVerdict)
    for texts in (PROBES, DOMAINS):
        assert len({text.meaning for text in texts.values()}) == len(texts)
    for verdict in ProbeVerdict:
        assert all(explain_probe(verdict))
    for domain_verdict in DomainVerdict:
        assert all(explain_domain(domain_verdict))


def test_a_guess_says_that_it_is_one() -> None:
    sure = explain_probe(V.USER_UNKNOWN).meaning
    guess = explain_probe(V.USER_UNKNOWN, confidence=Confidence.LOW, standing=Standing.UNDECIDED).meaning
    assert guess == sure + LIKELIEST + NOT_CONCLUDED


def test_a_guess_that_the_postmaster_settled_is_concluded_from() -> None:
    settled = explain_probe(V.USER_UNKNOWN, confidence=Confidence.LOW, standing=Standing.SERVES).meaning
    assert settled.endswith(LIKELIEST)


def test_a_temporary_refusal_may_pass_and_is_said_so_once() -> None:
    assert explain_probe(V.RELAY_DENIED, transient=True).meaning.endswith(TEMPORARY)
    assert TEMPORARY not in explain_probe(V.GREYLISTED, transient=True).meaning


@pytest.mark.parametrize("verdict", sorted(DEAD))
def test_a_dead_first_exchange_may_be_meant_so(verdict: ProbeVerdict) -> None:
    assert "nolisting" in explain_probe(verdict, role=Role.PRIMARY, transient=True).meaning
    assert "nolisting" not in explain_probe(verdict, role=Role.SECONDARY, transient=True).meaning


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


def test_the_list_that_a_refusal_names_is_named_with_its_look_up_page() -> None:
    found = explain_probe(V.CLIENT_BLOCKED, text="blocked using zen.spamhaus.org")
    assert "Spamhaus" in found.meaning
    assert "https://check.spamhaus.org/" in found.sender
    unknown = explain_probe(V.CLIENT_BLOCKED, text="blocked using bl.partner.example;")
    assert "bl.partner.example" in unknown.meaning
    assert "None" not in unknown.sender
