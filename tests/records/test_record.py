from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.escape import UNSAFE
from scanner.pool.probe import Answer
from scanner.records.facts import DomainFacts, ProbeFacts, RunFacts, StartFacts
from scanner.records.record import (
    encode_domain,
    encode_group,
    encode_probe,
    encode_run,
    encode_start,
    encounter,
    heading,
    meaning,
    place,
)
from scanner.records.shapes import DomainRecord, Finding, ProbeRecord, RunRecord, StartRecord
from scanner.records.tally import Tally
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


def answered(facts: ProbeFacts, outcome: Outcome) -> ProbeFacts:
    """The probe with another outcome."""
    return facts._replace(answer=facts.answer._replace(outcome=outcome))


def keys_of(shape: type) -> list[str]:
    return [key for key in shape.__annotations__ if key != "tests"]


def test_a_probes_record_says_what_was_learnt(contract: Any, refusal: ProbeFacts) -> None:
    record = orjson.loads(encode_probe("r1", refusal))
    contract.validate(record)
    assert list(record) == keys_of(ProbeRecord)
    del record["server"]
    assert record == {
        "kind": "probe",
        "schema": 1,
        "run": "r1",
        "seq": 17,
        "domain": "example.org",
        "exchange": "mx2.isp.example",
        "preference": 20,
        "role": "secondary",
        "address": "192.0.2.2",
        "port": 25,
        "source": "192.0.2.99",
        "verdict": "relay_denied",
        "standing": "broken",
        "about": "domain",
        "stage": "rcpt",
        "code": 554,
        "enhanced": "5.7.1",
        "text": "5.7.1 <postmaster@example.org>: Relay access denied",
        "transient": False,
        "confidence": "high",
        "rule": "relay access denied",
        "sender": "postmaster@probe.example",
        "recipient": "postmaster@example.org",
        "session": "new",
        "attempts": 1,
        "started": "2026-11-24T22:50:28.123Z",
        "elapsed_ms": 12.346,
        "error": None,
        "notes": [],
        "tag": {"ticket": 4711},
    }


def test_an_exchange_without_an_address_has_a_record_of_nulls(contract: Any, refusal: ProbeFacts) -> None:
    error = "mx.example.org has neither A nor AAAA"
    outcome = Outcome(Stage.RESOLVE, trouble=ProbeVerdict.NO_ADDRESS, error=error)
    facts = ProbeFacts(
        0,
        "example.org",
        Exchange("mx.example.org", 10, Role.PRIMARY),
        None,
        25,
        refusal.question,
        Answer(outcome, refusal.answer.started, session=SessionUse.NONE, attempts=0),
        Judgement(ProbeVerdict.NO_ADDRESS, Standing.BROKEN, About.DOMAIN, False, Confidence.HIGH, "no address"),
    )
    record = orjson.loads(encode_probe("r1", facts))
    contract.validate(record)
    nulls = ("address", "source", "code", "enhanced", "text", "sender", "recipient", "tag")
    assert [record[key] for key in nulls] == [None] * len(nulls)
    assert (record["session"], record["attempts"], record["elapsed_ms"]) == ("none", 0, 0)
    assert (record["error"], record["notes"]) == (error, [])


def test_what_was_not_said_is_null(refusal: ProbeFacts) -> None:
    outcome = refusal.answer.outcome._replace(stage=Stage.MAIL, recipient_said=False)
    record = orjson.loads(encode_probe("r1", answered(refusal, outcome)))
    assert (record["sender"], record["recipient"]) == ("postmaster@probe.example", None)


def test_text_and_error_are_cut_at_a_thousand_characters(contract: Any, refusal: ProbeFacts) -> None:
    reply = Reply(554, ("ä".encode() * 1001,))
    record = orjson.loads(encode_probe("r1", answered(refusal, Outcome(Stage.RCPT, reply, error="é" * 1001))))
    contract.validate(record)
    assert record["text"] == "ä" * 1000
    assert record["error"] == "é" * 1000


def test_records_that_have_parts_in_common_say_what_is_their_own(acceptance: ProbeFacts, refusal: ProbeFacts) -> None:
    """What repeats is remembered by all that it is made of; a field left out would show in the second record."""
    answer = refusal.answer
    others = [
        refusal._replace(seq=18),
        refusal._replace(domain="other.example"),
        refusal._replace(exchange=Exchange("mx2.isp.example", 30, Role.SECONDARY)),
        refusal._replace(exchange=Exchange("mx2.isp.example", 20, Role.PRIMARY)),
        refusal._replace(address="192.0.2.3"),
        refusal._replace(port=26),
        refusal._replace(judgement=refusal.judgement._replace(rule="other")),
        refusal._replace(notes=("seen",)),
        refusal._replace(tag=None),
        acceptance,
        *[
            refusal._replace(answer=answer._replace(**{field: value}))
            for field, value in {
                "source": "192.0.2.98",
                "server": answer.server._replace(tls=None),
                "session": SessionUse.REUSED,
                "attempts": 2,
                "started": answer.started + 1,
                "elapsed_ms": 1.5,
                "notes": ("heard",),
                "outcome": answer.outcome._replace(stage=Stage.MAIL),
            }.items()
        ],
    ]
    alone = []
    for facts in others:
        for remembered in (heading, place, meaning, encounter):
            remembered.cache_clear()
        alone.append(encode_probe("r1", facts))
    assert len({encode_probe("r1", refusal), *alone}) == len(others) + 1
    assert [encode_probe("r1", facts) for facts in others] == alone


