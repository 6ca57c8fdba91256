from __future__ import annotations

import orjson

from scanner.cli.recording import domain_facts, probe_facts
from scanner.pool.probe import Answer
from scanner.records.record import encode_group
from scanner.run.group import AskedProbe, AuditedDomain
from scanner.run.plan import Planned
from scanner.run.verdict import judge
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import DomainVerdict, Exchange, Item, ProbeVerdict, Role, ServerFacts, SessionUse, Stage

ITEM = Item(7, "a.example", tag={"ticket": 1})
MX = Exchange("mx.a.example", 10, Role.PRIMARY)
QUESTION = Question("me@x.example", "postmaster@a.example")
SERVER = ServerFacts("x.example", "mx.a.example ESMTP", None, ("PIPELINING",), None)
DENIED = Outcome(
    Stage.RCPT, Reply(554, (b"5.7.1 Relay", b"5.7.1 access denied")), sender_said=True, recipient_said=True
)


def asked(outcome: Outcome, planned: Planned, answer: Answer | None = None) -> AskedProbe:
    answer = answer or Answer(outcome, 1000.5, 12.25, SERVER, "192.0.2.9", SessionUse.NEW, 2, ("extra reply",))
    return AskedProbe(planned, QUESTION, answer, judge(outcome))


def record_of(probe: AskedProbe) -> dict[str, object]:
    group = encode_group("run", [probe_facts(ITEM, 25, probe)])
    record = orjson.loads(group.data)
    assert isinstance(record, dict)
    return record


def test_everything_that_is_known_of_a_probe_stands_in_its_record() -> None:
    record = record_of(asked(DENIED, Planned(MX, "192.0.2.1", notes=("mx is a cname",))))
    assert {key: record[key] for key in record if key not in ("kind", "schema", "run", "rule")} == {
        "seq": 7, "domain": "a.example", "exchange": "mx.a.example", "preference": 10, "role": "primary",
        "address": "192.0.2.1", "port": 25, "source": "192.0.2.9",
        "verdict": "relay_denied", "standing": "broken", "about": "domain", "stage": "rcpt",
        "code": 554, "enhanced": "5.7.1", "text": "5.7.1 Relay\n5.7.1 access denied",
        "transient": False, "confidence": "high", "sender": "me@x.example", "recipient": "postmaster@a.example",
        "server": {
            "helo": "x.example", "banner": "mx.a.example ESMTP", "software": None, "extensions": ["PIPELINING"],
            "tls": None,
        },
        "session": "new", "attempts": 2, "started": "1970-01-01T00:16:40.500Z", "elapsed_ms": 12.25,
        "error": None, "notes": ["mx is a cname", "extra reply"], "tag": {"ticket": 1},
    }  # fmt: skip


def test_what_was_not_said_is_null() -> None:
    refused = Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED, error="Connection refused")
    record = record_of(asked(refused, Planned(MX, "192.0.2.1")))
    assert [record[key] for key in ("sender", "recipient", "code", "enhanced", "text")] == [None] * 5
    assert record["error"] == "Connection refused"
    halfway = DENIED._replace(stage=Stage.MAIL, recipient_said=False)
    record = record_of(asked(halfway, Planned(MX, "192.0.2.1")))
    assert (record["sender"], record["recipient"]) == ("me@x.example", None)


def test_a_probe_that_nobody_was_asked_has_neither_exchange_nor_address() -> None:
    outcome = Outcome(Stage.CONNECT, trouble=ProbeVerdict.EXCLUDED, error="excluded")
    answer = Answer(outcome, 1.0, session=SessionUse.NONE, attempts=0)
    record = record_of(asked(outcome, Planned(None, None, ProbeVerdict.EXCLUDED), answer))
    fields = ("exchange", "preference", "role", "address", "source", "session", "attempts")
    assert [record[key] for key in fields] == [None, None, None, None, None, "none", 0]


def test_an_error_without_end_is_cut() -> None:
    endless = Outcome(Stage.BANNER, trouble=ProbeVerdict.NOT_SMTP, error="x" * 5000)
    assert record_of(asked(endless, Planned(MX, "192.0.2.1")))["error"] == "x" * 1000


def test_a_domain_keeps_its_error_notes_and_tag() -> None:
    domain = AuditedDomain(ITEM, DomainVerdict.NO_DOMAIN, 3, (), "NXDOMAIN" + "x" * 5000, ("a note",))
    facts = domain_facts(domain, recipient_named=False)
    assert facts[:4] == (7, "a.example", DomainVerdict.NO_DOMAIN, 3)
    assert (facts.error, facts.notes, facts.tag) == (domain.error, ("a note",), {"ticket": 1})
    assert orjson.loads(encode_group("run", [], facts).data)["error"] == f"NXDOMAIN{'x' * 992}"


def test_the_recipient_counts_as_named_by_the_option_or_by_the_item() -> None:
    plain = AuditedDomain(ITEM, DomainVerdict.OK, 1, ())
    named = plain._replace(item=ITEM._replace(recipient="boss@a.example"))
    assert [
        domain_facts(domain, recipient_named=option).recipient_named
        for domain, option in [(plain, False), (plain, True), (named, False)]
    ] == [False, True, True]
