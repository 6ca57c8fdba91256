"""The table: every hostile answer of DNS that we know of, and what has to become of the domain that it is about."""

from __future__ import annotations

import ipaddress
import itertools
from typing import TYPE_CHECKING

import dns.flags
import dns.rcode

from scanner.pool.interfaces import own_addresses
from tests.hostile_dns.case import (
    ACCEPTED,
    FAILED,
    FORBIDDEN,
    NO_ADDRESS,
    Case,
    Setting,
    beside,
    cut_off,
    echo,
    flagged,
    on_the_wire,
    over_tcp_raw,
    question_of_another,
    twice,
    with_code,
    without_question,
)
from tests.hostile_dns.nameserver import Dripped
from tests.resolve.script import coded, reset, silent, truncated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TO_MX = "@ MX 10 mx.@."
PRIVATE, SERVED, EVIL = "10.9.9.9", "127.60.201.{}", "127.60.202.{}"
"""What an honest answer names where nothing is dialled; a mail server that takes all; one that DNS must not lead to."""
NOWHERE = ((None, NO_ADDRESS),)
BEHIND_THE_FENCE = ((PRIVATE, FORBIDDEN),)
UNKNOWN = ((None, FAILED),)
MX_FAILED = "MX look-up failed"


def fenced(*addresses: str) -> tuple[tuple[str, str], ...]:
    """Probes that nobody dials."""
    return tuple((address, FORBIDDEN) for address in addresses)


def served(*addresses: str) -> tuple[tuple[str, str], ...]:
    """Probes that a mail server took."""
    return tuple((address, ACCEPTED) for address in addresses)


def lost(name: str, row: int, **more: object) -> Case:
    """A domain whose MX cannot be looked up: that is never "no MX", though it has an address, and nothing is asked."""
    return Case(name, row, ("@ A 10.9.9.8", TO_MX), "dns_failed", error=MX_FAILED, **more)  # type: ignore[arg-type]


CODES = [
    Case("NODATA and no address", 1, ("@ TXT x",), "no_route", NOWHERE, "exchange has no address"),
    Case("NXDOMAIN", 1, (), "no_domain", rules={"@ MX": coded(dns.rcode.NXDOMAIN)}),
    Case("NXDOMAIN with an MX beside it", 1, (TO_MX,), "no_domain", twists={"@ MX": with_code(dns.rcode.NXDOMAIN)}),
    *(
        lost(f"{dns.rcode.to_text(code)} for the MX", 1, rules={"@ MX": coded(code)})
        for code in map(dns.rcode.from_text, ("FORMERR", "SERVFAIL", "NOTIMP", "REFUSED"))
    ),
    *(lost(f"rcode {code} for the MX", 1, rules={"@ MX": coded(code)}) for code in (*range(6, 16), 16, 23, 4095)),
    lost("SERVFAIL with the MX beside it", 1, twists={"@ MX": with_code(dns.rcode.SERVFAIL)}),
    lost("silence for the MX", 1, rules={"@ MX": silent}),
    Case("silence for all of the exchange", 1, (TO_MX,), "inconclusive", UNKNOWN, rules={"mx.@ *": silent}),
    Case("SERVFAIL for the addresses only", 1, (TO_MX,), "inconclusive", UNKNOWN, "A look-up failed: SERVFAIL, AAAA",
         rules={"mx.@ *": coded(dns.rcode.SERVFAIL)}),
    Case("SERVFAIL for A, nothing for AAAA", 1, (TO_MX,), "inconclusive", UNKNOWN, "A look-up failed: SERVFAIL",
         rules={"mx.@ A": coded(dns.rcode.SERVFAIL)}),
    Case("SERVFAIL for A, an AAAA", 1, (TO_MX, "mx.@ AAAA fd00:9::9"), "undeliverable", fenced("fd00:9::9"),
         notes=("A look-up failed: SERVFAIL",), rules={"mx.@ A": coded(dns.rcode.SERVFAIL)}),
    Case("SERVFAIL for the domain's own A", 1, ("@ TXT x",), "inconclusive", UNKNOWN, "A look-up failed: SERVFAIL",
         rules={"@ A": coded(dns.rcode.SERVFAIL)}),
    Case("silence for AAAA", 1, (TO_MX, f"mx.@ A {PRIVATE}"), "undeliverable", BEHIND_THE_FENCE,
         notes=("AAAA look-up failed",), rules={"mx.@ AAAA": silent}),
    Case("the exchange does not exist", 1, (TO_MX,), "no_route", NOWHERE, "exchange name does not exist"),
    Case("NXDOMAIN for A, an AAAA", 1, (TO_MX, "mx.@ AAAA fd00:9::9"), "undeliverable", fenced("fd00:9::9"),
         rules={"mx.@ A": coded(dns.rcode.NXDOMAIN)}),
]  # fmt: skip

NULL = [
    Case("null MX", 2, ("@ MX 0 .", f"@ A {PRIVATE}"), "no_mail"),
    Case("null MX of preference 10", 2, ("@ MX 10 .",), "no_mail"),
    Case("null MX twice", 2, ("@ MX 0 .", "@ MX 10 ."), "no_mail"),
    Case("null MX beside others", 2, ("@ MX 0 .", TO_MX, f"mx.@ A {PRIVATE}"), "undeliverable", BEHIND_THE_FENCE,
         notes=("null mx beside others",)),
    Case("null MX behind an alias", 2, (), "no_mail",
         sections={"@ MX": ("@. 60 IN CNAME a.@.", "a.@. 60 IN MX 0 .")}),
]  # fmt: skip


def chain(length: int, *ends: str) -> tuple[str, ...]:
    """So many aliases, one leading to the next, and what the last name has."""
    names = ["@", *(f"c{number}.@" for number in range(1, length + 1))]
    links = [f"{owner}. 60 IN CNAME {target}." for owner, target in itertools.pairwise(names)]
    return (*links, *(f"{names[-1]}. 60 IN {end}" for end in ends))


LOOP = "cname loop or chain longer than 10"
HOST = (f"mx.@ A {PRIVATE}",)
CHAINS = [
    *(
        Case(f"a chain of {length}", 3, HOST, "undeliverable", BEHIND_THE_FENCE,
             sections={"@ MX": chain(length, "MX 10 mx.@.")})
        for length in (1, 3, 10)
    ),
    Case("a chain of 3, last link first", 3, HOST, "undeliverable", BEHIND_THE_FENCE,
         sections={"@ MX": chain(3, "MX 10 mx.@.")[::-1]}),
    Case("a chain in letters of both sizes", 3, HOST, "undeliverable", BEHIND_THE_FENCE,
         sections={"@ MX": ("@. 60 IN CNAME AlIaS.@.", "aLiAs.@. 60 IN MX 10 MX.@.")}),
    *(
        Case(f"a chain of {length}", 3, (), "no_route", NOWHERE, notes=(LOOP,),
             sections={"@ *": chain(length, "MX 10 mx.@.", f"A {PRIVATE}")})
        for length in (11, 200)
    ),
    Case("a loop of one", 3, (), "no_route", NOWHERE, notes=(LOOP,), sections={"@ *": ("@. 60 IN CNAME @.",)}),
    Case("a loop of two", 3, (), "no_route", NOWHERE, notes=(LOOP,),
         sections={"@ *": ("@. 60 IN CNAME a.@.", "a.@. 60 IN CNAME @.")}),
    Case("a loop beside the MX", 3, HOST, "undeliverable", BEHIND_THE_FENCE,
         sections={"@ MX": ("@. 60 IN CNAME @.", "@. 60 IN MX 10 mx.@.")}),
    Case("nothing but an alias", 3, (), "no_route", NOWHERE, sections={"@ *": ("@. 60 IN CNAME a.@.",)}),
    Case("an alias that has an address only", 3, (), "undeliverable", BEHIND_THE_FENCE,
         sections={"@ *": ("@. 60 IN CNAME a.@.", f"a.@. 60 IN A {PRIVATE}")}),
    Case("an alias of a name that does not exist", 3, (), "no_domain",
         sections={"@ A": ("@. 60 IN CNAME a.@.",)}, rules={"@ MX": coded(dns.rcode.NXDOMAIN)}),
    Case("an exchange that is an alias", 3, (TO_MX,), "undeliverable", BEHIND_THE_FENCE, notes=("mx is a cname",),
         sections={"mx.@ A": ("mx.@. 60 IN CNAME h.@.", f"h.@. 60 IN A {PRIVATE}")}),
    Case("an exchange that is an alias of itself", 3, (TO_MX,), "no_route", NOWHERE, notes=(LOOP,),
         sections={"mx.@ *": ("mx.@. 60 IN CNAME mx.@.",)}),
    Case("an alias to a name of control characters", 3, (TO_MX,), "undeliverable", BEHIND_THE_FENCE,
         sections={"mx.@ A": (r"mx.@. 60 IN CNAME \027[2J.@.", rf"\027[2J.@. 60 IN A {PRIVATE}")}),
]  # fmt: skip

