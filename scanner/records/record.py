"""Outcomes to records: what is known of a probe or a domain, as the lines of schema 1.

The fields and their order are those of `mxsweep.schema.json`; a test holds every record against it. A run encodes
a million probes, and most of what their records say was said before: by the same host, in the same words, in the same
session. So a record is put together of parts, each a few neighbouring fields: those that repeat are encoded once and
remembered by all that they say, the rest is spliced in between. Each part is made safe on its own
(see `scanner.records.line`).

A record that cannot be encoded is not lost, nor its group: it is written as `local_error` with the reason in `error`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from scanner.escape import cut, safe_text
from scanner.records.facts import UNENCODABLE_RULE, DomainFacts, Group, ProbeFacts, RunFacts, StartFacts
from scanner.records.line import encode_line, json_text, members
from scanner.records.server import server_object
from scanner.records.timestamp import rfc3339
from scanner.smtp.reply import enhanced_of, text_of
from scanner.terms import About, Confidence, DomainVerdict, Judgement, ProbeVerdict, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.records.shapes import (
        Cause,
        Certainty,
        Counts,
        Encounter,
        Host,
        Remarks,
        RunRecord,
        StartRecord,
    )
    from scanner.records.tally import Tally
    from scanner.smtp.reply import Reply
    from scanner.terms import Exchange, ServerFacts, SessionUse, Stage

SCHEMA = 1
"""The number of the contract that `mxsweep.schema.json` describes."""

HOSTS_REMEMBERED = 2048
"""Parts that change with the host asked, and with nothing else; some 5 MB."""
REPLIES_REMEMBERED = 256
"""Distinct replies: a few words accept nearly all mail, and one reply may be 64 KB long."""
CAUSES_REMEMBERED = 1024
"""What a verdict rests on, apart from a reply's text; there are not many."""
TEXTS_REMEMBERED = 16
"""Texts that are the run's: its id, its sender."""

NO_EXCHANGE = (None, None, None)

HEADING = b'"schema":%d,"run":%b,"seq":%d,"domain":%b'
PROBE = b'{"kind":"probe",%b,%b,%b,"sender":%b,"recipient":%b,%b,"started":"%b","elapsed_ms":%b,%b}\n'
PLACE = b'%b,"port":%d,"source":%b'
MEANING = b'%b,"text":%b,%b'
DOMAIN = b'{"kind":"domain",%b,%b,"findings":[%b],%b}\n'
FINDING = b"{%b,%b}"


def encode_probe(run: str, facts: ProbeFacts) -> bytes:
    """A probe's record as one line.

    Raises:
        TypeError: it cannot be encoded (a `tag` too deep or with an integer beyond 64 bits); see `encode_group`.
    """
    seq, domain, exchange, address, port, question, answer, judgement, notes, tag = facts
    outcome = answer.outcome
    return PROBE % (
        heading(run, seq, domain),
        place(exchange, address, port, answer.source),
        meaning(judgement, outcome.stage, outcome.reply),
        repeated_text(question.sender if outcome.sender_said else None),
        json_text(question.recipient if outcome.recipient_said else None),
        encounter(answer.server, answer.session, answer.attempts),
        rfc3339(answer.started).encode(),
        orjson.dumps(round(answer.elapsed_ms, 3)),
        remarks(outcome.error, notes + answer.notes, tag),
    )


@lru_cache(maxsize=1)
def heading(run: str, seq: int, domain: str | None) -> bytes:
    """Of what a record is; the same in all records of a group."""
    return HEADING % (SCHEMA, repeated_text(run), seq, json_text(domain))


repeated_text = lru_cache(maxsize=TEXTS_REMEMBERED)(json_text)


@lru_cache(maxsize=HOSTS_REMEMBERED)
def place(exchange: Exchange | None, address: str | None, port: int, source: str | None) -> bytes:
    """Who was asked, and from where."""
    return PLACE % (host(exchange, address), port, json_text(source))


@lru_cache(maxsize=HOSTS_REMEMBERED)
def host(exchange: Exchange | None, address: str | None) -> bytes:
    """Who was asked: in a probe's record and in a finding."""
    name, preference, role = exchange or NO_EXCHANGE
    part: Host = {"exchange": name and safe_text(name), "preference": preference, "role": role, "address": address}
    return members(part)


@lru_cache(maxsize=REPLIES_REMEMBERED)
def meaning(judgement: Judgement, stage: Stage, reply: Reply | None) -> bytes:
    """The verdict, and the reply that decided."""
    text = None if reply is None else text_of(reply)
    return MEANING % (cause(judgement, stage, reply), orjson.dumps(text), certainty(judgement))


def cause(judgement: Judgement, stage: Stage, reply: Reply | None) -> bytes:
    """The verdict and the codes that it rests on: in a probe's record and in a finding."""
    return coded(judgement, stage, reply and reply.code, reply and enhanced_of(reply))


@lru_cache(maxsize=CAUSES_REMEMBERED)
def coded(judgement: Judgement, stage: Stage, code: int | None, enhanced: str | None) -> bytes:
    """A cause, once its reply has been read."""
    part: Cause = {
        "verdict": judgement.verdict,
        "standing": judgement.standing,
        "about": judgement.about,
        "stage": stage,
        "code": code,
        "enhanced": enhanced,
    }
    return members(part)


@lru_cache(maxsize=CAUSES_REMEMBERED)
def certainty(judgement: Judgement) -> bytes:
    """How far the verdict may be relied on."""
    part: Certainty = {
        "transient": judgement.transient,
        "confidence": judgement.confidence,
        "rule": judgement.rule,
    }
    return members(part)


