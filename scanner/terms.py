"""The design's words, as values without behaviour; every room imports them, they import nothing of ours.

Sources of the vocabulary: RFC 5321 (commands, replies), RFC 3463 (enhanced status codes), RFC 5598 (mail architecture).
What the other side does is a value here (a verdict, a stage), never an exception. The two exceptions are for the rest:
`UsageError` (the operator's input or configuration) and `LocalFault` (our own machine).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class UsageError(Exception):
    """Input, option or configuration that cannot be used; names what it is about. Exit code 2."""


class LocalFault(Exception):  # noqa: N818 - the design's word: a fault of ours, not an error of theirs
    """Our own shortage or failure (descriptors, ports, resolver, disk): never a verdict about a server. Exit code 3."""


class Stage(StrEnum):
    """Where a probe ended, in the order in which a conversation reaches them."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    BANNER = "banner"
    HELO = "helo"
    STARTTLS = "starttls"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    MESSAGE = "message"


class Role(StrEnum):
    """What an exchange is to the domain; all but SECONDARY count as primary."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    IMPLICIT = "implicit"
    DIRECT = "direct"


class ProbeVerdict(StrEnum):
    """The cause of what one target said to one question, the same vocabulary at every stage."""

    ACCEPTED = "accepted"
    # A reply decided (the reasons of the judgement).
    USER_UNKNOWN = "user_unknown"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    RECIPIENT_RESTRICTED = "recipient_restricted"
    RELAY_DENIED = "relay_denied"
    NOT_ACCEPTING = "not_accepting"
    AUTH_REQUIRED = "auth_required"
    ROUTING_ERROR = "routing_error"
    GREYLISTED = "greylisted"
    RATE_LIMITED = "rate_limited"
    CLIENT_BLOCKED = "client_blocked"
    PTR_REQUIRED = "ptr_required"
    HELO_REJECTED = "helo_rejected"
    SENDER_REJECTED = "sender_rejected"
    SENDER_AUTH_FAILED = "sender_auth_failed"
    TLS_REQUIRED = "tls_required"
    TLS_UNAVAILABLE = "tls_unavailable"
    POLICY_REJECTED = "policy_rejected"
    CONTENT_REJECTED = "content_rejected"
    SERVICE_UNAVAILABLE = "service_unavailable"
    PROTOCOL_ERROR = "protocol_error"
    UNCLASSIFIED = "unclassified"
    # No reply decided.
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    REPLY_TIMEOUT = "reply_timeout"
    DISCONNECTED = "disconnected"
    NOT_SMTP = "not_smtp"
    TLS_FAILED = "tls_failed"
    NO_ADDRESS = "no_address"
    ADDRESS_FORBIDDEN = "address_forbidden"
    EXCLUDED = "excluded"
    DNS_FAILED = "dns_failed"
    GIVEN_UP = "given_up"
    LOCAL_ERROR = "local_error"


class SweepVerdict(StrEnum):
    """What a target's relay tests say together; where they say nothing, it is the cause, a ProbeVerdict."""

    OPEN_RELAY_CONFIRMED = "open_relay_confirmed"
    OPEN_RELAY = "open_relay"
    OPEN_RELAY_LIKELY = "open_relay_likely"
    OPEN_RELAY_SUSPECTED = "open_relay_suspected"
    CLOSED = "closed"


class Unproven(StrEnum):
    """How a relay test ended that proves nothing. INCONCLUSIVE: its control was accepted too. SKIPPED: not run."""

    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class DomainVerdict(StrEnum):
    """What a domain's probes say together."""

    DNS_FAILED = "dns_failed"
    NO_DOMAIN = "no_domain"
    NO_MAIL = "no_mail"
    NO_ROUTE = "no_route"
    SECONDARY_REJECTS_RELAY = "secondary_rejects_relay"
    PRIMARY_REJECTS_RELAY = "primary_rejects_relay"
    REFUSES_US = "refuses_us"
    UNDELIVERABLE = "undeliverable"
    PRIMARY_BROKEN = "primary_broken"
    SECONDARY_BROKEN = "secondary_broken"
    ADDRESS_BROKEN = "address_broken"
    INCONCLUSIVE = "inconclusive"
    RECIPIENT_REFUSED = "recipient_refused"
    OK = "ok"


