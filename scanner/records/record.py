"""Outcomes to records: what is known of a probe or a domain, as the lines of schema 1.

The fields and their order are those of `mxsweep.schema.json`; a test holds every record against it. A run encodes
a million probes: so the facts are NamedTuples, a session's `server` object is encoded once and spliced into all its
records, and a line is looked at once, as bytes (see `scanner.records.line`).

A record that cannot be encoded is not lost, nor its group: it is written as `local_error` with the reason in `error`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.escape import cut, safe_text
from scanner.records.facts import DomainFacts, Group, ProbeFacts, RunFacts, StartFacts
from scanner.records.line import encode_line
from scanner.records.timestamp import rfc3339
from scanner.terms import About, Confidence, DomainVerdict, Judgement, ProbeVerdict, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.records.shapes import DomainRecord, Finding, ProbeRecord, RunRecord, StartRecord
    from scanner.records.tally import Tally

SCHEMA = 1
"""The number of the contract that `mxsweep.schema.json` describes."""

NO_EXCHANGE = (None, None, None)


def encode_probe(run: str, facts: ProbeFacts) -> bytes:
    """A probe's record as one line.

    Raises:
        TypeError: it cannot be encoded (a `tag` too deep or with an integer beyond 64 bits); see `encode_group`.
    """
    name, preference, role = facts.exchange or NO_EXCHANGE
    verdict, standing, about, transient, confidence, rule = facts.judgement
    text, error, notes = facts.text, facts.error, facts.notes
    record: ProbeRecord = {
        "kind": "probe",
        "schema": SCHEMA,
        "run": run,
        "seq": facts.seq,
        "domain": facts.domain,
        "exchange": name and safe_text(name),
        "preference": preference,
        "role": role,
        "address": facts.address,
        "port": facts.port,
        "source": facts.source,
        "verdict": verdict,
        "standing": standing,
        "about": about,
        "stage": facts.stage,
        "code": facts.code,
        "enhanced": facts.enhanced,
        "text": cut(text) if text else text,
        "transient": transient,
        "confidence": confidence,
        "rule": rule,
        "sender": facts.sender,
        "recipient": facts.recipient,
        "server": facts.server,
        "session": facts.session,
        "attempts": facts.attempts,
        "started": rfc3339(facts.started),
        "elapsed_ms": round(facts.elapsed_ms, 3),
        "error": error and cut(safe_text(error)),
        "notes": [safe_text(note) for note in notes] if notes else [],
        "tag": facts.tag,
    }
    return encode_line(record)


def encode_domain(run: str, facts: DomainFacts, probes: Sequence[ProbeFacts]) -> bytes:
    """A domain's record as one line; its counts and findings are those of its probes.

    Raises:
        TypeError: it cannot be encoded; see `encode_group`.
    """
    standings = [probe.judgement.standing for probe in probes]
    record: DomainRecord = {
        "kind": "domain",
        "schema": SCHEMA,
        "run": run,
        "seq": facts.seq,
        "domain": facts.domain,
        "verdict": facts.verdict,
        "exchanges": facts.exchanges,
        "probes": len(probes),
        "serving": standings.count(Standing.SERVES),
        "broken": standings.count(Standing.BROKEN),
        "undecided": standings.count(Standing.UNDECIDED),
        "findings": [finding(probe) for probe in probes if probe.judgement.verdict is not ProbeVerdict.ACCEPTED],
        "error": facts.error and cut(safe_text(facts.error)),
        "notes": [safe_text(note) for note in facts.notes],
        "tag": facts.tag,
    }
    return encode_line(record)


def finding(probe: ProbeFacts) -> Finding:
    """What the domain's record says of a probe that was not accepted."""
    name, preference, role = probe.exchange or NO_EXCHANGE
    return {
        "exchange": name and safe_text(name),
        "preference": preference,
        "role": role,
        "address": probe.address,
        "verdict": probe.judgement.verdict,
        "standing": probe.judgement.standing,
        "about": probe.judgement.about,
        "stage": probe.stage,
        "code": probe.code,
        "enhanced": probe.enhanced,
    }


def encode_group(run: str, probes: Sequence[ProbeFacts], domain: DomainFacts | None = None) -> Group:
    """An item's records in one piece: its probes in the order given, then its domain (None where it has none).

    A record that cannot be encoded is replaced, not lost: a probe by `local_error`, its domain by `inconclusive`.
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
    rule="unencodable record",
)


def unencodable_probe(facts: ProbeFacts, error: str) -> ProbeFacts:
    """What is left of a probe whose record cannot be encoded: who was asked, and that the fault is ours."""
    return facts._replace(
        judgement=UNENCODABLE,
        code=None,
        enhanced=None,
        text=None,
        error=error,
        notes=(),
        tag=None,
    )


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