@lru_cache(maxsize=HOSTS_REMEMBERED)
def encounter(server: ServerFacts, session: SessionUse, attempts: int) -> bytes:
    """Who answered, in which session."""
    part: Encounter = {"server": server_object(server), "session": session, "attempts": attempts}
    return members(part)


def remarks(error: str | None, notes: Sequence[str], tag: object) -> bytes:
    """What went wrong in words, what was seen on the way, what the input brought along: nearly always nothing."""
    if error is None and tag is None and not notes:
        return NO_REMARKS
    part: Remarks = {"error": error and cut(safe_text(error)), "notes": [safe_text(note) for note in notes], "tag": tag}
    return members(part)


NO_REMARKS = b'"error":null,"notes":[],"tag":null'


def encode_domain(run: str, facts: DomainFacts, probes: Sequence[ProbeFacts]) -> bytes:
    """A domain's record as one line; its counts and findings are those of its probes.

    Raises:
        TypeError: it cannot be encoded; see `encode_group`.
    """
    seq, domain, verdict, exchanges, error, notes, tag, _ = facts
    standings, findings = [], []
    for probe in probes:
        judgement = probe.judgement
        standings.append(judgement.standing)
        if judgement.verdict is not ProbeVerdict.ACCEPTED:
            findings.append(finding(probe))
    return DOMAIN % (
        heading(run, seq, domain),
        counts(verdict, exchanges, tuple(standings)),
        b",".join(findings),
        remarks(error, notes, tag),
    )


@lru_cache(maxsize=CAUSES_REMEMBERED)
def counts(verdict: DomainVerdict, exchanges: int, standings: tuple[Standing, ...]) -> bytes:
    """A domain's verdict, and how many of its probes mean what for it."""
    part: Counts = {
        "verdict": verdict,
        "exchanges": exchanges,
        "probes": len(standings),
        "serving": standings.count(Standing.SERVES),
        "broken": standings.count(Standing.BROKEN),
        "undecided": standings.count(Standing.UNDECIDED),
    }
    return members(part)


def finding(probe: ProbeFacts) -> bytes:
    """What the domain's record repeats of a probe that was not accepted."""
    outcome = probe.answer.outcome
    return FINDING % (host(probe.exchange, probe.address), cause(probe.judgement, outcome.stage, outcome.reply))


def encode_group(run: str, probes: Sequence[ProbeFacts], domain: DomainFacts | None = None) -> Group:
    """An item's records in one piece: its probes in the order given, then its domain (None where it has none)."""
    try:
        lines = [encode_probe(run, facts) for facts in probes]
        if domain is not None:
            lines.append(encode_domain(run, domain, probes))
    except TypeError:
        return encode_mended(run, probes, domain)
    return Group(b"".join(lines), probes, domain)


def encode_mended(run: str, probes: Sequence[ProbeFacts], domain: DomainFacts | None) -> Group:
    """The group where a record cannot be encoded and is replaced: a probe by `local_error`, a domain by `inconclusive`.

    zgrab2 logs such a failure and passes an empty result on; a census of its output does not add up.
    """
    lines, written, failure = [], [], None
    unencodable = 0
    for facts in probes:
        try:
            lines.append(encode_probe(run, facts))
            written.append(facts)
        except TypeError as error:
            failure = f"the record could not be encoded: {error}"
            unencodable += 1
            written.append(unencodable_probe(facts, failure))
            lines.append(encode_probe(run, written[-1]))
    if domain is not None:
        if failure is not None:  # the verdict was drawn from more than the records now say
            domain = domain._replace(verdict=DomainVerdict.INCONCLUSIVE, error=failure)
        try:
            lines.append(encode_domain(run, domain, written))
        except TypeError as error:
            unencodable += 1
            failure = f"the record could not be encoded: {error}"
            domain = domain._replace(verdict=DomainVerdict.INCONCLUSIVE, error=failure, tag=None)
            lines.append(encode_domain(run, domain, written))
    return Group(b"".join(lines), written, domain, unencodable)


UNENCODABLE = Judgement(
    ProbeVerdict.LOCAL_ERROR,
    Standing.UNDECIDED,
    About.US,
    transient=True,
    confidence=Confidence.HIGH,
    rule=UNENCODABLE_RULE,
)


def unencodable_probe(facts: ProbeFacts, error: str) -> ProbeFacts:
    """What is left of a probe whose record cannot be encoded: who was asked, and that the fault is ours."""
    outcome = facts.answer.outcome._replace(reply=None, error=error)
    answer = facts.answer._replace(outcome=outcome, notes=())
    return facts._replace(judgement=UNENCODABLE, answer=answer, notes=(), tag=None)


def encode_start(run: str, facts: StartFacts) -> bytes:
    """The first line of an output."""
    record: StartRecord = {
        "kind": "start",
        "schema": SCHEMA,
        "run": run,
        "version": facts.version,
        "started": rfc3339(facts.started),
        "command": facts.command,
        "settings": facts.settings,
        "warnings": [safe_text(warning) for warning in facts.warnings],
    }
    return encode_line(record)


def encode_run(run: str, facts: RunFacts, tally: Tally) -> bytes:
    """The last line of an orderly end; its counts are those of the tally, which saw every group of the output."""
    record: RunRecord = {
        "kind": "run",
        "schema": SCHEMA,
        "run": run,
        "started": rfc3339(facts.started),
        "finished": rfc3339(facts.finished),
        "interrupted": facts.interrupted,
        "items": tally.items,
        "bad_lines": facts.bad_lines,
        "records": tally.records(),
        "verdicts": tally.verdicts(),
        "busiest": tally.busiest(),
        "warnings": [safe_text(warning) for warning in facts.warnings],
    }
    return encode_line(record)
