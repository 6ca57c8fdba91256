from __future__ import annotations

from scanner.run.plan import Plan, Planned, plan
from scanner.terms import DomainRoute, Exchange, ExchangeRoute, ProbeVerdict, Role, Stage

MX1 = Exchange("mx1.example", 10, Role.PRIMARY)
MX2 = Exchange("mx2.example", 20, Role.SECONDARY)
MX3 = Exchange("mx3.example", 30, Role.SECONDARY)


def nothing_missing(_address: str) -> None:
    return None


def no_ipv6(address: str) -> str | None:
    return "no route for IPv6 on this machine" if ":" in address else None


def planned(*routes: ExchangeRoute, missing_for: object = nothing_missing, excluded: tuple[str, ...] = ()) -> Plan:
    return plan(DomainRoute(None, routes, len(routes)), missing_for, excluded.__contains__)  # type: ignore[arg-type]


def test_each_address_of_each_exchange_is_asked_in_order_of_preference() -> None:
    found = planned(ExchangeRoute(MX1, ("192.0.2.1", "192.0.2.2")), ExchangeRoute(MX2, ("192.0.2.3",)))
    assert found == Plan((Planned(MX1, "192.0.2.1"), Planned(MX1, "192.0.2.2"), Planned(MX2, "192.0.2.3")))


def test_two_exchanges_on_one_address_are_one_probe_of_the_higher_role_with_a_note() -> None:
    found = planned(*(ExchangeRoute(exchange, ("192.0.2.1",)) for exchange in (MX1, MX2, MX3)))
    notes = ("same address as mx2.example", "same address as mx3.example")
    assert found.probes == (Planned(MX1, "192.0.2.1", notes=notes),)


def test_a_shared_address_is_noted_once_for_each_name() -> None:
    shared = ExchangeRoute(MX2, ("192.0.2.1", "192.0.2.1"))
    found = planned(ExchangeRoute(MX1, ("192.0.2.1",)), shared, shared)
    assert found.probes == (Planned(MX1, "192.0.2.1", notes=("same address as mx2.example",)),)


def test_an_exchange_that_shares_one_of_its_addresses_is_asked_at_the_other() -> None:
    found = planned(ExchangeRoute(MX1, ("192.0.2.1",)), ExchangeRoute(MX2, ("192.0.2.1", "192.0.2.2")))
    assert [(each.exchange, each.address) for each in found.probes] == [(MX1, "192.0.2.1"), (MX2, "192.0.2.2")]


def test_an_address_named_twice_for_one_exchange_is_asked_once_and_is_no_news() -> None:
    found = planned(ExchangeRoute(MX1, ("192.0.2.1", "192.0.2.1")))
    assert found.probes == (Planned(MX1, "192.0.2.1"),)


def test_an_exchange_without_addresses_is_settled_at_resolve_with_its_reason() -> None:
    found = planned(
        ExchangeRoute(MX1, (), ProbeVerdict.NO_ADDRESS, "NXDOMAIN", ("an oddity",)),
        ExchangeRoute(MX2, (), ProbeVerdict.DNS_FAILED, "SERVFAIL"),
    )
    assert found.probes == (
        Planned(MX1, None, ProbeVerdict.NO_ADDRESS, Stage.RESOLVE, "NXDOMAIN", ("an oddity",)),
        Planned(MX2, None, ProbeVerdict.DNS_FAILED, Stage.RESOLVE, "SERVFAIL"),
    )


def test_exchanges_without_addresses_are_not_taken_for_one_server() -> None:
    found = planned(*(ExchangeRoute(exchange, (), ProbeVerdict.NO_ADDRESS) for exchange in (MX1, MX2)))
    assert [each.exchange for each in found.probes] == [MX1, MX2]


def test_a_family_without_a_route_is_left_out_beside_one_that_has_and_counted() -> None:
    found = planned(
        ExchangeRoute(MX1, ("2001:db8::1", "192.0.2.1", "2001:db8::2")),
        ExchangeRoute(MX2, ("192.0.2.2", "2001:db8::3")),
        missing_for=no_ipv6,
    )
    assert [each.address for each in found.probes] == ["192.0.2.1", "192.0.2.2"]
    assert found.notes == ("ipv6 not asked: 3",)


def test_an_exchange_of_only_the_missing_family_is_our_matter_not_its_own() -> None:
    found = planned(ExchangeRoute(MX1, ("2001:db8::1",)), ExchangeRoute(MX2, ("192.0.2.2",)), missing_for=no_ipv6)
    reason = "no route for IPv6 on this machine"
    first = Planned(MX1, "2001:db8::1", ProbeVerdict.LOCAL_ERROR, Stage.CONNECT, reason)
    assert found == Plan((first, Planned(MX2, "192.0.2.2")))


def test_ipv4_that_is_not_asked_is_counted_under_its_own_name() -> None:
    found = planned(
        ExchangeRoute(MX1, ("192.0.2.1", "2001:db8::1")), missing_for=lambda address: None if ":" in address else "-6"
    )
    assert ([each.address for each in found.probes], found.notes) == (["2001:db8::1"], ("ipv4 not asked: 1",))


def test_an_excluded_exchange_leaves_a_probe_that_says_so_and_takes_no_address() -> None:
    """What another exchange on the same address says still counts for that one."""
    routes = [ExchangeRoute(exchange, ("192.0.2.1",)) for exchange in (MX1, MX2)]
    found = planned(*routes, excluded=("mx1.example",))
    excluded = Planned(MX1, None, ProbeVerdict.EXCLUDED, error="excluded by --exclude-domain")
    assert found.probes == (excluded, Planned(MX2, "192.0.2.1"))


def test_notes_about_an_exchange_stay_with_its_probes() -> None:
    found = planned(ExchangeRoute(MX1, ("192.0.2.1", "192.0.2.2"), notes=("mx is a cname",)))
    assert [each.notes for each in found.probes] == [("mx is a cname",)] * 2
