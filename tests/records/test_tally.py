from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from scanner.records.known import Known, KnownFindings
from scanner.records.reading import GroupReader
from scanner.records.record import encode_group
from scanner.records.tally import KNOWN_VERDICTS, TARGETS_KEPT, Tally
from scanner.terms import DomainVerdict, SessionUse

if TYPE_CHECKING:
    from scanner.records.facts import DomainFacts, ProbeFacts


def test_it_counts_what_the_output_says(acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts) -> None:
    tally = Tally()
    for _ in range(3):
        tally.add(encode_group("r", [acceptance, refusal], domain))
    tally.add(encode_group("r", [refusal._replace(tag=2**64)], domain))
    assert tally.items == 4
    assert tally.records() == {"probe": 7, "domain": 4}
    assert tally.verdicts() == {
        "probe": {"accepted": 3, "relay_denied": 3, "local_error": 1},
        "domain": {"secondary_rejects_relay": 3, "inconclusive": 1},
    }
    assert tally.unencodable == 1


def test_groups_counted_together_are_counted_as_one_by_one(
    acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    groups = [
        encode_group("r", [acceptance, refusal], domain),
        encode_group("r", [acceptance], domain._replace(verdict=DomainVerdict.OK)),
        encode_group("r", [refusal._replace(tag=2**64)], domain),
        encode_group("r", [refusal]),
        encode_group("r", [], domain._replace(verdict=DomainVerdict.RECIPIENT_REFUSED, recipient_named=True)),
        encode_group("r", [], domain._replace(verdict=DomainVerdict.RECIPIENT_REFUSED)),
    ]
    together, alone = Tally(), Tally()
    together.add(*groups)
    for group in groups:
        alone.add(group)
    for tally in (together, alone):
        assert (tally.items, tally.unencodable, tally.findings) == (6, 1, 2)
        assert tally.records() == {"probe": 5, "domain": 5}
        assert [(target["address"], target["probes"]) for target in tally.busiest()] == [
            ("192.0.2.2", 3),
            ("192.0.2.1", 2),
        ]
    assert repr(together.verdicts()) == repr(alone.verdicts())


def test_records_read_back_count_as_they_did_when_they_were_written(
    acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    """A resumed run ends with the census of all its parts."""
    entry = Known("known", dt.date(2027, 1, 1), domain="example.org")
    day = dt.date(2026, 1, 1)
    undialled = refusal._replace(answer=refusal.answer._replace(session=SessionUse.NONE))
    groups = [
        encode_group("r", [acceptance, refusal], domain),
        encode_group("r", [refusal._replace(tag=2**64)], domain._replace(verdict=DomainVerdict.INCONCLUSIVE)),
        encode_group("r", [undialled], domain._replace(verdict=DomainVerdict.OK)),
        encode_group("r", [], domain._replace(verdict=DomainVerdict.RECIPIENT_REFUSED, recipient_named=True)),
    ]
    written, read = (Tally(known=KnownFindings([entry], day)) for _ in range(2))
    written.add(*groups)
    reader = GroupReader(0, "r", with_domain=True)
    # The verdict of all of them is `seq` 17; each is its own item here.
    for number, group in enumerate(groups):
        data = group.data.replace(b'"seq":17', b'"seq":%d' % number)
        for found in reader.feed(data):
            read.add_read(found, recipient_named=True)
    assert read.items == written.items == 4
    for name in ("unencodable", "probe_verdicts", "domain_verdicts", "named_refused", "known_findings", "targets"):
        assert getattr(read, name) == getattr(written, name), name
    assert read.findings == written.findings
    assert read.busiest() == written.busiest()


def test_a_record_that_lacks_a_field_counts_for_nothing(
    acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    data = encode_group("r", [acceptance, refusal], domain).data
    for field in (b'"verdict":"relay_denied"', b'"session":"new"', b'"address":"192.0.2.2"'):
        tally = Tally()
        (found,) = GroupReader(0, "r", with_domain=True).feed(data.replace(field, b'"x":1'))
        with pytest.raises(KeyError):
            tally.add_read(found, recipient_named=False)
        assert (tally.items, tally.records()) == (0, {"probe": 0, "domain": 0})


def test_findings_are_the_domains_in_trouble_not_their_probes(
    acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    tally = Tally()
    tally.add(encode_group("r", [acceptance, refusal], domain))
    tally.add(encode_group("r", [acceptance], domain._replace(verdict=DomainVerdict.OK)))
    tally.add(encode_group("r", [], domain._replace(verdict=DomainVerdict.INCONCLUSIVE)))
    assert tally.findings == 1


@pytest.mark.parametrize(("named", "findings"), [(True, 1), (False, 0)])
def test_a_refused_recipient_is_a_finding_where_the_user_named_it(
    domain: DomainFacts, *, named: bool, findings: int
) -> None:
    tally = Tally()
    refused = domain._replace(verdict=DomainVerdict.RECIPIENT_REFUSED, recipient_named=named)
    tally.add(encode_group("r", [], refused))
    assert tally.findings == findings


def test_what_fails_a_run_can_be_chosen_among_all_verdicts(
    acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts
) -> None:
    chosen = Tally({"relay_denied", "recipient_refused"})
    none = Tally(())
    for tally in (chosen, none):
        tally.add(encode_group("r", [acceptance, refusal], domain))
        tally.add(encode_group("r", [], domain._replace(verdict=DomainVerdict.RECIPIENT_REFUSED)))
    assert (chosen.findings, none.findings) == (2, 0)


def test_every_verdict_of_a_record_has_a_name_to_fail_on() -> None:
    assert {"relay_denied", "secondary_rejects_relay", "open_relay_confirmed", "closed", "dns_failed"} <= KNOWN_VERDICTS
    assert "none" not in KNOWN_VERDICTS


def test_dns_that_fails_for_every_item_is_told_from_dns_that_fails_for_some(domain: DomainFacts) -> None:
    tally = Tally()
    assert not tally.dns_failed_throughout
    tally.add(encode_group("r", [], domain._replace(verdict=DomainVerdict.DNS_FAILED)))
    assert tally.dns_failed_throughout
    tally.add(encode_group("r", [], domain))
    assert not tally.dns_failed_throughout


def test_the_ten_most_asked_targets_are_named_busiest_first() -> None:
    tally = Tally()
    for host in range(1, 21):
        for _ in range(host):
            tally.count_targets([(f"192.0.2.{host}", 25)])
    busiest = tally.busiest()
    assert [(target["address"], target["probes"]) for target in busiest] == [
        (f"192.0.2.{host}", host) for host in range(20, 10, -1)
    ]


def test_a_probe_that_dialled_nothing_asked_no_target(refusal: ProbeFacts) -> None:
    tally = Tally()
    answer = refusal.answer._replace(session=SessionUse.NONE, attempts=0, source=None)
    tally.add(encode_group("r", [refusal._replace(answer=answer)]))
    assert tally.busiest() == []


def test_a_hot_target_stays_counted_among_more_targets_than_are_kept() -> None:
    tally = Tally()
    for number in range(3 * TARGETS_KEPT):
        tally.count_targets([(f"2001:db8::{number:x}", 25)])
        if number % 100 == 0:
            tally.count_targets([("192.0.2.1", 25)])
    assert len(tally.targets) <= TARGETS_KEPT
    assert tally.busiest()[0] == {"address": "192.0.2.1", "port": 25, "probes": 300}
