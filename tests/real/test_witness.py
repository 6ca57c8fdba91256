"""What the independent client does not tell of a reply that is against the rules, and we do: scripted servers."""

from __future__ import annotations

import pytest

from tests.cli.probing import Record, probe, serving
from tests.real.roles import SENDER, SENDER_HELO
from tests.real.witness import Heard, hold

pytestmark = pytest.mark.real

ADDRESS = "127.0.0.1"
RECIPIENT = "postmaster@ok.test"
GREETING, HELLO, SENDER_OK, BYE = (
    b"220 mx.test ESMTP\r\n",
    b"250 mx.test\r\n",
    b"250 2.1.0 Ok\r\n",
    b"221 2.0.0 Bye\r\n",
)


async def both_ask(*says: bytes) -> tuple[Record, list[Heard]]:
    """Our record of a server with this script, and what aiosmtplib heard of it."""
    async with serving(*says) as port:
        asking = ("--helo", SENDER_HELO, "--sender", SENDER, "--recipient", RECIPIENT, "--json")
        ran = await probe(ADDRESS, "--port", port, *asking)
        heard = await hold(ADDRESS, int(port), SENDER_HELO, SENDER, RECIPIENT)
    (record,) = ran.kind("probe")
    return record, heard


async def test_codes_that_differ_within_a_reply_are_its_last_code_to_aiosmtplib() -> None:
    """RFC 5321 4.2.1 forbids it; nobody can say what was meant, and we do not pretend to."""
    reply = b"250-2.1.5 Ok\r\n550 5.1.1 No such user\r\n"
    record, heard = await both_ask(GREETING, HELLO, SENDER_OK, reply, BYE)
    assert (
        heard[-1] == ("rcpt", 550, "2.1.5 Ok\n5.1.1 No such user") == (record["stage"], record["code"], record["text"])
    )
    assert (record["verdict"], record["standing"]) == ("protocol_error", "broken")
    assert "lines of different classes" in record["error"]


async def test_a_reply_that_nobody_asked_for_shifts_all_that_follow_to_aiosmtplib() -> None:
    """It takes the surplus for the answer to MAIL, MAIL's for RCPT's, and so hears that nobody is somebody."""
    refused = b"550 5.1.1 No such user\r\n"
    record, heard = await both_ask(GREETING, HELLO + b"250 2.0.0 And one more\r\n", SENDER_OK, refused, BYE)
    assert heard[2:4] == [("mail", 250, "2.0.0 And one more"), ("rcpt", 250, "2.1.0 Ok")]
    assert (record["verdict"], record["stage"], record["code"]) == ("user_unknown", "rcpt", 550)
    assert record["text"] == "5.1.1 No such user"
    assert "extra reply" in record["notes"]
