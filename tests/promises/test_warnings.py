"""The run must not measure ourselves: what looks like our own fault is said on stderr and kept in the records."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scanner.lab.servers import Host, MailHosts, Wall
from tests.pool.servers import POLITE, Server
from tests.promises.process import ended, mxsweep, started
from tests.promises.world import mail_of, one_partner, world

if TYPE_CHECKING:
    from tests.pool.servers import Visit

FIFTY = [f"127.30.6.{number}" for number in range(1, 51)]
DOMAINS = {f"d{number}.example": address for number, address in enumerate(FIFTY, 1)}
ZONE = "".join(mail_of(domain, address) for domain, address in DOMAINS.items())
LIST = "".join(f"{domain}\n" for domain in DOMAINS).encode()


async def test_names_of_ours_that_do_not_resolve_are_told_before_anything_is_asked() -> None:
    async with one_partner() as playing:
        options = [*playing.options, "--helo", "nobody.example", "--sender", "me@lapsed.example"]
        ran = await mxsweep("audit", "partner.example", *options)
    start = ran.records[0]
    assert start["warnings"] == [
        "the HELO name nobody.example does not resolve: many servers refuse it",
        "the sender's domain lapsed.example does not resolve: many servers refuse it",
    ]
    assert ran.run["warnings"] == start["warnings"]
    for sentence in start["warnings"]:
        assert f"mxsweep: warning: {sentence}\n" in ran.stderr
    assert ran.code == 0


async def test_names_of_ours_that_resolve_are_not_mentioned() -> None:
    async with one_partner() as playing:
        plain, null, literal = await asyncio.gather(
            mxsweep("audit", "partner.example", *playing.options),
            mxsweep("audit", "partner.example", *playing.options, "--sender", ""),
            mxsweep("audit", "partner.example", *playing.options, "--helo", "[192.0.2.1]", "--sender", "<>"),
        )
    for ran in (plain, null, literal):
        assert (ran.records[0]["warnings"], ran.run["warnings"]) == ([], [])
    assert [ran.of_kind("probe")[0]["sender"] for ran in (plain, null, literal)] == ["postmaster@probe.test", "", ""]


async def test_dns_that_cannot_tell_about_our_name_is_no_proof_against_it() -> None:
    async with one_partner() as playing:
        ran = await mxsweep("audit", "partner.example", *playing.options, "--helo", "mx.lost-dns.example")
    assert ran.run["warnings"] == ["cannot tell whether mx.lost-dns.example resolves: DNS gave no answer"]


async def test_a_sender_in_the_domain_that_is_asked_is_told_once() -> None:
    """Many servers refuse an outsider who calls himself one of theirs, and would look as if they refused relaying."""
    async with one_partner() as playing:
        options = [*playing.options, "--sender", "me@partner.example"]
        ran = await mxsweep("audit", "partner.example", "partner.example", *options)
    [sentence] = ran.run["warnings"]
    assert "the sender is in partner.example" in sentence
    assert ran.stderr.count("the sender is in partner.example") == 1


async def test_a_blocked_port_is_told_after_twenty_targets_and_stops_the_run_after_fifty() -> None:
    """The list goes on, nobody is asked from it any more, and what was asked is written."""
    walls = [Host(address, (address,), Wall.FIREWALLED) for address in FIFTY]
    async with MailHosts(walls) as mail, world(ZONE) as playing:
        options = [*playing.options, "--port", str(mail.port), "--connect-timeout", "1"]
        async with started("audit", *options) as checking, started("audit", "--no-port-check", *options) as unchecked:
            assert checking.stdin is not None
            checking.stdin.write(LIST)
            careless = ended(unchecked, LIST)
            async with asyncio.TaskGroup() as tasks:
                all_asked = tasks.create_task(careless)
                await checking.wait()  # of itself, its input still open
            ran = await ended(checking)
    assert (ran.code, ran.run["interrupted"], ran.run["verdicts"]["probe"]) == (3, True, {"connect_timeout": 50})
    first, second = ran.run["warnings"]
    assert "the first 20 targets all timed out" in first
    assert f"outgoing port {mail.port} looks blocked from here" in first
    assert "--no-port-check" in second
    assert first in ran.stderr
    assert second in ran.stderr
    careful = all_asked.result()
    assert (careful.code, careful.run["warnings"], careful.run["items"]) == (1, [], 50)


async def test_one_answer_among_fifty_silent_targets_clears_the_port() -> None:
    walls = [Host(address, (address,), Wall.FIREWALLED) for address in FIFTY[1:]]
    async with MailHosts(walls) as mail, world(ZONE) as playing:
        server = Server(POLITE, FIFTY[:1])
        server.port = mail.port
        async with server:
            options = [*playing.options, "--port", str(mail.port), "--connect-timeout", "1"]
            ran = await mxsweep("audit", *options, stdin=LIST)
    assert (ran.code, ran.run["interrupted"], ran.run["warnings"]) == (1, False, [])


async def test_servers_that_mostly_refuse_us_are_told_as_our_matter() -> None:
    def greet(visit: Visit) -> None:
        refused = visit.address in FIFTY[:26]
        visit.say(b"554 5.7.1 Your address is listed in zen.spamhaus.org\r\n" if refused else b"220 mx ESMTP\r\n")

    async with world(ZONE) as playing, Server({"OPEN": greet}, FIFTY) as server:
        ran = await mxsweep("audit", *playing.options, "--port", str(server.port), stdin=LIST)
    [sentence] = ran.run["warnings"]
    assert sentence.startswith("26 of the first 50 answering targets refuse us")
    assert (ran.run["interrupted"], sentence in ran.stderr) == (False, True)
