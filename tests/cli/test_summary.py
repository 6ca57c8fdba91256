from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.cli.recording import domain_facts, probe_facts
from scanner.cli.summary import FINDINGS_KEPT, WORDS_KEPT, Summary
from scanner.judge.advice import explain_domain
from scanner.pool.probe import Answer
from scanner.records.record import encode_group
from scanner.records.tally import DEFAULT_FINDINGS, Tally
from scanner.run.group import AskedProbe, AuditedDomain
from scanner.run.plan import Planned
from scanner.run.verdict import judge
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import DomainVerdict, Exchange, Item, ProbeVerdict, Role, Stage

if TYPE_CHECKING:
    from collections.abc import Collection

    import pytest

MX1, MX2 = Exchange("mx1.a.example", 10, Role.PRIMARY), Exchange("mx2.a.example", 20, Role.SECONDARY)
OK = Outcome(Stage.RCPT, Reply(250, (b"ok",)))
DENIED = Outcome(Stage.RCPT, Reply(554, (b"5.7.1 Relay", b"5.7.1 access denied")))
SILENT = Outcome(Stage.BANNER, trouble=ProbeVerdict.REPLY_TIMEOUT)
DOWN = Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED, error="Connection refused (ECONNREFUSED)")


def probe(exchange: Exchange | None, outcome: Outcome, address: str | None = "192.0.2.1") -> AskedProbe:
    return AskedProbe(Planned(exchange, address), Question("", ""), Answer(outcome, 0.0), judge(outcome))


def audited(
    seq: int, verdict: DomainVerdict, *probes: AskedProbe, domain: str = "", error: str | None = None
) -> AuditedDomain:
    return AuditedDomain(Item(seq, domain or f"d{seq}.example"), verdict, 1, probes, error)


def lines_of(
    *domains: AuditedDomain, findings: Collection[str] = DEFAULT_FINDINGS, bad_lines: int = 0, interrupted: bool = False
) -> list[str]:
    """The summary without colours."""
    tally, summary = Tally(), Summary(findings)
    for domain in domains:
        facts = [probe_facts(domain.item, 25, each) for each in domain.probes]
        tally.add(encode_group("run", facts, domain_facts(domain, recipient_named=False)))
    summary.see(*domains)
    lines = summary.lines(tally, bad_lines=bad_lines, interrupted=interrupted)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


CLASSIC = audited(1, DomainVerdict.SECONDARY_REJECTS_RELAY, probe(MX1, OK), probe(MX2, DENIED, "192.0.2.2"))


def test_a_finding_names_exchange_role_address_and_the_servers_own_words() -> None:
    assert lines_of(audited(0, DomainVerdict.OK, probe(MX1, OK)), CLASSIC) == [
        "\ndone: 2 domains, 3 probes",
        "         1  ok",
        "         1  secondary_rejects_relay",
        "\nfindings:",
        "  d1.example: secondary_rejects_relay",
        "      mx2.a.example (secondary) [192.0.2.2] relay_denied at rcpt: 554 5.7.1 Relay / 5.7.1 access denied",
    ]


def test_where_no_reply_came_our_words_stand() -> None:
    lines = lines_of(audited(0, DomainVerdict.UNDELIVERABLE, probe(MX1, DOWN), probe(MX2, SILENT)))
    assert lines[-2:] == [
        "      mx1.a.example (primary) [192.0.2.1] refused at connect: Connection refused (ECONNREFUSED)",
        "      mx2.a.example (secondary) [192.0.2.1] reply_timeout at banner: no reply",
    ]


def test_a_domain_that_dns_decides_is_told_with_its_reason() -> None:
    lines = lines_of(audited(0, DomainVerdict.NO_DOMAIN, error="the domain does not exist (NXDOMAIN)"))
    assert lines[-2:] == ["  d0.example: no_domain", "      the domain does not exist (NXDOMAIN)"]


