"""From what the audit delivers to what the records say: the one place where the two ends meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.records.facts import DomainFacts, ProbeFacts

if TYPE_CHECKING:
    from scanner.run.group import AskedProbe, AuditedDomain
    from scanner.terms import Item


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
