"""A sweep's summary on stderr: how many of which verdict, then the relays, with the test that each one took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scanner.cli.warnings import say
from scanner.smtp.reply import text_of
from scanner.terms import ProbeVerdict, SweepVerdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from scanner.records.tally import Tally
    from scanner.run.sweep import SweptTarget

FINDINGS_KEPT = 50
"""Targets that are told; all of them are in the records."""
WORDS_KEPT = 120


class SweepSummary:
    """Keeps the first findings as they pass.

    Args:
        findings: the names of the verdicts that are findings.
    """

    def __init__(self, findings: Collection[str]) -> None:
        self.findings = findings
        self.told: list[SweptTarget] = []
        self.more = 0

    def see(self, *swept: SweptTarget) -> None:
        """Delivered targets."""
        found = [each for each in swept if each.swept.verdict in self.findings]
        room = FINDINGS_KEPT - len(self.told)
        self.told += found[:room]
        self.more += len(found[room:])

    def print(self, tally: Tally, *, bad_lines: int, interrupted: bool, color: bool) -> None:
        """Say it all."""
        for line in self.lines(tally, bad_lines=bad_lines, interrupted=interrupted):
            say(line, color=color, styled=True)

    def lines(self, tally: Tally, *, bad_lines: int, interrupted: bool) -> Iterator[str]:
        """The summary's lines."""
        ended = "interrupted after" if interrupted else "done:"
        skipped = f", {bad_lines} bad lines skipped" if bad_lines else ""
        taken_out = f", {tally.excluded} addresses taken out" if tally.excluded else ""
        yield f"\n{ended} {tally.items} targets{taken_out}{skipped}"
        for verdict, number in tally.probe_verdicts.most_common():
            yield f"  {number:>8}  {click.style(verdict, fg=self.colour(verdict))}"
        if self.told:
            yield "\nfindings:"
        yield from map(described, sorted(self.told, key=lambda each: each.item.seq))
        if self.more:
            yield f"  … and {self.more} more; the records have them all"

    def colour(self, verdict: str) -> str:
        """Red what was looked for, green what is known to be closed, yellow what was not tested."""
        if verdict in self.findings:
            return "red"
        return "green" if verdict in {SweepVerdict.CLOSED, ProbeVerdict.REFUSED} else "yellow"


def described(swept: SweptTarget) -> str:
    """One target: where, what it took, and in which words."""
    test, (address, port) = swept.swept.decided_by, swept.item.target
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    reply = None if test.outcome is None else test.outcome.reply
    words = "" if reply is None else f": {reply.code} {' / '.join(text_of(reply).split(chr(10)))}"[:WORDS_KEPT]
    return (
        f"  {click.style(where, bold=True)} {click.style(swept.swept.verdict, fg='red')} by {test.pattern.name}{words}"
    )
