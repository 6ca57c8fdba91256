"""Questions to real servers: who is asked for whom, and what the records of an audit must say of the answers.

Expectations are written from what each server was set up to be, not from a run of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.real import running
from tests.real.roles import SENDER, SENDER_HELO, ZONE
from tests.real.witness import hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.real.postfix import MailServers
    from tests.real.running import Record
    from tests.real.witness import Heard


class Asker(NamedTuple):
    """Who asks: from which address (the system's choice without one), and who the mail is said to be from."""

    source: str | None = None
    sender: str = SENDER


US = Asker()


class Answer(NamedTuple):
    """What one exchanger's record says: the server's short name, what it means, at which step, in which words."""

    server: str
    verdict: str
    standing: str
    about: str
    stage: str
    code: int
    enhanced: str | None
    text: str
    confidence: str = "high"


class Question(NamedTuple):
    """One input line, the domain's verdict, and the answers of its exchangers in order of preference."""

    recipient: str
    found: str
    answers: tuple[Answer, ...]
    asker: Asker = US

    @property
    def domain(self) -> str:
        return self.recipient.partition("@")[2]

    @property
    def name(self) -> str:
        """For pytest, which takes `@` ill in a name."""
        return "-".join([self.recipient.replace("@", "-at-"), *([self.asker.source] if self.asker.source else [])])


class Asked(NamedTuple):
    """The records that a question got: one probe for each exchanger, in the order of the answers, and the domain's."""

    probes: list[Record]
    domain: Record


def accepted(server: str, text: str, enhanced: str | None = None) -> Answer:
    return Answer(server, "accepted", "serves", "none", "rcpt", 250, enhanced, text)


def zone_text(addresses: Mapping[str, str], questions: Iterable[Question]) -> str:
    """The zone `test`: every server an exchange `NAME.mx.test`, the exchangers of a domain at 10, 20 and so on."""
    lines = [
        f"$ORIGIN {ZONE}.",
        "$TTL 60",
        "@ SOA ns hostmaster 1 3600 600 86400 60",
        "@ NS ns",
        "ns A 127.0.0.1",
        f"{SENDER_HELO}. A 127.0.0.1",
        *(f"{name}.mx A {address}" for name, address in addresses.items()),
    ]
    exchanges = dict.fromkeys(
        f"{question.domain}. MX {preference}0 {answer.server}.mx"
        for question in questions
        for preference, answer in enumerate(question.answers, start=1)
    )
    return "\n".join([*lines, *exchanges, ""])


def ask(questions: Iterable[Question], directory: Path, resolver: tuple[str, int], port: int) -> dict[Question, Asked]:
    """One run of the command for each of those who ask, about all that they ask."""
    answered: dict[Question, Asked] = {}
    by_asker: dict[Asker, list[Question]] = {}
    for question in questions:
        by_asker.setdefault(question.asker, []).append(question)
    for asker, asked in by_asker.items():
        options = [*running.ALLOWED, "--backoff", "0", "--sender", asker.sender]
        options += ["--source", asker.source] if asker.source else []
        ran = running.audit([question.recipient for question in asked], directory, resolver, port, *options)
        for seq, question in enumerate(asked):
            answered[question] = records_of(ran, seq, question)
    return answered


def records_of(ran: running.Audit, seq: int, question: Question) -> Asked:
    """The records of one item; there is one for each exchanger, and no other."""
    group = [record for record in ran.records if record.get("seq") == seq]
    *probes, domain = group
    probes.sort(key=lambda probe: probe["preference"])
    assert [probe["exchange"] for probe in probes] == [f"{answer.server}.mx.{ZONE}" for answer in question.answers]
    return Asked(probes, domain)


def answer_of(probe: Record) -> Answer:
    """What a record says, in the form of the expectations."""
    return Answer(
        probe["exchange"].removesuffix(f".mx.{ZONE}"),
        *(probe[name] for name in Answer._fields[1:]),
    )


def must_be_answered(asked: Asked, question: Question, servers: MailServers) -> None:
    """Each record: who was asked, in which role, and what the answer means."""
    assert tuple(answer_of(probe) for probe in asked.probes) == question.answers
    for rank, (probe, answer) in enumerate(zip(asked.probes, question.answers, strict=True)):
        assert probe["role"] == ("secondary" if rank else "primary")
        assert (probe["address"], probe["port"]) == (servers.addresses[answer.server], servers.port)
        assert probe["transient"] == (400 <= answer.code < 500)
        if answer.stage == "rcpt":
            assert (probe["sender"], probe["recipient"]) == (question.asker.sender, question.recipient)
        if question.asker.source:
            assert probe["source"] == question.asker.source


def must_be_found(asked: Asked, question: Question) -> None:
    """The domain's record: its verdict, and as findings every exchanger that did not accept."""
    assert (asked.domain["domain"], asked.domain["verdict"]) == (question.domain, question.found)
    assert {(finding["exchange"], finding["verdict"], finding["standing"]) for finding in asked.domain["findings"]} == {
        (f"{answer.server}.mx.{ZONE}", answer.verdict, answer.standing)
        for answer in question.answers
        if answer.verdict != "accepted"
    }


async def witnessed(question: Question, answer: Answer, servers: MailServers) -> list[Heard]:
    """What aiosmtplib hears from the same server when it says what we say."""
    address = servers.addresses[answer.server]
    asker = question.asker
    return await hold(address, servers.port, SENDER_HELO, asker.sender, question.recipient, source=asker.source)


async def must_be_witnessed(question: Question, servers: MailServers) -> None:
    """The independent client is answered at the same step, with the same code and the same text."""
    for answer in question.answers:
        *before, decisive = await witnessed(question, answer, servers)
        assert decisive == (answer.stage, answer.code, answer.text)
        assert all(200 <= reply.code < 300 for reply in before)
