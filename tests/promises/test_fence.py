"""Nothing is dialled that may not be: row by row of the reserved blocks, and however an address is spelt."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from scanner.addresses import Fence, Networks
from scanner.pool import dial as dialling
from scanner.pool.dial import Forbidden, dial
from scanner.pool.interfaces import own_addresses
from scanner.pool.pool import Pool
from scanner.pool.probe import Answer, Probe
from scanner.terms import ProbeVerdict, SessionUse, Stage, Target
from tests.pool.asking import QUESTION, UNLIMITED, ask_all, ended, means, on_uvloop, probes_of
from tests.pool.servers import POLITE, Server

if TYPE_CHECKING:
    from scanner.terms import ServerFacts

RESERVED = [
    "0.0.0.0", "0.1.2.3", "0.255.255.255",
    "10.0.0.1", "10.255.255.255",
    "100.64.0.1", "100.127.255.254",
    "127.0.0.1", "127.0.0.2", "127.255.255.254",
    "169.254.0.1", "169.254.169.254", "169.254.255.254",
    "172.16.0.1", "172.31.255.254",
    "192.0.0.1", "192.0.0.170", "192.0.0.192",
    "192.0.2.1", "192.0.2.255",
    "192.88.99.1",
    "192.168.0.1", "192.168.255.254",
    "198.18.0.1", "198.19.255.254",
    "198.51.100.1",
    "203.0.113.1", "203.0.113.255",
    "224.0.0.1", "224.0.0.251", "239.255.255.255",
    "240.0.0.1", "254.255.255.255", "255.255.255.255",
    "::", "::1",
    "64:ff9b:1::1", "64:ff9b:1:ffff::1",
    "100::1", "100::ffff:ffff:ffff:ffff",
    "2001::1", "2001:1::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1",
    "2001:db8::1", "2001:db8:ffff::1",
    "3fff::1", "3fff:fff::1",
    "5f00::1",
    "fc00::1", "fd12:3456:789a::1",
    "fe80::1", "febf::1",
    "fec0::1",
    "ff02::1", "ff0e::1",
    "4000::1", "8000::1",
]  # fmt: skip
EMBEDDED = [
    *(f"{prefix}{inner}" for prefix in ("::ffff:", "::", "64:ff9b::") for inner in (
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "192.0.2.1", "198.18.0.1", "224.0.0.1",
        "240.0.0.1", "100.64.0.1",
    )),
    *(f"2002:{high}::" for high in ("7f00:1", "a00:1", "c0a8:101", "a9fe:a9fe", "808:808")),
    "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:a00:1::1", "2001:0:808:808::1",
    "::ffff:0.0.0.0",
]  # fmt: skip
FORBIDDEN = [str(ip_address(text)) for text in RESERVED + EMBEDDED]

SPELLINGS = [
    "localhost", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "127.0.0.01", "127.0.0.1.", " 127.0.0.1",
    "127.0.0.1\n", "[::1]", "::0001", "0:0:0:0:0:0:0:1", "::FFFF:127.0.0.1", "::ffff:7f00:1", "::1%lo", "::1%1", "",
    "\u0661\u0662\u0667.0.0.1",
]  # fmt: skip
"""What inet_aton or getaddrinfo would make loopback of, and what is no canonical form."""


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*arguments: object) -> None:
        pytest.fail(f"dialled: {arguments[0]}")

    monkeypatch.setattr(dialling, "connect", fail)


def submitted(targets: list[Target], fence: Fence, *, typed: bool = False) -> list[Answer]:
    answers: list[Answer] = []

    async def test() -> None:
        async with Pool(means(fence=fence), UNLIMITED, lambda _, answer: answers.append(answer)) as pool:
            for probe in probes_of(targets, typed=typed):
                pool.submit(probe)

    on_uvloop(test())
    return answers


def test_the_lists_are_as_long_as_they_claim() -> None:
    assert len(set(FORBIDDEN)) == len(FORBIDDEN) == len(RESERVED) + len(EMBEDDED) == 100


@pytest.mark.usefixtures("no_connection")
def test_no_reserved_address_is_dialled_that_dns_names() -> None:
    answers = submitted([Target(address, 25) for address in FORBIDDEN], Fence())
    assert len(answers) == 100
    assert {ended(answer.outcome) for answer in answers} == {(Stage.CONNECT, ProbeVerdict.ADDRESS_FORBIDDEN)}
    assert {(answer.session, answer.attempts, answer.source) for answer in answers} == {(SessionUse.NONE, 0, None)}
    assert all(answer.outcome.error for answer in answers)
    facts: set[ServerFacts] = {answer.server for answer in answers}
    assert all(fact.banner is None for fact in facts)


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("typed", [False, True])
def test_the_function_that_dials_looks_for_itself(typed: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    """Whatever the pool believes. What is typed may be private; multicast, 0/8 and 240/4 stay forbidden."""

    async def test() -> None:
        for address in [*FORBIDDEN, *SPELLINGS] if not typed else [*NEVER, *SPELLINGS_OF_OTHERS]:
            with pytest.raises(Forbidden):
                await dial(
                    Target(address, 25),
                    asyncio.Protocol,
                    fence=Fence(),
                    typed=typed,
                    source=None,
                    limit=nullcontext(),
                )

    on_uvloop(test())


NEVER = [
    "0.0.0.0", "0.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "ff02::1",
    "::ffff:0.0.0.0", "::ffff:224.0.0.1", "::ffff:240.0.0.1", "64:ff9b::e000:1",
]  # fmt: skip
SPELLINGS_OF_OTHERS = [text for text in SPELLINGS if not text.startswith("::ffff:")]
"""One of the two is the canonical form of the mapped address, which one depends on Python's release."""


