"""`mxsweep audit` against aiosmtpd, which has no enhanced codes and no pipelining, and speaks in its owner's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.real.aiosmtpd_servers import Role, aiosmtpd
from tests.real.inquiry import (
    Answer,
    Asked,
    Question,
    accepted,
    ask,
    must_be_answered,
    must_be_found,
    must_be_witnessed,
    zone_text,
)
from tests.real.nsd import nsd
from tests.real.roles import SENDER, SENDER_HELO, ZONE
from tests.real.witness import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

SERVED = frozenset({"kept.test", "forgotten.test", "misplaced.test", "noticed.test"})
ROLES = (
    Role("primary", "127.1.6.1", SERVED, frozenset({"info", "postmaster"})),
    Role("secondary", "127.1.6.2", SERVED),
    # Was never told about these domains.
    Role("stranger", "127.1.6.3", frozenset({"other.test"})),
    Role("open", "127.1.6.4"),
    Role("broken", "127.1.6.5", breaks=True),
)


def takes(server: str) -> Answer:
    return accepted(server, "OK")


def denied(server: str) -> Answer:
    return Answer(server, "relay_denied", "broken", "domain", "rcpt", 550, None, "not relaying to that domain")


QUESTIONS = (
    Question("info@kept.test", "ok", (takes("primary"), takes("secondary"))),
    Question(
        "nobody@kept.test",
        "recipient_refused",
        (
            Answer("primary", "user_unknown", "serves", "recipient", "rcpt", 550, "5.1.1", "5.1.1 No such user here"),
            takes("secondary"),
        ),
    ),
    Question("info@forgotten.test", "secondary_rejects_relay", (takes("primary"), denied("stranger"))),
    Question("info@misplaced.test", "primary_rejects_relay", (denied("stranger"), takes("secondary"))),
    # A program error of the server's: its code says syntax, its text says nothing. No finding rests on that.
    Question(
        "info@noticed.test",
        "inconclusive",
        (
            Answer(
                "broken",
                "protocol_error",
                "undecided",
                "server",
                "rcpt",
                500,
                None,
                "Error: (ConnectionError) no database",
                "low",
            ),
            takes("secondary"),
        ),
    ),
)

each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


class Site(NamedTuple):
    """The running servers and what an audit made of them."""

    servers: MailServers
    asked: dict[Question, Asked]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with aiosmtpd(ROLES) as servers:
        zone = zone_text(servers.addresses, QUESTIONS)
        with nsd(tmp_path_factory.mktemp("nsd"), {ZONE: zone}) as resolver:
            yield Site(servers, ask(QUESTIONS, tmp_path_factory.mktemp("audit"), resolver, servers.port))


@each_question
def test_the_record_says_who_is_refused_at_which_step_and_why(site: Site, question: Question) -> None:
    must_be_answered(site.asked[question], question, site.servers)


@each_question
def test_the_domain_has_the_verdict_that_follows(site: Site, question: Question) -> None:
    must_be_found(site.asked[question], question)


@each_question
async def test_an_independent_client_is_answered_in_the_same_words(site: Site, question: Question) -> None:
    await must_be_witnessed(question, site.servers)


def test_the_server_is_described_as_it_presents_itself(site: Site) -> None:
    for question, asked in site.asked.items():
        for probe, answer in zip(asked.probes, question.answers, strict=True):
            assert probe["server"]["banner"].startswith(f"{answer.server}.mx.{ZONE} Python SMTP ")
            assert probe["server"]["software"].startswith("aiosmtpd 1.")
            assert probe["server"]["extensions"] == ["SIZE 33554432", "8BITMIME", "SMTPUTF8", "HELP"]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
async def test_only_the_open_server_takes_mail_for_elsewhere(site: Site, role: Role) -> None:
    *_, decisive = await hold(role.address, site.servers.port, SENDER_HELO, SENDER, "any@elsewhere.invalid")
    assert (decisive.code == 250) == (role.name == "open")
