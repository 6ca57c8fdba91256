"""`mxsweep audit` against OpenSMTPD, which says the same of a stranger's domain and of an unknown user."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

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
from tests.real.opensmtpd import ROLES, Role, opensmtpd, sessions_logged
from tests.real.roles import SENDER, SENDER_HELO, ZONE
from tests.real.witness import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

OK = "2.1.5 Destination address valid: Recipient ok"
STRANGE = "any@elsewhere.invalid"


def takes(server: str) -> Answer:
    return accepted(server, OK, "2.1.5")


def invalid(server: str, recipient: str) -> Answer:
    """The refusal that may mean either: it is a guess that it is about the user, and so nothing is found."""
    text = f"Invalid recipient: <{recipient}>"
    return Answer(server, "user_unknown", "undecided", "recipient", "rcpt", 550, None, text, "low")


QUESTIONS = (
    Question("info@kept.test", "ok", (takes("primary"), takes("secondary"))),
    Question("postmaster@kept.test", "ok", (takes("primary"), takes("secondary"))),
    Question("nobody@kept.test", "inconclusive", (invalid("primary", "nobody@kept.test"), takes("secondary"))),
    # The classic find, which this server's words do not prove.
    Question("info@forgotten.test", "inconclusive", (takes("primary"), invalid("stranger", "info@forgotten.test"))),
    Question("info@strange.test", "inconclusive", (invalid("stranger", "info@strange.test"),)),
    Question("info@listed.test", "ok", (takes("primary"), takes("listed"))),
    Question(
        "nobody@listed.test",
        "inconclusive",
        (invalid("primary", "nobody@listed.test"), invalid("listed", "nobody@listed.test")),
    ),
    Question("info@entries.test", "ok", (takes("virtual"),)),
    Question(
        "info@nameless.test",
        "inconclusive",
        (
            takes("primary"),
            Answer("rdns", "ptr_required", "undecided", "us", "banner", 550, None, "no rDNS is so 80s"),
        ),
    ),
    Question(
        "info@forged.test",
        "refuses_us",
        (Answer("fcrdns", "ptr_required", "undecided", "us", "banner", 550, None, "no FCrDNS is so 80s"),),
    ),
    Question(
        "info@later.test",
        "inconclusive",
        (Answer("later", "greylisted", "undecided", "us", "rcpt", 451, "4.7.1", "4.7.1 Please try again later"),),
    ),
)
UNLISTED = Question("nobody@entries.test", "inconclusive", (takes("virtual"),))
"""What becomes of it is said in its own test."""

SERVED = sorted({question.domain for question in QUESTIONS})

GREETING = [role for role in ROLES if role.filtered_by not in {"rdns", "fcrdns"}]
"""Those that let a client come as far as a greeting."""

each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


class Site(NamedTuple):
    """The running server and what an audit made of it."""

    servers: MailServers
    asked: dict[Question, Asked]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opensmtpd(ROLES, SERVED) as servers:
        zone = zone_text(servers.addresses, QUESTIONS)
        with nsd(tmp_path_factory.mktemp("nsd"), {ZONE: zone}) as resolver:
            yield Site(servers, ask((*QUESTIONS, UNLISTED), tmp_path_factory.mktemp("audit"), resolver, servers.port))


@each_question
def test_the_record_says_who_is_refused_at_which_step_and_why(site: Site, question: Question) -> None:
    must_be_answered(site.asked[question], question, site.servers)


@each_question
def test_the_domain_has_the_verdict_that_follows(site: Site, question: Question) -> None:
    must_be_found(site.asked[question], question)


@each_question
async def test_an_independent_client_is_answered_in_the_same_words(site: Site, question: Question) -> None:
    await must_be_witnessed(question, site.servers)


async def test_a_stranger_s_domain_and_an_unknown_user_are_refused_in_the_same_words(site: Site) -> None:
    """By the host that serves the domain and by one that never heard of it: nobody could tell."""
    said = [
        (await hold(site.servers.addresses[server], site.servers.port, SENDER_HELO, SENDER, recipient))[-1]
        for server, recipient in (
            ("primary", "nobody@kept.test"),
            ("stranger", "nobody@kept.test"),
            ("primary", STRANGE),
            ("listed", "nobody@kept.test"),
        )
    ]
    assert {(reply.stage, reply.code, reply.text.partition(":")[0]) for reply in said} == {
        ("rcpt", 550, "Invalid recipient")
    }


async def test_a_user_who_is_not_in_the_table_is_never_a_finding_about_the_domain(site: Site) -> None:
    """It blames a mailing list, which there is none of; only where a rule has taken in the domain does it say so."""
    (probe,) = site.asked[UNLISTED].probes
    heard = await hold(site.servers.addresses["virtual"], site.servers.port, SENDER_HELO, SENDER, UNLISTED.recipient)
    assert heard[-1] == (probe["stage"], probe["code"], probe["text"])
    assert (probe["code"], probe["enhanced"], probe["about"]) == (524, "5.2.4", "recipient")
    assert probe["text"] == f"5.2.4 Mailing list expansion problem: <{UNLISTED.recipient}>"
    assert probe["standing"] != "broken"


def test_the_server_is_described_as_it_presents_itself(site: Site) -> None:
    for question, asked in site.asked.items():
        for probe, answer in zip(asked.probes, question.answers, strict=True):
            if answer.stage == "banner":
                continue
            assert probe["server"]["banner"] == f"{answer.server}.mx.{ZONE} ESMTP OpenSMTPD"
            assert probe["server"]["software"] == "OpenSMTPD"
            assert probe["server"]["extensions"] == ["8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 36700160", "DSN", "HELP"]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
async def test_only_the_open_server_takes_mail_for_elsewhere(site: Site, role: Role) -> None:
    *_, decisive = await hold(role.address, site.servers.port, SENDER_HELO, SENDER, STRANGE)
    assert (decisive.code == 250) == (role.name == "open")


def test_the_server_sees_polite_sessions_and_no_message(site: Site) -> None:
    """Its own account: each session ends with QUIT but those that only looked whether it is up; nothing was queued."""
    log = sessions_logged(site.servers.log)
    assert log.count(" disconnected reason=") - log.count(" disconnected reason=quit") == len(GREETING)
    assert log.count(" disconnected reason=quit") >= len(QUESTIONS)
    assert " smtp message " not in log