@pytest.mark.usefixtures("no_connection")
def test_nothing_makes_multicast_or_this_network_dialled() -> None:
    everything = Networks.from_text(["0.0.0.0/0", "::/0"])
    targets = [Target(str(ip_address(address)), 25) for address in NEVER]
    for typed in (False, True):
        answers = submitted(targets, Fence(allow=everything), typed=typed)
        assert [answer.outcome.trouble for answer in answers] == [ProbeVerdict.ADDRESS_FORBIDDEN] * len(NEVER)


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("typed", [False, True])
def test_exclude_wins_over_allow_and_over_what_was_typed(typed: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    networks = Networks.from_text(["127.0.0.0/8", "10.0.0.0/8", "::1", "192.0.2.7"])
    addresses = ["127.0.0.1", "127.9.9.9", "10.1.1.1", "::1", "192.0.2.7", "::ffff:10.1.1.1", "64:ff9b::a01:101"]
    targets = [Target(str(ip_address(address)), 25) for address in addresses]
    answers = submitted(targets, Fence(allow=networks, exclude=networks), typed=typed)
    assert [answer.outcome.trouble for answer in answers] == [ProbeVerdict.EXCLUDED] * len(targets)


@pytest.mark.usefixtures("no_connection")
def test_our_own_addresses_are_not_dialled_because_a_domain_names_them() -> None:
    own = own_addresses() | {ip_address("198.41.0.4")}
    answers = submitted([Target(str(address), 25) for address in own], Fence(own=own))
    assert {answer.outcome.trouble for answer in answers} == {ProbeVerdict.ADDRESS_FORBIDDEN}
    assert any("198.41.0.4 is an address of this host" in str(answer.outcome.error) for answer in answers)


def test_listeners_on_loopback_see_no_packet_however_they_are_named() -> None:
    """The real way down to the kernel. Last a control: what is allowed, and what was typed, does arrive there."""
    names = [*SPELLINGS, "127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", str(ip_address("::127.0.0.1"))]
    allow = Fence(allow=Networks.from_text(["127.0.0.0/8", "::1"]))

    async def test() -> None:
        async with Server(POLITE, ["127.0.0.1", "::1"]) as server:
            answers = await ask_all(probes_of([Target(name, server.port) for name in names]), means(fence=Fence()))
            assert {answer.outcome.trouble for answer in answers} == {ProbeVerdict.ADDRESS_FORBIDDEN}
            assert server.dials == []
            await ask_all(probes_of(server.targets), means(fence=allow))
            await ask_all([Probe(0, 0, server.target, QUESTION, typed=True)], means(fence=Fence()))
            assert [dial.address for dial in server.dials].count("127.0.0.1") == 2
            assert len(server.dials) == 3

    on_uvloop(test())
