"""The partner domains of a run: what DNS says of each, what is asked, and what an audit must find.

Expectations are written from the standards and from what each server was set up to be, not from a run of ours.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.real.roles import DOWN, SENDER_HELO, ZONE, ServerRole


class Expected(NamedTuple):
    """One probe record: who was asked and what it amounts to.

    `exchange` is short for NAME.mx.test, "" for the domain itself; `server` the role that answers there, None where
    nothing does; `code` None where no reply decided; `address` only where no server answers that would tell it.
    """

    exchange: str
    server: str | None
    role: str
    verdict: str
    standing: str
    stage: str
    code: int | None
    address: str | None = None


class Scene(NamedTuple):
    """One input line, the zone's records for its domain, and its verdict.

    `asked` is the recipient where the line names one; `records` are zone file lines below $ORIGIN test.
    """

    domain: str
    verdict: str
    records: str
    probes: tuple[Expected, ...] = ()
    asked: str | None = None

    @property
    def line(self) -> str:
        """The item as it stands in the input."""
        return self.asked or self.domain

    @property
    def recipient(self) -> str:
        """Who is asked for."""
        return self.asked or f"postmaster@{self.domain}"


def accepted(exchange: str, role: str, server: str | None = None) -> Expected:
    return Expected(exchange, server or exchange, role, "accepted", "serves", "rcpt", 250)


def denied(exchange: str, role: str, server: str | None = None) -> Expected:
    return Expected(exchange, server or exchange, role, "relay_denied", "broken", "rcpt", 554)


def down(exchange: str, role: str) -> Expected:
    return Expected(exchange, None, role, "refused", "broken", "connect", None, DOWN)


def unsure(server: str, verdict: str, stage: str, code: int) -> Expected:
    """A primary whose refusal is about us."""
    return Expected(server, server, "primary", verdict, "undecided", stage, code)


def no_address(exchange: str, role: str) -> Expected:
    return Expected(exchange, None, role, "no_address", "broken", "resolve", None)


def unknown(exchange: str, role: str) -> Expected:
    return Expected(exchange, exchange, role, "user_unknown", "serves", "rcpt", 550)


SCENES: tuple[Scene, ...] = (
    Scene(
        "ok.test",
        "ok",
        "ok MX 10 primary.mx\nok MX 20 secondary.mx",
        (accepted("primary", "primary"), accepted("secondary", "secondary")),
    ),
    # The headline: nobody notices until the primary is down.
    Scene(
        "forgotten.test",
        "secondary_rejects_relay",
        "forgotten MX 10 primary.mx\nforgotten MX 20 stranger.mx",
        (accepted("primary", "primary"), denied("stranger", "secondary")),
    ),
    Scene(
        "deferred.test",
        "secondary_rejects_relay",
        "deferred MX 10 primary.mx\ndeferred MX 20 deferring.mx",
        (
            accepted("primary", "primary"),
            Expected("deferring", "deferring", "secondary", "relay_denied", "broken", "rcpt", 454),
        ),
    ),
    Scene(
        "misplaced.test",
        "primary_rejects_relay",
        "misplaced MX 10 stranger.mx\nmisplaced MX 20 secondary.mx",
        (denied("stranger", "primary"), accepted("secondary", "secondary")),
    ),
    Scene(
        "noticed.test",
        "secondary_rejects_relay",
        "noticed MX 10 down.mx\nnoticed MX 20 stranger.mx",
        (down("down", "primary"), denied("stranger", "secondary")),
    ),
    Scene(
        "half.test",
        "primary_rejects_relay",
        "half MX 10 half.mx",
        (accepted("half", "primary", "primary"), denied("half", "primary", "stranger")),
    ),
    Scene(
        "grey.test", "inconclusive", "grey MX 10 greylisting.mx", (unsure("greylisting", "greylisted", "rcpt", 450),)
    ),
    Scene(
        "screened.test",
        "inconclusive",
        "screened MX 10 postscreen.mx",
        (unsure("postscreen", "greylisted", "rcpt", 450),),
    ),
    Scene("secret.test", "ok", "secret MX 10 tls.mx", (accepted("tls", "primary"),)),
    Scene("busy.test", "inconclusive", "busy MX 10 busy.mx", (unsure("busy", "rate_limited", "banner", 421),)),
    Scene(
        "hostile.test",
        "refuses_us",
        "hostile MX 10 blocking.mx",
        (unsure("blocking", "client_blocked", "banner", 554),),
    ),
    Scene("late.test", "refuses_us", "late MX 10 late.mx", (unsure("late", "client_blocked", "rcpt", 554),)),
    Scene("helo.test", "refuses_us", "helo MX 10 helo.mx", (unsure("helo", "helo_rejected", "rcpt", 554),)),
    Scene("sender.test", "refuses_us", "sender MX 10 sender.mx", (unsure("sender", "sender_rejected", "rcpt", 554),)),
    # A domain without a postmaster serves its users all the same.
    Scene("users.test", "recipient_refused", "users MX 10 primary.mx", (unknown("primary", "primary"),)),
    Scene("users.test", "ok", "", (accepted("primary", "primary"),), asked="info@users.test"),
    Scene("users.test", "recipient_refused", "", (unknown("primary", "primary"),), asked="nobody@users.test"),
    # "User unknown in relay recipient table": the word relay in a refusal that is not one.
    Scene(
        "table.test",
        "recipient_refused",
        "table MX 10 primary.mx\ntable MX 20 table.mx",
        (unknown("primary", "primary"), unknown("table", "secondary")),
        asked="nobody@table.test",
    ),
    Scene(
        "fallback.test",
        "primary_broken",
        "fallback MX 10 down.mx\nfallback MX 20 secondary.mx",
        (down("down", "primary"), accepted("secondary", "secondary")),
    ),
    Scene(
        "alone.test",
        "secondary_broken",
        "alone MX 10 primary.mx\nalone MX 20 down.mx",
        (accepted("primary", "primary"), down("down", "secondary")),
    ),
    Scene("dead.test", "undeliverable", "dead MX 10 down.mx", (down("down", "primary"),)),
    Scene(
        "node.test",
        "address_broken",
        "node MX 10 node.mx",
        (accepted("node", "primary", "primary"), down("node", "primary")),
    ),
    Scene("null.test", "no_mail", "null MX 0 ."),
    Scene("implicit.test", "ok", "implicit A 127.1.0.1", (accepted("", "implicit", "primary"),)),
    Scene("bare.test", "no_route", 'bare TXT "no mail here, and no address"', (no_address("", "implicit"),)),
    Scene(
        "lost.test",
        "no_route",
        "lost MX 10 nowhere.mx\nlost MX 20 gone.mx",
        (no_address("nowhere", "primary"), no_address("gone", "secondary")),
    ),
    Scene("absent.test", "no_domain", ""),
    # Outside every zone of the server, which answers REFUSED: that says nothing about the domain.
    Scene("elsewhere.example", "dns_failed", ""),
    # Two names of one host are one server: one probe, in the higher role.
    Scene(
        "twins.test",
        "ok",
        "twins MX 10 primary.mx\ntwins MX 20 twin.mx",
        (accepted("primary", "primary"),),
    ),
    Scene("alias.test", "ok", "alias MX 10 alias.mx", (accepted("alias", "primary", "primary"),)),
)

MAILBOXES = [
    *sorted({f"postmaster@{scene.domain}" for scene in SCENES} - {"postmaster@users.test"}),
    "info@users.test",
]
"""Whom the servers know that know their users."""

ZONE_HEAD = f"""\
$ORIGIN {ZONE}.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
{SENDER_HELO}. A 127.0.0.1
{SENDER_HELO}. MX 10 {SENDER_HELO}.
down.mx A {DOWN}
half.mx A 127.1.0.1
half.mx A 127.1.0.4
node.mx A 127.1.0.1
node.mx A {DOWN}
twin.mx A 127.1.0.1
alias.mx CNAME primary.mx
nowhere.mx TXT "a host without an address"
"""


def zone_text(roles: list[ServerRole]) -> str:
    """The zone of all partner domains and all exchanges; `gone.mx.test` is left out by intent."""
    hosts = [f"{role.name}.mx A {role.address}" for role in roles]
    return "\n".join([ZONE_HEAD, *hosts, *(scene.records for scene in SCENES), ""])
