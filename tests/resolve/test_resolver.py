from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from dns import rcode, rdatatype

from scanner.resolve.lookup import LookupLimits
from scanner.resolve.resolver import Resolver
from scanner.terms import DomainRoute, DomainVerdict, Exchange, ExchangeRoute, ProbeVerdict, Role, UsageError
from tests.resolve.script import Script, coded, garbled, reset, section, silent, truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    import dns.message

    from scanner.lab.nameserver import NameServer, Response

FAILED = DomainVerdict.DNS_FAILED
QUICK = LookupLimits(lookup_s=0.5, ask_again_s=0.01)


def impatient(server: NameServer) -> Resolver:
    return Resolver([(server.address, server.port)], limits=QUICK)


async def test_exchanges_come_in_order_of_preference_with_their_addresses(script: Script, resolver: Resolver) -> None:
    script.add("x.example", "MX", "20 MX2.example.", "10 mx1.example.")
    script.add("mx1.example", "A", "192.0.2.1")
    script.add("mx1.example", "AAAA", "2001:db8::1")
    script.add("mx2.example", "A", "192.0.2.2")
    assert await resolver.route("X.example") == DomainRoute(
        None,
        (
            ExchangeRoute(Exchange("mx1.example", 10, Role.PRIMARY), ("192.0.2.1", "2001:db8::1")),
            ExchangeRoute(Exchange("mx2.example", 20, Role.SECONDARY), ("192.0.2.2",)),
        ),
        2,
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (rcode.SERVFAIL, "SERVFAIL"),
        (rcode.REFUSED, "REFUSED"),
        (rcode.FORMERR, "FORMERR"),
        (rcode.NOTIMP, "NOTIMP"),
    ],
)
async def test_a_failed_mx_look_up_is_never_no_mx(
    script: Script, server: NameServer, resolver: Resolver, code: int, words: str
) -> None:
    script.rule("x.example", coded(code))
    route = await resolver.route("x.example")
    assert (route.verdict, route.exchanges, route.error) == (FAILED, (), f"MX look-up failed: {words}")
    assert {record_type for _, record_type in server.asked} == {"MX"}


@pytest.mark.parametrize("code", [rcode.YXDOMAIN, rcode.NOTAUTH, rcode.NOTZONE, 12, 15, rcode.BADVERS])
async def test_a_response_code_that_c_ares_does_not_know_is_never_no_mx(
    script: Script, resolver: Resolver, code: int
) -> None:
    """c-ares reports them as success, without saying which code it was."""
    script.rule("x.example", coded(code))
    route = await resolver.route("x.example")
    assert (route.verdict, route.exchanges) == (FAILED, ())


async def test_silence_is_a_failed_look_up(script: Script, server: NameServer) -> None:
    script.rule("x.example", silent)
    async with impatient(server) as resolver:
        route = await resolver.route("x.example")
    assert (route.verdict, route.error) == (FAILED, "MX look-up failed: no answer within 0.5 s")


async def test_a_domain_that_does_not_exist(resolver: Resolver) -> None:
    assert (await resolver.route("nx.example")).verdict is DomainVerdict.NO_DOMAIN


async def test_a_domain_without_mx_is_its_own_exchange(script: Script, resolver: Resolver) -> None:
    """RFC 5321 5.1."""
    script.add("x.example", "A", "192.0.2.1")
    script.add("x.example", "AAAA", "2001:db8::1")
    route = await resolver.route("x.example")
    implicit = ExchangeRoute(Exchange("x.example", None, Role.IMPLICIT), ("192.0.2.1", "2001:db8::1"))
    assert (route.verdict, route.exchanges, route.exchange_count) == (None, (implicit,), 1)


async def test_no_mx_and_no_address_is_no_route_with_one_implicit_exchange(script: Script, resolver: Resolver) -> None:
    script.add("x.example", "TXT", '"v=spf1 -all"')
    route = await resolver.route("x.example")
    assert route.verdict is DomainVerdict.NO_ROUTE
    (exchange,) = route.exchanges
    assert exchange.exchange == Exchange("x.example", None, Role.IMPLICIT)
    assert exchange.trouble is ProbeVerdict.NO_ADDRESS


