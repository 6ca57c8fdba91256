"""From what the audit delivers to what the records say: the one place where the two ends meet."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.escape import cut
from scanner.records.facts import DomainFacts, ProbeFacts
from scanner.records.server import encode_server
from scanner.smtp.reply import enhanced_of, text_of

if TYPE_CHECKING:
    import orjson

    from scanner.run.audit import AskedProbe, AuditedDomain
    from scanner.terms import Item, ServerFacts


@lru_cache(maxsize=4096)
def server_object(server: ServerFacts) -> orjson.Fragment:
    """What was said of oneself in a session, encoded once: a server says the same in all its sessions."""
    return encode_server(server.helo, server.banner, server.software, server.extensions, server.tls)


def probe_facts(item: Item, port: int, probe: AskedProbe) -> ProbeFacts:
    """One probe's record."""
    answer, outcome = probe.answer, probe.answer.outcome
    reply = outcome.reply
    return ProbeFacts(
        seq=item.seq,
        domain=item.domain,
        exchange=probe.planned.exchange,
        address=probe.planned.address,
        port=port,
        judgement=probe.judgement,
        stage=outcome.stage,
        started=answer.started,
        elapsed_ms=answer.elapsed_ms,
        source=answer.source,
        code=None if reply is None else reply.code,
        enhanced=None if reply is None else enhanced_of(reply),
        text=None if reply is None else text_of(reply),
        sender=probe.question.sender if outcome.sender_said else None,
        recipient=probe.question.recipient if outcome.recipient_said else None,
        server=server_object(answer.server),
        session=answer.session,
        attempts=answer.attempts,
        error=None if outcome.error is None else cut(outcome.error),
        notes=probe.planned.notes + answer.notes,
        tag=item.tag,
    )


def domain_facts(domain: AuditedDomain, *, recipient_named: bool) -> DomainFacts:
    """The domain's record."""
    return DomainFacts(
        seq=domain.item.seq,
        domain=domain.item.domain,
        verdict=domain.verdict,
        exchanges=domain.exchanges,
        error=None if domain.error is None else cut(domain.error),
        notes=domain.notes,
        tag=domain.item.tag,
        recipient_named=recipient_named or domain.item.recipient is not None,
    )
