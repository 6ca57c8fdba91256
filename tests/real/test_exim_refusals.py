"""`mxsweep audit` against Exim in the roles that mail sites give it: what each refusal says, and of whom."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.real.exim_roles import exims
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
from tests.real.running import ALLOWED, audit
from tests.real.witness import hold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

NOBODY = Asker(sender="x@nowhere.test")
"""A sender whose domain does not exist."""
UNWELCOME = Asker(sender="x@callback.test")
"""A sender whose own exchanger refuses him: whoever calls there hears it."""


def takes(server: str) -> Answer:
    return accepted(server, "Accepted")


def refusal(
    server: str, verdict: str, standing: str, about: str, text: str, *, stage: str = "rcpt", code: int = 550,
    confidence: str = "high",
) -> Answer:  # fmt: skip
    return Answer(server, verdict, standing, about, stage, code, None, text, confidence)


DENIED = refusal("stranger", "relay_denied", "broken", "domain", "relay not permitted")
GREY = refusal("grey", "greylisted", "undecided", "us", "Greylisted, please try again later", code=451)
UNVERIFIED = "Verification failed for <x@nowhere.test>\nUnrouteable address\nSender verify failed"
LOOP = "lowest numbered MX record points to local host"

QUESTIONS = (
    Question("info@known.test", "ok", (takes("primary"), takes("secondary"))),
    Question(
        "nobody@known.test",
        "recipient_refused",
        (refusal("primary", "user_unknown", "serves", "recipient", "No Such User Here"), takes("secondary")),
    ),
    # The classic find.
    Question("info@forgotten.test", "secondary_rejects_relay", (takes("primary"), DENIED)),
    Question("info@strange.test", "primary_rejects_relay", (DENIED,)),
    # Sender verification: our own domain exists, theirs does not, and one calls back to hear a refusal.
    Question("info@checked.test", "ok", (takes("verifying"),)),
    Question(
        "info@verified.test",
        "refuses_us",
        (refusal("verifying", "sender_rejected", "undecided", "us", UNVERIFIED),),
        NOBODY,
    ),
    Question(
        "info@called.test",
        "refuses_us",
        (refusal("callout", "sender_rejected", "undecided", "us", "Sender verify failed"),),
        UNWELCOME,
    ),
    # What it says where nobody knows: a foreign domain and an unknown user sound alike.
    Question(
        "info@nowhere-to-go.test",
        "inconclusive",
        (refusal("unrouteable", "routing_error", "undecided", "domain", "Unrouteable address", confidence="low"),),
    ),
    Question(
        "info@prohibited.test",
        "refuses_us",
        (refusal("prohibited", "policy_rejected", "undecided", "us", "Administrative prohibition", confidence="low"),),
    ),
    Question(
        "info@picky.test",
        "refuses_us",
        (refusal("helo", "helo_rejected", "undecided", "us", "Invalid HELO name (See RFC2821 4.1.1.1)", stage="helo"),),
    ),
    Question(
        "info@barred.test",
        "refuses_us",
        (refusal("banned", "client_blocked", "undecided", "us", "127.0.0.1 is not welcome here", stage="banner"),),
    ),
    Question(
        "info@dnsbl.test",
        "refuses_us",
        (refusal("listed", "client_blocked", "undecided", "us", "127.0.0.1 is in a black list at bl.test"),),
    ),
    Question(
        "info@brimful.test",
        "recipient_refused",
        (refusal("full", "mailbox_full", "serves", "recipient", "Mailbox is full"),),
    ),
    Question("info@loop.test", "undeliverable", (refusal("looping", "routing_error", "broken", "domain", LOOP),)),
    # It does not offer PIPELINING, and enforces that nobody talks out of turn.
    Question("info@serial.test", "ok", (takes("serial"),)),
)
DEFERRED = Question("info@put-off.test", "inconclusive", (GREY,))
"""Asked once only: Exim remembers."""
MORE = """\
callback MX 10 stranger.mx
again MX 10 grey.mx
1.0.0.127.bl A 127.0.0.2
"""

each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


class Site(NamedTuple):
    """The running servers, and what an audit of all domains found there."""

    servers: MailServers
    resolver: tuple[str, int]
    asked: dict[Question, Asked]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    address = resolver_address()
    with exims(address) as servers:
        zone = zone_text(servers.addresses, (*QUESTIONS, DEFERRED)) + MORE
        with nsd(tmp_path_factory.mktemp("nsd"), {ZONE: zone}, resolver=address) as resolver:
            asked = ask((*QUESTIONS, DEFERRED), tmp_path_factory.mktemp("audit"), resolver, servers.port)
            yield Site(servers, resolver, asked)


@each_question
def test_the_record_says_who_is_refused_at_which_step_and_why(site: Site, question: Question) -> None:
    must_be_answered(site.asked[question], question, site.servers)


@each_question
def test_the_domain_has_the_verdict_that_follows(site: Site, question: Question) -> None:
    must_be_found(site.asked[question], question)


@each_question
async def test_an_independent_client_is_answered_in_the_same_words(site: Site, question: Question) -> None:
    await must_be_witnessed(question, site.servers)


def test_a_first_contact_is_greylisted(site: Site) -> None:
    must_be_answered(site.asked[DEFERRED], DEFERRED, site.servers)
    must_be_found(site.asked[DEFERRED], DEFERRED)


def test_a_greylisted_recipient_is_accepted_at_the_second_time(site: Site, tmp_path: Path) -> None:
    ran = audit(["info@again.test"], tmp_path, site.resolver, site.servers.port, *ALLOWED, "--retry-transient", "1")
    [probe] = ran.of_kind("probe")
    assert (probe["verdict"], probe["attempts"], probe["code"]) == ("accepted", 2, 250)


def test_where_pipelining_is_not_offered_nothing_is_said_out_of_turn(site: Site) -> None:
    """A control shows that this server would not have forgiven it (`smtp_enforce_sync`)."""
    assert "PIPELINING" not in next(
        asked.probes[0]["server"]["extensions"]
        for question, asked in site.asked.items()
        if question.domain == "serial.test"
    )
    assert "synchronization error" not in site.servers.log.read_text()
    with socket.create_connection((site.servers.addresses["serial"], site.servers.port)) as hasty:  # noqa: TID251 - a test's client of a literal loopback address
        hasty.settimeout(5)
        heard = hasty.makefile("rb")
        hasty.sendall(f"EHLO {SENDER_HELO}\r\n".encode())
        while not heard.readline().startswith(b"250 "):
            pass
        hasty.sendall(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<info@serial.test>\r\nDATA\r\n".encode())
        assert heard.read().splitlines()[-1] == b"554 SMTP synchronization error"
    assert "synchronization error" in site.servers.log.read_text()


async def test_only_the_open_server_takes_mail_for_elsewhere(site: Site) -> None:
    for server in ("open", "primary", "stranger"):
        *_, decisive = await hold(
            site.servers.addresses[server], site.servers.port, SENDER_HELO, SENDER, "any@elsewhere.invalid"
        )
        assert (decisive.code == 250) == (server == "open")
