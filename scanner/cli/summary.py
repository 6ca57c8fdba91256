"""The summary on stderr: how many of which verdict, then the findings by domain, in the server's own words."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from scanner.cli.warnings import say
from scanner.escape import safe_text
from scanner.judge.advice import explain_domain
from scanner.smtp.reply import text_of
from scanner.terms import DomainVerdict, ProbeVerdict, Standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from scanner.records.reading import ReadGroup
    from scanner.records.tally import Tally
    from scanner.run.group import AskedProbe, AuditedDomain

FINDINGS_KEPT = 50
"""Domains that are told in full; all of them are in the records."""
WORDS_KEPT = 160
COLOUR = {DomainVerdict.OK: "green", DomainVerdict.NO_MAIL: "green", DomainVerdict.INCONCLUSIVE: "yellow"}


class ToldProbe(NamedTuple):
    """What is told of one probe. `words`: the server's own, or ours where it had none."""

    exchange: str | None
    role: str | None
    address: str | None
    verdict: str
    standing: str | None
    stage: str
    words: str


class Told(NamedTuple):
    """What is told of one domain: those of its probes that were not accepted."""

    seq: int
    domain: str
    verdict: str
    error: str | None
    probes: list[ToldProbe]


class Summary:
    """Keeps the first findings as they pass.

    Args:
        findings: the names of the verdicts that are findings.
    """

    def __init__(self, findings: Collection[str]) -> None:
        self.findings = findings
        self.of_probes = frozenset(ProbeVerdict).intersection(findings)  # by default none
        self.told: list[Told] = []
        self.more = 0

    def see(self, *domains: AuditedDomain) -> None:
        """Delivered domains."""
        findings, of_probes = self.findings, self.of_probes
        found = [
            domain
            for domain in domains
            if domain.verdict in findings or (of_probes and not of_probes.isdisjoint(verdicts_of(domain)))
        ]
        room = FINDINGS_KEPT - len(self.told)
        self.told += map(told, found[:room])
        self.more += len(found[room:])

    def see_read(self, group: ReadGroup) -> None:
        """A domain that an earlier part of the run wrote."""
        domain = group.domain
        if domain is None:
            return
        verdicts = [probe["verdict"] for probe in group.probes]
        if domain["verdict"] in self.findings or not self.of_probes.isdisjoint(verdicts):
            if len(self.told) < FINDINGS_KEPT:
                self.told.append(told_of(domain, group.probes))
            else:
                self.more += 1

    def print(self, tally: Tally, *, bad_lines: int, interrupted: bool, color: bool) -> None:
        """Say it all."""
        lines = self.lines(tally, bad_lines=bad_lines, interrupted=interrupted)
        for line in chain(lines, self.explained()):
            say(line, color=color, styled=True)

    def lines(self, tally: Tally, *, bad_lines: int, interrupted: bool) -> Iterator[str]:
        """The summary's lines."""
        ended = "interrupted after" if interrupted else "done:"
        skipped = f", {bad_lines} bad lines skipped" if bad_lines else ""
        yield f"\n{ended} {tally.items} domains, {tally.records()['probe']} probes{skipped}"
        for verdict, number in tally.verdicts()["domain"].items():
            colour = COLOUR.get(DomainVerdict(verdict), "red" if verdict in self.findings else "yellow")
            yield f"  {number:>8}  {click.style(verdict, fg=colour)}"
        if self.told:
            yield "\nfindings:"
        for domain in sorted(self.told, key=lambda each: each.seq):
            yield f"  {click.style(domain.domain, bold=True)}: {click.style(domain.verdict, fg='red')}"
            if domain.error:
                yield f"      {safe_text(domain.error)}"
            for probe in domain.probes:
                yield f"      {described(probe)}"
        if self.more:
            yield f"  … and {self.more} more domains; the records have them all"

    def explained(self) -> Iterator[str]:
        """Each verdict of the findings once: what it means, and what either side does."""
        verdicts = dict.fromkeys(domain.verdict for domain in self.told if domain.verdict in self.findings)
        if verdicts:
            yield "\nwhat they mean (`mxsweep probe DOMAIN --all` explains one in full):"
        for verdict in verdicts:
            advice = explain_domain(DomainVerdict(verdict))
            yield f"  {click.style(verdict, fg='red')}: {advice.meaning}"
            yield f"      Sender: {advice.sender}"
            yield f"      Receiver: {advice.receiver}"


def verdicts_of(domain: AuditedDomain) -> list[ProbeVerdict]:
    """What its probes came to."""
    return [probe.judgement.verdict for probe in domain.probes]


def told(domain: AuditedDomain) -> Told:
    """What is kept of a domain that was delivered."""
    probes = [told_probe(probe) for probe in domain.probes if probe.judgement.verdict is not ProbeVerdict.ACCEPTED]
    return Told(domain.item.seq, domain.item.domain, domain.verdict, domain.error, probes)


def told_probe(probe: AskedProbe) -> ToldProbe:
    """One of its probes."""
    exchange, judgement, stage = probe.planned.exchange, probe.judgement, probe.answer.outcome.stage
    name, role = (None, None) if exchange is None else (exchange.name, exchange.role)
    return ToldProbe(name, role, probe.planned.address, judgement.verdict, judgement.standing, stage, words(probe))


def told_of(domain: dict[str, Any], probes: list[dict[str, Any]]) -> Told:
    """The same of records."""
    kept = [
        ToldProbe(
            probe["exchange"],
            probe["role"],
            probe["address"],
            probe["verdict"],
            probe["standing"],
            probe["stage"],
            in_words(probe["code"], probe["text"], probe["error"]),
        )
        for probe in probes
        if probe["verdict"] != ProbeVerdict.ACCEPTED
    ]
    return Told(domain["seq"], domain["domain"], domain["verdict"], domain["error"], kept)


def described(probe: ToldProbe) -> str:
    """One exchange, its role, its verdict, and what it said."""
    who = "" if probe.exchange is None else f"{safe_text(probe.exchange)} ({probe.role}) "
    address = f"[{probe.address}] " if probe.address else ""
    verdict = click.style(probe.verdict, fg="red" if probe.standing == Standing.BROKEN else "yellow")
    return f"{who}{address}{verdict} at {probe.stage}: {probe.words}"


def words(probe: AskedProbe) -> str:
    """The server's own words, or ours where it had none."""
    reply = probe.answer.outcome.reply
    return in_words(None, None, probe.answer.outcome.error) if reply is None else in_words(reply.code, text_of(reply))


def in_words(code: int | None, text: str | None, error: str | None = None) -> str:
    """A reply on one line, or what went wrong."""
    if code is None:
        return safe_text(error or "no reply")
    return f"{code} {' / '.join(map(safe_text, (text or '').split(chr(10))))}"[:WORDS_KEPT]
