"""`mxsweep sweep`: which hosts of one's own ranges relay for strangers."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import orjson
import uvloop

from scanner.cli import means, targets
from scanner.cli.canary import Canary
from scanner.cli.exits import Exit
from scanner.cli.inquiry import outlive_inquiries
from scanner.cli.options import takes_settings
from scanner.cli.progress import kind_of, progress
from scanner.cli.recorded import RecordedRun, check_output
from scanner.cli.recorder import Recorder
from scanner.cli.recording import said_of_target, swept_group
from scanner.cli.source import Source
from scanner.cli.startup import domain_of
from scanner.cli.sweep_summary import SweepSummary
from scanner.cli.telling import duration
from scanner.cli.warnings import say
from scanner.pool.pool import Pool
from scanner.pool.session import Means
from scanner.records.tally import DEFAULT_FINDINGS
from scanner.run.sweep import RelayQuestions, Sweep, SweepItem
from scanner.run.verdict import demands_tls
from scanner.settings import SWEEP, Settings
from scanner.targets.intake import TargetIntake
from scanner.terms import Target, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scanner.cli.stopping import Stopping
    from scanner.records.done import Said
    from scanner.records.facts import Group
    from scanner.records.journal import Journal
    from scanner.records.reading import ReadGroup
    from scanner.resolve.resolver import Resolver
    from scanner.run.sweep import SweptTarget
    from scanner.targets.entries import Entry


@click.command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS | CIDR | FIRST-LAST | HOST]...")
@takes_settings(SWEEP)
def command(addresses: tuple[str, ...], **options: object) -> int:
    """Ask every address whether it relays mail for strangers; no message is sent.

    Targets are arguments, or come from -i FILE, or from standard input: an address, a range or a host name a line, or
    what masscan writes with -oL or -oJ. Sweep what is yours only. Records go to standard output or -o FILE, one JSON
    object a target; everything else goes to standard error.
    """
    outlive_inquiries()
    settings = Settings(**options)  # type: ignore[arg-type]  # click has converted them
    check_output(settings)
    run = SweepRun(settings, Source(addresses, settings.input, TargetIntake(), "targets"))
    return uvloop.run(run.described() if settings.dry_run else run.run())


class SweepRun(RecordedRun[SweepItem]):
    """One run of the command."""

    command = SWEEP

    def __init__(self, settings: Settings, source: Source[Entry]) -> None:
        super().__init__(settings, source)
        self.gauge.what = "targets"
        self.limits = replace(self.limits, memory_s=0.0)  # each target is asked about itself only, and dialled once
        self.canary = Canary.of(settings.canary)
        self.patterns = targets.relay_tests(settings.tests)
        if settings.evidence == "deliver":
            raise UsageError("--evidence deliver is not there yet: rcpt or data")
        self.reading = targets.Reading(settings, source, self.fence, self.on_bad_line, self.warnings.warn)
        self.summary = SweepSummary(DEFAULT_FINDINGS if self.fail_on is None else self.fail_on)
        self.sweep: Sweep | None = None

    def admit_no_more(self) -> None:
        """What is under way may end; nothing else begins."""
        self.source.stop()
        self.reading.stop()

    def sum_up(self, *, color: bool) -> None:
        """How many of which verdict, and the relays."""
        self.summary.print(self.tally, bad_lines=self.bad_lines, interrupted=self.interrupted, color=color)

    def taken_effect(self) -> dict[str, object]:
        """The tests by name, and the ports."""
        return {"tests": [pattern.name for pattern in self.patterns], "ports": self.reading.ports}

    async def before(self, resolver: Resolver) -> None:
        """Nobody who handles the canary's mail may be among the targets.

        Raises:
            UsageError: names who is.
        """
        await self.canary.look_up(resolver, self.warnings.warn)
        self.reading.watch_for(self.canary.handlers, self.canary.domain)
        await self.reading.begin(resolver)
        self.tally.excluded = self.reading.taken_out

    def said(self, item: SweepItem) -> Said:
        """Address, port and the name of the host."""
        return said_of_target(item)

    def pack(self, item: SweepItem) -> bytes:
        """Numbers and names."""
        return orjson.dumps((item.seq, *item.target, item.name))

    def unpack(self, data: bytes) -> SweepItem:
        """It back."""
        seq, address, port, name = orjson.loads(data)
        return SweepItem(seq, Target(address, port), name)

    def see_read(self, group: ReadGroup) -> None:
        """Count it, and keep it if it is a finding."""
        self.tally.add_read(group, recipient_named=False)
        self.summary.see_read(group)

    async def piped(
        self, items: AsyncIterator[SweepItem], resolver: Resolver, journal: Journal, _stopping: Stopping
    ) -> None:
        """The pipeline itself."""

        def group_of(swept: SweptTarget) -> Group:
            return swept_group(self.id, swept)

        def see(swept: Sequence[SweptTarget], groups: Sequence[Group]) -> None:
            self.tally.add(*groups)
            self.summary.see(*swept)

        async with AsyncExitStack() as stack:
            recorder = stack.enter_context(Recorder(group_of, journal, see))
            self.sweep = sweep = Sweep(
                self.questions(),
                word=lambda: secrets.token_hex(8),
                name_of=resolver.name_of,
                deliver=recorder.take,
                most=self.settings.window,
                ahead=self.limits.concurrency,
            )
            using = Means(
                self.identity,
                means.deadlines(self.settings),
                self.fence,
                demands_tls,
                session_limits=self.session_limits,
            )
            async with Pool(using, self.limits, sweep.settle) as pool:
                self.gauge.begin(sweep, pool)
                with progress(kind_of(self.settings.progress, quiet=self.settings.quiet), self.gauge):
                    await sweep.run(self.admitted(items, journal), pool)
        self.tally.excluded = self.reading.taken_out
        self.reading.say_what_was_taken_out()
        self.interrupted |= recorder.lost > 0

    def questions(self) -> RelayQuestions:
        """What is asked of every target."""
        return RelayQuestions(
            self.patterns,
            (self.canary.local_part, self.canary.domain),
            domain_of(self.sender),
            data=self.settings.evidence == "data",
            every=self.settings.tests.strip() == "all",
        )

    async def items(self) -> AsyncIterator[SweepItem]:
        """The targets in their order."""
        seq = 0
        async for place in self.reading.targets():
            yield SweepItem(seq, place.target, place.name)
            seq += 1

    async def described(self) -> int:
        """--dry-run: how many would be asked what, and how long that takes at least; nothing is resolved or dialled."""
        await self.reading.begin(None)
        addresses, names = self.reading.counted()
        tests = len(self.patterns)
        rate = self.limits.rate
        say(
            f"{addresses} targets{f' and {names} host names' if names else ''}, {self.bad_lines} bad lines,"
            f" {self.reading.taken_out} addresses taken out; {tests} tests each:"
            f" {', '.join(pattern.name for pattern in self.patterns)}; canary {self.canary.address}"
        )
        if rate:
            say(f"at {rate:g} dials a second at least {duration(addresses / rate)}, with one session each")
        if self.fault is not None:
            raise self.fault
        return Exit.CLEAN
