"""How mail systems say that no reply came, or to what a reply was one: their own words to our verdicts and stages.

The words are those of Postfix (smtp_connect.c, smtp_proto.c, smtp_addr.c), Exim (transports/smtp.c), Sendmail
(daemon.c, deliver.c), qmail (qmail-remote.c), Exchange and Windows' sockets, Gmail, the C library (strerror), and of
telnet, nc, swaks and OpenSSL's s_client.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage


class Failure(NamedTuple):
    """No reply: which verdict that is, and the stage that it happened at, None where that is not said."""

    verdict: V
    stage: Stage | None


COMMANDS: tuple[tuple[re.Pattern[str], Stage], ...] = (
    (re.compile("EHLO|HELO|LHLO|my name was rejected"), Stage.HELO),
    (
        re.compile(
            r"[Ee]nd of (?:data|DATA)|final (?:dot|\.|DATA)|message body|after I sent the message"
            r"|sending (?:end of data|message|body)"
        ),
        Stage.MESSAGE,
    ),
    (re.compile("RCPT|recipient"), Stage.RCPT),
    (re.compile("MAIL|sender was rejected"), Stage.MAIL),
    (re.compile("STARTTLS"), Stage.STARTTLS),
    (re.compile("DATA|BDAT"), Stage.DATA),
    (re.compile("greeting|initial connection|banner"), Stage.BANNER),
)
"""Words for what was answered or said last, the most particular first: `end of DATA command`, `final dot`."""
ANGLE = re.compile("<[^<>]*>")


def stage_named(words: str) -> Stage | None:
    """The stage that a log's words name: `in reply to RCPT TO command`, `after end of data`, `while sending MAIL`."""
    words = ANGLE.sub("", words)  # an address may have any name
    return next((stage for pattern, stage in COMMANDS if pattern.search(words)), None)


def saying(verdict: V, stage: Stage | None, *patterns: str) -> tuple[re.Pattern[str], V, Stage | None]:
    """Words for a failure; without a stage it is the one that they name."""
    return re.compile("|".join(patterns), re.IGNORECASE), verdict, stage


FAILURES = (
    saying(
        V.TLS_UNAVAILABLE,
        Stage.STARTTLS,
        "TLS is required, but was not offered",
        "TLS session is required, but the server did not offer",
    ),
    saying(
        V.TLS_FAILED,
        Stage.STARTTLS,
        "TLS session is required, but an attempt to start TLS failed",
        "cannot start TLS: handshake failure",
        "TLS (?:handshake|negotiation) failed",
        "server certificate (?:is )?not (?:verified|trusted)",
        "certificate validation failed",
        "SSL_connect error",
        "SSL routines:",
        "TLS error on connection to",
    ),
    saying(
        V.REPLY_TIMEOUT,
        None,
        r"conversation with \S+ timed out while",
        "SMTP timeout (?:after|while connected)",
        "read timeout from",
        "timeout waiting for (?:input|reply)",
    ),
    saying(
        V.DISCONNECTED,
        None,
        r"lost connection with \S+ while",
        "closed connection in response to",
        r"connected to \S+ but connection died",
        "connection (?:was )?(?:reset|dropped|lost)",
        "broken pipe",
        "error code:? 10054",
        "remote host closed connection",
        "premature end-of-input",
    ),
    saying(V.REFUSED, Stage.CONNECT, "connection refused", "error code:? 10061", r"errno[= ]111\b"),
    saying(
        V.CONNECT_TIMEOUT,
        Stage.CONNECT,
        "(?:connection|operation) timed out",
        "connect: timeout",
        "connection attempt (?:timed out|failed because the connected party)",
        "wasn't able to establish an SMTP connection",
        "error code:? 10060",
        r"errno[= ]110\b",
    ),
    saying(
        V.UNREACHABLE,
        Stage.CONNECT,
        "no route to host",
        "(?:network|host) is (?:unreachable|down)",
        "error code:? 100(?:51|65)",
        r"errno[= ]1(?:01|13)\b",
    ),
    saying(
        V.DNS_FAILED,
        Stage.RESOLVE,
        "host not found, try again",
        "temporary failure in name resolution",
        "host (?:name )?lookup (?:failure|did not complete)",
        r"name server[^\n]{0,80}(?:timeout|timed out|failure)",
        "CNAME lookup failed temporarily",
        "malformed or unexpected name server reply",
        "DNS (?:query|lookup) failed",
    ),
    saying(
        V.NO_ADDRESS,
        Stage.RESOLVE,
        "host or domain name not found",
        "host found but no data record",
        "host unknown",
        "couldn't find any host",
        "all relevant MX records point to non-existent hosts",
        "name or service not known",
        "responded with code NXDOMAIN",
        "unable to look up host",
        "could not resolve host",
        "had no relevant answers",
    ),
)


def failure_in(words: str) -> Failure | None:
    """The failure that words tell of, None where they are a reply's or nobody's."""
    for pattern, verdict, stage in FAILURES:
        if found := pattern.search(words):
            return Failure(verdict, stage or stage_named(words[found.start() :]))
    return None
