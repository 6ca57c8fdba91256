from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.addresses import (
    TABLE,
    Address,
    Fence,
    Intervals,
    Networks,
    Range,
    canonical,
    parse_address,
    parse_range,
)
from scanner.terms import ProbeVerdict, UsageError

FORBIDDEN = ProbeVerdict.ADDRESS_FORBIDDEN
EXCLUDED = ProbeVerdict.EXCLUDED

# The table once more, by hand: what the code's table is held against. True: not even with --allow-net.
ROWS = {
    "0.0.0.0/8": True,
    "10.0.0.0/8": False,
    "100.64.0.0/10": False,
    "127.0.0.0/8": False,
    "169.254.0.0/16": False,
    "172.16.0.0/12": False,
    "192.0.0.0/24": False,
    "192.0.2.0/24": False,
    "192.88.99.0/24": False,
    "192.168.0.0/16": False,
    "198.18.0.0/15": False,
    "198.51.100.0/24": False,
    "203.0.113.0/24": False,
    "224.0.0.0/4": True,
    "240.0.0.0/4": True,
    "64:ff9b:1::/48": False,
    "100::/64": False,
    "2001::/23": False,
    "2001:db8::/32": False,
    "2002::/16": False,
    "3fff::/20": False,
    "5f00::/16": False,
    "fc00::/7": False,
    "fe80::/10": False,
    "fec0::/10": False,
    "ff00::/8": True,
}

# One step outside each block, where that is an address of somebody.
NEIGHBOURS = [
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
    "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
    "2000::", "2001:200::", "2001:db7:ffff::1", "2001:db9::", "2001:ffff::1", "2003::", "3ffe::1", "3fff:1000::1",
    "2a00:1450:4001:81b::200e",
]  # fmt: skip

# IPv4 inside IPv6: the outer form, and whether it may be dialled as an exchange of a public domain.
EMBEDDED = {
    "::ffff:8.8.8.8": True,
    "::ffff:1.1.1.1": True,
    "::ffff:223.255.255.255": True,
    "::ffff:127.0.0.1": False,
    "::ffff:127.255.255.254": False,
    "::ffff:10.0.0.1": False,
    "::ffff:172.16.0.1": False,
    "::ffff:172.31.255.255": False,
    "::ffff:172.32.0.0": True,
    "::ffff:192.168.1.1": False,
    "::ffff:169.254.169.254": False,
    "::ffff:100.64.0.1": False,
    "::ffff:192.0.2.1": False,
    "::ffff:198.19.255.255": False,
    "::ffff:0.0.0.0": False,
    "::ffff:0.0.0.1": False,
    "::ffff:224.0.0.1": False,
    "::ffff:255.255.255.255": False,
    "::8.8.8.8": True,
    "::127.0.0.1": False,
    "::10.0.0.1": False,
    "::0.0.0.2": False,
    "::224.0.0.1": False,
    "::169.254.169.254": False,
    "64:ff9b::8.8.8.8": True,
    "64:ff9b::127.0.0.1": False,
    "64:ff9b::10.0.0.1": False,
    "64:ff9b::169.254.169.254": False,
    "64:ff9b::192.168.0.1": False,
    "64:ff9b::224.0.0.251": False,
    "64:ff9b::0.0.0.0": False,
    "64:ff9b:1::8.8.8.8": False,
    "64:ff9b:1::127.0.0.1": False,
    "::ffff:0:8.8.8.8": False,
    "::ffff:0:127.0.0.1": False,
    "2002:808:808::1": False,
    "2002:7f00:1::1": False,
    "2002:a00:1::": False,
    "2002:e000:1::1": False,
    "2001:0:808:808:0:ffff:f7f7:f7f7": False,
    "2001:0:7f00:1:0:ffff:f7f7:f7f7": False,
    "2001:0:808:808:0:ffff:80ff:fffe": False,
}


def text(address: object) -> str:
    """As Python writes it, which is the only form that may be dialled."""
    return str(ip_address(address))  # type: ignore[arg-type]