def test_without_findings_there_is_no_such_heading() -> None:
    assert lines_of(audited(0, DomainVerdict.OK, probe(MX1, OK))) == [
        "\ndone: 1 domains, 1 probes",
        "         1  ok",
    ]


def test_an_interrupted_run_and_bad_lines_are_said() -> None:
    assert lines_of(bad_lines=3, interrupted=True) == ["\ninterrupted after 0 domains, 0 probes, 3 bad lines skipped"]


def test_findings_are_those_of_fail_on_also_a_probes() -> None:
    assert "\nfindings:" not in lines_of(CLASSIC, findings=["no_domain"])
    assert "\nfindings:" in lines_of(CLASSIC, findings=["relay_denied"])


def test_findings_stand_in_the_order_of_the_input() -> None:
    domains = [audited(seq, DomainVerdict.UNDELIVERABLE, probe(MX1, DOWN)) for seq in (5, 2, 9)]
    told = [line for line in lines_of(*domains) if line.endswith(": undeliverable")]
    assert told == [f"  d{seq}.example: undeliverable" for seq in (2, 5, 9)]


def test_a_catastrophe_is_told_in_part_and_counted_in_whole() -> None:
    number = FINDINGS_KEPT + 7
    lines = lines_of(*(audited(seq, DomainVerdict.UNDELIVERABLE, probe(MX1, DOWN)) for seq in range(number)))
    assert sum(line.endswith(": undeliverable") for line in lines) == FINDINGS_KEPT
    assert lines[-1] == "  … and 7 more domains; the records have them all"
    assert f"        {number}  undeliverable" in lines


def test_what_strangers_said_is_cut_and_safe() -> None:
    """Names from DNS and errors of ours that quote a peer, too."""
    evil = Exchange("mx\x1b[2J.example", 10, Role.PRIMARY)
    long = Outcome(Stage.RCPT, Reply(554, (b"\x1b]0;x\x07\xff" * 200,)))
    told = Outcome(Stage.BANNER, trouble=ProbeVerdict.NOT_SMTP, error="not SMTP: \x1b[2J\r")
    lines = lines_of(audited(0, DomainVerdict.UNDELIVERABLE, probe(evil, long), probe(evil, told), error="DNS: \x9b"))
    assert lines[-3] == r"      DNS: \x9b"
    words = lines[-2].partition("at rcpt: ")[2]
    assert (words[:24], len(words)) == (r"554 \x1b]0;x\x07\xff\x1b", WORDS_KEPT)
    assert lines[-1] == r"      mx\x1b[2J.example (primary) [192.0.2.1] not_smtp at banner: not SMTP: \x1b[2J\x0d"


def test_colours_come_only_where_they_are_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(DEFAULT_FINDINGS)
    summary.see(CLASSIC)
    for color in (True, False):
        summary.print(Tally(), bad_lines=0, interrupted=False, color=color)
        said = capsys.readouterr()
        assert said.out == ""
        assert ("\x1b[31msecondary_rejects_relay\x1b[0m" in said.err, "\x1b" in said.err) == (color, color)


def test_each_verdict_of_the_findings_is_explained_once() -> None:
    summary = Summary(DEFAULT_FINDINGS)
    summary.see(CLASSIC, audited(2, DomainVerdict.SECONDARY_REJECTS_RELAY), audited(3, DomainVerdict.NO_DOMAIN))
    text = "\n".join(summary.explained())
    for verdict in (DomainVerdict.SECONDARY_REJECTS_RELAY, DomainVerdict.NO_DOMAIN):
        assert text.count(explain_domain(verdict).meaning) == 1
        assert text.count(explain_domain(verdict).receiver) == 1


def test_without_findings_there_is_nothing_to_explain() -> None:
    summary = Summary(DEFAULT_FINDINGS)
    summary.see(audited(0, DomainVerdict.OK, probe(MX1, OK)))
    assert list(summary.explained()) == []
