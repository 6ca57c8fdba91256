"""Which addresses may be dialled: the fence that every dial passes, whatever DNS says.

A public domain may name a private, loopback or multicast address as its exchange, by mistake or to make us knock on
doors for a stranger. `Fence.check` answers for one address; what was checked is what must be dialled. The table is our
own and frozen: `ipaddress.is_global` changes between Python releases and calls 224.0.0.0/4, 2002:7f00:1:: and
::127.0.0.1 global on some. IPv4 inside IPv6 is judged by what is inside.

No failure but `UsageError`, from the parsers of what the operator wrote.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from scanner.escape import quoted
from scanner.terms import ProbeVerdict, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = IPv4Address | IPv6Address


class Row(NamedTuple):
    """A block of addresses that is not dialled, with the document that reserves it. `never`: `--allow-net` or not."""

    network: IPv4Network | IPv6Network
    name: str
    source: str
    never: bool = False


def row(network: str, name: str, source: str, *, never: bool = False) -> Row:
    """A row of the table from text."""
    return Row(ip_network(network), name, source, never)


# IANA's special-purpose address registries as of 2024-10-22, and what its address space registries reserve or give to
# other uses than unicast. Of the rows that hold an address the most exact comes first: it gives the sentence.
TABLE = (
    # Linux connects 0.0.0.0 to the host itself (measured).
    row("0.0.0.0/8", "this network", "RFC 791", never=True),
    row("10.0.0.0/8", "private use", "RFC 1918"),
    row("100.64.0.0/10", "shared address space", "RFC 6598"),
    row("127.0.0.0/8", "loopback", "RFC 1122"),
    row("169.254.0.0/16", "link local", "RFC 3927"),
    row("172.16.0.0/12", "private use", "RFC 1918"),
    row("192.0.0.0/24", "IETF protocol assignments", "RFC 6890"),
    row("192.0.2.0/24", "documentation", "RFC 5737"),
    row("192.88.99.0/24", "6to4 relay anycast", "RFC 7526"),
    row("192.168.0.0/16", "private use", "RFC 1918"),
    row("198.18.0.0/15", "benchmarking", "RFC 2544"),
    row("198.51.100.0/24", "documentation", "RFC 5737"),
    row("203.0.113.0/24", "documentation", "RFC 5737"),
    row("224.0.0.0/4", "multicast", "RFC 1112", never=True),
    row("240.0.0.0/4", "reserved", "RFC 1112", never=True),
    row("::/128", "the unspecified address", "RFC 4291", never=True),
    row("::1/128", "loopback", "RFC 4291"),
    row("64:ff9b:1::/48", "local-use IPv4/IPv6 translation", "RFC 8215"),
    row("100::/64", "discard-only", "RFC 6666"),
    row("::/8", "reserved", "RFC 4291"),
    row("2001::/23", "IETF protocol assignments", "RFC 2928"),
    row("2001:db8::/32", "documentation", "RFC 3849"),
    row("2002::/16", "6to4", "RFC 3056"),
    row("3fff::/20", "documentation", "RFC 9637"),
    row("5f00::/16", "segment routing", "RFC 9602"),
    row("fc00::/7", "unique local", "RFC 4193"),
    row("fe80::/10", "link local", "RFC 4291"),
    row("fec0::/10", "site local", "RFC 3879"),
    row("ff00::/8", "multicast", "RFC 4291", never=True),
    # All that is left beside 2000::/3, the only block that is global unicast.
    row("::/3", "outside global unicast", "RFC 4291"),
    row("4000::/2", "outside global unicast", "RFC 4291"),
    row("8000::/1", "outside global unicast", "RFC 4291"),
)


class Range(NamedTuple):
    """Addresses from `first` to `last`, both included, as integers; `version` is 4 or 6."""

    version: int
    first: int
    last: int


def parse_address(text: str) -> Address:
    """An address that the operator wrote.

    Raises:
        UsageError: no address, or one with a scope id; names the text.
    """
    try:
        address = IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        raise UsageError(f"{quoted(text)} is no IP address") from None
    if "%" in text:
        raise UsageError(f"{quoted(text)}: an address with a scope id cannot be asked")
    return address


def literal_of(address: Address) -> str:
    """An address as a mailbox has it (RFC 5321 4.1.3): `[192.0.2.1]`, `[IPv6:2001:db8::1]`."""
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def parse_range(text: str) -> Range:
    """An address, a CIDR (192.0.2.0/24) or a first and last address (192.0.2.1-192.0.2.9).

    A CIDR with bits set behind its prefix is refused, as Postfix does: whoever writes 10.1.2.3/8 has mistyped one half.

    Raises:
        UsageError: none of these; names the text.
    """
    head, dash, last_text = text.partition("-")
    head, slash, tail = (head, "", "") if dash else text.partition("/")
    try:
        base = parse_address(head.strip())
        last = parse_address(last_text.strip()) if dash else base
    except UsageError:
        raise UsageError(f"{quoted(text)} is no IP address, CIDR or range of addresses") from None
    if base.version != last.version or int(base) > int(last):
        raise UsageError(f"{quoted(text)}: the first address is above the last")
    if not slash:
        return Range(base.version, int(base), int(last))
    bits = base.max_prefixlen
    if not (tail.isascii() and tail.isdigit() and len(tail) <= 3 and int(tail) <= bits):
        raise UsageError(f"{quoted(text)}: the prefix length is not a number from 0 to {bits}")
    rest = (1 << (bits - int(tail))) - 1
    if int(base) & rest:
        network = type(base)(int(base) & ~rest)
        raise UsageError(f"{quoted(text)} has bits set behind its prefix; {network}/{tail}, or {base} alone?")
    return Range(base.version, int(base), int(base) | rest)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Disjoint ranges of integers, sorted and merged; membership costs one bisection however many there were."""

    firsts: tuple[int, ...] = ()
    lasts: tuple[int, ...] = ()

    @classmethod
    def merged(cls, pairs: Iterable[tuple[int, int]]) -> Intervals:
        """From pairs (first, last) in any order, overlapping or not."""
        firsts: list[int] = []
        lasts: list[int] = []
        for first, last in sorted(pairs):
            if lasts and first <= lasts[-1] + 1:
                lasts[-1] = max(last, lasts[-1])
            else:
                firsts.append(first)
                lasts.append(last)
        return cls(tuple(firsts), tuple(lasts))

    def contains(self, value: int) -> bool:
        """Whether one of the ranges holds the value."""
        place = bisect_right(self.firsts, value)
        return place > 0 and value <= self.lasts[place - 1]


