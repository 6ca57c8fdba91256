"""From what the audit delivers to what the records say: the one place where the two ends meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.records.facts import DomainFacts, Group, ProbeFacts
from scanner.records.record import encode_group

if TYPE_CHECKING:
    from scanner.run.group import AskedProbe, AuditedDomain
    from scanner.terms import Item


def audited_group(run: str, port: int, domain: AuditedDomain, *, recipient_named: bool) -> Group:
    """A domain's records. `recipient_named`: the operator named the recipient of all items."""
    probes = [probe_facts(domain.item, port, probe) for probe in domain.probes]
    return encode_group(run, probes, domain_facts(domain, recipient_named=recipient_named))


def probe_facts(item: Item, port: int, probe: AskedProbe) -> ProbeFacts:
    """One probe's record."""
    planned, question, answer, judgement = probe
    return ProbeFacts(
        item.seq,
        item.domain,
        planned.exchange,
        planned.address,
        port,
        question,
        answer,
        judgement,
        planned.notes,
        item.tag,
    )


def domain_facts(domain: AuditedDomain, *, recipient_named: bool) -> DomainFacts:
    """The domain's record."""
    item, verdict, exchanges, _, error, notes = domain
    recipient_named = recipient_named or item.recipient is not None
    return DomainFacts(item.seq, item.domain, verdict, exchanges, error, notes, item.tag, recipient_named)
