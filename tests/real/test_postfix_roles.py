"""Each server really plays its role: what an independent client (aiosmtplib) hears from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.real.roles import SENDER, SENDER_HELO
from tests.real.witness import Heard, hold

if TYPE_CHECKING:
    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

OK = "postmaster@ok.test"


class Promise(NamedTuple):
    """A server, whom it is asked for, and the reply that decides: stage, code, how its text begins."""

    role: str
    recipient: str
    stage: str
    code: int
    text: str


PROMISES = [
    Promise("primary", OK, "rcpt", 250, "2.1.5 Ok"),
    Promise("primary", "info@users.test", "rcpt", 250, "2.1.5 Ok"),
    Promise(
        "primary",
        "postmaster@users.test",
        "rcpt",
        550,
        "5.1.1 <postmaster@users.test>: Recipient address rejected: User unknown in virtual mailbox table",
    ),
    Promise("primary", "any@elsewhere.invalid", "rcpt", 554, "5.7.1 <any@elsewhere.invalid>: Relay access denied"),
    Promise("secondary", OK, "rcpt", 250, "2.1.5 Ok"),
    Promise("secondary", "nobody@ok.test", "rcpt", 250, "2.1.5 Ok"),
    Promise("secondary", "any@elsewhere.invalid", "rcpt", 554, "5.7.1 <any@elsewhere.invalid>: Relay access denied"),
    Promise(
        "table",
        "nobody@ok.test",
        "rcpt",
        550,
        "5.1.1 <nobody@ok.test>: Recipient address rejected: User unknown in relay recipient table",
    ),
    Promise("stranger", OK, "rcpt", 554, "5.7.1 <postmaster@ok.test>: Relay access denied"),
    Promise("deferring", OK, "rcpt", 454, "4.7.1 <postmaster@ok.test>: Relay access denied"),
    Promise("greylisting", OK, "rcpt", 450, "4.2.0 <postmaster@ok.test>: Recipient address rejected: Greylisted, see "),
    Promise("tls", OK, "mail", 530, "5.7.0 Must issue a STARTTLS command first"),
    Promise("busy", OK, "banner", 421, "4.7.0 busy.mx.test Error: too many connections from 127.0.0.1"),
    Promise("blocking", OK, "banner", 554, "5.7.1 <localhost[127.0.0.1]>: Client host rejected: Access denied"),
    Promise("late", OK, "rcpt", 554, "5.7.1 <localhost[127.0.0.1]>: Client host rejected: Access denied"),
    Promise("helo", OK, "rcpt", 554, f"5.7.1 <{SENDER_HELO}>: Helo command rejected: Access denied"),
    Promise("sender", OK, "rcpt", 554, f"5.7.1 <{SENDER}>: Sender address rejected: Access denied"),
    Promise("postscreen", OK, "rcpt", 450, "4.3.2 Service currently unavailable"),
]


async def heard_from(servers: MailServers, role: str, recipient: str, *, starttls: bool = False) -> list[Heard]:
    return await hold(servers.addresses[role], servers.port, SENDER_HELO, SENDER, recipient, starttls=starttls)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.role}-{promise.recipient}")
async def test_the_server_plays_its_role(mail_servers: MailServers, promise: Promise) -> None:
    *before, decisive = await heard_from(mail_servers, promise.role, promise.recipient)
    assert (decisive.stage, decisive.code) == (promise.stage, promise.code)
    assert decisive.text.startswith(promise.text)
    assert all(200 <= reply.code < 300 for reply in before)


async def test_every_role_is_witnessed(mail_servers: MailServers) -> None:
    assert {promise.role for promise in PROMISES} == mail_servers.addresses.keys()


async def test_the_tls_server_takes_the_recipient_after_starttls(mail_servers: MailServers) -> None:
    heard = await heard_from(mail_servers, "tls", OK, starttls=True)
    assert [(reply.stage, reply.code) for reply in heard] == [
        ("banner", 220),
        ("helo", 250),
        ("starttls", 220),
        ("helo", 250),
        ("mail", 250),
        ("rcpt", 250),
    ]
    assert "STARTTLS" in heard[1].text
    assert "STARTTLS" not in heard[3].text


async def test_the_busy_server_stays_busy(mail_servers: MailServers) -> None:
    codes = [(await heard_from(mail_servers, "busy", OK))[-1].code for _ in range(3)]
    assert codes == [421, 421, 421]


async def test_postscreen_greets_in_two_parts(mail_servers: MailServers) -> None:
    banner, *_ = await heard_from(mail_servers, "postscreen", OK)
    assert banner.text.split("\n") == ["postscreen.mx.test ESMTP Postfix"] * 2