MAPPED = 0xFFFF << 32
"""::ffff:0.0.0.0, where the IPv4-mapped addresses begin."""


@dataclass(frozen=True, slots=True)
class Networks:
    """A set of addresses of both families. A range of IPv4-mapped addresses holds the IPv4 addresses themselves too."""

    v4: Intervals = field(default_factory=Intervals)
    v6: Intervals = field(default_factory=Intervals)

    @classmethod
    def merged(cls, ranges: Iterable[Range]) -> Networks:
        """From ranges in any order, overlapping or not."""
        v4: list[tuple[int, int]] = []
        v6: list[tuple[int, int]] = []
        for version, first, last in ranges:
            (v4 if version == 4 else v6).append((first, last))
            # A socket to ::ffff:192.0.2.1 speaks IPv4 to 192.0.2.1: one host. But ::/0 means "all IPv6".
            if version == 6 and first >= MAPPED and last <= MAPPED | 0xFFFFFFFF:
                v4.append((first - MAPPED, last - MAPPED))
        return cls(Intervals.merged(v4), Intervals.merged(v6))

    @classmethod
    def from_text(cls, texts: Iterable[str]) -> Networks:
        """From CIDRs, addresses and ranges as `parse_range` reads them.

        Raises:
            UsageError: names the text that is none of these.
        """
        return cls.merged(parse_range(text.strip()) for text in texts)

    def __contains__(self, address: Address) -> bool:
        return (self.v4 if address.version == 4 else self.v6).contains(int(address))

    def __bool__(self) -> bool:
        return bool(self.v4.firsts or self.v6.firsts)


def networks_of(rows: Iterable[Row]) -> Networks:
    """The addresses of some rows of the table."""
    return Networks.merged(
        Range(network.version, int(network.network_address), int(network.broadcast_address))
        for network in (each.network for each in rows)
    )


RESERVED = networks_of(TABLE)
NEVER = networks_of(each for each in TABLE if each.never)


