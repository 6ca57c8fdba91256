from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.lab.impostor import Impostor, ImpostorSession
from scanner.lab.servers import Host, MailHosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Dial

ADDRESS = "127.25.201.1"


class Said:
    """A transport that keeps what it was given."""

    def __init__(self) -> None:
        self.octets = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.octets += data

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def said() -> Iterator[Said]:
    return Said()


def meet(manner: Impostor, said: Said) -> ImpostorSession:
    session = ImpostorSession(manner, set())
    session.connection_made(said)
    return session


def test_silence_is_kept_whatever_the_client_says(said: Said) -> None:
    session = meet(Impostor(), said)
    session.data_received(b"EHLO probe.test\r\nQUIT\r\n")
    assert (said.octets, said.closed) == (b"", False)


def test_one_that_hangs_up_says_its_sentence_first(said: Said) -> None:
    meet(Impostor(says=b"421 busy\r\n", hangs_up=True), said)
    assert (said.octets, said.closed) == (b"421 busy\r\n", True)


@pytest.mark.parametrize("cut", range(1, 20))
def test_after_a_refusal_only_quit_is_answered_kindly(said: Said, cut: int) -> None:
    """RFC 5321 3.1: 503 to all else; the client's lines may come in any pieces."""
    session = meet(Impostor(says=b"521 no mail\r\n", replies=True), said)
    commands = b"EHLO x.example\r\nquit\r\n"
    session.data_received(commands[:cut])
    session.data_received(commands[cut:])
    assert said.octets == b"521 no mail\r\n503 5.5.1 Bad sequence of commands\r\n221 2.0.0 Bye\r\n"
    assert said.closed


def test_a_line_that_never_ends_is_not_kept(said: Said) -> None:
    session = meet(Impostor(replies=True), said)
    for _ in range(100):
        session.data_received(b"x" * 1000)
    assert len(session.unread) < 10


async def test_on_the_wire_the_sentence_arrives_before_the_end(dial: Dial) -> None:
    web = Impostor(says=b"HTTP/1.0 408 Request Time-out\r\n\r\n", hangs_up=True)
    async with MailHosts([Host("www.a.example", (ADDRESS,), web)]) as mail, dial(ADDRESS, mail.port) as telnet:
        assert await telnet.line() == "HTTP/1.0 408 Request Time-out"
        await telnet.closed.wait()