IGNORED = ("records of another name ignored",)
OWNERS = [
    Case("an MX of another owner", 4, (f"evil.@ A {PRIVATE}",), "no_route", NOWHERE, notes=IGNORED,
         sections={"@ MX": ("other.@. 60 IN MX 10 evil.@.",)}),
    Case("an MX of the parent", 4, (f"evil.@ A {PRIVATE}",), "no_route", NOWHERE, notes=IGNORED,
         sections={"@ MX": ("hostile.example. 60 IN MX 10 evil.@.",)}),
    Case("an MX of the root", 4, (), "no_route", NOWHERE, notes=IGNORED, sections={"@ MX": (". 60 IN MX 10 evil.@.",)}),
    Case("an MX of another owner beside the right one", 4, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": beside("answer", "other.@. 60 IN MX 1 evil.@.", "@. 60 IN MX 20 mx.@.")}),
    Case("an address of another owner", 4, (TO_MX,), "no_route", NOWHERE, notes=IGNORED,
         sections={"mx.@ A": (f"evil.@. 60 IN A {PRIVATE}",)}),
    Case("an alias that belongs to another", 4, (TO_MX,), "no_route", NOWHERE, notes=IGNORED,
         sections={"mx.@ A": ("other.@. 60 IN CNAME h.@.", f"h.@. 60 IN A {PRIVATE}")}),
    Case("an MX in the authority section only", 4, ("@ TXT x",), "no_route", NOWHERE,
         twists={"@ MX": beside("authority", "@. 60 IN MX 10 evil.@.")}),
    Case("an address in the additional section only", 4, (TO_MX,), "no_route", NOWHERE,
         twists={"@ MX": beside("additional", f"mx.@. 60 IN A {PRIVATE}")}),
    Case("an AAAA in the place of the A", 4, (TO_MX,), "no_route", NOWHERE,
         sections={"mx.@ A": ("mx.@. 60 IN AAAA ::1",)}),
    Case("an A in the place of the MX", 4, (f"@ A {PRIVATE}",), "undeliverable", BEHIND_THE_FENCE,
         sections={"@ MX": ("@. 60 IN A 127.0.0.1",)}),
]  # fmt: skip

NAMES = {
    "quotation marks": r"a\"b.@.",
    "JSON that ends the record": r"x\"}\010{\"kind\":\"run\".@.",
    "OSC 52": r"\027]52\;c\;aGk=\007.@.",
    "CSI": r"\027[2J\027[31m.@.",
    "C1 CSI": r"\1552J.@.",
    "a line feed": r"a\010b.@.",
    "CR LF and an SMTP command": r"a\013\010QUIT.@.",
    "NUL": r"a\000b.@.",
    "NUL before an honest end": r"mx.@\000.x.@.",
    "spaces": r"a\032b.@.",
    "a tab": r"a\009b.@.",
    "8-bit": r"\195\164.@.",
    "no UTF-8": r"\255\254\192\175.@.",
    "a bidi override": r"\226\128\174.@.",
    "a wildcard": "*.@.",
    "a dot in a label": r"a\.b.@.",
    "an address in a label": r"127\.0\.0\.1.@.",
    "a backslash": r"a\\010.@.",
    "a hyphen first": "-x.@.",
    "an underscore": "a_b.@.",
    "a slash and dots": r"\.\./etc/passwd.@.",
    "shell": r"\$\(id\)`id`.@.",
    "HTML and console markup": r"<script>[red]%s{0}.@.",
    "63 escapes": r"\027" * 63 + ".@.",
    "255 octets of escapes": ".".join([r"\027" * 63] * 3) + ".x.",
}
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
"""253 characters: 255 octets on the wire, the most that DNS has."""
EXCHANGES = [
    *(
        Case(f"an exchange named with {what}", 5, (f"@ MX 10 {name}",), "no_route", NOWHERE, "is not a host name")
        for what, name in NAMES.items()
    ),
    Case("all these exchanges beside a private one", 5,
         ("@ MX 5 mx.@.", *HOST, *(f"@ MX 10 {name}" for name in list(NAMES.values())[:12])), "undeliverable",
         (*BEHIND_THE_FENCE, *NOWHERE * 12), "is not a host name"),
    Case("an exchange of 255 octets", 5, (f"@ MX 10 {LONGEST}.",), "no_route", NOWHERE, "exchange name does not exist"),
    Case("an exchange of 255 octets with an address", 5, (f"@ MX 10 e{LONGEST[1:]}.", f"e{LONGEST[1:]} A {PRIVATE}"),
         "undeliverable", BEHIND_THE_FENCE),
    Case("an exchange with a label of 63", 5, (f"@ MX 10 {'l' * 63}.@.", f"{'l' * 63}.@ A {PRIVATE}"),
         "undeliverable", BEHIND_THE_FENCE),
    Case("an exchange of 120 labels", 5, (f"@ MX 10 {'x.' * 120}",), "no_route", NOWHERE, "name does not exist"),
]  # fmt: skip

IN_PLACE_OF_NAMES = {
    "loopback": "127.0.0.1.",
    "the metadata service": "169.254.169.254.",
    "127.1": "127.1.",
    "octal": "0177.0.0.1.",
    "decimal": "2130706433.",
    "hexadecimal": "0x7f000001.",
    "brackets": "[127.0.0.1].",
    "IPv6": "::1.",
    "five numbers": "1.2.3.4.5.",
    "a name that ends in a number": "mx.@.1.",
}
LITERALS = [
    *(
        Case(f"an exchange that is an address: {what}", 7, (f"@ MX 10 {name}", f"{name[:-1]} A 127.0.0.1"), "no_route",
             NOWHERE, "the mx is an address", ("mx is an address",))
        for what, name in IN_PLACE_OF_NAMES.items()
    ),
    *(
        Case(f"an exchange without a dot: {name}", 7, (f"@ MX 10 {name}.", f"{name} A 127.0.0.1"), "no_route", NOWHERE,
             "exchange name has no dot")
        for name in ("localhost", "mail")
    ),
    Case("localhost with a domain", 7, ("@ MX 10 localhost.localdomain.", "localhost.localdomain A 127.0.0.1"),
         "undeliverable", fenced("127.0.0.1")),
    Case("an exchange with the name of an address and a domain", 7, ("@ MX 10 127.0.0.1.@.", "127.0.0.1.@ A 127.0.0.1"),
         "undeliverable", fenced("127.0.0.1")),
]  # fmt: skip

LOOPBACK = ("127.0.0.1", "127.0.0.2", "127.9.9.9", "127.255.255.254", "::1")
"""Here somebody listens, to see that nobody comes."""
RESERVED = {
    8: (
        *LOOPBACK, "0.0.0.0", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1",
        "169.254.0.1", "169.254.169.254", "169.254.170.2", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "100::1", "2001:db8::1",
        "3fff::1", "5f00::1", "4000::1",
    ),
    9: (
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:224.0.0.1",
        "::127.0.0.1", "::169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1",
        "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2001:0:7f00:1::1", "2001::8000:0:80ff:fffe",
    ),
}  # fmt: skip
"""Row → addresses that DNS may name and nobody dials."""


def canonical(address: str) -> str:
    """As a record has it."""
    return str(ipaddress.ip_address(address))


def kind(address: str) -> str:
    """The type of its record."""
    return "AAAA" if ":" in address else "A"


def all_at_once(addresses: Iterable[str]) -> tuple[str, ...]:
    """An exchange for each, all of the same preference, in this order."""
    return tuple(
        line
        for number, address in enumerate(addresses, 10)
        for line in (f"@ MX 10 mx{number}.@.", f"mx{number}.@ {kind(address)} {address}")
    )


ADDRESSES = [
    *(
        Case(f"an exchange with {kind(address)} {address}", row, (TO_MX, f"mx.@ {kind(address)} {address}"),
             "undeliverable", fenced(canonical(address)), "")
        for row, addresses in RESERVED.items()
        for address in addresses
    ),
    *(
        Case(f"no MX, but {kind(address)} {address}", 8, (f"@ {kind(address)} {address}",),
             "undeliverable", fenced(address))
        for address in ("127.0.0.1", "::1", "169.254.169.254")
    ),
    Case("an exchange at each loopback address", 8, all_at_once(LOOPBACK), "undeliverable", fenced(*LOOPBACK)),
    Case("an exchange at our own addresses", 14, all_at_once(map(str, sorted(own_addresses(), key=str)[:16])),
         "undeliverable", fenced(*map(str, sorted(own_addresses(), key=str)[:16])), "not dialled"),
    Case("one address over and over", 8, (TO_MX, *["mx.@ A 127.0.0.1"] * 9), "undeliverable", fenced("127.0.0.1")),
    Case("the whole of 10.0.0.0-9 by 2 exchanges", 8,
         ("@ MX 10 a.@.", "@ MX 20 b.@.", "a.@ A 10.0.0.1", "b.@ A 10.0.0.1", "b.@ A 10.0.0.2"), "undeliverable",
         fenced("10.0.0.1", "10.0.0.2"), notes=("same address as b.@",)),
]  # fmt: skip


def many(addresses: int, net: str = "10.1") -> tuple[str, ...]:
    """So many different addresses."""
    return tuple(f"{net}.{number // 250}.{number % 250 + 1}" for number in range(addresses))


MANY_NET = "127.60"
"""In 127.60.0.0-255 are the mail servers of those that name hundreds."""


def exchanges(number: int, net: str = "10.1") -> tuple[str, ...]:
    """So many exchanges, each less preferred than the one before, with an address each."""
    return tuple(
        line
        for each, address in enumerate(many(number, net), 1)
        for line in (f"@ MX {each} mx{each}.@.", f"mx{each}.@ A {address}")
    )


def in_order(owner: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """The records of an answer; those of a set would go out in any order."""
    return tuple(f"{owner}. 60 IN {kind(address)} {address}" for address in addresses)


AMPLIFIERS = [
    Case("500 exchanges", 12, exchanges(500), "undeliverable", fenced(*many(16)), notes=("cut: 484 exchanges",)),
    Case("17 exchanges", 12, exchanges(17), "undeliverable", fenced(*many(16)), notes=("cut: 1 exchange",)),
    Case("500 exchanges without a name", 12, tuple(rf"@ MX {each} \007{each}.@." for each in range(500)), "no_route",
         NOWHERE * 16, "is not a host name", ("cut: 484 exchanges",)),
    Case("2000 exchanges in 64 KB", 12, tuple(f"@ MX {each} m{each}.@." for each in range(2000)), "no_route",
         NOWHERE * 16, "exchange name does not exist", ("cut: 1984 exchanges",)),
    Case("1000 addresses", 12, (TO_MX,), "undeliverable", fenced(*many(8)), notes=("cut: 992 addresses",),
         sections={"mx.@ A": in_order("mx.@", many(1000))}),
    Case("4000 addresses in 64 KB", 12, (TO_MX,), "undeliverable", fenced(*many(8)), notes=("cut: 3992 addresses",),
         sections={"mx.@ A": in_order("mx.@", many(4000))}),
    Case("1000 IPv6 addresses", 12, (TO_MX,), "undeliverable", fenced(*(f"fd00::{each:x}" for each in range(1, 9))),
         notes=("cut: 992 addresses",),
         sections={"mx.@ AAAA": in_order("mx.@", [f"fd00::{each:x}" for each in range(1, 1001)])}),
    Case("16 exchanges of 8 addresses", 12, tuple(f"@ MX {each} mx{each}.@." for each in range(16)), "undeliverable",
         fenced(*many(32)), notes=("cut: 12 exchanges", "cut: 96 addresses"),
         sections={f"mx{each}.@ A": in_order(f"mx{each}.@", many(128)[8 * each :][:8]) for each in range(16)}),
    Case("500 records of one exchange", 12, (*(f"@ MX {each} mx.@." for each in range(1, 501)), *HOST),
         "undeliverable", BEHIND_THE_FENCE),
]  # fmt: skip


def swapped(octets: bytes, old: bytes, new: bytes) -> bytes:
    """One place of a message changed, which has to be there."""
    assert octets.count(old) >= 1
    head, _, tail = octets.rpartition(old)
    return head + new + tail


def cut_by(count: int) -> Callable[[bytes], bytes]:
    """The message without its last octets."""
    return lambda octets: octets[:-count]


RDATA = b"\x00\x0a\x02mx\xc0\x0c"
"""The data of the honest MX: preference 10, `mx` and a pointer to the question's name."""
RDLENGTH = len(RDATA).to_bytes(2, "big")


def data(new: bytes, length: int | None = None) -> Callable[[bytes], bytes]:
    """The honest MX answer with other data, and its length or another."""
    said = len(new) if length is None else length
    return lambda octets: swapped(octets, RDLENGTH + RDATA, said.to_bytes(2, "big") + new)


def pointing_to_itself(octets: bytes) -> bytes:
    """The exchange is a compression pointer (RFC 1035 4.1.4) to its own place."""
    place = octets.index(RDATA) + 2
    return data(b"\x00\x0a" + (0xC000 | place).to_bytes(2, "big"))(octets)


GARBAGE = [
    lost(f"garbled: {what}", row, twists={"@ MX": on_the_wire(garble)}, setting=Setting.MALFORMED)
    for what, row, garble in (
        ("another number", 23, lambda octets: bytes([octets[0] ^ 1]) + octets[1:]),
        ("11 octets", 1, lambda octets: octets[:11]),
        ("no octets", 1, lambda _: b""),
        ("header only", 1, lambda octets: octets[:12]),
        ("noise", 1, lambda octets: octets[:2] + bytes(range(256)) * 2),
        ("the end is missing", 1, cut_by(3)),
        ("RDLENGTH past the end", 1, data(RDATA, 65535)),
        ("RDLENGTH too short", 1, data(RDATA, 3)),
        ("RDLENGTH 0", 1, data(b"", 0)),
        ("a preference without a name", 1, data(b"\x00\x0a")),
        ("a name that points to itself", 1, pointing_to_itself),
        ("a name that points past the end", 1, data(b"\x00\x0a\xff\xff")),
        ("a label of 64", 1, data(b"\x00\x0a\x40" + b"x" * 64 + b"\x00")),
        ("a name that does not end", 1, data(b"\x00\x0a\x3f" + b"x" * 20)),
        ("65535 answers said, one there", 1, lambda octets: octets[:6] + b"\xff\xff" + octets[8:]),
    )
]  # fmt: skip
GARBAGE += [
    lost("no question", 4, twists={"@ MX": without_question}, setting=Setting.MALFORMED),
    Case("an address of 3 octets", 1, (TO_MX, "mx.@ A 10.1.2.3"), "inconclusive", UNKNOWN, "A look-up failed",
         twists={"mx.@ A": on_the_wire(lambda o: swapped(o, b"\x00\x04\x0a\x01\x02\x03", b"\x00\x03\x0a\x01\x02"))},
         setting=Setting.MALFORMED),
    *(
        Case(f"honest beside the garbled, {number}", 1, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
             setting=Setting.MALFORMED)
        for number in range(1, 11)
    ),
]  # fmt: skip
ODD = [
    lost("the question of another", 4, twists={"@ MX": question_of_another}),
    Case("question only", 1, (), "no_route", NOWHERE, rules={"@ *": coded(dns.rcode.NOERROR)}),
    Case("an answer twice", 1, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": twice, "mx.@ A": twice}),
    Case("100 additional records", 1, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": beside("additional", *(rf"\027{each}.@. 60 IN TXT x" for each in range(100)))}),
    Case("100 records of other types in the answer", 1, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": beside("answer", *(f"@. 60 IN TYPE{65280 + each} \\# 1 00" for each in range(100)))}),
    lost("records of unknown types only", 1, sections={"@ MX": ("@. 60 IN TYPE65280 \\# 1 00",)}),
    Case("TTL 0", 11, (), "undeliverable", BEHIND_THE_FENCE,
         sections={"@ MX": ("@. 0 IN MX 10 mx.@.",), "mx.@ A": (f"mx.@. 0 IN A {PRIVATE}",)}),
    Case("TTL of 2^31-1", 11, (), "undeliverable", BEHIND_THE_FENCE,
         sections={"@ MX": ("@. 2147483647 IN MX 10 mx.@.",), "mx.@ A": (f"mx.@. 2147483647 IN A {PRIVATE}",)}),
    Case("TTL of 2^32-1", 11, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": on_the_wire(lambda octets: swapped(octets, (300).to_bytes(4, "big"), b"\xff" * 4))}),
    Case("an address of 16 octets in an A", 1, (TO_MX, "mx.@ A 10.1.2.3"), "undeliverable", fenced("127.0.0.1"),
         twists={"mx.@ A": on_the_wire(lambda o: swapped(o, b"\x00\x04\x0a\x01\x02\x03",
                                                         b"\x00\x10\x7f\x00\x00\x01" + b"\x01" * 12))}),
]  # fmt: skip

TRUNCATED = [
    lost("TC and nobody on TCP", 15, rules={"@ MX": truncated}, setting=Setting.NO_TCP),
    Case("TC for the addresses and nobody on TCP", 15, (TO_MX,), "inconclusive", UNKNOWN, "A look-up failed",
         rules={"mx.@ *": truncated}, setting=Setting.NO_TCP),
    Case("500 exchanges and nobody on TCP", 15, exchanges(500), "dns_failed", error=MX_FAILED, setting=Setting.NO_TCP),
    Case("no TC, and nobody on TCP", 15, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE, setting=Setting.NO_TCP),
    Case("TC, and the answer over TCP", 15, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": (cut_off, twice)}),
    Case("no TC, beside those who break TCP", 15, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         setting=Setting.BAD_TCP),
    Case("500 exchanges beside those who break TCP", 12, exchanges(500), "undeliverable", fenced(*many(16)),
         notes=("cut: 484 exchanges",), setting=Setting.BAD_TCP),
    *(
        lost(f"TC, and TCP {what}", row, setting=Setting.BAD_TCP, **how)
        for what, row, how in (
            ("resets", 15, {"rules": {"@ MX": (truncated, reset)}}),
            ("sends noise", 16, {"twists": {"@ MX": (cut_off, over_tcp_raw(lambda _: b"\x00\xff" * 200))}}),
            ("says a length that is too short", 16,
             {"twists": {"@ MX": (cut_off, over_tcp_raw(lambda octets: b"\x00\x14" + octets[2:]))}}),
            ("says a length of 0", 16, {"twists": {"@ MX": (cut_off, over_tcp_raw(lambda _: b"\x00\x00" * 9))}}),
            ("ends in mid-answer", 16, {"twists": {"@ MX": (cut_off, over_tcp_raw(lambda octets: octets[:-20]))}}),
            ("sends an octet a second", 16, {"twists": {"@ MX": (cut_off, over_tcp_raw(bytes, Dripped))}}),
            ("gives the answer of another", 16, {"twists": {"@ MX": (cut_off, question_of_another)}}),
        )
    ),
    *(
        lost(f"TC, and TCP hangs, {number}", 16, rules={"@ MX": (truncated, silent)}, setting=Setting.HUNG_TCP)
        for number in range(1, 6)
    ),
    Case("no TC, beside those who hang on TCP", 16, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         setting=Setting.HUNG_TCP),
]  # fmt: skip


UNSEEN = [
    Case("the question sent back", 23, (TO_MX, f"@ A {PRIVATE}"), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": echo}),
    Case("an answer that says that it is a question", 23, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": flagged(take=dns.flags.QR)}),
    Case("an answer to a status request", 23, (TO_MX, *HOST), "undeliverable", BEHIND_THE_FENCE,
         twists={"@ MX": flagged(put=2 << 11)}),
    Case("TC over TCP too", 15, (TO_MX, f"@ A {PRIVATE}"), "undeliverable", BEHIND_THE_FENCE,
         rules={"@ MX": truncated}),
]  # fmt: skip
"""No answers, and ought to be failed look-ups: c-ares 1.34 looks neither at QR nor at the opcode, nor at TC over TCP,
and pycares gives no access to them. Only a resolver can do that to us, no domain can; it makes us dial nothing."""


def at_home(name: str, row: int, verdict: str, *records: str, **more: object) -> Case:
    """A case of the run that finds mail servers."""
    return Case(name, row, records, verdict, setting=Setting.SERVED, **more)  # type: ignore[arg-type]


S = [SERVED.format(number) for number in range(100)]
E = [EVIL.format(number) for number in range(100)]
WITH_SERVERS = [
    at_home("served", 1, "ok", TO_MX, f"mx.@ A {S[1]}", probes=served(S[1])),
    at_home("served with TTL 0", 11, "ok", probes=served(S[2]),
            sections={"@ MX": ("@. 0 IN MX 10 mx.@.",), "mx.@ A": (f"mx.@. 0 IN A {S[2]}",)}),
    at_home("served beside another owner", 4, "ok", TO_MX, f"mx.@ A {S[3]}", f"evil.@ A {E[3]}", probes=served(S[3]),
            twists={"@ MX": beside("answer", "other.@. 60 IN MX 1 evil.@."),
                    "mx.@ A": beside("answer", f"evil.@. 60 IN A {E[3]}", f"@.x. 60 IN A {E[3]}")}),
    at_home("served, another address as glue", 4, "ok", TO_MX, f"mx.@ A {S[4]}", probes=served(S[4]),
            twists={"@ MX": beside("additional", f"mx.@. 60 IN A {E[4]}")}),
    at_home("served, 500 exchanges", 12, "ok", *exchanges(500, MANY_NET), probes=served(*many(16, MANY_NET)),
            notes=("cut: 484 exchanges",)),
    at_home("served, 1000 addresses", 12, "ok", TO_MX, probes=served(*many(24, MANY_NET)[16:]),
            notes=("cut: 992 addresses",), sections={"mx.@ A": in_order("mx.@", many(1016, MANY_NET)[16:])}),
    at_home("served, 500 exchanges at one address", 12, "ok",
            *(line for each in range(1, 501) for line in (f"@ MX {each} mx{each}.@.", f"mx{each}.@ A {S[6]}")),
            probes=served(S[6]), notes=("cut: 484 exchanges", "same address as mx16.@")),
    at_home("served, one address over and over", 12, "ok", TO_MX, *[f"mx.@ A {S[8]}"] * 3, probes=served(S[8])),
    at_home("served, an MX over and over", 12, "ok", TO_MX, "@ MX 20 MX.@.", "@ MX 30 mX.@.", f"mx.@ A {S[9]}",
            probes=served(S[9])),
    at_home("served, every answer twice", 1, "ok", TO_MX, f"mx.@ A {S[10]}", probes=served(S[10]),
            twists={"@ MX": twice, "mx.@ A": twice, "mx.@ AAAA": twice}),
    at_home("served and loopback in one answer", 11, "address_broken", TO_MX,
            probes=(*served(S[11]), *fenced("127.0.0.1")), sections={"mx.@ A": in_order("mx.@", [S[11], "127.0.0.1"])}),
    at_home("served by A, loopback by AAAA", 11, "address_broken", TO_MX, f"mx.@ A {S[12]}", "mx.@ AAAA ::1",
            probes=(*served(S[12]), *fenced("::1"))),
    at_home("the metadata service before the served", 8, "primary_broken", TO_MX, "@ MX 20 b.@.",
            "mx.@ A 169.254.169.254", f"b.@ A {S[13]}", probes=(*fenced("169.254.169.254"), *served(S[13]))),
    at_home("the served before loopback", 8, "secondary_broken", TO_MX, "@ MX 20 b.@.", f"mx.@ A {S[14]}",
            "b.@ A 127.0.0.2", probes=(*served(S[14]), *fenced("127.0.0.2"))),
    at_home("the served before a name of control characters", 5, "secondary_broken", TO_MX,
            rf"@ MX 20 {NAMES['OSC 52']}", f"mx.@ A {S[15]}", probes=(*served(S[15]), *NOWHERE)),
    at_home("served beside a null MX", 2, "ok", "@ MX 0 .", TO_MX, f"mx.@ A {S[16]}", probes=served(S[16]),
            notes=("null mx beside others",)),
    at_home("served behind a chain of 3", 3, "ok", f"mx.@ A {S[17]}", probes=served(S[17]),
            sections={"@ MX": chain(3, "MX 10 mx.@.")}),
    at_home("served by an exchange that is an alias", 3, "ok", TO_MX, probes=served(S[18]), notes=("mx is a cname",),
            sections={"mx.@ A": ("mx.@. 60 IN CNAME h.@.", f"h.@. 60 IN A {S[18]}")}),
    at_home("served without MX", 1, "ok", f"@ A {S[19]}", probes=served(S[19])),
    at_home("served, SERVFAIL for AAAA", 1, "ok", TO_MX, f"mx.@ A {S[20]}", probes=served(S[20]),
            notes=("AAAA look-up failed: SERVFAIL",), rules={"mx.@ AAAA": coded(dns.rcode.SERVFAIL)}),
    at_home("served, silence for AAAA", 1, "ok", TO_MX, f"mx.@ A {S[21]}", probes=served(S[21]),
            notes=("AAAA look-up failed",), rules={"mx.@ AAAA": silent}),
    at_home("served, with 100 additional records", 1, "ok", TO_MX, f"mx.@ A {S[22]}", probes=served(S[22]),
            twists={"@ MX": beside("additional", *(f"j{each}.@. 60 IN A {E[22]}" for each in range(100)))}),
    at_home("served, but no MX look-up", 1, "dns_failed", f"@ A {E[23]}", error=MX_FAILED,
            rules={"@ MX": coded(dns.rcode.SERVFAIL)}),
    at_home("served, but it does not exist", 1, "no_domain", f"@ A {E[24]}",
            rules={"@ MX": coded(dns.rcode.NXDOMAIN)}),
    at_home("served, but a null MX", 2, "no_mail", "@ MX 0 .", f"@ A {E[25]}"),
    at_home("served, but under a name without a dot", 7, "no_route", "@ MX 10 mail.", f"mail A {E[26]}",
            probes=NOWHERE),
    at_home("served, but behind a chain of 11", 3, "no_route", probes=NOWHERE, notes=(LOOP,),
            sections={"@ *": chain(11, "MX 10 mx.@.", f"A {E[27]}")}),
]  # fmt: skip

TABLE: tuple[Case, ...] = (
    *CODES, *NULL, *CHAINS, *OWNERS, *EXCHANGES, *LITERALS, *ADDRESSES, *AMPLIFIERS, *GARBAGE, *ODD, *UNSEEN,
    *TRUNCATED, *WITH_SERVERS,
)  # fmt: skip
