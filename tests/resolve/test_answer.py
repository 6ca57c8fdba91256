from __future__ import annotations

import pytest

from scanner.resolve.answer import Record, RecordType, Status, select

MX, A, CNAME = RecordType.MX, RecordType.A, RecordType.CNAME


def mx(owner: str, name: str = "mx.example", ttl_s: int = 300) -> Record:
    return Record(owner, MX, ttl_s, name, 10)


def chain(length: int) -> list[Record]:
    return [Record(f"c{n}.example", CNAME, 100 + n, f"c{n + 1}.example") for n in range(length)]


def test_records_of_the_name_asked_are_the_answer() -> None:
    answer = select("x.example", MX, [mx("x.example")])
    assert (answer.status, answer.records, answer.ttl_s, answer.aliased) == (
        Status.FOUND,
        (mx("x.example"),),
        300,
        False,
    )


def test_owners_are_compared_without_regard_to_case() -> None:
    assert select("X.example", MX, [mx("x.EXAMPLE")]).status is Status.FOUND


def test_records_of_another_owner_are_never_used_and_said() -> None:
    answer = select("x.example", MX, [mx("other.example", "evil.example")])
    assert answer.status is Status.NODATA
    assert answer.notes == ("records of another name ignored",)


def test_records_of_another_type_at_the_owner_are_no_answer() -> None:
    assert select("x.example", MX, [Record("x.example", A, 300, "192.0.2.1")]).status is Status.NODATA


@pytest.mark.parametrize("length", [1, 3, 10])
def test_up_to_ten_aliases_are_followed_and_the_least_ttl_counts(length: int) -> None:
    answer = select("c0.example", MX, [*reversed(chain(length)), mx(f"c{length}.example")])
    assert (answer.status, answer.aliased, answer.ttl_s) == (Status.FOUND, True, 100)


def test_the_eleventh_alias_is_not_followed_and_said() -> None:
    answer = select("c0.example", MX, [*chain(11), mx("c11.example")])
    assert answer.status is Status.NODATA
    assert answer.notes == ("cname loop or chain longer than 10",)


def test_an_alias_of_itself_ends() -> None:
    answer = select("c.example", A, [Record("c.example", CNAME, 60, "c.example")])
    assert (answer.status, answer.notes) == (Status.NODATA, ("cname loop or chain longer than 10",))


def test_an_alias_without_more_is_no_data_and_nothing_odd() -> None:
    answer = select("c0.example", MX, chain(1))
    assert (answer.status, answer.notes) == (Status.NODATA, ())


def test_only_silence_and_an_unreachable_resolver_are_no_answers() -> None:
    assert {status for status in Status if not status.answered} == {Status.SILENT, Status.UNREACHABLE}
