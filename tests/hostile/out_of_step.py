"""Too many replies, too few, too early, in the wrong order: nobody can say which command they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hostile.misbehaviour import Misbehaviour, flood, pipelining
from tests.pool.servers import hang_up, silence

if TYPE_CHECKING:
    from tests.pool.servers import Script, Visit

OK = b"250 2.0.0 Ok\r\n"
SURPLUS = OK + OK
GREETING, HELLO = b"220 mx.example ESMTP\r\n", b"250 mx.example\r\n"
EXTRA = "extra reply"
BYE = b"221 2.0.0 Bye\r\n"
DENIED = b"554 5.7.1 Relay access denied\r\n"
NEED_MAIL = b"503 5.5.1 need MAIL command\r\n"


def together(mail: bytes, rcpt: bytes, end: bytes) -> Script:
    """Replies to a group of commands in one portion, as RFC 2920 has it: these in the first session.

    Asked again one command at a time, the server shows that it means to refuse.
    """

    def nothing(visit: Visit) -> None:
        if visit.number:
            visit.say(OK)

    def recipient(visit: Visit) -> None:
        if visit.number:
            visit.say(DENIED)

    def all_of_it(visit: Visit) -> None:
        visit.say(OK if visit.number else mail + rcpt + end)

    return pipelining(MAIL=nothing, RCPT=recipient, RSET=all_of_it, QUIT=all_of_it)


TABLE = [
    Misbehaviour(
        "all replies before the first command", {"OPEN": GREETING + HELLO + OK + OK, "EHLO": silence},
        "reply_timeout", "helo", None, EXTRA,
    ),
    Misbehaviour(
        "all replies of the transaction behind EHLO's", {"EHLO": HELLO + OK + OK, "MAIL": silence, "RCPT": silence},
        "reply_timeout", "mail", None, EXTRA,
    ),
    Misbehaviour("two greetings", {"OPEN": GREETING * 2}, "accepted", "rcpt", 250, EXTRA),
    Misbehaviour("a second greeting for EHLO", {"EHLO": GREETING + HELLO}, "accepted", "rcpt", 250, EXTRA),
    Misbehaviour(
        "an extra reply to each command", {"EHLO": HELLO + OK, "MAIL": SURPLUS, "RCPT": SURPLUS},
        "accepted", "rcpt", 250, EXTRA,
    ),
    Misbehaviour(
        "an extra refusal behind an accepted MAIL", {"MAIL": OK + b"550 5.1.1 User unknown\r\n"},
        "accepted", "rcpt", 250, EXTRA,
    ),
    Misbehaviour("an extra reply to pipelined MAIL", together(OK * 2, DENIED, OK), "relay_denied", "rcpt", 554),
    Misbehaviour("an extra reply to pipelined RCPT", together(OK, DENIED * 2, OK), "relay_denied", "rcpt", 554),
    Misbehaviour("an extra reply to the pipelined end", together(OK, DENIED, OK * 2), "relay_denied", "rcpt", 554),
    Misbehaviour("no reply to pipelined MAIL", together(b"", DENIED, OK), "relay_denied", "rcpt", 554),
    Misbehaviour("no reply to pipelined RCPT", together(OK, b"", BYE), "relay_denied", "rcpt", 554),
    Misbehaviour("the end's reply before the recipient's", together(OK, BYE, DENIED), "relay_denied", "rcpt", 554),
    Misbehaviour(
        "503 for a recipient after an accepted sender", together(OK, NEED_MAIL, OK), "relay_denied", "rcpt", 554
    ),
    Misbehaviour("no reply to pipelined RSET", pipelining(RSET=silence), "accepted", "rcpt", 250),
    Misbehaviour("FIN for pipelined RSET", pipelining(RSET=hang_up), "accepted", "rcpt", 250),
    Misbehaviour("pipelined RCPT without a reply", pipelining(RCPT=silence), "reply_timeout", "rcpt"),
    Misbehaviour("pipelined MAIL without a reply", pipelining(MAIL=silence), "reply_timeout", "mail"),
    Misbehaviour(
        "whole replies without end", {"OPEN": flood(b"220 x\r\n" * 5000)}, "protocol_error", "helo", 220, EXTRA
    ),
    Misbehaviour("grants without end", {"EHLO": flood(b"250 x\r\n" * 5000)}, "protocol_error", "mail", 250, EXTRA),
]  # fmt: skip
