"""`mxsweep audit` against Sendmail, which puts what it thinks of the client's name into its refusal to relay."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.real.inquiry import (
    Answer,
    Asked,
    Asker,
    Question,
    accepted,
    ask,
    must_be_answered,
    must_be_found,
    must_be_witnessed,
    zone_text,
)
from tests.real.nsd import nsd
from tests.real.ports import resolver_address
from tests.real.roles import SENDER, SENDER_HELO, ZONE
from tests.real.sendmail import BARRED, ROLES, Role, sendmail
from tests.real.witness import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

HEARD = re.compile(r"^(\d+) <<< (.*)$", re.MULTILINE)
"""A command in Sendmail's log of its traffic, with the process that heard it: one for each session."""

STRANGE = "any@elsewhere.invalid"

NAMED = Asker("127.9.0.3")
NAMELESS = Asker("127.9.0.1")
FORGED = Asker("127.9.0.2")
"""Its name leads to another address."""
REFUSED = Asker(BARRED)
NOWHERE = Asker("127.9.0.3", "postmaster@nowhere.test")
UNRESOLVED = Asker("127.9.0.3", "postmaster@nobody.example")
"""A sender whose domain cannot be looked up: NSD, which does not have it, answers REFUSED."""

CLIENTS = {
    "127.in-addr.arpa": """\
$ORIGIN 127.in-addr.arpa.
$TTL 60
@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ NS ns.test.
2.0.9 PTR client.asking.example.
3.0.9 PTR client.asking.example.
""",
    "asking.example": """\
$ORIGIN asking.example.
$TTL 60
@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ NS ns.test.
client A 127.9.0.3
""",
}


def takes(server: str, recipient: str) -> Answer:
    return accepted(server, f"2.1.5 <{recipient}>... Recipient ok", "2.1.5")


def denied(server: str, recipient: str, more: str = "") -> Answer:
    text = f"5.7.1 <{recipient}>... Relaying denied{more}"
    return Answer(server, "relay_denied", "broken", "domain", "rcpt", 550, "5.7.1", text)


def unknown(server: str, enhanced: str, text: str) -> Answer:
    return Answer(server, "user_unknown", "serves", "recipient", "rcpt", 550, enhanced, f"{enhanced} {text}")


def at_mail(server: str, verdict: str, code: int, text: str, *, sure: str = "high") -> Answer:
    """A refusal that is about us."""
    return Answer(server, verdict, "undecided", "us", "mail", code, text.partition(" ")[0], text, sure)


FORGOTTEN = "info@forgotten.test"
NAME_FAILED, NAME_FORGED = ". IP name lookup failed [127.9.0.1]", ". IP name possibly forged [127.9.0.2]"

QUESTIONS = (
    Question("info@kept.test", "ok", (takes("primary", "info@kept.test"), takes("secondary", "info@kept.test")), NAMED),
    Question(
        "postmaster@kept.test",
        "ok",
        (takes("primary", "postmaster@kept.test"), takes("secondary", "postmaster@kept.test")),
        NAMED,
    ),
    Question(
        "nobody@kept.test",
        "recipient_refused",
        (unknown("primary", "5.1.1", "<nobody@kept.test>... User unknown"), takes("secondary", "nobody@kept.test")),
        NAMED,
    ),
    Question("info@entries.test", "ok", (takes("virtual", "info@entries.test"),), NAMED),
    Question(
        "nobody@entries.test",
        "recipient_refused",
        (unknown("virtual", "5.0.0", "<nobody@entries.test>... No such user here"),),
        NAMED,
    ),
    # A refusal to relay is one whatever it says about the client's name.
    Question(FORGOTTEN, "secondary_rejects_relay", (takes("primary", FORGOTTEN), denied("stranger", FORGOTTEN)), NAMED),
    Question(
        FORGOTTEN,
        "secondary_rejects_relay",
        (takes("primary", FORGOTTEN), denied("stranger", FORGOTTEN, NAME_FAILED)),
        NAMELESS,
    ),
    Question(
        FORGOTTEN,
        "secondary_rejects_relay",
        (takes("primary", FORGOTTEN), denied("stranger", FORGOTTEN, NAME_FORGED)),
        FORGED,
    ),
    Question(
        "info@misplaced.test",
        "primary_rejects_relay",
        (denied("stranger", "info@misplaced.test"), takes("secondary", "info@misplaced.test")),
        NAMED,
    ),
    Question(
        "info@full.test",
        "recipient_refused",
        (Answer("access", "mailbox_full", "serves", "recipient", "rcpt", 452, "4.2.2", "4.2.2 Mailbox full"),),
        NAMED,
    ),
    Question(
        "info@gone.test",
        "recipient_refused",
        (
            Answer(
                "access",
                "mailbox_disabled",
                "serves",
                "recipient",
                "rcpt",
                550,
                "5.2.1",
                "5.2.1 <info@gone.test>... Mailbox disabled for this recipient",
            ),
        ),
        NAMED,
    ),
    Question(
        "info@barred.test",
        "refuses_us",
        (at_mail("access", "policy_rejected", 550, "5.7.1 Access denied", sure="low"),),
        REFUSED,
    ),
    Question(
        "info@nowhere-asks.test",
        "refuses_us",
        (
            at_mail(
                "secondary",
                "sender_rejected",
                553,
                "5.1.8 <postmaster@nowhere.test>... Domain of sender address postmaster@nowhere.test does not exist",
            ),
        ),
        NOWHERE,
    ),
    Question(
        "info@unresolved-asks.test",
        "refuses_us",
        (
            at_mail(
                "secondary",
                "sender_rejected",
                451,
                "4.1.8 Domain of sender address postmaster@nobody.example does not resolve",
            ),
        ),
        UNRESOLVED,
    ),
    Question("info@rdns.test", "ok", (takes("rdns", "info@rdns.test"),), NAMED),
    Question(
        "info@rdns.test",
        "refuses_us",
        (at_mail("rdns", "ptr_required", 550, "5.7.1 Fix reverse DNS for 127.9.0.1"),),
        NAMELESS,
    ),
    Question(
        "info@rdns.test",
        "refuses_us",
        (at_mail("rdns", "ptr_required", 451, "4.1.8 Possibly forged hostname for 127.9.0.2"),),
        FORGED,
    ),
    Question(
        "info@disk.test",
        "inconclusive",
        (
            Answer(
                "disk",
                "service_unavailable",
                "undecided",
                "server",
                "mail",
                452,
                "4.4.5",
                "4.4.5 Insufficient disk space; try again later",
            ),
        ),
        NAMED,
    ),
    Question(
        "info@rate.test",
        "inconclusive",
        (
            Answer(
                "rate",
                "rate_limited",
                "undecided",
                "us",
                "banner",
                421,
                "4.3.2",
                "4.3.2 Connection rate limit exceeded.",
            ),
        ),
        NAMED,
    ),
    Question("info@pause.test", "ok", (takes("pause", "info@pause.test"),), NAMED),
)