class Standing(StrEnum):
    """What a verdict means for the domain at this host."""

    SERVES = "serves"
    BROKEN = "broken"
    UNDECIDED = "undecided"


class About(StrEnum):
    """Whose matter a verdict is."""

    DOMAIN = "domain"
    RECIPIENT = "recipient"
    US = "us"
    SERVER = "server"
    NONE = "none"


class Confidence(StrEnum):
    """HIGH: a text, a registry code or the transport decided. LOW: only code and stage did, or an ambiguous text."""

    HIGH = "high"
    LOW = "low"


class SessionUse(StrEnum):
    """How a probe came by its session; SHARED: an earlier probe's verdict, NONE: nothing was dialled."""

    NEW = "new"
    REUSED = "reused"
    SHARED = "shared"
    NONE = "none"


class Judgement(NamedTuple):
    """What an outcome means: the fields of a record that the judge fills."""

    verdict: ProbeVerdict
    standing: Standing
    about: About
    transient: bool
    confidence: Confidence
    rule: str


class Target(NamedTuple):
    """One (address, port). `address` is canonical text as `str(ipaddress.ip_address(...))` gives it."""

    address: str
    port: int


class Exchange(NamedTuple):
    """A host that DNS (or the operator: DIRECT) names for a domain. `name`: lower case, A-labels, no final dot."""

    name: str
    preference: int | None
    role: Role


class ExchangeRoute(NamedTuple):
    """An exchange with its addresses, or with the verdict that stands for having none.

    `trouble` is None where `addresses` is not empty, else NO_ADDRESS or DNS_FAILED (stage resolve), `error` in words.
    """

    exchange: Exchange
    addresses: tuple[str, ...]
    trouble: ProbeVerdict | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()


class DomainRoute(NamedTuple):
    """What DNS says about where a domain's mail goes.

    `verdict` is DNS_FAILED, NO_DOMAIN, NO_MAIL or NO_ROUTE where DNS alone decides, else None. `exchanges` is in
    order of preference, cut to the caps; `exchange_count` is how many DNS names. NO_ROUTE keeps its exchanges (each
    NO_ADDRESS).
    """

    verdict: DomainVerdict | None
    exchanges: tuple[ExchangeRoute, ...] = ()
    exchange_count: int = 0
    notes: tuple[str, ...] = ()
    error: str | None = None


class TlsFacts(NamedTuple):
    """What STARTTLS came to. `verified`: the certificate is valid for the host's name (reported, never enforced)."""

    version: str | None = None
    cipher: str | None = None
    verified: bool | None = None
    error: str | None = None


class ServerFacts(NamedTuple):
    """What was said of oneself in a session: ours (`helo`) and the server's. Constant within the session.

    `helo`: the name that we said, None before EHLO. `banner`: the greeting's lines without codes, joined by LF,
    escaped, cut. `software`: a guess or None. `extensions`: as the EHLO reply offers them. `tls`: None where it was
    not tried.
    """

    helo: str | None = None
    banner: str | None = None
    software: str | None = None
    extensions: tuple[str, ...] = ()
    tls: TlsFacts | None = None


class Item(NamedTuple):
    """One question of the input.

    `seq`: its number among the valid items, from 0. `domain`: lower case, A-labels, no final dot. `recipient`: the
    mailbox that the operator named, else None. `tag`: any JSON value, passed through. `line`: number of its line.
    """

    seq: int
    domain: str
    recipient: str | None = None
    tag: object = None
    line: int = 0
