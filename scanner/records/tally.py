"""The census of a run: counts by kind and verdict, the findings, the busiest targets.

It is fed with the groups as they are written, so that it counts what the output says and nothing else. Its memory does
not grow with the run: verdicts are few, and of targets at most `TARGETS_KEPT` are counted at a time.
"""

from __future__ import annotations

from collections import Counter
from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING

from scanner.terms import DomainVerdict, ProbeVerdict, SessionUse

if TYPE_CHECKING:
    from collections.abc import Collection

    from scanner.records.facts import Group
    from scanner.records.shapes import BusyTarget, KindCounts, VerdictCounts

SWEEP_VERDICTS = (
    "open_relay_confirmed",
    "open_relay",
    "open_relay_likely",
    "open_relay_suspected",
    "closed",
)
"""What a sweep's record may say beside a probe's verdict."""

KNOWN_VERDICTS: frozenset[str] = frozenset(ProbeVerdict) | frozenset(DomainVerdict) | frozenset(SWEEP_VERDICTS)
"""Every name that `--fail-on` may take."""

DEFAULT_FINDINGS: frozenset[str] = frozenset(
    {
        DomainVerdict.SECONDARY_REJECTS_RELAY,
        DomainVerdict.PRIMARY_REJECTS_RELAY,
        DomainVerdict.UNDELIVERABLE,
        DomainVerdict.PRIMARY_BROKEN,
        DomainVerdict.SECONDARY_BROKEN,
        DomainVerdict.ADDRESS_BROKEN,
        DomainVerdict.NO_ROUTE,
        DomainVerdict.NO_DOMAIN,
        *SWEEP_VERDICTS[:4],
    }
)
"""What makes exit code 1 unless told otherwise; with `recipient_refused` where the user named the recipient."""

TARGETS_KEPT = 10_000
"""How many targets are counted at a time; some 2 MB. Half of them go when it is reached, those asked least."""

BUSIEST = 10
"""How many targets the run record names."""


class Tally:
    """Counts of the groups written so far.

    The busiest targets' counts are exact up to `TARGETS_KEPT` targets. Beyond, a target that was dropped and came back
    counts from there: a count is then a lower bound, and a target stays as long as it is asked more than half of the
    others are.

    Attributes:
        items: how many groups.
        findings: how many records carry a verdict that makes exit code 1.
        unencodable: how many records stand as `local_error` or `inconclusive` because theirs could not be encoded.
        probe_verdicts: probes by verdict.
        domain_verdicts: domains by verdict.
    """

    def __init__(self, fail_on: Collection[str] | None = None) -> None:
        """Args: fail_on: names of the verdicts that are findings; None for the default ones."""
        self.items = 0
        self.findings = 0
        self.unencodable = 0
        self.probe_verdicts: Counter[str] = Counter()
        self.domain_verdicts: Counter[str] = Counter()
        self.fail_on = DEFAULT_FINDINGS if fail_on is None else frozenset(fail_on)
        self.named_recipients_only = fail_on is None
        self.targets: dict[tuple[str, int], int] = {}

    def add(self, group: Group) -> None:
        """Count an item's records."""
        self.items += 1
        self.unencodable += group.unencodable
        for probe in group.probes:
            asked = probe.address if probe.answer.session is not SessionUse.NONE else None
            self.count_probe(probe.judgement.verdict, asked, probe.port)
        if (domain := group.domain) is not None:
            self.count_domain(domain.verdict, recipient_named=domain.recipient_named)

    def count_probe(self, verdict: str, address: str | None, port: int) -> None:
        """Count one probe; `address` is None where no target was asked."""
        self.probe_verdicts[verdict] += 1
        if verdict in self.fail_on:
            self.findings += 1
        if address is not None:
            target = (address, port)
            asked = self.targets.get(target, 0)
            if not asked and len(self.targets) >= TARGETS_KEPT:
                self.targets = dict(nlargest(TARGETS_KEPT // 2, self.targets.items(), key=by_count))
            self.targets[target] = asked + 1

    def count_domain(self, verdict: str, *, recipient_named: bool) -> None:
        """Count one domain."""
        self.domain_verdicts[verdict] += 1
        if verdict in self.fail_on or (
            self.named_recipients_only and recipient_named and verdict == DomainVerdict.RECIPIENT_REFUSED
        ):
            self.findings += 1

    @property
    def dns_failed_throughout(self) -> bool:
        """Whether DNS failed for every item: then it is our resolver that did, and the run is not completed."""
        return self.items > 0 and self.domain_verdicts[DomainVerdict.DNS_FAILED] == self.items

    def records(self) -> KindCounts:
        """How many records of each kind."""
        return {"probe": self.probe_verdicts.total(), "domain": self.domain_verdicts.total()}

    def verdicts(self) -> VerdictCounts:
        """How many records of each verdict met, the most frequent first."""
        return {"probe": most_first(self.probe_verdicts), "domain": most_first(self.domain_verdicts)}

    def busiest(self) -> list[BusyTarget]:
        """The most asked targets, the busiest first, equals in the order of their addresses."""
        most = nsmallest(BUSIEST, self.targets.items(), key=lambda entry: (-entry[1], entry[0]))
        return [{"address": address, "port": port, "probes": asked} for (address, port), asked in most]


def by_count(entry: tuple[tuple[str, int], int]) -> int:
    """How often a target was asked."""
    return entry[1]


def most_first(counts: Counter[str]) -> dict[str, int]:
    """Counts by name, the greatest first; plain names, as orjson takes no enum members for keys."""
    return {str(verdict): count for verdict, count in counts.most_common()}
