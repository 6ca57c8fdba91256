"""The records as types, keys in the order in which they are written; `mxsweep.schema.json` tells the world the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    import orjson


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


class ProbeRecord(TypedDict):
    """One question to one target and its verdict."""

    kind: str
    schema: int
    run: str
    seq: int
    domain: str | None
    exchange: str | None
    preference: int | None
    role: str | None
    address: str | None
    port: int
    source: str | None
    verdict: str
    standing: str | None
    about: str
    stage: str
    code: int | None
    enhanced: str | None
    text: str | None
    transient: bool
    confidence: str
    rule: str
    sender: str | None
    recipient: str | None
    server: ServerObject | orjson.Fragment
    session: str
    attempts: int
    started: str
    elapsed_ms: float
    error: str | None
    notes: list[str]
    tag: object
    tests: NotRequired[list[RelayTest]]


class Finding(TypedDict):
    """What a domain's record repeats of a probe that was not accepted."""

    exchange: str | None
    preference: int | None
    role: str | None
    address: str | None
    verdict: str
    standing: str
    about: str
    stage: str
    code: int | None
    enhanced: str | None


class DomainRecord(TypedDict):
    """What a domain's probes say together; the last line of its group."""

    kind: str
    schema: int
    run: str
    seq: int
    domain: str
    verdict: str
    exchanges: int
    probes: int
    serving: int
    broken: int
    undecided: int
    findings: list[Finding]
    error: str | None
    notes: list[str]
    tag: object


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
