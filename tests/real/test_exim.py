"""Exim with every limit at its default, asked about many domains: it never has to defend itself."""

from __future__ import annotations

import socket
from math import ceil
from typing import TYPE_CHECKING

import pytest

from tests.real.exim import EximServer, exim, opened, sessions_logged
from tests.real.nsd import nsd
from tests.real.roles import SENDER, SENDER_HELO
from tests.real.running import ALLOWED, audit, crowd, zone_of_crowds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

ADDRESS = "127.1.0.21"
SIZE = 60
DEFENCES = ("too many", "dropped", "synchronization error", "unexpected disconnection", " lost", "no MAIL in")
"""What Exim logs where a client goes beyond what it bears, or away without a word."""


@pytest.fixture(scope="module")
def server() -> Iterator[EximServer]:
    with exim(ADDRESS, relayed="kept.test") as running:
        sessions_logged(running.log, 0)
        yield running


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    zone = zone_of_crowds({"kept": (ADDRESS, SIZE), "strange": (ADDRESS, SIZE)})
    with nsd(tmp_path_factory.mktemp("nsd"), {"test": zone}) as running:
        yield running


def test_an_exim_that_accepts_all_is_not_asked_too_much_in_one_session(
    server: EximServer, resolver: tuple[str, int], tmp_path: Path
) -> None:
    """`smtp_accept_max_nonmail` is 10: the client that says RSET for the twelfth time is dropped."""
    offset = len(server.log.read_text())
    ran = audit(crowd("kept", SIZE), tmp_path, resolver, server.port, *ALLOWED)
    log = sessions_logged(server.log, offset)
    assert [probe["verdict"] for probe in ran.of_kind("probe")] == ["accepted"] * SIZE
    assert {probe["server"]["software"].partition(" ")[0] for probe in ran.of_kind("probe")} == {"Exim"}
    assert (ran.status, {domain["verdict"] for domain in ran.of_kind("domain")}) == (0, {"ok"})
    assert not [line for line in log.splitlines() if any(sign in line for sign in DEFENCES)]
    assert opened(log) == log.count(" closed by QUIT")
    assert opened(log) <= ceil(SIZE / 10) + 1


def test_an_exim_that_refuses_all_says_relay_denied_and_keeps_its_patience(
    server: EximServer, resolver: tuple[str, int], tmp_path: Path
) -> None:
    offset = len(server.log.read_text())
    ran = audit(crowd("strange", SIZE), tmp_path, resolver, server.port, *ALLOWED)
    log = sessions_logged(server.log, offset)
    probes = ran.of_kind("probe")
    facts = [(each["verdict"], each["standing"], each["about"], each["stage"], each["code"]) for each in probes]
    assert facts == [("relay_denied", "broken", "domain", "rcpt", 550)] * SIZE
    assert {(each["text"], each["confidence"], each["transient"]) for each in probes} == {
        ("relay not permitted", "high", False)
    }
    assert (ran.status, {domain["verdict"] for domain in ran.of_kind("domain")}) == (1, {"primary_rejects_relay"})
    assert log.count("rejected RCPT") == SIZE
    assert not [line for line in log.splitlines() if any(sign in line for sign in DEFENCES)]
    assert opened(log) == log.count(" closed by QUIT")
    assert opened(log) <= ceil(SIZE / 8) + 1


def test_exim_s_limit_is_there_for_a_client_that_does_not_keep_it(server: EximServer) -> None:
    """So that the silence of its log in the tests above means something."""
    offset = len(server.log.read_text())
    transaction = [f"MAIL FROM:<{SENDER}>", "RCPT TO:<postmaster@d0.kept.test>", "RSET"]
    codes = []
    with socket.create_connection((server.address, server.port)) as caller, caller.makefile("rb") as replies:  # noqa: TID251 - a test's client of a literal loopback address
        replies.readline()
        for command in [f"EHLO {SENDER_HELO}", *transaction * 12]:
            caller.sendall(f"{command}\r\n".encode())
            while (reply := replies.readline())[3:4] == b"-":
                pass
            codes.append(reply[:3])
    assert codes == [b"250"] * 36 + [b"554"]
    assert "dropped: too many nonmail commands" in sessions_logged(server.log, offset)
