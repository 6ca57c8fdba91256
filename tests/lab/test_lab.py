from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import dns.message
import pytest

from scanner.lab import lab as lab_room
from scanner.lab.lab import CHECKOUT_PARTNERS, HELO_NAME, PARTNERS, Lab
from scanner.lab.scenes import SCENES
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from conftest import Dial

ROOT = Path(__file__).parents[2]


class Asker(asyncio.DatagramProtocol):
    """One question by UDP."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self.answer.set_result(data)


async def asked(lab: Lab, name: str, rdtype: str) -> list[str]:
    address, _, port = lab.resolver.rpartition(":")
    transport, asker = await asyncio.get_running_loop().create_datagram_endpoint(
        Asker, remote_addr=(address, int(port))
    )
    transport.sendto(dns.message.make_query(name, rdtype).to_wire())
    async with asyncio.timeout(10):
        answer = dns.message.from_wire(await asker.answer)
    transport.close()
    return [record.to_text() for rrset in answer.answer for record in rrset]


async def test_the_way_from_a_domain_to_the_forgotten_secondary_by_hand(lab: Lab, dial: Dial) -> None:
    """What the lab is for: MX, address, telnet, and the sentence that nobody ever saw."""
    records = sorted(await asked(lab, "forgotten-backup.example", "MX"))
    assert records[-1] == "50 backup.isp.example."
    [address] = await asked(lab, "backup.isp.example", "A")
    async with dial(address, lab.port) as telnet:
        await telnet.reply()
        last = await telnet.say(
            "HELO probe.test", "MAIL FROM:<postmaster@probe.test>", "RCPT TO:<postmaster@forgotten-backup.example>"
        )
    assert last == "554 5.7.1 <postmaster@forgotten-backup.example>: Relay access denied"


async def test_our_own_name_resolves_and_takes_mail(lab: Lab) -> None:
    assert await asked(lab, HELO_NAME, "A") == ["127.0.0.1"]
    assert await asked(lab, HELO_NAME, "MX") == [f"10 {HELO_NAME}."]


async def test_two_labs_run_beside_each_other(lab: Lab) -> None:
    async with Lab() as other:
        assert (other.port, other.resolver) != (lab.port, lab.resolver)
        for running in (lab, other):
            assert await asked(running, "mx1.all-well.example", "A") == ["127.25.1.1"]


async def test_a_lab_can_follow_a_lab_in_one_process() -> None:
    for _ in range(2):
        async with Lab() as running:
            assert await asked(running, "mx1.all-well.example", "A") == ["127.25.1.1"]


async def test_the_audit_line_names_what_runs(lab: Lab) -> None:
    words = shlex.split(lab.audit_line)
    assert words[:3] == ["mxsweep", "audit", "-i"]
    options = list(zip(words[4::2], words[5::2], strict=True))
    assert ("--resolver", lab.resolver) in options
    assert ("--port", str(lab.port)) in options
    assert ("--allow-net", "127.0.0.0/8") in options
    assert ("--helo", HELO_NAME) in options
    assert (("--allow-net", "::1/128") in options) == lab.ipv6
    assert lab.domains == SCENES


def test_the_list_of_a_checkout_is_named_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert Lab().partners == CHECKOUT_PARTNERS


@pytest.mark.parametrize("stranger", [None, "partner.example\n"])
def test_elsewhere_the_packages_own_list_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stranger: str | None
) -> None:
    """Also where somebody has an inputs/partners.txt of their own: the lab must not send them to audit that one."""
    if stranger is not None:
        (tmp_path / "inputs").mkdir()
        (tmp_path / "inputs/partners.txt").write_text(stranger)
    monkeypatch.chdir(tmp_path)
    assert Lab().partners == PARTNERS
    assert PARTNERS.is_absolute()


async def test_without_ipv6_the_lab_runs_and_leaves_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_room, "has_ipv6", lambda: False)
    async with Lab() as running:
        assert await asked(running, "mx.dual-stack.example", "AAAA") == []
        assert "::1" not in running.audit_line


async def test_a_name_server_without_a_port_is_our_fault_and_the_mail_hosts_are_gone(
    monkeypatch: pytest.MonkeyPatch, dial: Dial
) -> None:
    started: list = []

    class Watched(lab_room.MailHosts):
        async def __aenter__(self) -> Self:
            started.append(self)
            return await super().__aenter__()

    def no_port(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(lab_room, "MailHosts", Watched)
    monkeypatch.setattr(lab_room.NameServer, "__aenter__", no_port)
    with pytest.raises(LocalFault, match="Too many open files"):
        async with Lab():
            pass
    with pytest.raises(ConnectionRefusedError):
        async with dial("127.25.1.1", started[0].port):
            pass


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_lab_that_was_used_leaves_nothing_behind(loop: str) -> None:
    """In a process of its own, with every warning an error, sessions and a TLS handshake under way at the end."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", LEAVES_NOTHING, loop],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "nothing left\n")


LEAVES_NOTHING = """
import asyncio, gc, os, socket, sys, uvloop
from scanner.lab.lab import Lab

async def use():
    loop = asyncio.get_running_loop()
    for _ in range(2):
        async with Lab() as lab:
            clients = []
            for address in ("127.25.1.1", "127.25.7.1", "127.25.29.1", "127.25.26.1", "127.25.6.1"):
                client = socket.socket()
                client.setblocking(False)
                await loop.sock_connect(client, (address, lab.port))
                clients.append(client)
            for client in clients[:3]:
                await loop.sock_recv(client, 100)
                await loop.sock_sendall(client, b"EHLO x.example\\r\\nSTARTTLS\\r\\n")
                await loop.sock_recv(client, 1000)
        assert asyncio.all_tasks() == {asyncio.current_task()}, asyncio.all_tasks()
        for client in clients:
            client.close()

before = None
runner = asyncio.Runner(loop_factory=uvloop.new_event_loop if sys.argv[1] == "uvloop" else None)
with runner:
    runner.run(use())
    before = set(os.listdir("/proc/self/fd"))
    runner.run(use())
    assert len(os.listdir("/proc/self/fd")) == len(before)
gc.collect()
print("nothing left")
"""