each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


class Site(NamedTuple):
    """The running servers and what an audit made of them."""

    servers: MailServers
    asked: dict[Question, Asked]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    zones = CLIENTS | {ZONE: zone_text({role.name: role.address for role in ROLES}, QUESTIONS)}
    looked_up_at = resolver_address()
    with (
        nsd(tmp_path_factory.mktemp("nsd"), zones, resolver=looked_up_at) as resolver,
        sendmail(ROLES, looked_up_at) as servers,
    ):
        spend_the_rate(servers)
        yield Site(servers, ask(QUESTIONS, tmp_path_factory.mktemp("audit"), resolver, servers.port))


def spend_the_rate(servers: MailServers) -> None:
    """The one connection that the client may have in this minute: the next is one too many."""
    with socket.socket() as caller:
        caller.bind((NAMED.source, 0))
        caller.connect((servers.addresses["rate"], servers.port))
        assert caller.recv(1000).startswith(b"220 ")


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
            if answer.stage == "banner":
                continue
            assert probe["server"]["banner"].startswith(f"{answer.server}.mx.{ZONE} ESMTP Sendmail 8.")
            # Whom it has turned away already, though it says so at MAIL only, it does not tell what there is.
            barred = answer.verdict in {"policy_rejected", "ptr_required"}
            assert ("PIPELINING" in probe["server"]["extensions"]) != barred
            assert "ENHANCEDSTATUSCODES" in probe["server"]["extensions"]
            assert probe["server"]["software"].startswith("Sendmail 8.")


@pytest.mark.parametrize(
    "role", [role for role in ROLES if role.name not in {"disk", "rate"}], ids=lambda role: role.name
)
async def test_only_the_open_server_takes_mail_for_elsewhere(site: Site, role: Role) -> None:
    source = NAMED.source
    *_, decisive = await hold(role.address, site.servers.port, SENDER_HELO, SENDER, STRANGE, source=source)
    assert (decisive.stage, decisive.code) == ("rcpt", 250 if role.name == "open" else 550)


async def test_sendmail_relays_for_its_own_machine_whatever_it_is_told(site: Site) -> None:
    """So that all of this is asked from another address: what 127.0.0.1 hears says nothing about strangers."""
    stranger = site.servers.addresses["stranger"]
    heard = await hold(stranger, site.servers.port, SENDER_HELO, SENDER, STRANGE, source="127.0.0.1")
    assert (heard[-1].stage, heard[-1].code) == ("rcpt", 250)


def test_the_servers_see_polite_sessions_and_no_message(site: Site) -> None:
    """Their own account of us: what every session's last command was, and what was never said."""
    said: dict[str, list[str]] = {}
    for traffic in site.servers.log.parent.glob("*.traffic"):
        for session, command in HEARD.findall(traffic.read_text()):
            said.setdefault(session, []).append(command)
    spoken = [commands for commands in said.values() if commands[0].startswith("EHLO")]
    assert len(spoken) >= len(QUESTIONS)
    assert {commands[-1] for commands in spoken} == {"QUIT"}
    assert not [command for commands in spoken for command in commands if command.startswith(("DATA", "BDAT"))]
