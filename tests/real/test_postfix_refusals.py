"""`mxsweep audit` against Postfix in all its ways to refuse: the record says who is refused, and why."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import pytest

from tests.real.nsd import nsd
from tests.real.ports import resolver_address
from tests.real.postfix import MailServers, postfix
from tests.real.refusals import NO_MAIL, NOWHERE, REFUSALS, THEIRS, US, Asker, Refusal, zone_text
from tests.real.refusing import VERIFIED_BY, refusing_roles
from tests.real.roles import SENDER, SENDER_HELO, ZONE
from tests.real.running import ALLOWED, Audit, Record, audit
from tests.real.witness import REPLY_LIMIT_S, hold

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

DROPPED = "dropped.test"
"""Its exchanger greets `220-` and then, the client being listed, ends the reply with 521."""


class Site(NamedTuple):
    """The running servers and the name server that both sides ask."""

    servers: MailServers
    resolver: tuple[str, int]


class Found(NamedTuple):
    """The records of one domain."""

    probes: dict[str, Record]
    domain: Record


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    roles = refusing_roles()
    zone = zone_text({role.name: role.address for role in roles}) + "dropped MX 10 screened-drop.mx\n"
    asked = resolver_address()
    with (
        nsd(tmp_path_factory.mktemp("nsd"), {ZONE: zone}, resolver=asked) as resolver,
        postfix(roles, resolver=asked, verified_by=VERIFIED_BY) as servers,
    ):
        yield Site(servers, resolver)


@pytest.fixture(scope="module")
def audits(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[Asker, Audit]:
    """One run for each of those who ask, about all domains that are asked as them."""

    def run(asker: Asker, domains: list[str]) -> Audit:
        options = [*ALLOWED, "--backoff", "0", "--helo", asker.helo, "--sender", asker.sender]
        return audit(domains, tmp_path_factory.mktemp("audit"), site.resolver, site.servers.port, *options)

    askers = (US, NOWHERE, NO_MAIL, THEIRS)
    lines = {asker: [refusal.recipient for refusal in REFUSALS if refusal.asker == asker] for asker in askers}
    lines[US].append(DROPPED)
    return {asker: run(asker, domains) for asker, domains in lines.items()}


def found(ran: Audit, domain: str) -> Found:
    probes = {record["exchange"]: record for record in ran.of_kind("probe") if record["domain"] == domain}
    return Found(probes, next(record for record in ran.of_kind("domain") if record["domain"] == domain))


def exchange(server: str) -> str:
    return f"{server}.mx.{ZONE}"


each_refusal = pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)


@each_refusal
def test_the_record_says_who_is_refused_at_which_step_and_why(audits: dict[Asker, Audit], refusal: Refusal) -> None:
    probe = found(audits[refusal.asker], refusal.domain).probes[exchange(refusal.server)]
    assert (probe["verdict"], probe["standing"]) == (refusal.verdict, refusal.standing)
    assert (probe["stage"], probe["code"], probe["enhanced"]) == (refusal.stage, refusal.code, refusal.enhanced)
    assert (probe["text"], probe["confidence"]) == (refusal.said, refusal.confidence)
    assert probe["transient"] == (refusal.code < 500)
    assert probe["role"] == ("secondary" if refusal.primary else "primary")
    assert probe["server"]["helo"] == (None if refusal.stage == "banner" else refusal.asker.helo)


@each_refusal
def test_the_domain_has_the_verdict_that_follows(audits: dict[Asker, Audit], refusal: Refusal) -> None:
    probes, domain = found(audits[refusal.asker], refusal.domain)
    assert domain["verdict"] == refusal.found
    assert [(finding["exchange"], finding["verdict"]) for finding in domain["findings"]] == [
        (exchange(refusal.server), refusal.verdict)
    ]
    if refusal.primary:
        primary = probes[exchange(refusal.primary)]
        assert (primary["verdict"], primary["role"], primary["code"]) == ("accepted", "primary", 250)


@each_refusal
async def test_an_independent_client_is_refused_in_the_same_words(
    audits: dict[Asker, Audit], site: Site, refusal: Refusal
) -> None:
    probe = found(audits[refusal.asker], refusal.domain).probes[exchange(refusal.server)]
    address, port = site.servers.addresses[refusal.server], site.servers.port
    *before, decisive = await hold(address, port, refusal.asker.helo, refusal.asker.sender, refusal.recipient)
    assert decisive == (probe["stage"], probe["code"], probe["text"])
    assert all(200 <= reply.code < 300 for reply in before)


def test_every_server_that_refuses_is_asked(site: Site) -> None:
    used = {refusal.server for refusal in REFUSALS} | {refusal.primary for refusal in REFUSALS}
    assert site.servers.addresses.keys() - used == {"store", "late", "screened-drop"}


def test_a_screen_s_greeting_in_two_parts_is_waited_for(audits: dict[Asker, Audit]) -> None:
    """Postscreen says `220-`, waits whether the client talks before its turn, and only then greets."""
    probe = found(audits[US], "veto.test").probes[exchange("screened")]
    assert probe["server"]["banner"] == "\n".join(["screened.mx.test ESMTP Postfix"] * 2)
    assert (probe["verdict"], probe["code"]) == ("accepted", 250)


def test_a_screen_bars_who_talks_before_its_greeting_is_whole(site: Site) -> None:
    """So that being accepted there, as above, means something. The greeting's second part is then left out."""
    here = (site.servers.addresses["screened"], site.servers.port)
    with socket.create_connection(here, timeout=REPLY_LIMIT_S) as hasty, hasty.makefile("rb") as heard:  # noqa: TID251 - a test's client of a literal loopback address
        replies = []
        for command in (f"EHLO {SENDER_HELO}", f"MAIL FROM:<{SENDER}>", "RCPT TO:<postmaster@veto.test>"):
            hasty.sendall(f"{command}\r\n".encode())
            replies.append(last_line(heard))
    assert replies == ["250 CHUNKING", "250 2.1.0 Ok", "550 5.5.1 Protocol error"]


def last_line(heard: BinaryIO) -> str:
    """The line that ends the next reply."""
    while (line := heard.readline())[3:4] == b"-":
        pass
    return line.decode().rstrip()


async def test_a_greeting_that_ends_in_a_refusal_is_seen_in_both_parts(audits: dict[Asker, Audit], site: Site) -> None:
    """`220-` and then 521: aiosmtplib reads the last code and does not say that there was another; we do."""
    probe = found(audits[US], DROPPED).probes[exchange("screened-drop")]
    heard = await hold(
        site.servers.addresses["screened-drop"], site.servers.port, SENDER_HELO, SENDER, f"postmaster@{DROPPED}"
    )
    assert heard == [(probe["stage"], probe["code"], probe["text"])]
    assert (probe["stage"], probe["code"], probe["enhanced"]) == ("banner", 521, "5.7.1")
    assert (probe["verdict"], probe["standing"]) == ("client_blocked", "undecided")
    assert probe["text"].split("\n") == [
        "screened-drop.mx.test ESMTP Postfix",
        "5.7.1 Service unavailable; client [127.0.0.1] blocked using zen.test",
    ]
    assert "lines of different classes in one reply" in probe["notes"]


def test_nobody_s_mail_was_touched(site: Site, audits: dict[Asker, Audit]) -> None:
    """Not one message was taken; what Postfix sent on its own were questions whether an address exists."""
    assert len(audits) == len({refusal.asker for refusal in REFUSALS})
    log = site.servers.log.read_text()
    assert "data=" not in "".join(line for line in log.splitlines() if "disconnect from" in line)
    assert "status=sent" not in log
