"""A sweep's summary on stderr: how many of which verdict, then the relays, with the test that each one took."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from scanner.cli.warnings import say
from scanner.escape import safe_text
from scanner.relay.verdict import RELAY_RULE
from scanner.smtp.reply import text_of
from scanner.terms import ProbeVerdict, SweepVerdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from scanner.records.reading import ReadGroup
    from scanner.records.tally import Tally
    from scanner.run.sweep import SweptTarget

FINDINGS_KEPT = 50
"""Targets that are told; all of them are in the records."""
WORDS_KEPT = 120


class Told(NamedTuple):
    """What is told of one target. `test`: the relay test that decided; `code` and `text`: of its reply."""

    seq: int
    address: str
    port: int
    verdict: str
    test: str
    code: int | None
    text: str | None


class SweepSummary:
    """Keeps the first findings as they pass.

    Args:
        findings: the names of the verdicts that are findings.
    """

    def __init__(self, findings: Collection[str]) -> None:
        self.findings = findings
        self.told: list[Told] = []
        self.more = 0

    def see(self, *swept: SweptTarget) -> None:
        """Delivered targets."""
        found = [each for each in swept if each.swept.verdict in self.findings]
        room = FINDINGS_KEPT - len(self.told)
        self.told += map(told, found[:room])
        self.more += len(found[room:])

    def see_read(self, group: ReadGroup) -> None:
        """A target that an earlier part of the run wrote."""
        (probe,) = group.probes
        if probe["verdict"] not in self.findings:
            return
        if len(self.told) >= FINDINGS_KEPT:
            self.more += 1
            return
        address, port, verdict = probe["address"], probe["port"], probe["verdict"]
        rule = probe["rule"]
        test = rule.removeprefix(RELAY_RULE) if rule.startswith(RELAY_RULE) else probe["tests"][0]["name"]
        self.told.append(Told(group.seq, address, port, verdict, test, probe["code"], probe["text"]))

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
        yield from map(described, sorted(self.told, key=lambda each: each.seq))
        if self.more:
            yield f"  … and {self.more} more; the records have them all"

    def colour(self, verdict: str) -> str:
        """Red what was looked for, green what is known to be closed, yellow what was not tested."""
        if verdict in self.findings:
            return "red"
        return "green" if verdict in {SweepVerdict.CLOSED, ProbeVerdict.REFUSED} else "yellow"


def told(swept: SweptTarget) -> Told:
    """What is kept of a target that was delivered."""
    test, (address, port) = swept.swept.decided_by, swept.item.target
    reply = None if test.outcome is None else test.outcome.reply
    code, text = (None, None) if reply is None else (reply.code, text_of(reply))
    return Told(swept.item.seq, address, port, swept.swept.verdict, test.pattern.name, code, text)


def described(target: Told) -> str:
    """One target: where, what it took, and in which words."""
    where = f"[{target.address}]:{target.port}" if ":" in target.address else f"{target.address}:{target.port}"
    lines = [] if target.text is None else target.text.split("\n")
    words = "" if target.code is None else f": {target.code} {' / '.join(map(safe_text, lines))}"[:WORDS_KEPT]
    return f"  {click.style(where, bold=True)} {click.style(target.verdict, fg='red')} by {target.test}{words}"
