"""What DNS names and nobody allowed is never dialled: counted where the connection would have arrived."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from tests.pool.servers import POLITE
from tests.promises.process import Ran, mxsweep
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.pool.servers import Visit

ALLOWED, OTHER = "127.30.5.1", "127.30.5.2"


@contextlib.asynccontextmanager
async def two_hosts() -> AsyncIterator[World]:
    zone = mail_of("partner.example", ALLOWED, OTHER) + mail_of("host.partner.example", OTHER)
    zone += mail_of("other.example", ALLOWED) + "hosted.example. 60 MX 10 mx2.partner.example.\n"
    async with world(zone, {ALLOWED: POLITE, OTHER: POLITE}) as playing:
        yield playing


def probes_of(ran: Ran) -> list[tuple[Any, ...]]:
    return [(each["exchange"], each["address"], each["verdict"], each["stage"]) for each in ran.of_kind("probe")]


def dials(playing: World) -> list[int]:
    return [len(server.dials) for server in playing.servers.values()]


async def test_an_exchange_on_our_own_loopback_is_a_finding_and_not_a_connection() -> None:
    async with two_hosts() as playing:
        ran = await mxsweep("audit", "partner.example", *playing.unfenced)
        assert playing.dials == 0
    assert probes_of(ran) == [
        ("mx1.partner.example", ALLOWED, "address_forbidden", "connect"),
        ("mx2.partner.example", OTHER, "address_forbidden", "connect"),
    ]
    assert {(probe["standing"], probe["about"]) for probe in ran.of_kind("probe")} == {("broken", "domain")}
    assert {(each["session"], each["attempts"], each["source"]) for each in ran.of_kind("probe")} == {("none", 0, None)}
    assert (ran.code, ran.verdicts) == (1, {"partner.example": "undeliverable"})
    assert "--allow-net" in ran.of_kind("probe")[0]["error"]


async def test_allow_net_allows_what_it_names_and_no_more() -> None:
    async with two_hosts() as playing:
        ran = await mxsweep("audit", "partner.example", *playing.unfenced, "--allow-net", f"{ALLOWED}/32")
        assert dials(playing) == [1, 0]
    assert [verdict for _, _, verdict, _ in probes_of(ran)] == ["accepted", "address_forbidden"]


async def test_addresses_that_are_never_dialled_no_option_allows() -> None:
    """0.0.0.0 reaches this very host on Linux; multicast and 240/4 are nobody's."""
    addresses = ["0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255"]
    zone = mail_of("strange.example", *addresses)
    async with world(zone, {"127.0.0.1": POLITE}) as playing:
        ran = await mxsweep("audit", "strange.example", *playing.options, "--allow-net", "0.0.0.0/0")
        assert playing.dials == 0
    assert {(address, verdict) for _, address, verdict, _ in probes_of(ran)} == {
        (address, "address_forbidden") for address in addresses
    }


async def test_exclude_wins_over_allow_net_and_leaves_a_record(tmp_path: Path) -> None:
    listed = tmp_path / "opted-out.txt"
    listed.write_text(f"# asked us\n{ALLOWED}\n")
    async with two_hosts() as playing:
        by_value, by_file = await asyncio.gather(
            mxsweep("audit", "partner.example", *playing.options, "--exclude", f"{ALLOWED}/32"),
            mxsweep("audit", "partner.example", *playing.options, "--exclude", str(listed)),
        )
        assert dials(playing) == [0, 2]
    for ran in (by_value, by_file):
        assert probes_of(ran)[0] == ("mx1.partner.example", ALLOWED, "excluded", "connect")
        assert ran.of_kind("probe")[0]["about"] == "us"
        assert (ran.code, ran.verdicts) == (0, {"partner.example": "inconclusive"})


async def test_a_full_window_of_forbidden_addresses_is_each_answered_once_and_ends() -> None:
    """They are known at once, without a dial; meanwhile a slow host holds the window, and hundreds wait for a place."""

    def slowly(visit: Visit) -> None:
        visit.timer = visit.loop.call_later(0.5, visit.say, b"250 2.1.5 Ok\r\n")

    slow = [f"slow{number}.example" for number in range(2)]
    private = [f"private{number}.example" for number in range(300)]
    zone = "".join(mail_of(domain, ALLOWED) for domain in slow)
    zone += "".join(mail_of(domain, f"10.0.{n}.1", f"10.0.{n}.2") for n, domain in enumerate(private[:256]))
    zone += "".join(mail_of(domain, "10.1.0.1", "10.1.0.2") for domain in private[256:])
    async with world(zone, {ALLOWED: {"RCPT": slowly}}) as playing:
        options = [*playing.options, "--window", "2", "--fail-on", "none"]
        ran = await mxsweep("audit", *options, stdin="\n".join([*slow, *private]).encode())
        assert playing.dials <= 2
    assert ran.verdicts == dict.fromkeys(slow, "ok") | dict.fromkeys(private, "undeliverable")
    assert len(ran.of_kind("domain")) == 302
    assert len(ran.of_kind("probe")) == 602


async def test_an_excluded_domain_is_not_even_looked_up_nor_what_lies_below_it() -> None:
    domains = ["partner.example", "host.partner.example", "other.example"]
    async with two_hosts() as playing:
        ran = await mxsweep("audit", *domains, *playing.options, "--exclude-domain", "Partner.example")
        assert not {name for name, _ in playing.names.asked if name.endswith("partner.example")}
        assert playing.dials == 1
    excluded = {probe["domain"]: probe["verdict"] for probe in ran.of_kind("probe")}
    assert excluded == {**dict.fromkeys(domains[:2], "excluded"), "other.example": "accepted"}
    assert [ran.verdicts[domain] for domain in domains] == ["inconclusive", "inconclusive", "ok"]


async def test_an_exchange_below_an_excluded_domain_is_not_dialled_for_others_either() -> None:
    async with two_hosts() as playing:
        ran = await mxsweep("audit", "hosted.example", *playing.options, "--exclude-domain", "partner.example")
        assert playing.dials == 0
    assert probes_of(ran) == [("mx2.partner.example", None, "excluded", "connect")]


async def test_a_dry_run_resolves_nothing_and_dials_nothing(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    async with two_hosts() as playing:
        lines = b"partner.example\nother.example\nnot a domain\n"
        ran = await mxsweep("audit", "--dry-run", "-o", str(file), *playing.options, "--rate", "4", stdin=lines)
        assert (playing.dials, playing.names.asked.total()) == (0, 0)
    assert (ran.code, ran.stdout, file.exists()) == (0, b"", False)
    assert "2 domains, 1 bad lines" in ran.stderr
    assert "postmaster@{domain} from postmaster@probe.test, EHLO probe.test" in ran.stderr
    assert "4 dials a second, 500 connections at once, 2 to one address" in ran.stderr
