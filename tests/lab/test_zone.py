from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import pytest

from scanner.lab.lab import ZONE
from scanner.lab.zone import Zone


def ask(zone: Zone, name: str, rdtype: str) -> dns.message.Message:
    response = zone(dns.message.make_query(name, rdtype), tcp=False)
    assert isinstance(response.payload, dns.message.Message)
    return response.payload


def texts(answer: dns.message.Message) -> list[str]:
    return [f"{rrset.name} {record.to_text()}" for rrset in answer.answer for record in rrset]


@pytest.fixture(scope="module")
def zone() -> Zone:
    return Zone(ZONE.read_text("ascii"))


def test_mx_records_come_with_their_preferences(zone: Zone) -> None:
    answer = ask(zone, "forgotten-backup.example", "MX")
    assert answer.rcode() == dns.rcode.NOERROR
    assert sorted(texts(answer)) == [
        "forgotten-backup.example. 10 mx.forgotten-backup.example.",
        "forgotten-backup.example. 50 backup.isp.example.",
    ]


def test_an_answer_belongs_to_its_question(zone: Zone) -> None:
    query = dns.message.make_query("all-well.example", "MX")
    payload = zone(query, tcp=True).payload
    assert isinstance(payload, dns.message.Message)
    assert query.is_response(payload)
    assert payload.flags & dns.flags.RA, "else a stub resolver believes that it asked the wrong server"


def test_names_are_found_in_any_case(zone: Zone) -> None:
    assert texts(ask(zone, "MX1.All-Well.EXAMPLE", "A")) == ["mx1.all-well.example. 127.25.1.1"]


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("nothing-here.example", "MX", dns.rcode.NXDOMAIN),
        ("decommissioned.dangling-mx.example", "A", dns.rcode.NXDOMAIN),
        ("127.25.53.1", "A", dns.rcode.NXDOMAIN),
        ("no-address.example", "MX", dns.rcode.NOERROR),
        ("small-office.example", "MX", dns.rcode.NOERROR),
        ("lost-dns.example", "MX", dns.rcode.SERVFAIL),
        ("mx.lost-dns.example", "A", dns.rcode.SERVFAIL),
        ("python.org", "MX", dns.rcode.REFUSED),
    ],
)
def test_the_ways_of_having_no_answer_are_told_apart(
    zone: Zone, name: str, rdtype: str, rcode: dns.rcode.Rcode
) -> None:
    answer = ask(zone, name, rdtype)
    assert (answer.rcode(), answer.answer) == (rcode, [])


def test_a_name_above_a_name_exists(zone: Zone) -> None:
    """RFC 8020: NXDOMAIN for isp.example would say that backup.isp.example does not exist either."""
    assert ask(zone, "isp.example", "MX").rcode() == dns.rcode.NOERROR


def test_a_cname_is_followed_and_shown(zone: Zone) -> None:
    assert texts(ask(zone, "mail.cname-mx.example", "A")) == [
        "mail.cname-mx.example. node7.hoster.example.",
        "node7.hoster.example. 127.25.4.1",
    ]


def test_the_cname_itself_can_be_asked_for(zone: Zone) -> None:
    assert texts(ask(zone, "mail.cname-mx.example", "CNAME")) == ["mail.cname-mx.example. node7.hoster.example."]


def test_a_cname_to_nowhere_is_nxdomain() -> None:
    zone = Zone("$TTL 60\na.example. CNAME b.example.\n")
    answer = ask(zone, "a.example", "A")
    assert (answer.rcode(), texts(answer)) == (dns.rcode.NXDOMAIN, ["a.example. b.example."])


def test_without_ipv6_no_aaaa_record_is_given_out() -> None:
    assert Zone(ZONE.read_text("ascii")).addresses("mx.dual-stack.example") == ["127.25.8.1", "::1"]
    without = Zone(ZONE.read_text("ascii"), ipv6=False)
    assert without.addresses("mx.dual-stack.example") == ["127.25.8.1"]
    assert ask(without, "mx.dual-stack.example", "AAAA").rcode() == dns.rcode.NOERROR