async def test_an_empty_answer_is_no_mx(script: Script, resolver: Resolver) -> None:
    script.rule("x.example", section())
    assert (await resolver.route("x.example")).verdict is DomainVerdict.NO_ROUTE


async def test_an_answer_of_which_nothing_is_readable_is_never_no_mx(script: Script, resolver: Resolver) -> None:
    script.rule("x.example", section("x.example. 300 IN TYPE65280 \\# 1 00"))
    assert (await resolver.route("x.example")).verdict is FAILED


async def test_an_answer_with_other_records_only_is_no_mx(script: Script, resolver: Resolver) -> None:
    script.rule("x.example", section('x.example. 300 IN TXT "x"'))
    assert (await resolver.route("x.example")).verdict is DomainVerdict.NO_ROUTE


async def test_null_mx_alone_means_no_mail_and_nothing_more_is_asked(
    script: Script, server: NameServer, resolver: Resolver
) -> None:
    script.add("x.example", "MX", "0 .")
    script.add("x.example", "A", "192.0.2.1")
    route = await resolver.route("x.example")
    assert (route.verdict, route.exchanges) == (DomainVerdict.NO_MAIL, ())
    assert dict(server.asked) == {("x.example", "MX"): 1}


async def test_null_mx_beside_others_is_ignored_and_noted(script: Script, resolver: Resolver) -> None:
    script.add("x.example", "MX", "0 .", "10 mx.example.")
    script.add("mx.example", "A", "192.0.2.1")
    route = await resolver.route("x.example")
    assert (route.verdict, len(route.exchanges), route.notes) == (None, 1, ("null mx beside others",))


def aliases(length: int, *ends: str) -> tuple[str, ...]:
    links = [f"c{n}.example. 300 IN CNAME c{n + 1}.example." for n in range(1, length)]
    return ("x.example. 300 IN CNAME c1.example.", *links, *(f"c{length}.example. 300 IN {end}" for end in ends))


async def test_a_chain_of_aliases_leads_to_the_mx(script: Script, resolver: Resolver) -> None:
    script.rule("x.example", section(*aliases(3, "MX 10 mx.example.")))
    script.add("mx.example", "A", "192.0.2.1")
    route = await resolver.route("x.example")
    assert (route.verdict, route.exchanges[0].exchange.name, route.notes) == (None, "mx.example", ())


@pytest.mark.parametrize(
    "lines",
    [
        aliases(11, "MX 10 mx.example.", "A 192.0.2.1"),
        ("x.example. 300 IN CNAME x.example.",),
        ("x.example. 300 IN CNAME y.example.", "y.example. 300 IN CNAME x.example."),
    ],
    ids=["eleven", "self", "loop"],
)
async def test_a_chain_too_long_or_without_end_leads_nowhere_and_is_noted(
    script: Script, resolver: Resolver, lines: tuple[str, ...]
) -> None:
    script.rule("x.example", section(*lines))
    route = await resolver.route("x.example")
    assert (route.verdict, route.notes) == (DomainVerdict.NO_ROUTE, ("cname loop or chain longer than 10",))


async def test_an_alias_without_mx_is_the_domains_own_address(script: Script, resolver: Resolver) -> None:
    """c-ares calls an answer with nothing but a CNAME a success."""
    script.rule("x.example", section("x.example. 300 IN CNAME y.example.", "y.example. 300 IN A 192.0.2.1"))
    route = await resolver.route("x.example")
    assert (route.verdict, route.exchanges[0].addresses) == (None, ("192.0.2.1",))
    assert (route.exchanges[0].exchange.role, route.notes) == (Role.IMPLICIT, ())


