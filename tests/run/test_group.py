from __future__ import annotations

import pytest

from scanner.pool.probe import Answer
from scanner.run.group import AskedProbe, grouped, judged, may_differ_later, undialled
from scanner.run.pending import Ground
from scanner.run.plan import Plan, Planned
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import DomainRoute, DomainVerdict, Exchange, Item, ProbeVerdict, Role, SessionUse, Stage

ITEM = Item(0, "partner.example")
QUESTION = Question("postmaster@probe.example", "postmaster@partner.example")
PRIMARY = Planned(Exchange("mx1.partner.example", 10, Role.PRIMARY), "192.0.2.1")
SECONDARY = Planned(Exchange("mx2.partner.example", 20, Role.SECONDARY), "192.0.2.2")
ROUTE = DomainRoute(None, exchange_count=2, notes=("mx is a cname",))


def said(planned: Planned, code: int, text: bytes = b"") -> AskedProbe:
    return judged(planned, QUESTION, Answer(Outcome(Stage.RCPT, Reply(code, (text,))), 0.0))


def ground(*planned: Planned, verdict: DomainVerdict | None = None) -> Ground:
    return Ground(ROUTE._replace(verdict=verdict, error="why"), Plan(planned, ("ipv6 not asked: 1",)), 25)


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ((250, 250), DomainVerdict.OK),
        ((250, 554), DomainVerdict.SECONDARY_REJECTS_RELAY),
        ((554, 554), DomainVerdict.PRIMARY_REJECTS_RELAY),
        ((450, 250), DomainVerdict.INCONCLUSIVE),
    ],
)
def test_a_group_has_the_verdict_that_its_probes_make(codes: tuple[int, int], verdict: DomainVerdict) -> None:
    texts = {250: b"ok", 554: b"5.7.1 Relay access denied", 450: b"4.2.0 Greylisted"}
    probes = [said(each, code, texts[code]) for each, code in zip((PRIMARY, SECONDARY), codes, strict=True)]
    group = grouped(ITEM, ground(PRIMARY, SECONDARY), probes)
    assert group.verdict is verdict
    assert (group.item, group.exchanges, group.probes) == (ITEM, 2, tuple(probes))


@pytest.mark.parametrize("code", [250, 554])
def test_the_notes_of_dns_and_plan_stand_on_every_group(code: int) -> None:
    group = grouped(ITEM, ground(PRIMARY), [said(PRIMARY, code)])
    assert group.notes == ("mx is a cname", "ipv6 not asked: 1")


def test_what_dns_decided_stays_decided() -> None:
    group = grouped(ITEM, ground(verdict=DomainVerdict.NO_DOMAIN), [])
    assert (group.verdict, group.error, group.probes) == (DomainVerdict.NO_DOMAIN, "why", ())


def test_a_postmaster_that_is_not_known_is_noted() -> None:
    group = grouped(ITEM, ground(PRIMARY), [said(PRIMARY, 550, b"5.1.1 User unknown")])
    assert (group.verdict, group.notes[-1]) == (DomainVerdict.RECIPIENT_REFUSED, "no postmaster")


def test_only_what_was_asked_and_is_transient_may_differ_later() -> None:
    assert may_differ_later(said(PRIMARY, 450, b"4.2.0 Greylisted"))
    assert not may_differ_later(said(PRIMARY, 550, b"5.1.1 User unknown"))
    nobody = PRIMARY._replace(address=None, trouble=ProbeVerdict.DNS_FAILED, stage=Stage.RESOLVE)
    unasked = judged(nobody, QUESTION, undialled(nobody))
    assert unasked.judgement.transient
    assert not may_differ_later(unasked)


def test_what_the_plan_settled_was_asked_of_nobody() -> None:
    nobody = PRIMARY._replace(address=None, trouble=ProbeVerdict.NO_ADDRESS, stage=Stage.RESOLVE, error="NXDOMAIN")
    answer = undialled(nobody)
    assert answer.outcome == Outcome(Stage.RESOLVE, trouble=ProbeVerdict.NO_ADDRESS, error="NXDOMAIN")
    assert (answer.session, answer.attempts, answer.source) == (SessionUse.NONE, 0, None)
