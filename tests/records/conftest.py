"""The contract's validator, and facts to make records from."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import orjson
import pytest

from scanner.pool.probe import Answer
from scanner.records.facts import DomainFacts, ProbeFacts
from scanner.records.schema import schema_text
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import (
    About,
    Confidence,
    DomainVerdict,
    Exchange,
    Judgement,
    ProbeVerdict,
    Role,
    ServerFacts,
    SessionUse,
    Stage,
    Standing,
    TlsFacts,
)

STARTED = 1_795_560_628.1239


@pytest.fixture(scope="session")
def contract() -> Any:
    """The shipped schema, compiled once; `.validate(record)` raises with the place and the reason."""
    return jsonschema_rs.validator_for(orjson.loads(schema_text()))


SERVER = ServerFacts(
    "probe.example",
    "mx2.isp.example ESMTP Postfix",
    "Postfix",
    ("PIPELINING", "SIZE 10240000", "STARTTLS"),
    TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", False, "self-signed certificate"),
)


@pytest.fixture
def refusal() -> ProbeFacts:
    """The classic: a secondary that was never told about the domain."""
    reply = Reply(554, (b"5.7.1 <postmaster@example.org>: Relay access denied",))
    return ProbeFacts(
        seq=17,
        domain="example.org",
        exchange=Exchange("mx2.isp.example", 20, Role.SECONDARY),
        address="192.0.2.2",
        port=25,
        question=Question("postmaster@probe.example", "postmaster@example.org"),
        answer=Answer(
            Outcome(Stage.RCPT, reply, sender_said=True, recipient_said=True),
            started=STARTED,
            elapsed_ms=12.34567,
            server=SERVER,
            source="192.0.2.99",
            session=SessionUse.NEW,
            attempts=1,
        ),
        judgement=Judgement(
            ProbeVerdict.RELAY_DENIED, Standing.BROKEN, About.DOMAIN, False, Confidence.HIGH, "relay access denied"
        ),
        tag={"ticket": 4711},
    )


@pytest.fixture
def acceptance(refusal: ProbeFacts) -> ProbeFacts:
    """Its primary, which is fine."""
    outcome = refusal.answer.outcome._replace(reply=Reply(250, (b"2.1.5 Ok",)))
    return refusal._replace(
        exchange=Exchange("mx1.example.org", 10, Role.PRIMARY),
        address="192.0.2.1",
        judgement=Judgement(ProbeVerdict.ACCEPTED, Standing.SERVES, About.NONE, False, Confidence.HIGH, "accepted"),
        answer=refusal.answer._replace(outcome=outcome),
    )


@pytest.fixture
def domain() -> DomainFacts:
    """The domain of both."""
    return DomainFacts(
        17,
        "example.org",
        DomainVerdict.SECONDARY_REJECTS_RELAY,
        exchanges=2,
        notes=["ipv6 not asked: 2"],
        tag={"ticket": 4711},
    )
