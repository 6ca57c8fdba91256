"""Replies that are none, or hardly: impossible codes, other protocols, odd bytes, texts made to break something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hostile.misbehaviour import Misbehaviour
from tests.pool.servers import hang_up, silence

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_CODES = {
    "code 000": b"000 x\r\n",
    "code 999": b"999 x\r\n",
    "code 199": b"199 x\r\n",
    "code 600": b"600 x\r\n",
    "no code": b"mx.example ESMTP ready\r\n",
    "an empty line": b"\r\n",
    "code 2_5": b"2_5 x\r\n",
    "code +25": b"+25 x\r\n",
    "code -25": b"-25 x\r\n",
    "code 25 after a space": b" 25 x\r\n",
    "code 25": b"25\r\n",
    "code 2500": b"2500 x\r\n",
    "code 250x": b"250x\r\n",
    "a TAB after the code": b"250\tx\r\n",
    "a NUL in the code": b"2\x0050 x\r\n",
    "Arabic digits": "٢٥٠ x\r\n".encode(),
    "UTF-16": "250 x\r\n".encode("utf-16-le"),
    "UTF-16 with a mark": "250 x\r\n".encode("utf-16"),
    "an ESC sequence before the code": b"\x1b[2J250 x\r\n",
    "invalid UTF-8 before the code": b"\xff\xfe250 x\r\n",
}
"""None of them is a reply, at whatever stage."""

STRANGERS = {
    "HTTP": b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html></html>",
    "SSH": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "POP3": b"+OK POP3 ready\r\n",
    "IMAP": b"* OK IMAP4rev1 ready\r\n",
    "MySQL": b"\x4a\x00\x00\x00\x0a5.5.5-10.11.6-MariaDB\x00" + bytes(32),
    "telnet": b"\xff\xfd\x18\xff\xfd\x20login: ",
    "VNC": b"RFB 003.008\n",
    "Redis": b"-ERR unknown command 'EHLO'\r\n",
    "JSON": b'{"error":"not mail"}\n',
}
"""Other protocols on port 25."""

RELAY_DENIED = b"554 5.7.1 Relay access denied"
NASTY = {
    "a NUL in the text": b" a\x00b",
    "ESC sequences in the text": b" \x1b]0;owned\x07\x1b[2J\x1b[31m\x9b2J",
    "text that would break JSON": b' "}\\n{"kind":"run","schema":1} \\u001b[2J \\',
    "invalid UTF-8 in the text": b" \xff\xfe \xc0\xaf \xed\xa0\x80 \xf0\x90",
    "a bare CR in the text": b" one\rtwo\rthree",
    "line separators and bidi controls in the text": " \u2028\u2029\u202eevil\u202c\u200f\x85".encode(),
    "format strings and mark-up in the text": b" %s %n {0} [red]x[/red] <script>alert(1)</script> $(id) `id`",
    "eight-bit letters in the text": "café 受信者 🚫".encode(),
    "a text of 60,000 characters": b" " + b"x" * 60_000,
}
"""Texts behind a plain refusal: it is judged as if they were not there."""


def no_replies() -> Iterator[Misbehaviour]:
    """Each at the greeting, and half of them once more where a recipient is answered."""
    for number, (name, data) in enumerate(NO_CODES.items()):
        yield Misbehaviour(f"{name} at OPEN", {"OPEN": data}, "not_smtp", "banner")
        if number % 2:
            yield Misbehaviour(f"{name} at RCPT", {"RCPT": data}, "not_smtp", "rcpt")
    for name, data in STRANGERS.items():
        yield Misbehaviour(name, {"OPEN": data}, "not_smtp", "banner")


def nasty_texts() -> Iterator[Misbehaviour]:
    """Each at the recipient, and all together in several lines where we are greeted and offered things."""
    for name, text in NASTY.items():
        note = "long line" if len(text) > 8192 else None
        yield Misbehaviour(name, {"RCPT": RELAY_DENIED + text + b"\r\n"}, "relay_denied", "rcpt", 554, note)
    short = [text for text in NASTY.values() if len(text) < 8192]
    greeting = b"".join(b"220-" + text + b"\r\n" for text in short) + b"220 mx.example\r\n"
    offers = b"250-mx.example\r\n" + b"".join(b"250-" + text + b"\r\n" for text in short) + b"250 SIZE\r\n"
    yield Misbehaviour(
        "nasty texts in the greeting and the offers", {"OPEN": greeting, "EHLO": offers}, "accepted", "rcpt", 250
    )


def extensions(number: int) -> bytes:
    """An EHLO reply with so many extensions."""
    return b"250-mx.example\r\n" + b"".join(b"250-X-%d\r\n" % each for each in range(number)) + b"250 SIZE\r\n"


TABLE = [
    *no_replies(),
    *nasty_texts(),
    Misbehaviour(
        "TLS garbage behind the greeting", {"OPEN": b"220 mx.example\r\n\x16\x03\x03\x00\x05hello"}, "not_smtp", "helo"
    ),
    Misbehaviour("TLS garbage for an EHLO reply", {"EHLO": b"\x15\x03\x03\x00\x02\x02\x28"}, "not_smtp", "helo"),
    Misbehaviour(
        "FTP", {"OPEN": b"220 FTP ready\r\n", "EHLO": b"500 unknown\r\n", "HELO": b"500 unknown\r\n"},
        "protocol_error", "helo", 500,
    ),
    Misbehaviour(
        "bare LFs", {"OPEN": b"220 mx.example\n", "EHLO": b"250-mx.example\n250 SIZE\n", "RCPT": b"250 2.1.5 Ok\n"},
        "accepted", "rcpt", 250, "bare LF",
    ),
    Misbehaviour("bare CRs for line ends", {"OPEN": b"220 mx.example\r"}, "reply_timeout", "banner"),
    Misbehaviour("CR CR LF", {"RCPT": RELAY_DENIED + b"\r\r\n"}, "relay_denied", "rcpt", 554),
    Misbehaviour("a refusal without a text", {"RCPT": b"550\r\n"}, "user_unknown", "rcpt", 550),
    Misbehaviour("HTTP that waits to be spoken to", {"OPEN": silence}, "reply_timeout", "banner"),
    Misbehaviour("codes of one class within a reply", {"RCPT": b"250-a\r\n251 b\r\n"}, "accepted", "rcpt", 251),
    Misbehaviour("codes of two classes at EHLO", {"EHLO": b"250-a\r\n550 b\r\n"}, "protocol_error", "helo", 550),
    Misbehaviour("codes of two classes at RCPT", {"RCPT": b"550-a\r\n250 b\r\n"}, "protocol_error", "rcpt", 250),
    Misbehaviour(
        "a greeting that ends friendly", {"OPEN": b"554-go away\r\n220 welcome\r\n"}, "protocol_error", "banner", 220
    ),
    Misbehaviour(
        "a greeting that ends in a refusal",
        {"OPEN": b"220-mx\r\n554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using a.example\r\n"},
        "client_blocked", "banner", 554, "lines of different classes in one reply",
    ),
    Misbehaviour("a greeting of 354", {"OPEN": b"354 go ahead\r\n"}, "protocol_error", "banner", 354),
    Misbehaviour("354 to MAIL", {"MAIL": b"354 go ahead\r\n"}, "protocol_error", "mail", 354),
    Misbehaviour("334 to RCPT", {"RCPT": b"334 VXNlcm5hbWU6\r\n"}, "protocol_error", "rcpt", 334),
    Misbehaviour("10,000 extensions", {"EHLO": extensions(10_000)}, "not_smtp", "helo"),
    Misbehaviour("400 extensions", {"EHLO": extensions(400)}, "accepted", "rcpt", 250, "cut: 337 extensions"),
    Misbehaviour(
        "an extension of 50 KB", {"EHLO": b"250-mx.example\r\n250 X" + b"x" * 50_000 + b"\r\n"},
        "accepted", "rcpt", 250, "long line",
    ),
    Misbehaviour(
        "EHLO refused, HELO taken", {"EHLO": b"502 5.5.1 command not implemented\r\n"},
        "accepted", "rcpt", 250, "EHLO refused: 502",
    ),
    Misbehaviour(
        "EHLO refused, FIN at HELO", {"EHLO": b"550 5.7.1 Helo command rejected\r\n", "HELO": hang_up},
        "helo_rejected", "helo", 550,
    ),
    Misbehaviour("EHLO put off", {"EHLO": b"451 4.3.0 try later\r\n"}, "service_unavailable", "helo", 451),
]  # fmt: skip
