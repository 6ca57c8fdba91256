from __future__ import annotations

import click
import pytest

from scanner.cli.narration import Narrator
from scanner.cli.screen import Screen
from scanner.escape import UNSAFE
from scanner.pool.probe import Answer
from scanner.run.group import AskedProbe
from scanner.run.look import Looked, Subject
from scanner.run.plan import Plan, Planned
from scanner.run.verdict import judge
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import DomainRoute, DomainVerdict, Exchange, ExchangeRoute, ProbeVerdict, Role, SessionUse, Stage

RELAY = Outcome(Stage.RCPT, Reply(554, (b"5.7.1 Relay access denied",)))
TAKEN = Outcome(Stage.RCPT, Reply(250, (b"2.1.5 Ok",)))
DOMAIN = Subject("partner.example")
HOST = Exchange("mx.isp.example", None, Role.DIRECT)
MX1 = Exchange("mx1.partner.example", 10, Role.PRIMARY)
MX2 = Exchange("mx2.partner.example", 20, Role.SECONDARY)


class Shown(Screen):
    """A screen that keeps what it shows, without styles."""

    def __init__(self) -> None:
        super().__init__(colour=False)
        self.shown: list[str] = []
        self.width = 200

    def line(self, text: str) -> None:
        self.lines += 1
        self.shown.append(click.unstyle(text))

    @property
    def text(self) -> str:
        return "\n".join(self.shown)


def narrator(subject: Subject, screen: Screen, *, recipient_named: bool = False) -> Narrator:
    return Narrator(subject, 25, screen, recipient_named=recipient_named, allowed=lambda _: True)


def asked(planned: Planned, outcome: Outcome, session: SessionUse = SessionUse.NEW) -> AskedProbe:
    answer = Answer(outcome, 0.0, session=session)
    return AskedProbe(planned, Question("", "postmaster@partner.example"), answer, judge(outcome))


def looked(probes: list[AskedProbe], unasked: list[Planned], so_far: DomainVerdict | None) -> Looked:
    return Looked(DomainRoute(None), so_far is None, tuple(probes), tuple(unasked), so_far)


@pytest.fixture
def screen() -> Shown:
    return Shown()


def test_exchangers_stand_in_a_table_with_preferences_and_addresses_or_why_they_have_none(screen: Shown) -> None:
    routes = (
        ExchangeRoute(MX1, ("192.0.2.1", "192.0.2.2")),
        ExchangeRoute(MX2, (), ProbeVerdict.NO_ADDRESS, "exchange name does not exist"),
    )
    narrator(DOMAIN, screen).routed(DomainRoute(None, routes, 2, ("mx is a cname",)), Plan((), ("ipv6 not asked: 2",)))
    assert screen.shown == [
        "DNS about partner.example: 2 exchangers, the lowest number first:",
        "       10  mx1.partner.example  192.0.2.1, 192.0.2.2",
        "       20  mx2.partner.example  exchange name does not exist",
        "    note: mx is a cname",
        "    note: ipv6 not asked: 2",
    ]


def test_a_host_is_said_to_be_its_own_exchanger(screen: Shown) -> None:
    route = DomainRoute(None, (ExchangeRoute(HOST, ("192.0.2.1",)),), 1)
    narrator(Subject("mx.isp.example"), screen).routed(route, Plan(()))
    assert "no MX, so mail goes to the host itself (implicit MX, RFC 5321 5.1)" in screen.text


def test_a_name_without_a_dot_that_does_not_exist_gets_a_hint(screen: Shown) -> None:
    route = DomainRoute(DomainVerdict.NO_DOMAIN, error="the domain does not exist (NXDOMAIN)")
    narrator(Subject("mailhost"), screen).routed(route, Plan(()))
    assert "without a search list or /etc/hosts" in screen.text


@pytest.mark.parametrize(
    ("subject", "planned", "line"),
    [
        (DOMAIN, Planned(MX2, "192.0.2.2"), "connecting to mx2.partner.example [192.0.2.2]:25 (20, secondary) …"),
        (DOMAIN, Planned(MX1, "2001:db8::1"), "connecting to mx1.partner.example [2001:db8::1]:25 (10, primary) …"),
        (Subject("[192.0.2.1]", "192.0.2.1"), Planned(HOST, "192.0.2.1"), "connecting to 192.0.2.1:25 …"),
        (Subject("[IPv6:::1]", "::1"), Planned(HOST, "::1"), "connecting to [::1]:25 …"),
        (DOMAIN, Planned(MX1, None, ProbeVerdict.NO_ADDRESS), "not dialled: mx1.partner.example (10, primary)"),
    ],
)
def test_who_is_asked_is_said_before(subject: Subject, planned: Planned, line: str, screen: Shown) -> None:
    narrator(subject, screen).begins(planned)
    assert screen.shown == [line]


