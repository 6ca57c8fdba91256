"""The census of a run: counts by kind and verdict, the findings, the busiest targets.

It is fed with the groups as they are written, so that it counts what the output says and nothing else. Its memory does
not grow with the run: verdicts are few, and of targets at most `TARGETS_KEPT` are counted at a time.
"""

from __future__ import annotations

from collections import Counter
from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING

from scanner.records.facts import UNENCODABLE_RULE
from scanner.records.known import Found
from scanner.terms import DomainVerdict, ProbeVerdict, SessionUse, SweepVerdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from scanner.records.facts import Group
    from scanner.records.known import KnownFindings
    from scanner.records.reading import ReadGroup
    from scanner.records.shapes import BusyTarget, KindCounts, VerdictCounts

KNOWN_VERDICTS: frozenset[str] = frozenset(ProbeVerdict) | frozenset(DomainVerdict) | frozenset(SweepVerdict)
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
        *(frozenset(SweepVerdict) - {SweepVerdict.CLOSED}),
    }
)
"""What makes exit code 1 unless told otherwise; with `recipient_refused` where the user named the recipient."""

TARGETS_KEPT = 10_000
"""How many targets are counted at a time; some 2 MB. Half of them go when there are more, those asked least."""

BUSIEST = 10
"""How many targets the run record names."""


class Tally:
    """Counts of the groups written so far.

    The busiest targets' counts are exact up to `TARGETS_KEPT` targets. Beyond, a target that was dropped and came back
    counts from there: a count is then a lower bound, and a target stays as long as it is asked more than half of the
    others are.

    Attributes:
        items: how many groups.
        unencodable: how many records stand as `local_error` or `inconclusive` because theirs could not be encoded.
        probe_verdicts: probes by verdict.
        domain_verdicts: domains by verdict.
        known_findings: findings that the operator knows of.
        excluded: addresses that were taken out of a swept range; they have no record.
        named_refused: domains whose recipient, named by the user, was refused.
    """

    def __init__(self, fail_on: Collection[str] | None = None, known: KnownFindings | None = None) -> None:
        """Args: fail_on: names of the verdicts that are findings; None: default. known: those that are no news."""
        self.items = 0
        self.unencodable = 0
        self.probe_verdicts: Counter[str] = Counter()
        self.domain_verdicts: Counter[str] = Counter()
        self.named_refused = 0
        self.excluded = 0
        self.known = known
        self.known_findings = 0
        self.fail_on = DEFAULT_FINDINGS if fail_on is None else frozenset(fail_on)
        self.named_recipients_only = fail_on is None
        self.targets: Counter[tuple[str, int]] = Counter()

    def add(self, *groups: Group) -> None:
        """Count items' records; many at once take half of what each takes alone."""
        self.items += len(groups)
        self.unencodable += sum([group.unencodable for group in groups])
        probes = [probe for group in groups for probe in group.probes]
        self.probe_verdicts.update([probe.judgement.verdict for probe in probes])
        self.count_targets(
            [
                (probe.address, probe.port)
                for probe in probes
                if probe.answer.session is not SessionUse.NONE and probe.address is not None
            ]
        )
        if self.known:
            found = [each for group in groups for each in found_in(group)]
            self.known_findings += self.known.take(found, self.fail_on)
        domains = [group.domain for group in groups if group.domain is not None]
        verdicts = [domain.verdict for domain in domains]
        self.domain_verdicts.update(verdicts)
        if (refused := DomainVerdict.RECIPIENT_REFUSED) in verdicts:
            self.named_refused += sum(domain.recipient_named for domain in domains if domain.verdict == refused)

    def add_read(self, group: ReadGroup, *, recipient_named: bool) -> None:
        """Count an item's records as an earlier part of the run wrote them.

        Args:
            group: read back from the output.
            recipient_named: the user named its recipient.

        Raises:
            KeyError: a record lacks a field.
        """
        probes, domain = group.probes, group.domain
        asked = [(each["address"], each["port"]) for each in probes if each["session"] != SessionUse.NONE]
        found = [
            Found(each["verdict"], each["domain"], each["exchange"], each["address"], each["port"]) for each in probes
        ]
        unencodable = sum(each["rule"] == UNENCODABLE_RULE for each in probes)
        if domain is not None:
            verdict = domain["verdict"]
            found.append(Found(verdict, domain["domain"], None, None, None))
            self.domain_verdicts[verdict] += 1
            self.named_refused += recipient_named and verdict == DomainVerdict.RECIPIENT_REFUSED
        self.items += 1
        self.unencodable += unencodable
        self.probe_verdicts.update([each["verdict"] for each in probes])
        self.count_targets([target for target in asked if target[0] is not None])
        if self.known:
            self.known_findings += self.known.take(found, self.fail_on)

    def count_targets(self, asked: list[tuple[str, int]]) -> None:
        """Count a probe for each; the least asked of all are forgotten where there are too many."""
        self.targets.update(asked)
        if len(self.targets) > TARGETS_KEPT:
            self.targets = Counter(dict(nlargest(TARGETS_KEPT // 2, self.targets.items(), key=by_count)))

    @property
    def findings(self) -> int:
        """How many records carry a verdict that makes exit code 1, but for those that are known."""
        by_name = sum(self.probe_verdicts[name] + self.domain_verdicts[name] for name in self.fail_on)
        by_name -= self.known_findings
        return by_name + self.named_refused if self.named_recipients_only else by_name

    @property
    def dns_failed_throughout(self) -> bool:
        """Whether DNS failed for every item: then it is our resolver that did, and the run is not completed."""
        return self.items > 0 and self.domain_verdicts[DomainVerdict.DNS_FAILED] == self.items

    def records(self) -> KindCounts:
        """How many records of each kind."""
        return {"probe": self.probe_verdicts.total(), "domain": self.domain_verdicts.total()}

    def verdicts(self) -> VerdictCounts:
        """How many records of each verdict met, the most frequent first."""
        probes = self.probe_verdicts + Counter({str(ProbeVerdict.EXCLUDED): self.excluded})
        return {"probe": most_first(probes), "domain": most_first(self.domain_verdicts)}

    def busiest(self) -> list[BusyTarget]:
        """The most asked targets, the busiest first, equals in the order of their addresses."""
        most = nsmallest(BUSIEST, self.targets.items(), key=lambda entry: (-entry[1], entry[0]))
        return [{"address": address, "port": port, "probes": asked} for (address, port), asked in most]


def found_in(group: Group) -> Iterator[Found]:
    """What a group's records say."""
    for probe in group.probes:
        exchange = probe.exchange and probe.exchange.name
        yield Found(str(probe.judgement.verdict), probe.domain, exchange, probe.address, probe.port)
    if group.domain is not None:
        yield Found(str(group.domain.verdict), group.domain.domain, None, None, None)


def by_count(entry: tuple[tuple[str, int], int]) -> int:
    """How often a target was asked."""
    return entry[1]


def most_first(counts: Counter[str]) -> dict[str, int]:
    """Counts by name, the greatest first; plain names, as orjson takes no enum members for keys."""
    return {str(verdict): count for verdict, count in counts.most_common()}
