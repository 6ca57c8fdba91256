"""`mxsweep audit`: options to rooms, both ends of the pipeline joined, and the exit code."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

import click
import uvloop

from scanner import __version__
from scanner.cli import means
from scanner.cli.exits import Exit
from scanner.cli.inquiry import on_inquiry, outlive_inquiries
from scanner.cli.memory import settle_memory
from scanner.cli.options import takes_settings
from scanner.cli.progress import kind_of, progress, tell
from scanner.cli.recorder import Recorder
from scanner.cli.screen import colour_wanted
from scanner.cli.source import Source
from scanner.cli.startup import check_names, domain_of, in_time
from scanner.cli.status import Gauge
from scanner.cli.stopping import Stopping, on_signals
from scanner.cli.summary import Summary
from scanner.cli.warnings import Warnings, say
from scanner.pool.pool import Pool
from scanner.pool.session import Means
from scanner.records.facts import RunFacts, StartFacts
from scanner.records.journal import open_journal
from scanner.records.output import STDOUT, ReaderGone
from scanner.records.record import encode_run, encode_start
from scanner.records.tally import DEFAULT_FINDINGS, KNOWN_VERDICTS, Tally
from scanner.resolve.resolver import Resolver
from scanner.run.audit import Audit
from scanner.run.spool import Spool
from scanner.run.suspicion import Suspicion
from scanner.run.verdict import demands_tls
from scanner.run.via import Via
from scanner.settings import AUDIT, Settings, settings_of
from scanner.terms import LocalFault, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scanner.intake.lines import BadLine
    from scanner.records.facts import Group
    from scanner.records.journal import Journal
    from scanner.run.group import AuditedDomain
    from scanner.terms import Item


@click.command()
@click.argument("domains", nargs=-1, metavar="[DOMAIN | USER@DOMAIN]...")
@takes_settings(AUDIT)
def command(domains: tuple[str, ...], **options: object) -> int:
    """Ask every exchanger of every domain whether it takes mail for it, and say why not.

    Domains are arguments, or come from -i FILE, or from standard input: one a line. Records go to standard output or -o
    FILE, one JSON object a line; everything else goes to standard error.
    """
    outlive_inquiries()
    settings = Settings(**options)  # type: ignore[arg-type]  # click has converted them
    if settings.output == STDOUT and sys.stdout is None:
        raise UsageError("stdout is closed: open it, or -o FILE")
    run = AuditRun(settings, Source(domains, settings.input))
    if settings.dry_run:
        return run.describe()
    return uvloop.run(run.run())


def findings_of(fail_on: str | None) -> frozenset[str] | None:
    """The verdicts that make exit code 1; None for the default.

    Raises:
        UsageError: names what is no verdict.
    """
    if fail_on is None:
        return None
    names = frozenset(name.strip() for name in fail_on.split(",")) - {"", "none"}
    if unknown := sorted(names - KNOWN_VERDICTS):
        raise UsageError(f"--fail-on: no verdict is called {', '.join(map(repr, unknown))}")
    return names


def first_of(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first single exception of a group of groups."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


@dataclass
class AuditRun:
    """One run of the command; built from settings that were checked, before anything is asked or written."""

    settings: Settings
    source: Source
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    warnings: Warnings = field(default_factory=Warnings)
    bad_lines: int = 0
    interrupted: bool = False
    fault: Exception | None = None
    audit: Audit | None = None

    def __post_init__(self) -> None:
        settings = self.settings
        self.fail_on = findings_of(settings.fail_on)
        self.tally = Tally(self.fail_on)
        self.gauge = Gauge(self.tally, self.source)
        self.summary = Summary(DEFAULT_FINDINGS if self.fail_on is None else self.fail_on)
        self.identity = means.identity(settings)
        self.questions = means.questions(settings, self.identity.helo)
        self.resolvers = means.resolvers(settings)
        self.fence = means.fence(settings)
        self.via = means.via(settings)
        self.families = means.families(settings, typed=bool(self.via))
        self.excluded = means.excluded_names(settings)
        self.limits = means.limits(settings, self.warnings.warn)
        self.session_limits = means.session_limits(settings)
        self.own_domain = domain_of(self.questions.sender)
        for version, reason in self.families.missing.items():
            if reason.startswith("no route"):
                self.warnings.warn(f"{reason}: IPv{version} addresses are not asked")

    async def run(self) -> int:
        """Everything, to the exit code."""
        settle_memory()
        asked, written = asyncio.timeout(None), asyncio.timeout(None)
        stopping = Stopping(asked, self.admit_no_more, written)
        try:
            async with written:
                with on_signals(stopping), on_inquiry(self.tell):
                    await self.recorded(stopping)
        except ReaderGone:
            return Exit.INCOMPLETE
        except TimeoutError:
            if not written.expired():
                raise
            self.fault = LocalFault("stopped while the output's reader was not reading: the last records are lost")
            self.interrupted = True
        if not self.settings.quiet and not isinstance(self.fault, UsageError):
            color = colour_wanted(self.settings.color, sys.stderr)
            self.summary.print(self.tally, bad_lines=self.bad_lines, interrupted=self.interrupted, color=color)
        if self.fault is not None:
            raise self.fault
        return self.exit_code()

    def admit_no_more(self) -> None:
        """What is under way may end; what waits on disk stays undone."""
        self.source.stop()
        if self.audit is not None:
            self.audit.stop()

    async def recorded(self, stopping: Stopping) -> None:
        """The audit and its records, the `run` line last."""
        started = time.time()
        async with open_journal(self.settings.output, force=self.settings.force) as journal:
            await self.audited(journal, started, stopping)
            facts = RunFacts(started, time.time(), self.interrupted, self.bad_lines, self.warnings.texts)
            journal.write(encode_run(self.id, facts, self.tally))

    def effective_settings(self) -> dict[str, object]:
        """For the start record: what was asked for, and what stands in place of an absent option."""
        given = {setting.name: getattr(self.settings, setting.name) for setting in settings_of(AUDIT)}
        return given | {
            "via": self.via,
            "helo": self.identity.helo,
            "sender": self.questions.sender,
            "recipient": self.questions.recipient,
            "concurrency": self.limits.concurrency,
        }

    async def audited(self, journal: Journal, started: float, stopping: Stopping) -> None:
        """From the first look-up to the last group; a fault of ours ends it early, with what is written kept whole."""
        try:
            async with (
                stopping.limit,
                Resolver(self.resolvers, warn=self.warnings.warn) as resolver,
                asyncio.TaskGroup() as tasks,
            ):
                names = check_names(resolver, self.identity.helo, self.questions.sender, self.warnings.warn)
                check = tasks.create_task(names)
                await in_time(check)
                facts = StartFacts(__version__, started, AUDIT, self.effective_settings(), self.warnings.texts)
                journal.write(encode_start(self.id, facts))
                await self.piped(resolver, journal, stopping)
                check.cancel()
            self.interrupted |= stopping.asked
        except TimeoutError:
            if not stopping.limit.expired():
                raise
            self.interrupted = True
        except BaseExceptionGroup as group:
            ours, others = group.split((LocalFault, UsageError))
            if ours is None or others is not None:
                raise
            self.interrupted = True
            self.fault = self.fault or first_of(ours)

    async def piped(self, resolver: Resolver, journal: Journal, stopping: Stopping) -> None:
        """The pipeline itself."""
        suspicion = Suspicion(self.warnings.warn, stopping.drain, self.questions.port)

        def see(domains: Sequence[AuditedDomain], groups: Sequence[Group]) -> None:
            self.tally.add(*groups)
            self.summary.see(*domains)
            if self.settings.no_port_check or suspicion.is_over:
                return
            for domain in domains:
                for probe in domain.probes:
                    if probe.planned.address is not None and probe.answer.attempts:
                        suspicion.see(probe.planned.address, probe.judgement)

        named, port = self.settings.recipient is not None, self.questions.port
        async with AsyncExitStack() as stack:
            spool = stack.enter_context(Spool())
            recorder = stack.enter_context(Recorder(self.id, port, recipient_named=named, journal=journal, see=see))
            self.audit = audit = Audit(
                await stack.enter_async_context(Via(self.via, resolver, warn=self.warnings.warn))
                if self.via
                else resolver,
                self.questions,
                missing_for=self.families.missing_for,
                excluded=self.excluded.matches,
                deliver=recorder.take,
                spool=spool,
                window=self.settings.window,
                full_at=self.limits.full_at,
                retry_s=self.settings.retry_transient,
            )
            using = Means(
                self.identity,
                means.deadlines(self.settings),
                self.fence,
                demands_tls,
                session_limits=self.session_limits,
                leaves_open=means.doubts(self.settings),
            )
            async with Pool(using, self.limits, audit.settle) as pool:
                self.gauge.begin(audit, pool)
                with progress(kind_of(self.settings.progress, quiet=self.settings.quiet), self.gauge):
                    await audit.run(self.admitted(journal), pool)
        self.interrupted |= recorder.lost > 0

    def tell(self) -> None:
        """Somebody asks how far we are: whatever --progress and --quiet say."""
        tell(self.gauge.status(), as_json=self.settings.progress == "json")

    async def admitted(self, journal: Journal) -> AsyncIterator[Item]:
        """The items, as fast as the output takes what becomes of them."""
        async for item in self.source.items(self.on_bad_line):
            if item.domain == self.own_domain:
                self.warnings.warn(
                    f"the sender is in {item.domain}, which is asked about: some servers refuse it as a relay attempt"
                )
            if journal.is_full:
                await journal.room()
            yield item

    def on_bad_line(self, bad: BadLine) -> None:
        """Report it by number; with --strict it ends the run."""
        sentence = f"line {bad.number}: {bad.reason}"
        if self.settings.strict:
            self.fault = self.fault or UsageError(sentence)
            self.interrupted = True
            self.source.stop()
            return
        self.bad_lines += 1
        say(f"mxsweep: {sentence}; skipped")

    def exit_code(self) -> int:
        """Exit 3 beats 1; a resolver that failed for all is not a run."""
        if self.interrupted or self.tally.unencodable:
            return Exit.INCOMPLETE
        if self.tally.dns_failed_throughout:
            say("mxsweep: every look-up failed: is the resolver reachable?")
            return Exit.INCOMPLETE
        return Exit.FINDINGS if self.tally.findings else Exit.CLEAN

    def describe(self) -> int:
        """--dry-run: what would be asked, of how many, how fast; nothing is resolved or dialled."""
        number = uvloop.run(self.count())
        rate = f"{self.limits.rate:g} dials a second" if self.limits.rate else "no limit on the dials a second"
        say(
            f"{number} domains, {self.bad_lines} bad lines;"
            f" {', '.join(self.via) or 'each exchange'} would be asked to take"
            f" {self.questions.recipient} from {self.questions.sender or '<>'}, EHLO {self.identity.helo},"
            f" port {self.questions.port};"
            f" {rate}, {self.limits.concurrency} connections at once, {self.limits.per_target} to one address"
        )
        if self.via:
            sessions = ceil(number / self.settings.transactions_per_session)
            say(f"at least {sessions} sessions with each of them")
        elif self.limits.rate:
            say(f"at least {number / self.limits.rate:.0f} s with one exchange each")
        if self.fault is not None:
            raise self.fault
        return Exit.CLEAN

    async def count(self) -> int:
        """How many valid items the input has."""
        number = 0
        async for _ in self.source.items(self.on_bad_line):
            number += 1
        return number