def verdict(fence: Fence, address: str, *, typed: bool = False) -> ProbeVerdict | None:
    ban = fence.check(address, typed=typed)
    return ban and ban.verdict


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.mark.parametrize("row", ROWS)
def test_both_ends_of_each_reserved_block_are_forbidden(fence: Fence, row: str) -> None:
    network = ip_network(row)
    for address in (network[0], network[1], network[network.num_addresses // 2], network[-2], network[-1]):
        assert verdict(fence, text(address)) is FORBIDDEN


@pytest.mark.parametrize("row", [row for row, never in ROWS.items() if not never])
def test_a_reserved_block_may_be_dialled_where_the_operator_allows_or_types_it(fence: Fence, row: str) -> None:
    for address in (ip_network(row)[0], ip_network(row)[-1]):
        assert Fence(allow=Networks.from_text([row])).check(text(address)) is None
        assert fence.check(text(address), typed=True) is None


@pytest.mark.parametrize("row", [*(row for row, never in ROWS.items() if never), "::/128", "::ffff:0:0/104"])
def test_multicast_and_reserved_are_never_dialled_whatever_is_allowed_or_typed(row: str) -> None:
    fence = Fence(allow=Networks.from_text(["0.0.0.0/0", "::/0"]))
    for address in (ip_network(row)[0], ip_network(row)[-1]):
        ban = fence.check(text(address), typed=True)
        assert ban is not None
        assert ban.verdict is FORBIDDEN
        assert ban.reason.endswith("never dialled")


def test_the_table_in_the_code_holds_these_rows_and_the_rest_of_ipv6() -> None:
    rows = {str(row.network): row.never for row in TABLE}
    rest = {"::/128": True, "::1/128": False, "::/8": False, "::/3": False, "4000::/2": False, "8000::/1": False}
    assert rows == ROWS | rest


@pytest.mark.parametrize("address", NEIGHBOURS)
def test_the_neighbours_of_reserved_blocks_may_be_dialled(fence: Fence, address: str) -> None:
    assert fence.check(address) is None


@pytest.mark.parametrize("address", ["::1", "::", "200::1", "1fff:ffff::", "4000::", "5eff::", "8000::1", "fbff::1"])
def test_all_outside_global_unicast_ipv6_is_forbidden(fence: Fence, address: str) -> None:
    assert verdict(fence, address) is FORBIDDEN


@pytest.mark.parametrize(("address", "free"), EMBEDDED.items())
def test_ipv4_inside_ipv6_is_judged_by_what_is_inside(fence: Fence, address: str, free: bool) -> None:  # noqa: FBT001 - a column
    assert (fence.check(text(address)) is None) is free


def test_forty_embedded_literals_are_tried() -> None:
    assert len(EMBEDDED) >= 40


@pytest.mark.parametrize("address", ["::ffff:10.1.2.3", "::10.1.2.3", "64:ff9b::10.1.2.3"])
def test_allowing_an_ipv4_network_allows_its_other_spellings_and_names_one(address: str) -> None:
    for allowed in ("10.1.0.0/16", str(ip_network(text(address)))):
        assert Fence(allow=Networks.from_text([allowed])).check(text(address)) is None
    assert verdict(Fence(allow=Networks.from_text(["10.2.0.0/16"])), text(address)) is FORBIDDEN


def test_allowing_loopback_does_not_allow_a_tunnel_that_ends_there() -> None:
    fence = Fence(allow=Networks.from_text(["127.0.0.0/8"]))
    assert verdict(fence, text("2002:7f00:1::1")) is FORBIDDEN
    assert fence.check("127.0.0.1") is None


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "::ffff:10.1.2.3", "::10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1",
        "2001:0:a01:203:0:ffff:f7f7:f7f7", "2001:0:808:808:0:ffff:f5fe:fdfc",
    ],
)  # fmt: skip
def test_an_exclusion_wins_over_allowed_and_typed_in_every_spelling(address: str) -> None:
    fence = Fence(allow=Networks.from_text(["0.0.0.0/0", "::/0"]), exclude=Networks.from_text(["10.1.2.3"]))
    for typed in (False, True):
        assert verdict(fence, text(address), typed=typed) is EXCLUDED
    assert fence.check("10.1.2.4") is None


def test_an_exclusion_wins_over_forbidden_and_over_public() -> None:
    fence = Fence(exclude=Networks.from_text(["224.0.0.1", "8.8.8.0/24", "2a00::/16"]))
    assert [verdict(fence, a) for a in ("224.0.0.1", "8.8.8.8", "2a00::1")] == [EXCLUDED] * 3
    assert fence.check("8.8.9.8") is None


