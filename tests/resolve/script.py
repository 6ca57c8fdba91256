"""What the scripted DNS server of these tests says: records by name and type, and rules for names that misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from scanner.lab.nameserver import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[dns.message.Message], Response]


class Script:
    """A name with records answers them, NODATA for other types; a name with a rule follows it; others do not exist."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, tuple[str, ...]]] = {}
        self.rules: dict[str, tuple[Rule, Rule]] = {}
        self.ttl_s = 300
        self.delay_s = 0.0

    def add(self, name: str, record_type: str, *values: str) -> None:
        self.records.setdefault(name, {})[record_type] = values

    def rule(self, name: str, rule: Rule, over_tcp: Rule | None = None) -> None:
        self.rules[name] = rule, over_tcp or rule

    def __call__(self, query: dns.message.Message, /, *, tcp: bool) -> Response:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        if name in self.rules:
            return self.rules[name][tcp](query)
        if name not in self.records:
            return coded(dns.rcode.NXDOMAIN)(query)
        record_type = dns.rdatatype.to_text(question.rdtype)
        message = dns.message.make_response(query)
        values = self.records[name].get(record_type)
        if values:
            message.answer.append(dns.rrset.from_text(question.name, self.ttl_s, "IN", record_type, *values))
        return Response(message, self.delay_s)


def coded(code: int) -> Rule:
    """Answer with a response code and no records."""

    def rule(query: dns.message.Message) -> Response:
        message = dns.message.make_response(query)
        message.set_rcode(code)
        return Response(message)

    return rule


def silent(_query: dns.message.Message) -> Response:
    return Response()


def section(*lines: str) -> Rule:
    """An answer section as written, `name TTL IN type data` each, whatever was asked."""

    def rule(query: dns.message.Message) -> Response:
        message = dns.message.make_response(query)
        for line in lines:
            name, ttl_s, _in, record_type, data = line.split(maxsplit=4)
            message.answer.append(dns.rrset.from_text(name, int(ttl_s), "IN", record_type, data))
        return Response(message)

    return rule


def truncated(query: dns.message.Message) -> Response:
    """TC=1: ask again over TCP (RFC 2181 9)."""
    message = dns.message.make_response(query)
    message.flags |= dns.flags.TC
    return Response(message)


def reset(_query: dns.message.Message) -> Response:
    """Over TCP: the connection is reset."""
    return Response(reset=True)


def garbled(garble: Callable[[bytes], bytes], record: str = "x.example. 300 IN MX 10 mx.example.") -> Rule:
    """An honest answer, garbled on the wire."""

    def rule(query: dns.message.Message) -> Response:
        message = section(record)(query).payload
        assert isinstance(message, dns.message.Message)
        return Response(garble(message.to_wire()))

    return rule
