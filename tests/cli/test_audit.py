from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from scanner.cli.audit import AuditRun
from scanner.cli.exits import Exit
from scanner.cli.source import Source
from scanner.cli.stopping import Stopping
from scanner.intake.lines import BadLine, Intake
from scanner.records.facts import DomainFacts
from scanner.records.output import ReaderGone
from scanner.records.record import encode_group
from scanner.records.tally import DEFAULT_FINDINGS
from scanner.settings import AUDIT, Settings, settings_of
from scanner.terms import DomainRoute, DomainVerdict, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def run_of(**settings: Any) -> AuditRun:
    return AuditRun(Settings(helo="probe.example", **settings), Source(["a.example"], "-", Intake()))


def test_the_start_record_has_the_settings_of_the_audit_with_what_took_effect() -> None:
    settings = run_of(port=2525, concurrency=7).effective_settings()
    assert list(settings) == [setting.name for setting in settings_of(AUDIT)]
    assert (settings["helo"], settings["port"], settings["concurrency"]) == ("probe.example", 2525, 7)
    assert (settings["sender"], settings["recipient"]) == ("postmaster@probe.example", "postmaster@{domain}")


def test_the_start_record_has_the_hosts_to_ask_as_they_are_asked() -> None:
    settings = run_of(via=("MX.Example,192.0.2.1", "mx.example")).effective_settings()
    assert settings["via"] == ("mx.example", "192.0.2.1")


def test_only_hosts_that_were_typed_need_no_route_to_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.pool.families.has_route", lambda _version: False)
    assert run_of(via=("127.0.0.1",)).families.missing_for("127.0.0.1") is None
    assert run_of().families.missing_for("127.0.0.1") == "no route for IPv4 on this machine"


def test_every_setting_is_checked_before_anything_runs() -> None:
    for wrong in (
        {"port": 0},
        {"fail_on": "x"},
        {"resolver": ("x",)},
        {"allow_net": ("x",)},
        {"sender": "x"},
        {"via": ("x y",)},
    ):
        with pytest.raises(UsageError):
            run_of(**wrong)


def counted(run: AuditRun, verdict: str, number: int = 1, *, named: bool = False) -> AuditRun:
    """As if so many domains had got a verdict."""
    facts = DomainFacts(0, "a.example", DomainVerdict(verdict), 1, recipient_named=named)
    run.tally.add(*[encode_group("run", [], facts)] * number)
    return run


@pytest.mark.parametrize("verdict", list(DomainVerdict))
def test_the_findings_and_nothing_else_make_one(verdict: DomainVerdict) -> None:
    run = counted(counted(run_of(), "ok"), verdict)
    assert run.exit_code() == (Exit.FINDINGS if verdict in DEFAULT_FINDINGS else Exit.CLEAN)
    run.interrupted = True
    assert run.exit_code() == Exit.INCOMPLETE


def test_a_refused_recipient_counts_where_it_was_named_and_by_its_name() -> None:
    refused = DomainVerdict.RECIPIENT_REFUSED
    assert counted(run_of(), refused, named=True).exit_code() == Exit.FINDINGS
    assert counted(run_of(), refused).exit_code() == Exit.CLEAN
    assert counted(run_of(fail_on="recipient_refused"), refused).exit_code() == Exit.FINDINGS
    assert counted(run_of(fail_on="no_domain"), refused, named=True).exit_code() == Exit.CLEAN


def test_dns_that_fails_for_all_is_not_completed_whatever_counts_as_a_finding(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert counted(run_of(fail_on="dns_failed"), "dns_failed", 2).exit_code() == Exit.INCOMPLETE
    assert "every look-up failed" in capsys.readouterr().err
    assert counted(counted(run_of(fail_on="dns_failed"), "dns_failed"), "ok").exit_code() == Exit.FINDINGS


def test_a_record_that_could_not_be_written_as_it_was_is_not_completed() -> None:
    run = counted(run_of(), "ok")
    run.tally.unencodable = 1
    assert run.exit_code() == Exit.INCOMPLETE


def test_a_bad_line_is_told_by_number_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of()
    run.on_bad_line(BadLine(7, "'a b' is no domain"))
    assert (run.bad_lines, run.fault, run.source.stopped) == (1, None, False)
    assert capsys.readouterr().err == "mxsweep: line 7: 'a b' is no domain; skipped\n"


def test_strict_keeps_the_first_bad_line_for_the_end_and_reads_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(strict=True)
    for number in (7, 8):
        run.on_bad_line(BadLine(number, "no domain"))
    assert (str(run.fault), run.interrupted, run.source.stopped) == ("line 7: no domain", True, True)
    assert capsys.readouterr().err == ""


def test_a_dry_run_counts_and_says_how_long_at_least(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(helo="probe.example", sender="", rate=0.5)
    run = AuditRun(settings, Source(["a.example", "b.example", "c d"], "-", Intake()))
    assert run.describe() == Exit.CLEAN
    said = capsys.readouterr()
    assert said.out == ""
    assert "2 domains, 1 bad lines" in said.err
    assert "from <>, EHLO probe.example, port 25; 0.5 dials a second" in said.err
    assert "at least 4 s with one exchange each" in said.err


def test_a_dry_run_without_a_rate_promises_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_of(rate=0).describe() == Exit.CLEAN
    said = capsys.readouterr().err
    assert "no limit on the dials a second" in said
    assert "at least" not in said


def test_a_dry_run_says_which_hosts_it_would_ask_and_in_how_many_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(helo="probe.example", via=("mx.example,192.0.2.1",), transactions_per_session=2)
    assert AuditRun(settings, Source(["a.example", "b.example", "c.example"], "-", Intake())).describe() == Exit.CLEAN
    said = capsys.readouterr().err
    assert "3 domains, 0 bad lines; mx.example, 192.0.2.1 would be asked to take postmaster@{domain}" in said
    assert "at least 2 sessions with each of them" in said


def test_a_strict_dry_run_ends_with_the_bad_line() -> None:
    run = AuditRun(Settings(helo="probe.example", strict=True), Source(["a b"], "-", Intake()))
    with pytest.raises(UsageError, match="line 1: 'a b'"):
        run.describe()


async def test_a_group_that_the_output_no_longer_takes_is_nobody_s_verdict() -> None:
    """The journal ends the run itself; raised where a probe is settled, its failure would seem the probe's."""

    class Gone:
        is_full = False

        def write(self, *_groups: bytes) -> None:
            raise ReaderGone("stdout")

    class NoDomain:
        def begin_route(self, _domain: str, done: Callable[[DomainRoute], None]) -> None:
            done(DomainRoute(DomainVerdict.NO_DOMAIN))

    run = run_of()
    stopping = Stopping(asyncio.timeout(None), run.source.stop)
    await run.piped(run.items(), cast("Any", NoDomain()), cast("Any", Gone()), stopping)
    assert run.tally.verdicts()["domain"] == {"no_domain": 1}


async def test_no_item_is_taken_on_while_the_output_is_full() -> None:
    class Full:
        is_full = True

        async def room(self) -> None:
            assert asked == ["a.example"]
            self.is_full = False
            waits.append(len(asked))

    asked: list[str] = []
    waits: list[int] = []
    journal = Full()
    run = AuditRun(Settings(helo="probe.example"), Source(["a.example", "b.example", "c.example"], "-", Intake()))
    journal.is_full = False
    async for item in run.admitted(run.items(), cast("Any", journal)):
        asked.append(item.domain)
        journal.is_full = item.domain == "a.example"
    assert (asked, waits) == (["a.example", "b.example", "c.example"], [1])