async def test_an_exchange_that_is_an_alias_is_used_and_noted(script: Script, resolver: Resolver) -> None:
    """RFC 2181 10.3 forbids it; senders follow it all the same."""
    script.add("x.example", "MX", "10 mx.example.")
    script.rule("mx.example", section("mx.example. 300 IN CNAME host.example.", "host.example. 300 IN A 192.0.2.1"))
    route = await resolver.route("x.example")
    assert (route.verdict, route.notes) == (None, ("mx is a cname",))
    assert route.exchanges[0].addresses == ("192.0.2.1",)
    assert route.exchanges[0].notes == ("mx is a cname",)


async def test_an_mx_of_another_owner_is_never_used(script: Script, server: NameServer, resolver: Resolver) -> None:
    script.rule("x.example", section("other.example. 300 IN MX 10 evil.example."))
    route = await resolver.route("x.example")
    assert (route.verdict, route.notes) == (DomainVerdict.NO_ROUTE, ("records of another name ignored",))
    assert {name for name, _ in server.asked} == {"x.example"}


WEIRD = (r'a\"b.weird.example.', r"\010a.weird.example.", r"\027[2J.weird.example.", r"a\000b.weird.example.",
         r"a\032b.weird.example.", r"\195\164.weird.example.", "*.weird.example.", r"a\.b.weird.example.")  # fmt: skip


async def test_weird_exchange_names_have_no_address_and_are_not_asked(
    script: Script, server: NameServer, resolver: Resolver
) -> None:
    script.add("x.example", "MX", "5 mx.example.", *(f"10 {name}" for name in WEIRD))
    script.add("mx.example", "A", "192.0.2.1")
    route = await resolver.route("x.example")
    assert (route.verdict, route.exchange_count, len(route.exchanges)) == (None, 9, 9)
    for exchange in route.exchanges[1:]:
        assert exchange.trouble is ProbeVerdict.NO_ADDRESS
        assert "is not a host name" in (exchange.error or "")
        assert (exchange.exchange.name + (exchange.error or "")).isprintable()
    assert {name for name, _ in server.asked} == {"x.example", "mx.example"}


@pytest.mark.parametrize("value", ["127.0.0.1.", "localhost.", "mail.", "2130706433.", "127.1."])
async def test_an_mx_that_is_an_address_or_has_no_dot_is_not_asked(
    script: Script, server: NameServer, resolver: Resolver, value: str
) -> None:
    script.add("x.example", "MX", f"10 {value}")
    script.add(value.removesuffix("."), "A", "127.0.0.1")
    route = await resolver.route("x.example")
    assert route.verdict is DomainVerdict.NO_ROUTE
    (exchange,) = route.exchanges
    assert (exchange.addresses, exchange.trouble) == ((), ProbeVerdict.NO_ADDRESS)
    assert route.notes == (("mx is an address",) if value[0] in "12" else ())
    assert {name for name, _ in server.asked} == {"x.example"}


@pytest.mark.parametrize(
    "name",
    [
        "a\0b.com",
        "a\nb.com",
        "a b.com",
        "",
        ".",
        "a" * 64 + ".com",
        "a.example.",
        "é.example",
        ".".join(["a" * 60] * 5),
    ],
)
async def test_what_is_no_name_is_refused_before_the_resolver(
    server: NameServer, resolver: Resolver, name: str
) -> None:
    r"""c-ares asks `a\0b.com` as `a` and an empty name as the root."""
    with pytest.raises(UsageError):
        await resolver.route(name)
    assert not server.asked


async def test_five_hundred_exchanges_are_cut_and_the_cut_is_noted(
    script: Script, server: NameServer, resolver: Resolver
) -> None:
    """They do not fit into a datagram either."""
    script.add("x.example", "MX", *(f"{n} mx{n}.example." for n in range(1, 501)))
    for number in range(1, 501):
        script.add(f"mx{number}.example", "A", f"192.0.2.{number % 250}")
    route = await resolver.route("x.example")
    assert [exchange.exchange.preference for exchange in route.exchanges] == list(range(1, 17))
    assert (route.exchange_count, route.notes) == (500, ("cut: 484 exchanges",))
    assert server.asked_by_tcp[("x.example", "MX")] == 1
    assert len(server.asked) == 1 + 2 * 16


async def test_a_thousand_addresses_are_cut_and_the_cut_is_noted(script: Script, resolver: Resolver) -> None:
    script.add("x.example", "MX", "10 mx.example.")
    script.add("mx.example", "A", *(f"10.1.{n // 250}.{n % 250}" for n in range(1000)))
    route = await resolver.route("x.example")
    assert (len(route.exchanges[0].addresses), route.notes) == (8, ("cut: 992 addresses",))


async def test_exchanges_without_address_are_told_apart_and_make_no_route(script: Script, resolver: Resolver) -> None:
    script.add("x.example", "MX", "10 nx.example.", "20 bare.example.")
    script.add("bare.example", "TXT", '"x"')
    route = await resolver.route("x.example")
    assert route.verdict is DomainVerdict.NO_ROUTE
    assert [(e.trouble, e.error) for e in route.exchanges] == [
        (ProbeVerdict.NO_ADDRESS, "exchange name does not exist"),
        (ProbeVerdict.NO_ADDRESS, "exchange has no address"),
    ]


async def test_an_exchange_that_could_not_be_looked_up_leaves_the_domain_open(
    script: Script, resolver: Resolver
) -> None:
    script.add("x.example", "MX", "10 nx.example.", "20 lame.example.")
    script.rule("lame.example", coded(rcode.SERVFAIL))
    route = await resolver.route("x.example")
    assert route.verdict is None
    assert [e.trouble for e in route.exchanges] == [ProbeVerdict.NO_ADDRESS, ProbeVerdict.DNS_FAILED]
    assert route.exchanges[1].error == "A look-up failed: SERVFAIL, AAAA look-up failed: SERVFAIL"


async def test_truncation_that_tcp_resets_is_a_failed_look_up(script: Script, server: NameServer) -> None:
    script.rule("x.example", truncated, reset)
    async with impatient(server) as resolver:
        assert (await resolver.route("x.example")).verdict is FAILED


async def test_truncation_where_nothing_listens_on_tcp_is_a_failed_look_up(script: Script, server: NameServer) -> None:
    script.rule("x.example", truncated)
    assert server.listener is not None
    server.listener.close()
    async with impatient(server) as resolver:
        route = await resolver.route("x.example")
    assert (route.verdict, route.error) == (FAILED, "MX look-up failed: resolver not reachable")


def other_id(wire: bytes) -> bytes:
    return bytes([wire[0] ^ 1]) + wire[1:]


def bad_record_length(wire: bytes) -> bytes:
    """RDLENGTH 65535 in a message that ends long before."""
    end = len(wire) - wire[::-1].index(b"\x0a\x00") - 4
    return wire[:end] + b"\xff\xff" + wire[end + 2 :]


@pytest.mark.parametrize(
    "garble",
    [other_id, lambda wire: wire[:11], lambda _: b"", bad_record_length],
    ids=["badid", "short", "empty", "badrdlen"],
)
async def test_garbled_answers_are_failed_look_ups(
    script: Script, server: NameServer, garble: Callable[[bytes], bytes]
) -> None:
    script.rule("x.example", garbled(garble))
    async with impatient(server) as resolver:
        assert (await resolver.route("x.example")).verdict is FAILED


async def test_an_answer_that_comes_twice_counts_once(script: Script, server: NameServer, resolver: Resolver) -> None:
    honest = section("x.example. 300 IN MX 10 mx.example.")
    script.rule("x.example", lambda query: honest(query)._replace(copies=2))
    script.add("mx.example", "A", "192.0.2.1")
    for _ in range(3):
        assert (await resolver.route("x.example")).exchanges[0].addresses == ("192.0.2.1",)
    assert server.asked[("x.example", "MX")] == 3


async def test_a_hot_exchange_costs_one_look_up_for_a_thousand_domains(
    script: Script, server: NameServer, resolver: Resolver
) -> None:
    for number in range(1000):
        script.add(f"d{number}.example", "MX", "10 mx.example.")
    script.add("mx.example", "A", "192.0.2.1")
    async with asyncio.TaskGroup() as tasks:
        routes = [tasks.create_task(resolver.route(f"d{number}.example")) for number in range(1000)]
    assert {route.result().exchanges[0].addresses for route in routes} == {("192.0.2.1",)}
    assert (server.asked[("mx.example", "A")], server.asked[("mx.example", "AAAA")]) == (1, 1)
    script.add("last.example", "MX", "10 mx.example.")
    asked = server.asked.total()
    await resolver.route("last.example")
    assert server.asked.total() - asked == 1


async def test_an_answer_with_ttl_0_is_shared_by_those_who_ask_together_and_no_later(
    script: Script, server: NameServer
) -> None:
    addresses = itertools.cycle(["192.0.2.1", "127.0.0.1"])

    def rebinding(query: dns.message.Message) -> Response:
        asks_a = query.question[0].rdtype == rdatatype.A
        return section(*([f"mx.example. 0 IN A {next(addresses)}"] if asks_a else []))(query)

    script.rule("mx.example", rebinding)
    script.add("x.example", "MX", "10 mx.example.")
    script.add("y.example", "MX", "10 mx.example.")
    now = 0.0
    async with Resolver([(server.address, server.port)], clock=lambda: now) as resolver:
        async with asyncio.TaskGroup() as tasks:
            together = [tasks.create_task(resolver.route(name)) for name in ("x.example", "y.example")]
        assert {route.result().exchanges[0].addresses for route in together} == {("192.0.2.1",)}
        now = 1.5
        assert (await resolver.route("x.example")).exchanges[0].addresses == ("127.0.0.1",)


async def test_a_host_that_was_typed_may_be_an_address_or_localhost(server: NameServer, resolver: Resolver) -> None:
    assert (await resolver.addresses("127.0.0.9")).addresses == ("127.0.0.9",)
    assert (await resolver.addresses("::0001")).addresses == ("::1",)
    assert (await resolver.addresses("LocalHost.")).addresses == ("127.0.0.1", "::1")
    assert not server.asked


async def test_a_host_that_was_typed_is_looked_up(script: Script, resolver: Resolver) -> None:
    script.add("mx.example", "A", *(f"10.0.0.{n}" for n in range(10)))
    host = await resolver.addresses("MX.example.")
    assert host.exchange == Exchange("mx.example", None, Role.DIRECT)
    assert (len(host.addresses), host.notes) == (8, ("cut: 2 addresses",))
    assert (await resolver.addresses("nx.example")).trouble is ProbeVerdict.NO_ADDRESS


async def test_existence_is_yes_no_or_cannot_tell(script: Script, resolver: Resolver) -> None:
    script.add("mail.example", "MX", "10 mx.example.")
    script.add("host.example", "AAAA", "2001:db8::1")
    script.add("bare.example", "TXT", '"x"')
    script.rule("lame.example", coded(rcode.SERVFAIL))
    names = ("mail.example", "Host.example.", "bare.example", "nx.example", "lame.example")
    assert [await resolver.exists(name) for name in names] == [True, True, False, False, None]


async def test_an_address_has_the_name_that_reverse_dns_gives_it(script: Script, resolver: Resolver) -> None:
    script.add("1.2.0.192.in-addr.arpa", "PTR", "MX1.Example.")
    script.rule("4.2.0.192.in-addr.arpa", coded(rcode.SERVFAIL))
    assert await resolver.name_of("192.0.2.1") == "mx1.example"
    assert [await resolver.name_of(f"192.0.2.{n}") for n in (3, 4)] == [None, None]


async def test_closing_cancels_those_who_wait(script: Script, server: NameServer) -> None:
    asked = asyncio.Event()

    def note(query: dns.message.Message) -> Response:
        asked.set()
        return silent(query)

    script.rule("x.example", note)
    resolver = Resolver([(server.address, server.port)])
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(resolver.route("x.example"))
        await asked.wait()
        await resolver.close()
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert resolver.channel.in_flight == 0
