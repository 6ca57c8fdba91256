"""The summary on stderr: how many of which verdict, then the findings by domain, in the server's own words."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import click

from scanner.cli.warnings import say
from scanner.escape import safe_text
from scanner.judge.advice import explain_domain
from scanner.smtp.reply import text_of
from scanner.terms import DomainVerdict, ProbeVerdict, Standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from scanner.records.tally import Tally
    from scanner.run.group import AskedProbe, AuditedDomain

FINDINGS_KEPT = 50
"""Domains that are told in full; all of them are in the records."""
WORDS_KEPT = 160
COLOUR = {DomainVerdict.OK: "green", DomainVerdict.NO_MAIL: "green", DomainVerdict.INCONCLUSIVE: "yellow"}


class Summary:
    """Keeps the first findings as they pass.

    Args:
        findings: the names of the verdicts that are findings.
    """

    def __init__(self, findings: Collection[str]) -> None:
        self.findings = findings
        self.of_probes = frozenset(ProbeVerdict).intersection(findings)  # by default none
        self.told: list[AuditedDomain] = []
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
        self.told += found[:room]
        self.more += len(found[room:])

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
        for domain in sorted(self.told, key=lambda each: each.item.seq):
            yield f"  {click.style(domain.item.domain, bold=True)}: {click.style(domain.verdict, fg='red')}"
            if domain.error:
                yield f"      {safe_text(domain.error)}"
            for probe in domain.probes:
                if probe.judgement.verdict is not ProbeVerdict.ACCEPTED:
                    yield f"      {described(probe)}"
        if self.more:
            yield f"  … and {self.more} more domains; the records have them all"

    def explained(self) -> Iterator[str]:
        """Each verdict of the findings once: what it means, and what either side does."""
        verdicts = dict.fromkeys(domain.verdict for domain in self.told if domain.verdict in self.findings)
        if verdicts:
            yield "\nwhat they mean (`mxsweep probe DOMAIN --all` explains one in full):"
        for verdict in verdicts:
            advice = explain_domain(verdict)
            yield f"  {click.style(verdict, fg='red')}: {advice.meaning}"
            yield f"      Sender: {advice.sender}"
            yield f"      Receiver: {advice.receiver}"


def verdicts_of(domain: AuditedDomain) -> list[ProbeVerdict]:
    """What its probes came to."""
    return [probe.judgement.verdict for probe in domain.probes]


def described(probe: AskedProbe) -> str:
    """One exchange, its role, its verdict, and what it said."""
    planned, outcome = probe.planned, probe.answer.outcome
    exchange = planned.exchange
    who = "" if exchange is None else f"{safe_text(exchange.name)} ({exchange.role}) "
    address = f"[{planned.address}] " if planned.address else ""
    verdict = click.style(
        probe.judgement.verdict, fg="red" if probe.judgement.standing is Standing.BROKEN else "yellow"
    )
    return f"{who}{address}{verdict} at {outcome.stage}: {words(probe)}"


def words(probe: AskedProbe) -> str:
    """The server's own words, or ours where it had none."""
    outcome = probe.answer.outcome
    if outcome.reply is None:
        return safe_text(outcome.error or "no reply")
    text = " / ".join(text_of(outcome.reply).split("\n"))
    return f"{outcome.reply.code} {text}"[:WORDS_KEPT]