def test_excluding_mapped_addresses_excludes_the_ipv4_addresses_but_all_ipv6_does_not() -> None:
    assert verdict(Fence(exclude=Networks.from_text(["::ffff:808:0/112"])), "8.8.8.8") is EXCLUDED
    for wider in ("::/0", "::fffe:0:0/95", "::2-::ffff:909:909", "::ffff:0:0-2a00::"):
        assert Fence(exclude=Networks.from_text([wider])).check("8.8.8.8") is None


@pytest.mark.parametrize("address", ["8.8.4.4", "::ffff:8.8.4.4", "2a00::5"])
def test_our_own_addresses_are_forbidden_unless_allowed_or_typed(address: str) -> None:
    own: frozenset[Address] = frozenset({IPv4Address("8.8.4.4"), IPv6Address("2a00::5")})
    ban = Fence(own=own).check(text(address))
    assert ban is not None
    assert "of this host" in ban.reason
    assert Fence(own=own).check(text(address), typed=True) is None
    assert Fence(own=own, allow=Networks.from_text(["8.8.4.4", "2a00::/16"])).check(text(address)) is None


@pytest.mark.parametrize(
    "spelling",
    [
        "127.1", "0177.0.0.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "8.8.8", "8.8.8.8 ", " 8.8.8.8", "8.8.8.8\n",
        "8.8.8.08", "8.8.8.8/32", "[8.8.8.8]", "٨.٨.٨.٨", "2A00::1", "2a00:0::1", "2a00::01", "2a00::1%eth0",
        "fe80::1%lo", "", "localhost", "mx.example", "8.8.8.8\0", "::ffff:8.8.8.8:25",
    ],
)  # fmt: skip
def test_only_the_canonical_text_of_an_address_may_be_dialled(spelling: str) -> None:
    fence = Fence(allow=Networks.from_text(["0.0.0.0/0", "::/0"]))
    assert verdict(fence, spelling) is FORBIDDEN
    assert verdict(fence, spelling, typed=True) is FORBIDDEN


def test_loopback_of_ipv6_is_loopback_and_not_ipv4_inside_ipv6(fence: Fence) -> None:
    assert fence.check("::1", typed=True) is None
    assert Fence(allow=Networks.from_text(["::1"])).check("::1") is None
    assert verdict(Fence(allow=Networks.from_text(["0.0.0.0/8"])), "::1") is FORBIDDEN


def test_our_own_address_is_known_in_the_form_that_the_interface_has(fence: Fence) -> None:
    """A translator may have an address of 64:ff9b::/96 itself."""
    address = text("64:ff9b::8.8.4.4")
    assert fence.check(address) is None
    assert verdict(Fence(own=frozenset({IPv6Address(address)})), address) is FORBIDDEN


def test_a_reason_names_the_address_what_it_stands_for_and_the_block(fence: Fence) -> None:
    ban = fence.check("64:ff9b::a00:1")
    assert ban is not None
    assert ban.reason == (
        "64:ff9b::a00:1 (stands for 10.0.0.1) lies in 10.0.0.0/8, private use (RFC 1918): "
        "not dialled unless --allow-net names it"
    )


def test_a_reason_shows_a_hostile_text_safely(fence: Fence) -> None:
    ban = fence.check("\x1b[31m" + "x" * 5000)
    assert ban is not None
    assert ban.reason.isprintable()
    assert len(ban.reason) < 200


addresses = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.ip_addresses(v=4).map(lambda inner: IPv6Address((0xFFFF << 32) | int(inner))),
)


@given(addresses)
def test_what_passes_the_fence_is_global_unicast(address: IPv4Address | IPv6Address) -> None:
    """Held against the hand-written rows, and against Python's own view, which forbids less but never wrongly."""
    if Fence().check(str(address)) is not None:
        return
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    assert inner.is_global
    assert not any(inner in ip_network(row) for row in ROWS)


