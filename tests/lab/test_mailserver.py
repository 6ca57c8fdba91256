"""Servers with manners, over a real connection, one host each."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from scanner.lab import mailserver
from scanner.lab.mailserver import Conduct, Manners, Tls
from scanner.lab.servers import Host, MailHosts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import Dial, Playing, Telnet

ADDRESS = "127.25.200.1"
OPENING = ("EHLO probe.test", "MAIL FROM:<postmaster@probe.test>")


@pytest.fixture
def playing(dial: Dial) -> Playing:
    """A session with a server of these manners, the greeting still unread."""

    @contextlib.asynccontextmanager
    async def session(manners: Manners) -> AsyncIterator[Telnet]:
        async with MailHosts([Host("mx.a.example", (ADDRESS,), manners)]) as mail, dial(ADDRESS, mail.port) as telnet:
            yield telnet

    return session


async def test_it_takes_mail_for_its_domains_and_denies_the_rest_relay(playing: Playing) -> None:
    async with playing(Manners(serves=("a.example",))) as telnet:
        assert await telnet.reply() == ["220 mx.a.example ESMTP Postfix"]
        await telnet.say(*OPENING)
        assert await telnet.say("RCPT TO:<x@A.example>") == "250 2.1.5 Ok"
        assert await telnet.say("RCPT TO:<x@b.example>") == "554 5.7.1 <x@b.example>: Relay access denied"
        assert await telnet.say("QUIT") == "221 Bye"


async def test_it_takes_a_message_and_says_that_it_keeps_none(playing: Playing) -> None:
    async with playing(Manners(serves=("a.example",))) as telnet:
        await telnet.reply()
        assert (await telnet.say(*OPENING, "RCPT TO:<x@a.example>", "DATA")).startswith("354 ")
        assert "thrown away" in await telnet.say("Subject: hello\r\n\r\nworld\r\n.")


async def test_a_recipient_that_was_refused_counts_for_nothing(playing: Playing) -> None:
    async with playing(Manners(serves=("a.example",))) as telnet:
        await telnet.reply()
        assert (await telnet.say(*OPENING, "RCPT TO:<x@b.example>", "DATA")).startswith("503 ")


async def test_an_open_relay_takes_strangers(playing: Playing) -> None:
    async with playing(Manners(serves=("a.example",), relay=None)) as telnet:
        await telnet.reply()
        assert await telnet.say(*OPENING, "RCPT TO:<x@b.example>") == "250 2.1.5 Ok"


async def test_pipelining_is_offered_and_kept(playing: Playing) -> None:
    async with playing(Manners(serves=("a.example",))) as telnet:
        await telnet.reply()
        telnet.transport.write(b"EHLO probe.test\r\n")
        assert "250-PIPELINING" in await telnet.reply()
        telnet.transport.write(b"MAIL FROM:<>\r\nRCPT TO:<x@a.example>\r\nRSET\r\nQUIT\r\n")
        assert [(await telnet.reply())[0][:3] for _ in range(4)] == ["250", "250", "250", "221"]


async def test_pipelining_can_be_left_out(playing: Playing) -> None:
    async with playing(Manners(pipelining=False)) as telnet:
        await telnet.reply()
        telnet.transport.write(b"EHLO probe.test\r\n")
        lines = await telnet.reply()
        assert not any("PIPELINING" in line for line in lines)
        assert all(line.startswith("250") for line in lines)


async def test_a_server_before_esmtp_refuses_ehlo_and_takes_helo(playing: Playing) -> None:
    async with playing(Manners(serves=("a.example",), extended=False)) as telnet:
        await telnet.reply()
        assert await telnet.say("EHLO probe.test") == "502 5.5.1 Command not implemented"
        assert (await telnet.say("MAIL FROM:<>")).startswith("503 ")
        assert await telnet.say("HELO probe.test", "MAIL FROM:<>", "RCPT TO:<x@a.example>") == "250 2.1.5 Ok"


async def test_a_slow_greeting_comes_line_by_line_and_only_once(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailserver, "LINE_PAUSE_S", 0.0)
    async with playing(Manners(greeting_lines=("one", "two"))) as telnet:
        assert await telnet.reply() == ["220-one", "220-two", "220 mx.a.example ESMTP Postfix"]
        telnet.transport.write(b"NOOP\r\n")
        assert await telnet.reply() == ["250 OK"]


async def test_a_sender_that_was_refused_counts_for_nothing(playing: Playing) -> None:
    async with playing(Manners(mail="550 5.7.23 SPF")) as telnet:
        await telnet.reply()
        assert await telnet.say(*OPENING) == "550 5.7.23 SPF"
        assert (await telnet.say("RCPT TO:<x@a.example>")).startswith("503 ")


async def test_tls_demanded_is_tls_done_and_then_mail_is_taken(playing: Playing) -> None:
    async with playing(Manners(serves=("a.example",), tls=Tls.DEMANDED)) as telnet:
        await telnet.reply()
        assert await telnet.say(*OPENING) == "530 5.7.0 Must issue a STARTTLS command first"
        assert (await telnet.say("STARTTLS")).startswith("220 ")
        assert (await telnet.secure()).startswith("TLSv1.")
        telnet.transport.write(b"EHLO probe.test\r\n")
        assert not [line for line in await telnet.reply() if "STARTTLS" in line or "AUTH" in line]
        assert await telnet.say("MAIL FROM:<>", "RCPT TO:<x@a.example>") == "250 2.1.5 Ok"


async def test_tls_impossible_is_demanded_and_neither_offered_nor_done(playing: Playing) -> None:
    async with playing(Manners(tls=Tls.IMPOSSIBLE)) as telnet:
        await telnet.reply()
        telnet.transport.write(b"EHLO probe.test\r\n")
        assert not [line for line in await telnet.reply() if "STARTTLS" in line]
        assert await telnet.say("MAIL FROM:<>") == "530 5.7.0 Must issue a STARTTLS command first"
        assert (await telnet.say("STARTTLS")).startswith("454 ")


async def test_tls_broken_is_offered_and_ends_in_an_alert_after_the_hello_of_the_client(playing: Playing) -> None:
    async with playing(Manners(tls=Tls.BROKEN)) as telnet:
        await telnet.reply()
        telnet.transport.write(b"EHLO probe.test\r\n")
        assert "250-STARTTLS" in await telnet.reply()
        assert (await telnet.say("STARTTLS")).startswith("220 ")
        with pytest.raises(OSError, match=r"(?i)handshake.failure"):
            await telnet.secure()


async def test_greylisting_defers_a_triplet_until_the_delay_is_over() -> None:
    """The clock is ours; each sender, recipient and client waits for itself."""
    now = 100.0
    conduct = Conduct(Manners(delay_s=3.0), lambda: now)
    first = conduct.greylisted("127.0.0.1", "a@x.example", "b@y.example")
    assert first is not None
    assert first.startswith("450 4.2.0 ")
    now = 102.9
    assert conduct.greylisted("127.0.0.1", "a@x.example", "b@y.example") == first
    assert conduct.greylisted("127.0.0.2", "a@x.example", "b@y.example") is not None
    now = 103.0
    assert conduct.greylisted("127.0.0.1", "a@x.example", "b@y.example") is None
    assert conduct.greylisted("127.0.0.1", "c@x.example", "b@y.example") is not None


async def test_greylisting_is_remembered_from_session_to_session(dial: Dial) -> None:
    manners = Manners(serves=("a.example",), delay_s=0.0)
    async with MailHosts([Host("mx.a.example", (ADDRESS,), manners)]) as mail:
        for _ in range(2):
            async with dial(ADDRESS, mail.port) as telnet:
                await telnet.reply()
                assert await telnet.say(*OPENING, "RCPT TO:<x@a.example>") == "250 2.1.5 Ok"


async def test_without_greylisting_nothing_is_remembered() -> None:
    conduct = Conduct(Manners(), lambda: 0.0)
    assert conduct.greylisted("127.0.0.1", "a@x.example", "b@y.example") is None
    assert conduct.first_seen == {}


async def test_a_client_that_hangs_up_at_any_moment_is_no_event(
    playing: Playing, caplog: pytest.LogCaptureFixture
) -> None:
    for commands in ([], ["EHLO probe.test"], [*OPENING]):
        async with playing(Manners(greeting_lines=("one",))) as telnet:
            if commands:
                await telnet.reply()
                await telnet.say(*commands)
            telnet.transport.abort()
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []
