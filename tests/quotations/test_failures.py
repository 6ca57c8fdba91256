from __future__ import annotations

import pytest

from scanner.quotations.failures import failure_in, stage_named
from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage


@pytest.mark.parametrize(
    ("words", "verdict", "stage"),
    [
        ("connect to mx[192.0.2.1]:25: Connection refused", V.REFUSED, Stage.CONNECT),
        ("connect to mx[192.0.2.1]:25: Connection timed out", V.CONNECT_TIMEOUT, Stage.CONNECT),
        ("connect to mx[192.0.2.1]:25: Operation timed out", V.CONNECT_TIMEOUT, Stage.CONNECT),
        ("connect to mx[2001:db8::1]:25: Network is unreachable", V.UNREACHABLE, Stage.CONNECT),
        ("connect to mx[192.0.2.1]:25: No route to host", V.UNREACHABLE, Stage.CONNECT),
        ("Failed to connect. Winsock error code: 10061, Win32 error code: 10061.", V.REFUSED, Stage.CONNECT),
        ("[Message=Socket error code 10060]", V.CONNECT_TIMEOUT, Stage.CONNECT),
        ("connect:errno=111", V.REFUSED, Stage.CONNECT),
        (
            "lost connection with mx[192.0.2.1] while receiving the initial server greeting",
            V.DISCONNECTED,
            Stage.BANNER,
        ),
        ("lost connection with mx[192.0.2.1] while performing the EHLO handshake", V.DISCONNECTED, Stage.HELO),
        ("lost connection with mx[192.0.2.1] while sending MAIL FROM", V.DISCONNECTED, Stage.MAIL),
        ("lost connection with mx[192.0.2.1] while sending RCPT TO", V.DISCONNECTED, Stage.RCPT),
        ("lost connection with mx[192.0.2.1] while sending DATA command", V.DISCONNECTED, Stage.DATA),
        ("lost connection with mx[192.0.2.1] while sending message body", V.DISCONNECTED, Stage.MESSAGE),
        ("conversation with mx[192.0.2.1] timed out while sending end of data -- x", V.REPLY_TIMEOUT, Stage.MESSAGE),
        ("SMTP timeout after initial connection: Connection timed out", V.REPLY_TIMEOUT, Stage.BANNER),
        ("Remote host closed connection in response to end of data", V.DISCONNECTED, Stage.MESSAGE),
        ("Connected to 192.0.2.1 but connection died. (#4.4.2)", V.DISCONNECTED, None),
        ("Deferred: Connection reset by mx.", V.DISCONNECTED, None),
        (
            "Host or domain name not found. Name service error for name=x type=A: Host not found",
            V.NO_ADDRESS,
            Stage.RESOLVE,
        ),
        ("Name service error for name=x type=MX: Host not found, try again", V.DNS_FAILED, Stage.RESOLVE),
        ("CNAME lookup failed temporarily. (#4.4.3)", V.DNS_FAILED, Stage.RESOLVE),
        ("Deferred: Name server: mx.: host name lookup failure", V.DNS_FAILED, Stage.RESOLVE),
        ("Host unknown (Name server: mx.: host not found)", V.NO_ADDRESS, Stage.RESOLVE),
        ("all relevant MX records point to non-existent hosts", V.NO_ADDRESS, Stage.RESOLVE),
        ("TLS is required, but was not offered by host mx[192.0.2.1]", V.TLS_UNAVAILABLE, Stage.STARTTLS),
        ("a TLS session is required, but the server did not offer TLS support", V.TLS_UNAVAILABLE, Stage.STARTTLS),
        ("a TLS session is required, but an attempt to start TLS failed", V.TLS_FAILED, Stage.STARTTLS),
        ("Cannot start TLS: handshake failure", V.TLS_FAILED, Stage.STARTTLS),
        ("Server certificate not verified", V.TLS_FAILED, Stage.STARTTLS),
    ],
)
def test_each_program_s_words_for_a_failure(words: str, verdict: V, stage: Stage | None) -> None:
    failure = failure_in(words)
    assert failure is not None
    assert (failure.verdict, failure.stage) == (verdict, stage)


@pytest.mark.parametrize(
    "words", ["", "User unknown", "Relay access denied", "lost connection after RCPT from unknown[1]"]
)
def test_other_words_are_no_failure(words: str) -> None:
    assert failure_in(words) is None


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ("RCPT TO command", Stage.RCPT),
        ("RCPT TO:<data@mail.example>", Stage.RCPT),
        ("MAIL FROM:<EHLO@RCPT.example> SIZE=1", Stage.MAIL),
        ("pipelined MAIL FROM", Stage.MAIL),
        ("end of DATA command", Stage.MESSAGE),
        ("end of data", Stage.MESSAGE),
        ("DATA command", Stage.DATA),
        ("EHLO mail.b.example", Stage.HELO),
        ("STARTTLS", Stage.STARTTLS),
        ("initial connection", Stage.BANNER),
        ("192.0.2.1 does not like recipient.", Stage.RCPT),
        ("Connected to 192.0.2.1 but sender was rejected.", Stage.MAIL),
        ("Connected to 192.0.2.1 but my name was rejected.", Stage.HELO),
        ("192.0.2.1 failed on DATA command.", Stage.DATA),
        ("192.0.2.1 failed after I sent the message.", Stage.MESSAGE),
        ("something else", None),
    ],
)
def test_the_command_that_was_answered(words: str, stage: Stage | None) -> None:
    assert stage_named(words) is stage