def networks(version: int) -> st.SearchStrategy[IPv4Network | IPv6Network]:
    """CIDRs close together, so that they overlap, touch and nest."""
    bits, base = (32, 0x0A000000) if version == 4 else (128, 0x20010DB8 << 96)
    return st.builds(
        lambda low, prefix: ip_network(((base | low) >> (bits - prefix) << (bits - prefix), prefix)),
        st.integers(0, 1023),
        st.integers(bits - 9, bits),
    )


@given(st.lists(st.one_of(networks(4), networks(6)), max_size=30), st.lists(st.integers(-2, 1025), min_size=1))
def test_membership_is_that_of_any_of_the_networks(
    members: list[IPv4Network | IPv6Network], offsets: list[int]
) -> None:
    merged = Networks.from_text(map(str, members))
    assert bool(merged) is bool(members)
    for offset in offsets:
        for address in (IPv4Address(0x0A000000 + offset), IPv6Address((0x20010DB8 << 96) + offset)):
            naive = any(address.version == member.version and address in member for member in members)
            assert (address in merged) is naive


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=20))
def test_intervals_are_sorted_disjoint_and_never_touch(pairs: list[tuple[int, int]]) -> None:
    intervals = Intervals.merged((first, first + more) for first, more in pairs)
    bounds = [bound for pair in zip(intervals.firsts, intervals.lasts, strict=True) for bound in pair]
    assert bounds == sorted(bounds)
    assert all(last + 1 < first for last, first in zip(intervals.lasts, intervals.firsts[1:], strict=False))
    values = {value for first, more in pairs for value in range(first, first + more + 1)}
    assert {value for value in range(-1, 80) if intervals.contains(value)} == values


def test_a_hundred_thousand_exclusions_merge_into_what_they_cover() -> None:
    half = Networks.merged(Range(4, i * 512, i * 512 + 255) for i in range(100_000))
    assert IPv4Address(512 * 77_777 + 255) in half
    assert IPv4Address(512 * 77_777 + 256) not in half
    assert len(Networks.merged(Range(4, i * 256, i * 256 + 255) for i in range(100_000)).v4.firsts) == 1


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("192.0.2.0/24", Range(4, 0xC0000200, 0xC00002FF)),
        ("192.0.2.1", Range(4, 0xC0000201, 0xC0000201)),
        ("192.0.2.1 - 192.0.2.9", Range(4, 0xC0000201, 0xC0000209)),
        ("0.0.0.0/0", Range(4, 0, 2**32 - 1)),
        ("2001:DB8::/32", Range(6, 0x20010DB8 << 96, (0x20010DB9 << 96) - 1)),
        ("::1-::2", Range(6, 1, 2)),
    ],
)
def test_an_address_a_cidr_and_a_range_are_read(given_text: str, expected: Range) -> None:
    assert parse_range(given_text) == expected


@pytest.mark.parametrize(
    "bad",
    [
        "", "/", "-", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/٨", "10.0.0.0/255.0.0.0",
        "10.0.0.1/8", "10.0.0/8", "::/129", "fe80::1%eth0/128", "fe80::1%eth0", "10.0.0.9-10.0.0.1", "10.0.0.1-::2",
        "10.0.0.1-", "10.0.0.0/8/8", "10.0.0.0-10.0.0.9/8", "mx.example", "127.1", "\x1b[2J",
    ],
)  # fmt: skip
def test_what_is_no_range_is_refused_with_a_sentence_that_names_it(bad: str) -> None:
    with pytest.raises(UsageError, match=r"^'.*'") as caught:
        Networks.from_text(["192.0.2.1", bad])
    assert str(caught.value).isprintable()
    assert bad.isprintable() is (f"'{bad}'" in str(caught.value))


def test_bits_behind_the_prefix_get_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"10\.0\.0\.0/8, or 10\.1\.2\.3 alone"):
        parse_range("10.1.2.3/8")


def test_a_typed_address_may_be_written_in_other_ways_but_not_with_a_scope() -> None:
    assert str(parse_address("2001:DB8:0::1")) == "2001:db8::1"
    for bad in ("127.1", "fe80::1%eth0", "mx.example"):
        with pytest.raises(UsageError):
            parse_address(bad)


@given(st.text())
def test_no_text_makes_the_fence_fail(anything: str) -> None:
    known = canonical(anything)
    assert known is None or str(known) == anything
    if known is None:
        assert verdict(Fence(), anything) is FORBIDDEN
