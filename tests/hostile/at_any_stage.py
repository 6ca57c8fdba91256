"""What a server can do to a session whatever is being said: hang up, fall silent, talk without end, say 421."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.hostile.misbehaviour import (
    GOOD_CODE,
    STAGES,
    Misbehaviour,
    Nobody,
    after,
    continued,
    dripped,
    gigabyte,
    half_close,
    saying,
    then,
)
from tests.pool.servers import drip, flood, hang_up, last_words, reset, silence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pool.servers import Visit

CLOSING = b"421 4.3.2 Service shutting down\r\n"
BLOCKED = b"554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.spamhaus.org\r\n"
UNKNOWN = b"550 5.1.1 <postmaster@partner.example>: Recipient address rejected: User unknown\r\n"


def at_random(visit: Visit) -> None:
    """RST or FIN, at some moment of the second after the accept."""
    chance = random.Random(visit.number)  # noqa: S311 - the same each time
    visit.timer = visit.loop.call_later(chance.random(), chance.choice((reset, hang_up)), visit)


def at_each_stage() -> Iterator[Misbehaviour]:
    """The same at the greeting, EHLO, MAIL and RCPT; the stage of the record is that of what was due."""
    for verb, stage in STAGES.items():
        code = GOOD_CODE[verb]
        for name, step, verdict, number in (
            ("RST", reset, "disconnected", None),
            ("FIN", hang_up, "disconnected", None),
            ("FIN in one direction", half_close, "disconnected", None),
            ("FIN in the middle of a line", last_words(code + b"-half a li"), "disconnected", None),
            ("silence", silence, "reply_timeout", None),
            ("a byte a second", dripped(code), "reply_timeout", None),
            ("a line every half second", drip((code + b"-x\r\n") * 500, 0.5, 7), "reply_timeout", None),
            ("continuation lines without end", continued(code), "not_smtp", None),
            ("a line of a gigabyte", gigabyte(code), "not_smtp", None),
            ("a gigabyte of NULs", flood(bytes(64 * 1024)), "not_smtp", None),
            ("421", CLOSING, "service_unavailable", 421),
            ("421 and FIN", last_words(CLOSING), "service_unavailable", 421),
        ):
            yield Misbehaviour(f"{name} at {verb}", {verb: step}, verdict, stage, number)


def when_all_is_asked() -> Iterator[Misbehaviour]:
    """At RSET and QUIT: the recipient was accepted, and nothing that follows takes that back."""
    for verb, code in (("RSET", b"250"), ("QUIT", b"221")):
        for name, step in (
            ("silence", silence),
            ("RST", reset),
            ("FIN", hang_up),
            ("a byte a second", dripped(code)),
            ("continuation lines without end", continued(code)),
            ("a line of a gigabyte", gigabyte(code)),
            ("whole replies without end", flood((code + b" x\r\n") * 5000)),
            ("garbage", b"\x00\xff\x1b[2J\r\n"),
            ("a refusal", b"554 5.5.1 Too many nonmail commands\r\n"),
            ("421", CLOSING),
        ):
            yield Misbehaviour(f"{name} at {verb}", {verb: step}, "accepted", "rcpt", 250)


TABLE = [
    Misbehaviour("a closed port", Nobody.CLOSED, "refused", "connect"),
    Misbehaviour("SYNs that are dropped", Nobody.UNANSWERED, "connect_timeout", "connect"),
    *at_each_stage(),
    Misbehaviour("RST half a second after the accept", {"OPEN": after(0.5, reset)}, "disconnected", "banner"),
    Misbehaviour("FIN half a second after the accept", {"OPEN": after(0.5, hang_up)}, "disconnected", "banner"),
    Misbehaviour("RST or FIN at random", {"OPEN": at_random}, "disconnected", "banner"),
    Misbehaviour(
        "a refusal at the greeting and FIN", {"OPEN": last_words(BLOCKED)}, "client_blocked", "banner", 554
    ),
    Misbehaviour(
        "a refusal at the greeting and RST", {"OPEN": then(BLOCKED, after(0.7, reset)), "QUIT": silence},
        "client_blocked", "banner", 554,
    ),
    Misbehaviour("a refusal of the recipient and FIN", {"RCPT": last_words(UNKNOWN)}, "user_unknown", "rcpt", 550),
    Misbehaviour(
        "a refusal of the recipient and FIN in one direction", {"RCPT": then(UNKNOWN, half_close)},
        "user_unknown", "rcpt", 550,
    ),
    Misbehaviour(
        "FIN in one direction after the greeting", {"OPEN": then(b"220 mx.example\r\n", half_close)},
        "disconnected", "helo",
    ),
    Misbehaviour(
        "a greeting without CRLF and FIN", {"OPEN": last_words(b"554 5.3.2 no mail service here")},
        "not_accepting", "banner", 554, "no CRLF",
    ),
    Misbehaviour(
        "a refusal without CRLF and FIN", {"RCPT": last_words(UNKNOWN.rstrip())}, "user_unknown", "rcpt", 550, "no CRLF"
    ),
    Misbehaviour(
        "a greeting that takes longer than its limit", {"OPEN": after(3.8, saying(b"220 mx.example\r\n"))},
        "reply_timeout", "banner",
    ),
    Misbehaviour(
        "a greeting with a pause in it", {"OPEN": then(b"220-wait\r\n", after(0.6, saying(b"220 mx.example\r\n")))},
        "accepted", "rcpt", 250,
    ),
    Misbehaviour(
        "every reply just in time",
        {
            "OPEN": after(2.2, saying(b"220 mx.example\r\n")), "EHLO": after(1.0, saying(b"502 5.5.1 unknown\r\n")),
            "HELO": after(1.0, saying(b"250 mx.example\r\n")), "MAIL": after(1.0, saying(b"250 2.1.0 Ok\r\n")),
            "RCPT": after(1.0, saying(b"250 2.1.5 Ok\r\n")),
        },
        "given_up", "helo",
    ),
    Misbehaviour(
        "421 nobody asked for", {"OPEN": b"220 mx.example\r\n" + CLOSING}, "service_unavailable", "helo", 421
    ),
    *when_all_is_asked(),
]  # fmt: skip
