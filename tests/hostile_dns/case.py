"""One hostile answer: what DNS says about a domain, and what has to become of the domain; and the twists of answers."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from scanner.lab.nameserver import Response
from tests.hostile_dns.nameserver import Unframed
from tests.promises.world import HELO
from tests.resolve.script import Script, section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.resolve.script import Rule

    Twist = Callable[[Response], Response]
    """The honest answer to what is sent in its place."""

PARENT = "hostile.example"
ALLOWED_NET = "127.60.0.0/16"
"""What a run that is to find mail servers may dial; the rest of loopback stays forbidden, and has listeners too."""

FORBIDDEN, NO_ADDRESS, ACCEPTED, FAILED = "address_forbidden", "no_address", "accepted", "dns_failed"


class Setting(Enum):
    """The run that a case is played in, because a run has one fence and one resolver."""

    FENCED = auto()
    """Nothing reserved may be dialled."""
    SERVED = auto()
    """`ALLOWED_NET` may."""
    MALFORMED = auto()
    """As FENCED. What c-ares cannot parse fails the socket that all share: here are only others like that, and a few
    honest ones, which must not suffer."""
    BAD_TCP = auto()
    """As FENCED. c-ares asks all over one TCP connection, so who breaks it meets only others like him there."""
    HUNG_TCP = auto()
    """As BAD_TCP, but all are silent: what others say there, or their resets, would cost those who wait their tries."""
    NO_TCP = auto()
    """As FENCED; the resolver refuses TCP."""


class Case(NamedTuple):
    """A domain of DNS and its end. In all names and lines `@` stands for the domain.

    `row`: of the list of faults that the case is an example of. `records`: `owner TYPE data` each, answered honestly.
    `sections`: "owner TYPE" → the whole answer section. `rules`, `twists`: what is done in the place of the honest
    answer, over UDP and over TCP; one alone is for both; type `*` is any.

    `probes`: (address, verdict) in the records' order. `error`: in the domain's or a probe's. `notes`: of either.
    """

    name: str
    row: int
    records: tuple[str, ...]
    verdict: str
    probes: tuple[tuple[str | None, str], ...] = ()
    error: str = ""
    notes: tuple[str, ...] = ()
    sections: Mapping[str, tuple[str, ...]] = {}
    rules: Mapping[str, Rule | tuple[Rule, Rule]] = {}
    twists: Mapping[str, Twist | tuple[Twist, Twist]] = {}
    setting: Setting = Setting.FENCED

    @property
    def domain(self) -> str:
        """Its name made a label."""
        label = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        assert len(label) <= 63, label
        return f"{label}.{PARENT}"


class Play(Script):
    """The script of many cases: by name and type, and by the way a question came."""

    def __init__(self, cases: Iterable[Case]) -> None:
        super().__init__()
        self.typed: dict[tuple[str, str], tuple[Rule, Rule]] = {}
        self.add(HELO, "MX", f"10 {HELO}.")
        self.add(HELO, "A", "127.0.0.1")
        for case in cases:
            self.put(case)

    def put(self, case: Case) -> None:
        """One more domain."""
        at = case.domain
        for line in case.records:
            owner, record_type, data = line.replace("@", at).split(maxsplit=2)
            known = self.records.setdefault(owner, {})
            known[record_type] = (*known.get(record_type, ()), data)
        for owner, types in self.records.items():
            if owner.endswith(at):
                for record_type, values in types.items():
                    dns.rrset.from_text(owner, 60, "IN", record_type, *values)  # a line that cannot be read fails here
        for key, lines in case.sections.items():
            self.put_rule(key, at, section(*(line.replace("@", at) for line in lines)))
        for key, rules in case.rules.items():
            self.put_rule(key, at, *(rules if isinstance(rules, tuple) else (rules,)))
        for key, twists in case.twists.items():
            both = twists if isinstance(twists, tuple) else (twists, twists)
            self.put_rule(key, at, *map(self.twisted, both))

    def put_rule(self, key: str, at: str, over_udp: Rule, over_tcp: Rule | None = None) -> None:
        """What is done about a question; other types of the name are NODATA where they have no records."""
        owner, record_type = key.replace("@", at).split()
        self.records.setdefault(owner, {})
        self.typed[owner, record_type] = over_udp, over_tcp or over_udp

    def twisted(self, twist: Twist) -> Rule:
        """The rule that twists the honest answer."""
        return lambda query: twist(super(Play, self).__call__(query, tcp=True))

    def __call__(self, query: dns.message.Message, /, *, tcp: bool) -> Response:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        for record_type in (dns.rdatatype.to_text(question.rdtype), "*"):
            if (name, record_type) in self.typed:
                return self.typed[name, record_type][tcp](query)
        return super().__call__(query, tcp=tcp)


def message(response: Response) -> dns.message.Message:
    """The honest answer as a message."""
    assert isinstance(response.payload, dns.message.Message)
    return response.payload


def on_the_wire(garble: Callable[[bytes], bytes]) -> Twist:
    """The honest answer's octets, garbled."""
    return lambda response: Response(garble(message(response).to_wire()))


def over_tcp_raw(garble: Callable[[bytes], bytes], kind: type[Unframed] = Unframed) -> Twist:
    """The honest answer behind its length, garbled together."""

    def twist(response: Response) -> Response:
        octets = message(response).to_wire()
        return Response(kind(garble(len(octets).to_bytes(2, "big") + octets)))

    return twist


def cut_off(response: Response) -> Response:
    """TC=1 and nothing more: ask again over TCP (RFC 2181 9)."""
    answer = message(response)
    answer.flags |= dns.flags.TC
    answer.answer.clear()
    return response


def twice(response: Response) -> Response:
    """The honest answer two times."""
    return response._replace(copies=2)


def flagged(*, put: int = 0, take: int = 0) -> Twist:
    """The honest answer with other flags."""

    def twist(response: Response) -> Response:
        answer = message(response)
        answer.flags = dns.flags.Flag((answer.flags | put) & ~take)
        return response

    return twist


def with_code(code: int) -> Twist:
    """The honest records under a response code that says that there are none."""

    def twist(response: Response) -> Response:
        message(response).set_rcode(dns.rcode.Rcode(code))
        return response

    return twist


def echo(response: Response) -> Response:
    """The question, sent back as it came: no answer at all (QR=0, RFC 1035 4.1.1)."""
    answer = message(response)
    answer.flags &= ~dns.flags.QR
    answer.answer.clear()
    return response


def beside(place: str, *lines: str) -> Twist:
    """The honest answer with more in `answer`, `authority` or `additional`; `@` is the name asked."""

    def twist(response: Response) -> Response:
        answer = message(response)
        asked = answer.question[0].name.to_text(omit_final_dot=True)
        for line in lines:
            owner, ttl_s, _in, record_type, data = line.replace("@", asked).split(maxsplit=4)
            rrset = dns.rrset.from_text(owner, int(ttl_s), "IN", record_type, data)
            getattr(answer, place).append(rrset)
        return response

    return twist


def question_of_another(response: Response) -> Response:
    """The answer to a question that nobody asked, under the right number."""
    answer = message(response)
    (asked,) = answer.question
    answer.question[0] = dns.rrset.RRset(dns.name.from_text(f"not.{asked.name.to_text()}"), asked.rdclass, asked.rdtype)
    return response


def without_question(response: Response) -> Response:
    """QDCOUNT 0."""
    message(response).question.clear()
    return response
