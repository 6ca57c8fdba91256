from __future__ import annotations

import pytest

from scanner.quotations.text import read_quotation
from tests.quotations.quoting import read

BEFORE = "Trying 192.0.2.1...\nConnected to mx.p.example.\n"
SAID = "220 mx ESMTP\nEHLO b.example\n250-mx\n250 SIZE\nMAIL FROM:<a@b.example>\n250 Ok\nRCPT TO:<u@p.example>\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("554 no", "client_blocked 554 - banner -"),
        ("220 mx\nHELO x\n550 5.7.1 Helo command rejected: bad", "helo_rejected 550 5.7.1 helo -"),
        ("220 mx\nHELO x\n250 mx\nSTARTTLS\n454 4.7.0 TLS not available", "tls_unavailable 454 4.7.0 starttls -"),
        (SAID + "554 5.7.1 Relay access denied", "relay_denied 554 5.7.1 rcpt u@p.example"),
        (SAID + "250 Ok\nQUIT\n221 Bye\nConnection closed by foreign host.", "accepted 250 - rcpt u@p.example"),
        (
            SAID + "250 Ok\nDATA\n354 go\nSubject: x\n\nx\n.\n552 5.2.2 Full",
            "mailbox_full 552 5.2.2 message u@p.example",
        ),
        (SAID + "Connection closed by foreign host.", "disconnected - - rcpt u@p.example"),
        ("Connection closed by foreign host.", "disconnected - - banner -"),
    ],
)
def test_a_reply_in_a_window_answers_the_command_before_it(text: str, expected: str) -> None:
    assert read(BEFORE + text) == [f"{expected} mx.p.example"]


def test_pipelined_commands_are_answered_in_their_order() -> None:
    [quoted] = read_quotation(
        "220 mx\nEHLO b.example\n250 PIPELINING\nMAIL FROM:<a@b.example>\n"
        "RCPT TO:<u@p.example>\nRCPT TO:<v@p.example>\n"
        "250 Ok\n250 Ok\n550 5.1.1 User unknown\nQUIT\n221 Bye"
    )
    assert (quoted.stage, quoted.recipient, quoted.sender) == ("rcpt", "v@p.example", "a@b.example")


def test_two_recipients_refused_alike_are_two_answers() -> None:
    text = BEFORE + SAID + "550 5.1.1 User unknown\nRCPT TO:<v@p.example>\n550 5.1.1 User unknown"
    assert [each.recipient for each in read_quotation(text)] == ["u@p.example", "v@p.example"]


def test_need_rcpt_after_a_refused_recipient_is_no_news() -> None:
    assert len(read(BEFORE + SAID + "550 5.1.1 User unknown\nDATA\n503 5.5.1 Need RCPT (recipient)")) == 1
    assert len(read(BEFORE + "220 mx\nHELO x\n250 mx\nDATA\n503 5.5.1 Need MAIL")) == 1


def test_what_quit_and_rset_are_answered_judges_nothing() -> None:
    [read_as] = read(BEFORE + SAID + "250 Ok\nRSET\n250 2.0.0 Reset\nQUIT\n221 2.0.0 Bye")
    assert read_as.startswith("accepted 250 - rcpt")
