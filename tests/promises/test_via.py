"""`audit --via`: the hosts that the operator named are asked about each domain, and nobody else, DNS included."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.pool.servers import POLITE, Script
from tests.promises.process import Ran, mxsweep
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NODES = ("127.30.7.1", "127.30.7.2")
OF_DNS = "127.30.7.9"
DOMAINS = ("one.example", "two.example", "three.example")
STRANGER: Script = {"RCPT": b"554 5.7.1 <postmaster@one.example>: Relay access denied\r\n"}
DOWN: Script = {"OPEN": b"554 5.3.2 mx.example is shut down for good\r\n"}


@contextlib.asynccontextmanager
async def two_nodes(second: Script = POLITE) -> AsyncIterator[World]:
    """Two nodes of a new provider, `nodes.example` names both; the domains' MX leads elsewhere."""
    zone = "".join(mail_of(domain, OF_DNS) for domain in DOMAINS)
    zone += "".join(f"nodes.example. 60 A {node}\n" for node in NODES)
    async with world(zone, {NODES[0]: POLITE, NODES[1]: second, OF_DNS: POLITE}) as playing:
        yield playing


def probes_of(ran: Ran, domain: str = DOMAINS[0]) -> list[tuple[Any, ...]]:
    """Of a domain in their order; the addresses of one name come in whatever order DNS gave them."""
    return [
        (each["exchange"], each["preference"], each["role"], each["address"], each["verdict"])
        for each in ran.of_kind("probe")
        if each["domain"] == domain
    ]


def dials(playing: World) -> list[int]:
    return [len(server.dials) for server in playing.servers.values()]


async def test_hosts_that_were_typed_are_asked_though_they_are_on_loopback_and_dns_is_not_asked_for_domains() -> None:
    async with two_nodes() as playing:
        ran = await mxsweep("audit", *DOMAINS, "--via", ",".join(NODES), *playing.unfenced)
        assert dials(playing)[2] == 0
        assert min(dials(playing)[:2]) >= 1
        assert not {name for name, _ in playing.names.asked if name.endswith(DOMAINS)}
    for domain in DOMAINS:
        assert probes_of(ran, domain) == [(node, None, "direct", node, "accepted") for node in NODES]
    assert (ran.code, ran.verdicts) == (0, dict.fromkeys(DOMAINS, "ok"))
    assert {each["exchanges"] for each in ran.of_kind("domain")} == {2}
    assert ran.records[0]["settings"]["via"] == list(NODES)


async def test_a_name_is_looked_up_once_for_all_domains_and_each_of_its_nodes_is_asked() -> None:
    async with two_nodes() as playing:
        ran = await mxsweep("audit", *DOMAINS, "--via", "Nodes.example.", *playing.unfenced)
        looked_up = {question: count for question, count in playing.names.asked.items() if "probe.test" not in question}
    assert looked_up == {("nodes.example", "A"): 1, ("nodes.example", "AAAA"): 1}
    for domain in DOMAINS:
        assert sorted(probes_of(ran, domain)) == [("nodes.example", None, "direct", node, "accepted") for node in NODES]


async def test_the_option_may_be_repeated() -> None:
    async with two_nodes() as playing:
        ran = await mxsweep("audit", DOMAINS[0], "--via", NODES[1], "--via", f"[{NODES[0]}]", *playing.unfenced)
    assert [address for _, _, _, address, _ in probes_of(ran)] == [NODES[1], NODES[0]]


@pytest.mark.parametrize(
    ("script", "via", "found", "verdict"),
    [
        (DOWN, ",".join(NODES), "not_accepting", "address_broken"),
        (DOWN, "nodes.example", "not_accepting", "address_broken"),
        (DOWN, NODES[1], "not_accepting", "undeliverable"),
        (STRANGER, ",".join(NODES), "relay_denied", "primary_rejects_relay"),
        (STRANGER, NODES[1], "relay_denied", "primary_rejects_relay"),
    ],
)
async def test_a_node_that_differs_is_a_finding(script: Script, via: str, found: str, verdict: str) -> None:
    """A typed host counts as primary; the other node serves."""
    async with two_nodes(script) as playing:
        ran = await mxsweep("audit", DOMAINS[0], "--via", via, *playing.unfenced)
    assert ("direct", NODES[1], found) in [each[2:] for each in probes_of(ran)]
    assert (ran.code, ran.verdicts) == (1, {DOMAINS[0]: verdict})


async def test_exclude_wins_over_what_was_typed() -> None:
    async with two_nodes() as playing:
        ran = await mxsweep("audit", DOMAINS[0], "--via", ",".join(NODES), *playing.unfenced, "--exclude", NODES[1])
        assert dials(playing) == [1, 0, 0]
    assert [verdict for *_, verdict in probes_of(ran)] == ["accepted", "excluded"]


@pytest.mark.parametrize("excluded", ["example", "nodes.example", DOMAINS[0]])
async def test_exclude_domain_wins_whether_it_names_the_host_or_the_domain(excluded: str) -> None:
    async with two_nodes() as playing:
        ran = await mxsweep(
            "audit", DOMAINS[0], "--via", "nodes.example", *playing.unfenced, "--exclude-domain", excluded
        )
        assert playing.dials == 0
    assert [verdict for *_, verdict in probes_of(ran)] == ["excluded"]


async def test_what_is_never_dialled_is_not_dialled_because_it_was_typed() -> None:
    never = ["0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255"]
    async with two_nodes() as playing:
        ran = await mxsweep("audit", DOMAINS[0], "--via", ",".join(never), *playing.options)
        assert playing.dials == 0
    assert [each[3:] for each in probes_of(ran)] == [(address, "address_forbidden") for address in never]


async def test_a_mistyped_host_is_said_and_every_domain_has_its_record() -> None:
    async with two_nodes() as playing:
        ran = await mxsweep("audit", *DOMAINS, "--via", f"{NODES[0]},nodse.example", *playing.unfenced)
    for domain in DOMAINS:
        assert probes_of(ran, domain) == [
            (NODES[0], None, "direct", NODES[0], "accepted"),
            ("nodse.example", None, "direct", None, "no_address"),
        ]
    assert ran.stderr.count("nodse.example is to be asked: exchange name does not exist") == 1
    assert len(ran.run["warnings"]) == 1


async def test_a_dry_run_names_the_hosts_and_asks_nobody() -> None:
    async with two_nodes() as playing:
        ran = await mxsweep("audit", *DOMAINS, "--via", "nodes.example", "--dry-run", *playing.unfenced)
        assert (playing.dials, playing.names.asked.total()) == (0, 0)
    assert "3 domains, 0 bad lines; nodes.example would be asked to take" in ran.stderr


@pytest.mark.parametrize("via", ["", "a b", "127.1", "mx.example:25", "info@mx.example"])
async def test_a_host_that_cannot_be_asked_stops_before_anything_is_written(via: str) -> None:
    ran = await mxsweep("audit", DOMAINS[0], "--via", via, "--helo", "probe.test")
    assert (ran.code, ran.stdout) == (2, b"")
    assert "--via: " in ran.stderr
