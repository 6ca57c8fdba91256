"""What can go wrong between STARTTLS and the end of the handshake, and right after it.

Every server here demands TLS before MAIL, so that it is used without an option.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import trustme

from tests.hostile.misbehaviour import Misbehaviour, continued, dripped, saying
from tests.pool.certificates import flawed, serving_pem
from tests.pool.servers import Visit, drip, flood, hang_up, last_words, reset, silence, starttls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from tests.pool.servers import Script, Step

HOSTS = "*.hostile.example"
"""Whom the certificates are for; the servers' names are below it."""
OFFERING = b"250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
DEMAND = b"530 5.7.0 Must issue a STARTTLS command first\r\n"
GO = b"220 2.0.0 Ready to start TLS\r\n"
CHAIN_OF = 400
"""Certificates: some 240 KB, where OpenSSL takes 100."""


class Certificates(NamedTuple):
    """Servers' contexts by what is wrong with them; `authority` is whom the client trusts."""

    authority: trustme.CA
    of_servers: dict[str, ssl.SSLContext]


@cache
def certificates() -> Certificates:
    """Made once: signing takes a moment."""
    ca = trustme.CA()
    leaf, more = ca.issue_cert(HOSTS), trustme.CA().cert_pem.bytes() * CHAIN_OF
    chain = [part.bytes() for part in leaf.cert_chain_pems]
    huge = serving_pem(leaf.private_key_pem.bytes(), *chain, more)
    return Certificates(ca, {**flawed(ca, HOSTS)._asdict(), "huge_chain": huge})


def shown(name: str) -> Step:
    """STARTTLS done well, with the certificate of this name."""

    def step(visit: Visit) -> None:
        shaking = starttls(certificates().of_servers[name], GO)
        assert callable(shaking)
        shaking(visit)

    return step


def spoken_to(last: Callable[[Visit], None]) -> Step:
    """Agree, and do this when the client's hello comes."""

    def step(visit: Visit) -> None:
        visit.say(GO)
        visit.ears = lambda _: last(visit)

    return step


def inside(step: Step, otherwise: Step) -> Step:
    """One step once the session is secured, another one before."""

    def chosen(visit: Visit) -> None:
        found = step if visit.secured else otherwise
        if callable(found):
            found(visit)
        else:
            visit.say(found)

    return chosen


def demanding(step: Step, **secured: Step) -> Script:
    """A server that wants TLS before MAIL; `secured`: what it does inside, where that is no grant."""
    steps = {"EHLO": b"250-mx.example\r\n250 8BITMIME\r\n", "MAIL": b"250 2.1.0 Ok\r\n", **secured}
    before: dict[str, Step] = {"EHLO": OFFERING, "MAIL": DEMAND}
    return {"STARTTLS": step, **{verb: inside(each, before.get(verb, silence)) for verb, each in steps.items()}}


NO_TLS = "protocol_error", "starttls"
FAILED = "tls_failed", "starttls"
GRANTED = "accepted", "rcpt", 250
VALID = shown("valid")

