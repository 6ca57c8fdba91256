from __future__ import annotations

from scanner.resolve.answer import Answer, Record, RecordType, Status
from scanner.resolve.host import FAILURE_TTL_S, combine
from scanner.terms import ProbeVerdict

NODATA, NXDOMAIN = Answer(Status.NODATA), Answer(Status.NXDOMAIN)
SERVFAIL = Answer(Status.FAILED, error="SERVFAIL")


def found(record_type: RecordType, *values: str, ttl_s: int = 300, aliased: bool = False) -> Answer:
    records = tuple(Record("mx.example", record_type, ttl_s, value) for value in values)
    return Answer(Status.FOUND, records, ttl_s, aliased)


V4 = found(RecordType.A, "192.0.2.2", "192.0.2.1", "192.0.2.2")
V6 = found(RecordType.AAAA, "2001:db8:0:0::1", "::ffff:192.0.2.9", ttl_s=60)


def test_ipv4_comes_first_each_address_once_and_canonical_and_the_least_ttl_counts() -> None:
    host = combine(V4, V6)
    assert host.addresses == ("192.0.2.2", "192.0.2.1", "2001:db8::1", "::ffff:c000:209")
    assert (host.trouble, host.error, host.notes, host.ttl_s) == (None, None, (), 60)


def test_one_family_without_records_is_nothing_odd() -> None:
    assert combine(V4, NODATA).notes == ()
    assert combine(NODATA, V6).addresses[0] == "2001:db8::1"


def test_one_family_that_fails_is_noted_where_the_other_has_addresses_and_not_believed_for_long() -> None:
    host = combine(V4, SERVFAIL)
    assert (host.addresses, host.trouble) == (("192.0.2.2", "192.0.2.1"), None)
    assert (host.notes, host.ttl_s) == (("AAAA look-up failed: SERVFAIL",), FAILURE_TTL_S)


def test_a_failed_look_up_is_never_no_address() -> None:
    for a, aaaa in [(SERVFAIL, NODATA), (NODATA, SERVFAIL), (SERVFAIL, SERVFAIL)]:
        host = combine(a, aaaa)
        assert host.trouble is ProbeVerdict.DNS_FAILED
        assert "SERVFAIL" in (host.error or "")


def test_a_name_that_does_not_exist_and_one_without_address_are_told_apart() -> None:
    assert combine(NXDOMAIN, NXDOMAIN)[:3] == ((), ProbeVerdict.NO_ADDRESS, "exchange name does not exist")
    assert combine(NODATA, NODATA)[:3] == ((), ProbeVerdict.NO_ADDRESS, "exchange has no address")
    assert combine(NXDOMAIN, SERVFAIL).trouble is ProbeVerdict.NO_ADDRESS


def test_an_alias_on_the_way_of_either_family_is_seen() -> None:
    assert combine(V4, found(RecordType.AAAA, "2001:db8::1", aliased=True)).aliased
    assert not combine(V4, V6).aliased