def test_a_line_feed_in_a_name_is_made_visible_like_any_control(
    contract: Any, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    group = encode_group("r1", [refusal._replace(exchange=Exchange("mx\n.example", 10, Role.PRIMARY))], domain)
    probe, last = (orjson.loads(line) for line in group.data.splitlines())
    contract.validate(probe)
    contract.validate(last)
    assert probe["exchange"] == last["findings"][0]["exchange"] == "mx\\x0a.example"


def test_a_domains_record_counts_its_probes_and_lists_what_was_not_accepted(
    contract: Any, acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    record = orjson.loads(encode_domain("r1", domain, [acceptance, refusal]))
    contract.validate(record)
    assert list(record) == keys_of(DomainRecord)
    assert list(record["findings"][0]) == keys_of(Finding)
    assert record == {
        "kind": "domain",
        "schema": 1,
        "run": "r1",
        "seq": 17,
        "domain": "example.org",
        "verdict": "secondary_rejects_relay",
        "exchanges": 2,
        "probes": 2,
        "serving": 1,
        "broken": 1,
        "undecided": 0,
        "findings": [
            {
                "exchange": "mx2.isp.example",
                "preference": 20,
                "role": "secondary",
                "address": "192.0.2.2",
                "verdict": "relay_denied",
                "standing": "broken",
                "about": "domain",
                "stage": "rcpt",
                "code": 554,
                "enhanced": "5.7.1",
            }
        ],
        "error": None,
        "notes": ["ipv6 not asked: 2"],
        "tag": {"ticket": 4711},
    }


def test_a_group_is_the_probes_in_order_and_the_domain_last(
    acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    group = encode_group("r1", [acceptance, refusal], domain)
    assert group.data == (
        encode_probe("r1", acceptance)
        + encode_probe("r1", refusal)
        + encode_domain("r1", domain, [acceptance, refusal])
    )
    assert group.unencodable == 0


def test_a_group_without_a_domain_is_its_probes(refusal: ProbeFacts) -> None:
    assert encode_group("r1", [refusal]).data == encode_probe("r1", refusal)


def test_a_domain_that_dns_alone_decided_is_a_group_of_one_line(contract: Any) -> None:
    group = encode_group("r1", [], DomainFacts(3, "gone.example", DomainVerdict.NO_DOMAIN, 0, error="NXDOMAIN"))
    record = orjson.loads(group.data)
    contract.validate(record)
    assert (record["probes"], record["findings"], record["error"]) == (0, [], "NXDOMAIN")


@pytest.mark.parametrize("tag", [2**64, "\ud800", {1: "x"}], ids=repr)
def test_a_record_that_cannot_be_encoded_is_a_local_error_and_the_rest_of_its_group_stands(
    contract: Any, acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts, tag: object
) -> None:
    group = encode_group("r1", [acceptance, refusal._replace(tag=tag)], domain._replace(tag=tag))
    first, second, last = (orjson.loads(line) for line in group.data.splitlines())
    for record in (first, second, last):
        contract.validate(record)
    assert first == orjson.loads(encode_probe("r1", acceptance))
    assert (second["verdict"], second["standing"], second["address"]) == ("local_error", "undecided", "192.0.2.2")
    assert second["error"].startswith("the record could not be encoded: ")
    assert (second["code"], second["tag"], last["tag"]) == (None, None, None)
    assert (last["verdict"], last["serving"], last["broken"], last["undecided"]) == ("inconclusive", 1, 0, 1)
    assert [finding["verdict"] for finding in last["findings"]] == ["local_error"]
    assert group.unencodable == 2


def test_the_first_and_the_last_line_hold_to_the_contract(
    contract: Any, acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    start = orjson.loads(
        encode_start("r1", StartFacts("0.1.0", STARTED, "audit", {"rate": 50, "helo": "\x1b"}, ["warned\n"]))
    )
    contract.validate(start)
    assert list(start) == keys_of(StartRecord)
    assert start["settings"] == {"rate": 50, "helo": "\\x1b"}
    assert start["warnings"] == ["warned\\x0a"]

    tally = Tally()
    tally.add(encode_group("r1", [acceptance, refusal], domain))
    run = orjson.loads(encode_run("r1", RunFacts(STARTED, STARTED + 60, True, 3, ["slow"]), tally))
    contract.validate(run)
    assert list(run) == keys_of(RunRecord)
    del run["kind"], run["schema"], run["run"]
    assert run == {
        "started": "2026-11-24T22:50:28.123Z",
        "finished": "2026-11-24T22:51:28.123Z",
        "interrupted": True,
        "items": 1,
        "bad_lines": 3,
        "records": {"probe": 2, "domain": 1},
        "verdicts": {"probe": {"accepted": 1, "relay_denied": 1}, "domain": {"secondary_rejects_relay": 1}},
        "busiest": [
            {"address": "192.0.2.1", "port": 25, "probes": 1},
            {"address": "192.0.2.2", "port": 25, "probes": 1},
        ],
        "warnings": ["slow"],
    }


# What servers, DNS and input may bring at worst: any code point, most of them bad ones.
hostile = st.text(
    st.one_of(st.characters(), st.sampled_from('\x00\t\n\r\x1b\x7f\x85\x9b\u2028\u2029\u202e\u2066\ud800\udfff"\\aä'))
)
names = st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){0,3}", fullmatch=True)
tags = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4),
    max_leaves=8,
)
exchanges = st.text(st.sampled_from("a\n\x1b\x9b\u202e\udcff "), min_size=1)
"""What a resolver that forgot to escape would hand over."""
judgements = st.builds(
    Judgement,
    st.sampled_from(ProbeVerdict),
    st.sampled_from(Standing),
    st.sampled_from(About),
    st.booleans(),
    st.sampled_from(Confidence),
    hostile.map(lambda text: text.replace("\n", "")),
)
servers = st.builds(
    ServerFacts,
    st.none() | names,
    st.none() | hostile,
    st.none() | hostile,
    st.lists(hostile, max_size=4).map(tuple),
    st.none() | st.builds(TlsFacts, hostile, hostile, st.none() | st.booleans(), hostile),
)
replies = st.builds(
    Reply,
    st.integers(200, 599),
    st.lists(st.binary() | hostile.map(lambda text: text.encode(errors="surrogatepass")), min_size=1).map(tuple),
)
notes = st.lists(hostile, max_size=3).map(tuple)


@st.composite
def probes(draw: st.DrawFn) -> ProbeFacts:
    session = draw(st.sampled_from(SessionUse))
    dialled = session in (SessionUse.NEW, SessionUse.REUSED)
    outcome = Outcome(
        draw(st.sampled_from(Stage)),
        draw(st.none() | replies),
        error=draw(st.none() | hostile),
        sender_said=draw(st.booleans()),
        recipient_said=draw(st.booleans()),
    )
    answer = Answer(
        outcome,
        draw(st.floats(0, 4e9)),
        draw(st.floats(0, 1e6)) if dialled else 0.0,
        draw(servers),
        draw(st.ip_addresses().map(str)) if dialled else None,
        session,
        draw(st.integers(0, 9)) if dialled else 0,
        draw(notes),
    )
    return ProbeFacts(
        draw(st.integers(0, 2**53)),
        draw(names),
        Exchange(draw(names | exchanges), draw(st.none() | st.integers(0, 65535)), draw(st.sampled_from(Role))),
        draw(st.none() | st.ip_addresses().map(str)),
        draw(st.integers(1, 65535)),
        Question(draw(hostile), draw(hostile)),
        answer,
        draw(judgements),
        draw(notes),
        draw(tags),
    )


@given(
    st.lists(probes(), max_size=4),
    st.builds(
        DomainFacts,
        st.integers(0, 2**53),
        names,
        st.sampled_from(DomainVerdict),
        st.integers(0, 99),
        st.none() | hostile,
        st.lists(hostile, max_size=2),
        tags,
    ),
)
def test_whatever_a_group_is_made_of_its_lines_are_records_and_nothing_but_data(
    contract: Any, asked: list[ProbeFacts], domain: DomainFacts
) -> None:
    group = encode_group("r1", asked, domain)
    assert group.data.endswith(b"\n")
    lines = group.data.removesuffix(b"\n").split(b"\n")
    assert len(lines) == len(asked) + 1
    for line in lines:
        assert not UNSAFE.search(line.decode())
        record = orjson.loads(line)
        assert list(record) == keys_of(ProbeRecord if record["kind"] == "probe" else DomainRecord)
        assert repr(json.loads(line)) == repr(record)
        contract.validate(record)
        if b"\\u" not in line:  # as a tag may say what orjson would write raw
            assert line == orjson.dumps(record), "put together of parts as if it were encoded in one"
