"""The records as types, keys in the order in which they are written; `mxsweep.schema.json` tells the world the same.

Those written by the million consist of parts: neighbouring fields that change together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping


class TlsObject(TypedDict):
    """What STARTTLS came to; `verified` and the rest are null where the handshake failed before it was known."""

    version: str | None
    cipher: str | None
    verified: bool | None
    error: str | None


class ServerObject(TypedDict):
    """What a server said of itself, and the name we said to it."""

    helo: str | None
    banner: str | None
    software: str | None
    extensions: list[str]
    tls: TlsObject | None


class RelayTest(TypedDict):
    """One relay test of a sweep's probe."""

    name: str
    sender: str | None
    recipient: str | None
    strength: str
    verdict: str
    stage: str | None
    code: int | None
    enhanced: str | None
    text: str | None


class Heading(TypedDict):
    """Which record it is, and of what."""

    kind: str
    schema: int
    run: str
    seq: int
    domain: str | None


class Host(TypedDict):
    """Who was asked."""

    exchange: str | None
    preference: int | None
    role: str | None
    address: str | None


class Connection(TypedDict):
    """At which port, and from which of our addresses."""

    port: int
    source: str | None


class Cause(TypedDict):
    """The verdict and the codes that it rests on."""

    verdict: str
    standing: str | None
    about: str
    stage: str
    code: int | None
    enhanced: str | None


class Words(TypedDict):
    """What the deciding reply says."""

    text: str | None


class Certainty(TypedDict):
    """How far the verdict may be relied on."""

    transient: bool
    confidence: str
    rule: str


class Envelope(TypedDict):
    """What was said of sender and recipient; null where it was not reached."""

    sender: str | None
    recipient: str | None


class Encounter(TypedDict):
    """Who answered, in which session."""

    server: ServerObject
    session: str
    attempts: int


class Timing(TypedDict):
    """When the last attempt began, and how long it took."""

    started: str
    elapsed_ms: float


class Remarks(TypedDict):
    """What went wrong in words, what was seen on the way, and what the input brought along."""

    error: str | None
    notes: list[str]
    tag: object


class ProbeRecord(Heading, Host, Connection, Cause, Words, Certainty, Envelope, Encounter, Timing, Remarks):
    """One question to one target and its verdict."""

    tests: NotRequired[list[RelayTest]]


class Finding(Host, Cause):
    """What a domain's record repeats of a probe that was not accepted."""


class Counts(TypedDict):
    """A domain's verdict and how many probes mean what for it."""

    verdict: str
    exchanges: int
    probes: int
    serving: int
    broken: int
    undecided: int


class Findings(TypedDict):
    """The probes that were not accepted."""

    findings: list[Finding]


class DomainRecord(Heading, Counts, Findings, Remarks):
    """What a domain's probes say together; the last line of its group."""


class StartRecord(TypedDict):
    """The first line of an output."""

    kind: str
    schema: int
    run: str
    version: str
    started: str
    command: str
    settings: Mapping[str, object]
    warnings: list[str]


class KindCounts(TypedDict):
    """How many records of each kind of group."""

    probe: int
    domain: int


class VerdictCounts(TypedDict):
    """How many records of each verdict, by kind: `dns_failed` is a word of both vocabularies. Those met, only."""

    probe: dict[str, int]
    domain: dict[str, int]


class BusyTarget(TypedDict):
    """A target and how many probes it was asked."""

    address: str
    port: int
    probes: int


class RunRecord(TypedDict):
    """The last line of an orderly end."""

    kind: str
    schema: int
    run: str
    started: str
    finished: str
    interrupted: bool
    items: int
    bad_lines: int
    records: KindCounts
    verdicts: VerdictCounts
    busiest: list[BusyTarget]
    warnings: list[str]