TABLE = [
    Misbehaviour("TLS with a valid certificate of another name", demanding(shown("wrong_name")), *GRANTED),
    Misbehaviour("TLS with an expired certificate", demanding(shown("expired")), *GRANTED),
    Misbehaviour("TLS with a certificate of nobody we know", demanding(shown("unknown")), *GRANTED),
    Misbehaviour("TLS with a self-signed certificate", demanding(shown("self_signed")), *GRANTED),
    Misbehaviour("TLS with 400 certificates", demanding(shown("huge_chain")), *FAILED),
    Misbehaviour("replies injected behind STARTTLS's 220", demanding(GO + b"250 2.1.0 Ok\r\n" * 3), *NO_TLS),
    Misbehaviour("half a reply injected behind STARTTLS's 220", demanding(GO + b"25"), *NO_TLS),
    Misbehaviour("garbage injected behind STARTTLS's 220", demanding(GO + b"\x00\xff\r\n"), *NO_TLS),
    Misbehaviour("a handshake that stalls", demanding(spoken_to(silence)), *FAILED),
    Misbehaviour(
        "a handshake of a byte a second", demanding(spoken_to(drip(b"\x16\x03\x03\x40\x00" + bytes(1000), 1.0))),
        *FAILED,
    ),
    Misbehaviour("a TLS alert for a handshake", demanding(spoken_to(saying(b"\x15\x03\x03\x00\x02\x02\x28"))), *FAILED),
    Misbehaviour("plain text for a handshake", demanding(spoken_to(saying(b"250 2.0.0 Ok\r\n" * 9))), *FAILED),
    Misbehaviour("a flood for a handshake", demanding(spoken_to(flood(b"\x16\x03\x03\x40\x00" * 9999))), *FAILED),
    Misbehaviour("RST for a handshake", demanding(spoken_to(reset)), *FAILED),
    Misbehaviour("FIN for a handshake", demanding(spoken_to(hang_up)), *FAILED),
    Misbehaviour("FIN behind STARTTLS's 220", demanding(last_words(GO)), *FAILED),
    Misbehaviour("STARTTLS without an answer", demanding(silence), "reply_timeout", "starttls"),
    Misbehaviour("STARTTLS answered a byte a second", demanding(dripped(b"220")), "reply_timeout", "starttls"),
    Misbehaviour("STARTTLS answered without end", demanding(continued(b"220")), "not_smtp", "starttls"),
    Misbehaviour("STARTTLS answered by HTTP", demanding(b"HTTP/1.1 400 Bad Request\r\n"), "not_smtp", "starttls"),
    Misbehaviour("RST at STARTTLS", demanding(reset), "disconnected", "starttls"),
    Misbehaviour("FIN at STARTTLS", demanding(hang_up), "disconnected", "starttls"),
    Misbehaviour("STARTTLS put off", demanding(b"454 4.7.0 not now\r\n"), "tls_unavailable", "starttls", 454),
    Misbehaviour("STARTTLS answered 250", demanding(b"250 2.0.0 Ok\r\n"), "protocol_error", "starttls", 250),
    Misbehaviour(
        "421 at STARTTLS", demanding(b"421 4.3.2 Service shutting down\r\n"), "service_unavailable", "starttls", 421
    ),
    Misbehaviour("TLS demanded and not offered", {"MAIL": DEMAND}, "tls_required", "mail", 530),
    Misbehaviour("other offers inside TLS", demanding(VALID, EHLO=b"250-mx.example\r\n250 X-INSIDE\r\n"), *GRANTED),
    Misbehaviour("STARTTLS offered and demanded inside TLS", demanding(VALID, EHLO=OFFERING, MAIL=DEMAND),
                 "tls_required", "mail", 530),
    Misbehaviour("silence inside TLS", demanding(VALID, EHLO=silence), "reply_timeout", "helo"),
    Misbehaviour("FIN inside TLS", demanding(VALID, EHLO=hang_up), "disconnected", "helo"),
    Misbehaviour("RST inside TLS", demanding(VALID, EHLO=reset), "disconnected", "helo"),
    Misbehaviour("continuation lines without end inside TLS", demanding(VALID, RCPT=continued(b"250")), "not_smtp",
                 "rcpt"),
    Misbehaviour("QUIT without an answer inside TLS", demanding(VALID, QUIT=silence), *GRANTED),
    Misbehaviour("421 inside TLS", demanding(VALID, RCPT=b"421 4.3.2 Service shutting down\r\n"),
                 "service_unavailable", "rcpt", 421),
    Misbehaviour("EHLO refused inside TLS", demanding(VALID, EHLO=b"550 5.7.1 Helo command rejected\r\n"),
                 "helo_rejected", "helo", 550),
]  # fmt: skip
