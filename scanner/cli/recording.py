"""From what the audit delivers to what the records say: the one place where the two ends meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from scanner.escape import safe_text
from scanner.records.done import Said
from scanner.records.facts import DomainFacts, Group, ProbeFacts
from scanner.records.record import encode_group
from scanner.records.sweep import RelayTestFacts, encode_swept
from scanner.terms import Exchange, Judgement

if TYPE_CHECKING:
    from scanner.relay.course import RelayTest
    from scanner.run.group import AskedProbe, AuditedDomain
    from scanner.run.sweep import SweepItem, SweptTarget
    from scanner.smtp.outcome import Question
    from scanner.terms import Item

NO_TAG = b"null"


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


def swept_group(run: str, swept: SweptTarget) -> Group:
    """A target's record. It stands for no domain, so it has no standing."""
    found = swept.swept
    # The words of a sweep stand where a probe's do; the records' schema has both.
    judgement = Judgement(found.verdict, None, found.about, found.transient, found.confidence, found.rule)  # type: ignore[arg-type]
    item = swept.item
    named = None if item.name is None else Exchange(item.name, None, None)  # type: ignore[arg-type]
    address, port = item.target
    question, answer, notes = swept.question, swept.answer, swept.notes
    facts = ProbeFacts(item.seq, None, named, address, port, question, answer, judgement, notes)
    return encode_swept(run, facts, [relay_test(test) for test in swept.tests])


def said_of_domain(item: Item, question: Question) -> Said:
    """What an audited item is about, as its records say it."""
    return Said((item.domain, orjson.dumps(item.tag)), safe_text(question.recipient))


def said_of_target(item: SweepItem) -> Said:
    """The same of a swept target."""
    return Said((item.target.address, item.target.port, item.name), None)


def in_words(said: Said) -> str:
    """It for a message."""
    match said.who:
        case (str(domain), bytes(tag)):
            recipient = f" for {said.recipient}" if said.recipient is not None else ""
            return safe_text(f"{domain}{recipient}{'' if tag == NO_TAG else ' with tag ' + tag.decode()}")
        case (address, port, name):
            return safe_text(f"{address} port {port}{f' of {name}' if name else ''}")
    raise TypeError(f"said of neither domain nor target: {said}")


def relay_test(test: RelayTest) -> RelayTestFacts:
    """One test of it."""
    pattern, question, outcome = test.pattern, test.question, test.outcome
    if question is None or outcome is None:
        return RelayTestFacts(pattern.name, pattern.strength, test.verdict)
    return RelayTestFacts(
        pattern.name,
        pattern.strength,
        test.verdict,
        question.sender if outcome.sender_said else None,
        question.recipient if outcome.recipient_said else None,
        outcome.stage,
        outcome.reply,
    )
