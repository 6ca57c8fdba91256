from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from scanner.addresses import Intervals, Networks, Range, parse_range
from scanner.targets.sieve import Sieve, without


def texts(ranges: object) -> list[str]:
    """Ranges as the operator writes them."""
    return [f"{ip_address(part.first)}-{ip_address(part.last)}" for part in ranges]  # type: ignore[attr-defined]


def test_what_is_excluded_is_cut_out_and_counted() -> None:
    sieve = Sieve(Networks.from_text(["192.0.2.4/30", "192.0.2.10", "198.51.100.0/24"]))
    left = texts(sieve.left_of(parse_range("192.0.2.0/28")))
    assert left == ["192.0.2.0-192.0.2.3", "192.0.2.8-192.0.2.9", "192.0.2.11-192.0.2.15"]
    assert (sieve.excluded, sieve.never) == (5, 0)


def test_what_is_never_dialled_is_cut_out_too_after_what_is_excluded() -> None:
    sieve = Sieve(Networks.from_text(["223.0.0.0/8"]))
    left = texts(sieve.left_of(parse_range("222.255.255.255-224.0.0.9")))
    assert left == ["222.255.255.255-222.255.255.255"]
    assert (sieve.excluded, sieve.never) == (2**24, 10)


def test_ipv6_is_sifted_by_what_is_ipv6() -> None:
    sieve = Sieve(Networks.from_text(["0.0.0.0/0", "2001:db8::4/126"]))
    assert texts(sieve.left_of(parse_range("2001:db8::/124"))) == [
        "2001:db8::-2001:db8::3",
        "2001:db8::8-2001:db8::f",
    ]


def test_nothing_of_an_excluded_range_is_left() -> None:
    sieve = Sieve(Networks.from_text(["10.0.0.0/8"]))
    assert not list(sieve.left_of(parse_range("10.1.0.0/16")))
    assert sieve.excluded == 65536


def test_a_hundred_thousand_exclusions_are_one_bisection() -> None:
    """Not a look at each: the range lies behind nearly all of them."""
    exclude = Networks.merged(Range(4, number * 4, number * 4) for number in range(100_000, 200_000))

    class Counted(tuple[int, ...]):
        __slots__ = ()
        looked_at = 0

        def __getitem__(self, place: object) -> int:  # type: ignore[override]
            Counted.looked_at += 1
            return tuple.__getitem__(self, place)  # type: ignore[call-overload, no-any-return]

    counted = Intervals(Counted(exclude.v4.firsts), Counted(exclude.v4.lasts))
    part = Range(4, 790_000, 790_010)
    assert [piece.first for piece in without(part, counted)] == [790_001, 790_005, 790_009]
    assert 0 < Counted.looked_at < 100


@given(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), max_size=8),
)
def test_an_address_is_left_exactly_where_nothing_takes_it(ends: list[int], taken: list[tuple[int, int]]) -> None:
    base = int(IPv4Address("192.0.2.0"))
    exclude = Networks.merged(Range(4, base + first, base + first + more) for first, more in taken)
    sieve = Sieve(exclude)
    named = Range(4, base + ends[0], base + ends[1])
    left = [value for part in sieve.left_of(named) for value in range(part.first, part.last + 1)]
    assert left == [value for value in range(named.first, named.last + 1) if IPv4Address(value) not in exclude]
    assert sieve.excluded == named.last - named.first + 1 - len(left)
