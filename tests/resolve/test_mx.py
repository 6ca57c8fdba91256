from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.resolve import mx
from scanner.resolve.answer import Record, RecordType
from scanner.terms import Exchange, ExchangeRoute, ProbeVerdict, Role


def records(*pairs: tuple[int, str]) -> list[Record]:
    return [Record("x.example", RecordType.MX, 300, name, preference) for preference, name in pairs]


def test_lowest_preference_is_primary_equals_included_and_higher_are_secondary() -> None:
    plan = mx.plan(records((20, "c.example"), (10, "b.example"), (10, "a.example"), (30, "d.example")))
    assert [named.exchange for named in plan.exchanges] == [
        Exchange("a.example", 10, Role.PRIMARY),
        Exchange("b.example", 10, Role.PRIMARY),
        Exchange("c.example", 20, Role.SECONDARY),
        Exchange("d.example", 30, Role.SECONDARY),
    ]
    assert (plan.null, plan.exchange_count, plan.notes) == (False, 4, ())


@pytest.mark.parametrize("preference", [0, 10])
def test_a_lone_null_mx_means_no_mail(preference: int) -> None:
    """RFC 7505 3; c-ares gives the root as an empty name. Its preference is to be 0, but what else could it mean?"""
    assert mx.plan(records((preference, ""))).null


def test_a_null_mx_beside_others_is_ignored_and_said() -> None:
    plan = mx.plan(records((0, ""), (10, "a.example")))
    assert [named.exchange for named in plan.exchanges] == [Exchange("a.example", 10, Role.PRIMARY)]
    assert (plan.null, plan.exchange_count, plan.notes) == (False, 1, ("null mx beside others",))


def test_an_exchange_named_twice_counts_once_with_its_lowest_preference() -> None:
    plan = mx.plan(records((20, "A.example."), (10, "a.EXAMPLE"), (15, "b.example")))
    assert [named.exchange for named in plan.exchanges] == [
        Exchange("a.example", 10, Role.PRIMARY),
        Exchange("b.example", 15, Role.SECONDARY),
    ]


@pytest.mark.parametrize(
    "name",
    ["192.0.2.1", "127.1", "0177.0.0.1", "2130706433", "0x7f000001", "::1", "[192.0.2.1]", "a.b.0x7f", "1.2.3.4.5"],
)
def test_an_address_in_place_of_a_name_is_not_looked_up_and_said(name: str) -> None:
    plan = mx.plan(records((10, name)))
    assert plan.notes == ("mx is an address",)
    assert plan.exchanges[0].unusable == "the mx is an address, not a name"
    assert plan.exchanges[0].exchange.role is Role.PRIMARY


@pytest.mark.parametrize("name", ["localhost", "mail"])
def test_a_name_without_a_dot_is_not_looked_up(name: str) -> None:
    assert mx.plan(records((10, name))).exchanges[0].unusable == f"exchange name has no dot: {name}"


@pytest.mark.parametrize(
    "name",
    [
        r"a\"b.x.example",
        r"\010.x.example",
        r"a\027b.example",
        "a b.example",
        "*.example",
        r"\195\164.example",
        "a..example",
        "-a.example",
        "a-.example",
        "a_b.example",
        "a/b.example",
        f"{'a' * 64}.example",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_host_name_is_not_looked_up_and_shown_safely(name: str) -> None:
    named = mx.plan(records((10, name))).exchanges[0]
    assert named.unusable is not None
    assert named.unusable.startswith("exchange name is not a host name: ")


@given(st.text(min_size=1))
def test_no_exchange_name_can_carry_a_control_character(name: str) -> None:
    named = mx.named(name, 10, Role.PRIMARY)
    shown = named.exchange.name + (named.unusable or "")
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert named.unusable or name.isascii()


@pytest.mark.parametrize("name", ["mx1.example", "a.b-c.example", "1a.2.example", "xn--bcher-kva.example"])
def test_host_names_are_looked_up(name: str) -> None:
    assert mx.named(name, 10, Role.PRIMARY).unusable is None


def test_sixteen_exchanges_are_kept_lowest_preference_first() -> None:
    plan = mx.plan(records(*((n, f"mx{n}.example") for n in range(500, 0, -1))))
    assert [named.exchange.preference for named in plan.exchanges] == list(range(1, 17))
    assert plan.exchange_count == 500


def route(number: int, *addresses: str) -> ExchangeRoute:
    return ExchangeRoute(Exchange(f"mx{number}.example", number, Role.PRIMARY), addresses)


def test_eight_addresses_of_an_exchange_are_kept_and_the_cut_is_said() -> None:
    routes, notes = mx.within_caps([route(1, *(f"192.0.2.{n}" for n in range(13)))], 1)
    assert routes[0].addresses == tuple(f"192.0.2.{n}" for n in range(8))
    assert notes == ("cut: 5 addresses",)


def test_thirty_two_probes_of_a_domain_are_kept_and_exchanges_left_without_an_address_are_cut() -> None:
    routes, notes = mx.within_caps([route(x, *(f"10.0.{x}.{n}" for n in range(7))) for x in range(6)], 6)
    assert [len(route.addresses) for route in routes] == [7, 7, 7, 7, 4]
    assert notes == ("cut: 1 exchange", "cut: 10 addresses")


def test_exchanges_on_one_address_are_one_probe_within_the_cap() -> None:
    routes, notes = mx.within_caps([route(x, *(f"192.0.2.{n}" for n in range(8))) for x in range(16)], 16)
    assert sum(len(route.addresses) for route in routes) == 128
    assert notes == ()


def test_an_exchange_without_address_is_never_cut_for_that() -> None:
    bare = mx.without_address(Exchange("mx.example", 1, Role.PRIMARY), "exchange has no address")
    assert mx.within_caps([bare], 4) == ((bare,), ("cut: 3 exchanges",))
    assert bare.trouble is ProbeVerdict.NO_ADDRESS
