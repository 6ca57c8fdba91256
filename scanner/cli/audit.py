"""`mxsweep audit`: options to rooms, both ends of the pipeline joined."""

from __future__ import annotations

from contextlib import AsyncExitStack
from math import ceil
from typing import TYPE_CHECKING

import click
import orjson
import uvloop

from scanner.cli import means
from scanner.cli.exits import Exit
from scanner.cli.inquiry import outlive_inquiries
from scanner.cli.options import takes_settings
from scanner.cli.progress import kind_of, progress
from scanner.cli.recorded import RecordedRun, check_output
from scanner.cli.recorder import Recorder
from scanner.cli.recording import audited_group, said_of_domain
from scanner.cli.source import Source
from scanner.cli.startup import domain_of
from scanner.cli.summary import Summary
from scanner.cli.warnings import say
from scanner.intake.lines import Intake
from scanner.pool.pool import Pool
from scanner.pool.session import Means
from scanner.records.tally import DEFAULT_FINDINGS
from scanner.run.audit import Audit
from scanner.run.spool import Spool
from scanner.run.suspicion import Suspicion
from scanner.run.verdict import demands_tls
from scanner.run.via import Via
from scanner.settings import AUDIT, Settings
from scanner.terms import Item

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scanner.cli.stopping import Stopping
    from scanner.records.done import Said
    from scanner.records.facts import Group
    from scanner.records.journal import Journal
    from scanner.records.reading import ReadGroup
    from scanner.resolve.resolver import Resolver
    from scanner.run.group import AuditedDomain


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
    check_output(settings)
    run = AuditRun(settings, Source(domains, settings.input, Intake()))
    if settings.dry_run:
        return run.describe()
    return uvloop.run(run.run())


class AuditRun(RecordedRun[Item]):
    """One run of the command."""

    command = AUDIT

    def __init__(self, settings: Settings, source: Source[Item]) -> None:
        super().__init__(settings, source)
        self.audit: Audit | None = None
        self.summary = Summary(DEFAULT_FINDINGS if self.fail_on is None else self.fail_on)
        self.questions = means.questions(settings, self.sender)
        self.via = means.via(settings)
        self.families = means.families(settings, typed=bool(self.via))
        self.excluded = means.excluded_names(settings)
        self.own_domain = domain_of(self.sender)
        for version, reason in self.families.missing.items():
            if reason.startswith("no route"):
                self.warnings.warn(f"{reason}: IPv{version} addresses are not asked")

    def admit_no_more(self) -> None:
        """What is under way may end; what waits on disk stays undone."""
        self.source.stop()
        if self.audit is not None:
            self.audit.stop()

    def sum_up(self, *, color: bool) -> None:
        """How many of which verdict, and the findings."""
        self.summary.print(self.tally, bad_lines=self.bad_lines, interrupted=self.interrupted, color=color)

    def taken_effect(self) -> dict[str, object]:
        """The hosts of --via each by itself, and the recipient."""
        return {"via": self.via, "recipient": self.questions.recipient}

    def said(self, item: Item) -> Said:
        """Domain, tag and recipient."""
        return said_of_domain(item, self.questions.about(item))

    def pack(self, item: Item) -> bytes:
        """A tag is JSON."""
        return orjson.dumps(tuple(item))

    def unpack(self, data: bytes) -> Item:
        """It back."""
        return Item(*orjson.loads(data))

    def see_read(self, group: ReadGroup) -> None:
        """Count it, and keep it if it is a finding."""
        self.tally.add_read(group, recipient_named=self.names_recipient(group))
        self.summary.see_read(group)

    def names_recipient(self, group: ReadGroup) -> bool:
        """Whether the user named the recipient: for all, or in the item's line."""
        if self.settings.recipient is not None or group.domain is None:
            return True
        usual = self.questions.about(Item(group.seq, group.domain["domain"])).recipient
        return any(probe["recipient"] not in (None, usual) for probe in group.probes)

    async def piped(self, items: AsyncIterator[Item], resolver: Resolver, journal: Journal, stopping: Stopping) -> None:
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

        def group_of(domain: AuditedDomain) -> Group:
            return audited_group(self.id, port, domain, recipient_named=named)

        async with AsyncExitStack() as stack:
            spool = stack.enter_context(Spool())
            recorder = stack.enter_context(Recorder(group_of, journal, see))
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
                    await audit.run(self.admitted(items, journal), pool)
        self.interrupted |= recorder.lost > 0

    def items(self) -> AsyncIterator[Item]:
        """The valid lines of the input."""
        return self.source.items(self.on_bad_line)

    async def admitted(self, items: AsyncIterator[Item], journal: Journal) -> AsyncIterator[Item]:
        """As ever; who asks about its own sender's domain is told."""
        async for item in super().admitted(items, journal):
            if item.domain == self.own_domain:
                self.warnings.warn(
                    f"the sender is in {item.domain}, which is asked about: some servers refuse it as a relay attempt"
                )
            yield item

    def describe(self) -> int:
        """--dry-run: what would be asked, of how many, how fast; nothing is resolved or dialled."""
        number = uvloop.run(self.count())
        rate = f"{self.limits.rate:g} dials a second" if self.limits.rate else "no limit on the dials a second"
        say(
            f"{number} domains, {self.bad_lines} bad lines;"
            f" {', '.join(self.via) or 'each exchange'} would be asked to take"
            f" {self.questions.recipient} from {self.sender or '<>'}, EHLO {self.identity.helo},"
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
