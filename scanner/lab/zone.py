"""The lab's DNS: the records of `zone.txt` as answers for the `NameServer`.

Answers as an authoritative server with recursion would: NXDOMAIN, NODATA, CNAME chains and SERVFAIL told apart, because
an audit judges a domain by which of them it gets. What is neither .example, .test nor loopback is REFUSED: a real
domain asked of the lab must not look as if it did not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

from scanner.lab.nameserver import Response

if TYPE_CHECKING:
    from dns.name import Name

OURS = tuple(map(dns.name.from_text, ("example.", "test.", "127.in-addr.arpa.")))
"""Reserved for documentation and tests (RFC 2606), and loopback's reverse names: nobody's real domain is played."""

LOST = (dns.name.from_text("lost-dns.example."),)
"""Domains whose name servers fail: SERVFAIL for them and all below."""


class Zone:
    """The records, called with a question as `NameServer` does.

    Args:
        text: a zone in the master file format (RFC 1035 5), all names in full.
        ipv6: False leaves out the AAAA records, for a machine without ::1.
    """

    def __init__(self, text: str, *, ipv6: bool = True) -> None:
        self.records: dict[tuple[Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self.names: set[Name] = set()
        zone = dns.zone.from_text(text, origin=dns.name.root, relativize=False, check_origin=False)
        for name, rdataset in zone.iterate_rdatasets():
            if rdataset.rdtype == dns.rdatatype.AAAA and not ipv6:
                continue
            self.records[name, rdataset.rdtype] = dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
            self.names.update(ancestry(name))

    def __call__(self, query: dns.message.Message, /, *, tcp: bool) -> Response:  # noqa: ARG002 - the same over both
        """The answer to the first question of the query."""
        question = query.question[0]
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        rcode, found = self.look_up(question.name, question.rdtype)
        answer.set_rcode(rcode)
        answer.answer.extend(found)
        return Response(answer)

    def look_up(self, name: Name, rdtype: dns.rdatatype.RdataType) -> tuple[dns.rcode.Rcode, list[dns.rrset.RRset]]:
        """The result code and the records, CNAMEs on the way first (RFC 1034 3.6.2); without such data, none."""
        found: list[dns.rrset.RRset] = []
        if not any(name.is_subdomain(ours) for ours in OURS):
            return (dns.rcode.NXDOMAIN if is_address(name) else dns.rcode.REFUSED), found
        if any(name.is_subdomain(lost) for lost in LOST):
            return dns.rcode.SERVFAIL, found
        while (name, rdtype) not in self.records and (name, dns.rdatatype.CNAME) in self.records:
            alias = self.records[name, dns.rdatatype.CNAME]
            found.append(alias)
            name = alias[0].target
        if (name, rdtype) in self.records:
            found.append(self.records[name, rdtype])
        return (dns.rcode.NOERROR if name in self.names else dns.rcode.NXDOMAIN), found

    def addresses(self, host: str) -> list[str]:
        """The IPv4 and IPv6 addresses of a host of the zone, as text."""
        name = dns.name.from_text(host)
        return [
            record.address
            for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
            for record in self.records.get((name, rdtype), ())
        ]


def is_address(name: Name) -> bool:
    """Whether someone wrote an IPv4 address for a name: no top-level domain is a number, and the root says so."""
    return len(name) > 1 and name.labels[-2].isdigit()


def ancestry(name: Name) -> list[Name]:
    """The name and every name above it: those exist too, with no data of their own (RFC 8020)."""
    return [name, *(name.split(depth)[1] for depth in range(1, len(name)))]