def stands_for(address: Address) -> Address:
    """The IPv4 address that an IPv6 address is only another spelling of, else the address itself.

    IPv4-mapped ::ffff:0:0/96 and IPv4-compatible ::/96 (RFC 4291 2.5.5), and 64:ff9b::/96, which a translator turns
    into the IPv4 address at the end (RFC 6052). :: and ::1 are no IPv4 addresses, though they lie in ::/96.
    """
    value = int(address)
    if address.version == 6 and value >> 32 in {0, 0xFFFF, 0x0064FF9B << 64} and value > 1:
        return IPv4Address(value & 0xFFFFFFFF)
    return address


def carried(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that a tunnel's IPv6 address carries: not where a dial would go, but whom it would reach.

    6to4 2002::/16: the router's (RFC 3056). Teredo 2001::/32: the server's, and the client's with its bits inverted
    (RFC 4380 4).
    """
    value = int(address)
    if address.version == 6 and value >> 112 == 0x2002:
        return (IPv4Address(value >> 80 & 0xFFFFFFFF),)
    if address.version == 6 and value >> 96 == 0x20010000:
        return (IPv4Address(value >> 64 & 0xFFFFFFFF), IPv4Address(~value & 0xFFFFFFFF))
    return ()


def canonical(text: str) -> Address | None:
    """The address, where the text is exactly what Python writes for it.

    None for the rest: what inet_aton or getaddrinfo would make an address of (127.1, 0177.0.0.1, 2130706433) never
    passed the fence under that name.
    """
    try:
        address = IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        return None
    return address if str(address) == text else None


REMEMBERED = 10_000
"""Answers of a fence that are kept: an exchange is dialled for thousands of domains."""


class Ban(NamedTuple):
    """Why an address is not dialled: ADDRESS_FORBIDDEN or EXCLUDED, with a sentence for the record's `error`."""

    verdict: ProbeVerdict
    reason: str


@dataclass(frozen=True, slots=True)
class Fence:
    """What may be dialled in this run.

    Attributes:
        allow: `--allow-net`: reserved or own addresses that may be dialled all the same.
        exclude: `--exclude`: wins over all else.
        own: the addresses of this host's interfaces.
        known: answers already given; nothing above changes.
    """

    allow: Networks = field(default_factory=Networks)
    exclude: Networks = field(default_factory=Networks)
    own: frozenset[Address] = frozenset()
    known: dict[tuple[str, bool], Ban | None] = field(default_factory=dict, compare=False, repr=False)

    def check(self, address: str, *, typed: bool = False) -> Ban | None:
        """Why the address may not be dialled; None where it may.

        Args:
            address: canonical, as `str(ipaddress.ip_address(...))` gives it; anything else is forbidden.
            typed: the operator named it (a swept range, a probed host, `--via`), so it may be private, loopback or
                ours; multicast, 0.0.0.0/8 and 240.0.0.0/4 are forbidden even so.
        """
        try:
            return self.known[address, typed]
        except KeyError:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            ban = self.known[address, typed] = self.judge(address, typed=typed)
            return ban

    def judge(self, address: str, *, typed: bool) -> Ban | None:
        """As `check`, without memory."""
        known = canonical(address)
        if known is None:
            return Ban(ProbeVerdict.ADDRESS_FORBIDDEN, f"{quoted(address)} is not an address in its canonical form")
        inner = stands_for(known)
        if self.exclude and any(form in self.exclude for form in (known, inner, *carried(known))):
            return Ban(ProbeVerdict.EXCLUDED, f"{spelling(known, inner)} is excluded by --exclude")
        if inner in NEVER:
            return Ban(ProbeVerdict.ADDRESS_FORBIDDEN, f"{place(known, inner)}: never dialled")
        if "%" in address:
            return Ban(ProbeVerdict.ADDRESS_FORBIDDEN, f"{quoted(address)} has a scope id: never dialled")
        ours = inner in self.own or known in self.own
        if not (ours or inner in RESERVED) or typed or known in self.allow or inner in self.allow:
            return None
        where = f"{spelling(known, inner)} is an address of this host" if ours else place(known, inner)
        return Ban(ProbeVerdict.ADDRESS_FORBIDDEN, f"{where}: not dialled unless --allow-net names it")


def spelling(known: Address, inner: Address) -> str:
    """The address, and what it stands for where that is another."""
    return str(known) if known == inner else f"{known} (stands for {inner})"


def place(known: Address, inner: Address) -> str:
    """In which reserved block the address, or the one inside it, lies."""
    found = next(each for each in TABLE if inner in each.network)
    return f"{spelling(known, inner)} lies in {found.network}, {found.name} ({found.source})"
