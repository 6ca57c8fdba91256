from __future__ import annotations

import asyncio
import contextlib
import errno
from typing import TYPE_CHECKING

import pytest

from scanner.lab import servers
from scanner.lab.impostor import Impostor
from scanner.lab.mailserver import Conduct, Manners, Tls
from scanner.lab.servers import Host, MailHosts, Wall, bind, bind_all, has_ipv6
from scanner.terms import LocalFault

if TYPE_CHECKING:
    import socket

    from conftest import Dial

NET = "127.25.202."


async def test_all_hosts_listen_on_one_port_and_answer_with_their_own_names(dial: Dial) -> None:
    hosts = [Host(f"mx{n}.a.example", (f"{NET}{n}",), Manners()) for n in range(1, 6)]
    async with MailHosts(hosts) as mail:
        for host in hosts:
            async with dial(host.addresses[0], mail.port) as telnet:
                assert (await telnet.line()).startswith(f"220 {host.name} ")


async def test_a_host_with_several_addresses_is_one_server(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    """A greylist that met us on one address knows us on the other; an hour has passed between."""
    hours = iter([0.0, 3600.0])
    monkeypatch.setattr(servers, "Conduct", lambda manners, _clock: Conduct(manners, lambda: next(hours)))
    manners = Manners(serves=("a.example",), delay_s=3.0)
    async with MailHosts([Host("mx.a.example", (f"{NET}1", f"{NET}2"), manners)]) as mail:
        replies = []
        for address in (f"{NET}1", f"{NET}2"):
            async with dial(address, mail.port) as telnet:
                await telnet.reply()
                replies.append(await telnet.say("HELO a.test", "MAIL FROM:<>", "RCPT TO:<x@a.example>"))
        assert [reply[:3] for reply in replies] == ["450", "250"]


async def test_a_closed_host_refuses_and_keeps_its_port_from_others(dial: Dial) -> None:
    async with MailHosts([Host("mx.a.example", (f"{NET}1",), Wall.CLOSED)]) as mail:
        with pytest.raises(ConnectionRefusedError):
            async with dial(f"{NET}1", mail.port):
                pass
        with pytest.raises(OSError, match="in use") as taken:
            bind(f"{NET}1", mail.port)
        assert taken.value.errno == errno.EADDRINUSE


async def test_a_firewalled_host_answers_no_connection_however_often_it_is_tried(dial: Dial) -> None:
    """Waits for a fifth of a second each: a loopback connection takes microseconds."""
    async with MailHosts([Host("mx.a.example", (f"{NET}1",), Wall.FIREWALLED)]) as mail:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2), dial(f"{NET}1", mail.port):
                    pass


async def test_hosts_can_be_started_again_and_again(dial: Dial) -> None:
    for _ in range(3):
        async with (
            MailHosts([Host("mx.a.example", (f"{NET}1",), Manners())]) as mail,
            dial(f"{NET}1", mail.port) as telnet,
        ):
            assert (await telnet.line()).startswith("220 ")


@pytest.mark.parametrize(
    ("conduct", "commands"),
    [
        (Manners(), []),
        (Manners(), ["EHLO probe.test", "MAIL FROM:<>"]),
        (Manners(tls=Tls.DEMANDED), ["EHLO probe.test", "STARTTLS"]),
        (Manners(tls=Tls.BROKEN), ["EHLO probe.test", "STARTTLS"]),
        (Impostor(says=b"220 hello\r\n"), []),
    ],
)
async def test_ending_closes_the_sessions_under_way_and_leaves_no_task(
    dial: Dial, conduct: Manners | Impostor, commands: list[str]
) -> None:
    """One of them in the middle of a TLS handshake, of whose end aiosmtpd hears nothing."""
    before = asyncio.all_tasks()
    mail = MailHosts([Host("mx.a.example", (f"{NET}1",), conduct)])
    async with contextlib.AsyncExitStack() as clients:
        async with mail:
            telnet = await clients.enter_async_context(dial(f"{NET}1", mail.port))
            await telnet.reply()
            await telnet.say(*commands)
        await telnet.closed.wait()
    assert asyncio.all_tasks() == before
    assert (mail.mail_sessions, mail.impostor_sessions) == (set(), set())
    assert [held for held in mail.sockets if held.fileno() >= 0] == []


def test_another_port_is_tried_where_the_first_is_taken_on_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first number that the kernel offers is made to clash on the second address."""
    tried: list[tuple[str, int]] = []

    def clashing(address: str, port: int) -> socket.socket:
        tried.append((address, port))
        if len(tried) == 2:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return bind(address, port)

    monkeypatch.setattr(servers, "bind", clashing)
    sockets = bind_all([f"{NET}1", f"{NET}2"])
    assert [address for address, _ in tried] == [f"{NET}1", f"{NET}2", f"{NET}1", f"{NET}2"]
    assert len({held.getsockname()[1] for held in sockets}) == 1
    for held in sockets:
        held.close()


def test_no_common_port_is_our_fault_and_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[socket.socket] = []

    def clashing(address: str, port: int) -> socket.socket:
        if port:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        held.append(bind(address, port))
        return held[-1]

    monkeypatch.setattr(servers, "bind", clashing)
    with pytest.raises(LocalFault, match="no port is free on all 2 addresses"):
        bind_all([f"{NET}1", f"{NET}2"])
    assert len(held) == servers.PORT_ATTEMPTS
    assert all(one.fileno() < 0 for one in held)


def test_an_address_that_the_machine_does_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on systems whose loopback has 127.0.0.1 only."""

    def poor(address: str, port: int) -> socket.socket:
        if address != "127.0.0.1":
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return bind(address, port)

    monkeypatch.setattr(servers, "bind", poor)
    with pytest.raises(LocalFault, match=r"127\.25\.202\.1: Cannot assign"):
        bind_all(["127.0.0.1", f"{NET}1"])


def test_a_machine_without_ipv6_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_ipv6(*_: object) -> socket.socket:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(servers, "bind", no_ipv6)
    assert has_ipv6() is False


async def test_a_lab_has_the_port_of_the_last_one_and_a_second_lab_beside_it_another(dial: Dial) -> None:
    """So that a run that was interrupted in one lab can be resumed in the next, in spite of lingering connections."""
    hosts = [Host("mx.a.example", (f"{NET}1",), Manners())]
    ports = []
    for _ in range(2):
        async with MailHosts(hosts) as mail, MailHosts(hosts) as beside:
            ports.append(mail.port)
            assert beside.port != mail.port
            async with dial(f"{NET}1", mail.port) as telnet:
                await telnet.reply()
                await telnet.say("QUIT")  # the server's end closes first, and lingers
                await telnet.closed.wait()
    assert ports[0] == ports[1]