def test_a_relay_refusal_is_explained_by_the_part_that_the_exchanger_plays(screen: Shown) -> None:
    narrator(DOMAIN, screen).ended(asked(Planned(MX2, "192.0.2.2"), RELAY))
    assert screen.shown[0] == "=> relay_denied at rcpt: 554 5.7.1 Relay access denied"
    assert "This secondary was never told about the domain" in screen.text


def test_a_host_that_refuses_its_own_name_is_not_called_broken_and_the_better_question_is_named(screen: Shown) -> None:
    narrator(Subject("mx.isp.example"), screen).ended(asked(Planned(HOST, "192.0.2.1"), RELAY))
    assert "a mail host need not be a mail domain" in screen.text
    assert "Sender: Ask whether this host takes mail for a domain: --recipient postmaster@DOMAIN." in screen.text


def test_a_host_that_refuses_the_recipient_that_was_named_is_explained_as_any_other(screen: Shown) -> None:
    named = narrator(Subject("mx.isp.example"), screen, recipient_named=True)
    named.ended(asked(Planned(HOST, "192.0.2.1"), RELAY))
    assert "holds it for a foreign one" in screen.text
    assert "--recipient" not in screen.text


def test_what_is_wrong_with_a_reply_is_said_beside_the_reply(screen: Shown) -> None:
    odd = Outcome(Stage.MAIL, Reply(354, (b"go on",)), ProbeVerdict.PROTOCOL_ERROR, "354 is no answer here")
    narrator(DOMAIN, screen).ended(asked(Planned(MX1, "192.0.2.1"), odd))
    assert screen.shown[:2] == ["=> protocol_error at mail: 354 go on", "    note: 354 is no answer here"]


def test_a_domain_gets_its_verdict_with_its_meaning_when_all_were_asked(screen: Shown) -> None:
    probes = [asked(Planned(MX1, "192.0.2.1"), TAKEN), asked(Planned(MX2, "192.0.2.2"), RELAY)]
    narrator(DOMAIN, screen).concluded(looked(probes, [], DomainVerdict.SECONDARY_REJECTS_RELAY))
    assert screen.shown[0] == "partner.example: secondary_rejects_relay"
    assert "never told" in screen.text


@pytest.mark.parametrize(
    ("unasked", "words"),
    [
        ([Planned(MX2, "192.0.2.2")], "1 more exchanger was not asked; --all asks"),
        ([Planned(MX2, "192.0.2.2"), Planned(MX2, "192.0.2.3")], "1 more exchanger was not asked; --all asks"),
        ([Planned(MX1, "192.0.2.2"), Planned(MX1, "192.0.2.3")], "2 more addresses were not asked; --all asks"),
    ],
)
def test_what_was_not_asked_is_counted_and_no_verdict_is_claimed(
    unasked: list[Planned], words: str, screen: Shown
) -> None:
    probes = [asked(Planned(MX1, "192.0.2.1"), TAKEN)]
    narrator(DOMAIN, screen).concluded(looked(probes, unasked, DomainVerdict.OK))
    assert screen.shown[0] == "partner.example: mail is taken by mx1.partner.example [192.0.2.1]:25"
    assert words in screen.text
    assert "Every exchanger" not in screen.text


def test_a_domain_of_which_nobody_was_asked_is_not_said_to_have_put_us_off(screen: Shown) -> None:
    excluded = Outcome(Stage.CONNECT, trouble=ProbeVerdict.EXCLUDED, error="excluded")
    probes = [asked(Planned(MX1, "192.0.2.1"), excluded, SessionUse.NONE)]
    narrator(DOMAIN, screen).concluded(looked(probes, [], DomainVerdict.INCONCLUSIVE))
    assert screen.shown == ["partner.example: inconclusive", "    Nobody was asked, so nothing is known."]


def test_names_and_notes_of_strangers_are_safe(screen: Shown) -> None:
    evil = Exchange("\x1b[31mmx", 10, Role.PRIMARY)
    told = narrator(DOMAIN, screen)
    route = ExchangeRoute(evil, (), ProbeVerdict.NO_ADDRESS, "\x1b[2J")
    told.routed(DomainRoute(None, (route,), 1, ("\u202enote",)), Plan(()))
    told.begins(Planned(evil, "192.0.2.1"))
    told.ended(
        asked(
            Planned(evil, None, notes=("\x07",)), Outcome(Stage.RESOLVE, trouble=ProbeVerdict.NO_ADDRESS, error="\x9b")
        )
    )
    assert not any(UNSAFE.search(line) for line in screen.shown)
