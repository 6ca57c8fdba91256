"""What every run that writes records has: signals, journal, start and run lines, faults of ours, the exit code."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import sys
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple

from scanner import __version__
from scanner.cli import means
from scanner.cli.exits import Exit
from scanner.cli.inquiry import on_inquiry
from scanner.cli.memory import settled_memory
from scanner.cli.options import known_findings
from scanner.cli.progress import tell
from scanner.cli.resumption import I, Resumption, check_settings
from scanner.cli.screen import colour_wanted
from scanner.cli.startup import check_names, in_time
from scanner.cli.status import Gauge
from scanner.cli.stopping import Stopping, on_signals
from scanner.cli.warnings import Warnings, say
from scanner.records.facts import RunFacts, StartFacts
from scanner.records.journal import open_journal
from scanner.records.known import KnownFindings
from scanner.records.output import STDOUT, ReaderGone
from scanner.records.past import past_of
from scanner.records.record import encode_run, encode_start
from scanner.records.tally import KNOWN_VERDICTS, Tally
from scanner.resolve.resolver import Resolver
from scanner.run.spool import Spool
from scanner.settings import settings_of
from scanner.terms import LocalFault, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scanner.cli.source import Source
    from scanner.intake.lines import BadLine
    from scanner.records.done import Said
    from scanner.records.journal import Journal
    from scanner.records.output import Output
    from scanner.records.past import Past
    from scanner.records.reading import ReadGroup
    from scanner.settings import Settings


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


def check_output(settings: Settings) -> None:
    """Somebody must be there to take the records.

    Raises:
        UsageError: standard output is closed, or it is not clear where an earlier part of the run is.
    """
    if settings.output == STDOUT and sys.stdout is None:
        raise UsageError("stdout is closed: open it, or -o FILE")
    if settings.resume and settings.output == STDOUT:
        raise UsageError("--resume needs the -o FILE of the run that goes on")
    if settings.resume and settings.force:
        raise UsageError("--resume goes on with an output, --force replaces it: one of them")


class Continuing(NamedTuple):
    """What a run goes on from. `past`: None for a new one; `spool`: where items wait that it had left out."""

    past: Past | None
    spool: Spool


class RecordedRun(ABC, Generic[I]):
    """One run of a command; built from settings that were checked, before anything is asked or written.

    Args:
        settings: of the command.
        source: its input.

    Attributes:
        id: of the run, whose parts share it.
        started: seconds since the epoch, of its first part.
        begun: something may have been asked, so that the output gets a `run` line.
        interrupted: something was left undone.
        fault: what ended it early, raised at the end.
    """

    command: ClassVar[str]

    def __init__(self, settings: Settings, source: Source[Any]) -> None:
        self.settings = settings
        self.source = source
        self.id = secrets.token_hex(8)
        self.started = time.time()
        self.begun = False
        self.warnings = Warnings()
        self.bad_lines = 0
        self.interrupted = False
        self.fault: Exception | None = None
        self.fail_on = findings_of(settings.fail_on)
        self.known = KnownFindings(known_findings(), dt.datetime.now(tz=dt.UTC).date())
        self.tally = Tally(self.fail_on, self.known)
        self.gauge = Gauge(self.tally, source)
        self.identity = means.identity(settings)
        self.sender = means.sender(settings, self.identity.helo)
        self.resolvers = means.resolvers(settings)
        self.fence = means.fence(settings)
        self.limits = means.limits(settings, self.warnings.warn)
        self.session_limits = means.session_limits(settings)
        for sentence in self.known.warnings():
            self.warnings.warn(sentence)

    # -- what each command says --------------------------------------------------------------------------------------

    @abstractmethod
    def items(self) -> AsyncIterator[I]:
        """What the input asks for, in order."""

    @abstractmethod
    def said(self, item: I) -> Said:
        """What an item is about, as its records say it."""

    @abstractmethod
    def pack(self, item: I) -> bytes:
        """An item to wait on disk."""

    @abstractmethod
    def unpack(self, data: bytes) -> I:
        """What `pack` made."""

    @abstractmethod
    def see_read(self, group: ReadGroup) -> None:
        """An item that an earlier part of the run has done: count it, keep what is told of it."""

    @abstractmethod
    async def piped(self, items: AsyncIterator[I], resolver: Resolver, journal: Journal, stopping: Stopping) -> None:
        """The pipeline itself, from the items to the last group."""

    @abstractmethod
    def admit_no_more(self) -> None:
        """What is under way may end; nothing else begins."""

    @abstractmethod
    def sum_up(self, *, color: bool) -> None:
        """Say on stderr what was found."""

    @abstractmethod
    def taken_effect(self) -> dict[str, object]:
        """For the start record: settings that differ from what was asked for, as nothing was, or it was too much."""

    async def admitted(self, items: AsyncIterator[I], journal: Journal) -> AsyncIterator[I]:
        """The items, as fast as the output takes what becomes of them."""
        async for item in items:
            if journal.is_full:
                await journal.room()
            yield item

    async def before(self, resolver: Resolver) -> None:
        """What has to be known before the first record; most need nothing.

        Raises:
            UsageError: the run makes no sense.
        """

    # -- what is the same --------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Everything, to the exit code."""
        with settled_memory():
            return await self.to_its_end()

    async def to_its_end(self) -> int:
        """The same."""
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
        finally:
            self.source.close()
        if not self.settings.quiet and not isinstance(self.fault, UsageError):
            self.sum_up(color=colour_wanted(self.settings.color, sys.stderr))
            for sentence in self.known.told():
                say(sentence)
        if self.fault is not None:
            raise self.fault
        return self.exit_code()

    async def recorded(self, stopping: Stopping) -> None:
        """The run and its records, the `run` line last."""
        settings = self.settings
        async with open_journal(
            settings.output, force=settings.force, resume=settings.resume, sync_every_s=settings.sync_every
        ) as journal:
            past = await self.read_back(journal.output) if settings.resume else None
            with Spool() as spool, self.up_to_max_time(stopping):
                await self.guarded(journal, Continuing(past, spool), stopping)
            if self.begun:
                facts = RunFacts(self.started, time.time(), self.interrupted, self.bad_lines, self.warnings.texts)
                journal.write(encode_run(self.id, facts, self.tally))

    async def read_back(self, output: Output) -> Past | None:
        """What an earlier part of the run left in its output; None: nothing.

        Raises:
            UsageError: that was another run, or none of ours; nothing was changed.
        """
        past = past_of(output, self.command, self.see_read)
        if past is None:
            return None
        check_settings(past, self.effective_settings())
        for _ in past.read():
            await asyncio.sleep(0)  # signals and SIGUSR1 are heard
        self.id, self.started = past.run, past.started
        self.warnings.carry_over(past.warnings)
        if past.start["version"] != __version__:
            self.warnings.warn(f"resumed by mxsweep {__version__}, begun by {past.start['version']}")
        if not self.settings.quiet:
            damaged = f", {past.damaged_bytes} bytes of no use" if past.damaged_bytes else ""
            say(f"mxsweep: resuming {output.name}: {past.done.count} {self.source.what} are done{damaged}")
        return past

    @contextmanager
    def up_to_max_time(self, stopping: Stopping) -> Iterator[None]:
        """Have --max-time stop what runs."""
        if self.settings.max_time is None:
            yield
            return

        def time_is_up() -> None:
            if not self.settings.quiet:
                say("mxsweep: --max-time is over: nothing more is admitted; --resume goes on")
            stopping.time_is_up()

        timer = asyncio.get_running_loop().call_later(self.settings.max_time, time_is_up)
        try:
            yield
        finally:
            timer.cancel()

    async def begin(self, journal: Journal, continuing: Continuing) -> AsyncIterator[I]:
        """Have the output ready for groups: its start record written, or what an earlier part left checked and cut.

        Returns:
            The items to ask about.

        Raises:
            UsageError: the input is another one; nothing was changed.
        """
        items, past = self.items(), continuing.past
        if past is None:
            facts = StartFacts(__version__, self.started, self.command, self.effective_settings(), self.warnings.texts)
            if self.settings.resume:
                await journal.keep([])
            journal.write(encode_start(self.id, facts))
        else:
            resumption = Resumption(past, self.said, continuing.spool, self.pack, self.unpack)
            if not await resumption.compare(items, lambda: self.source.stopped):
                return items
            await journal.keep(past.kept)
            items = resumption.left(items)
        self.begun = True
        return items

    def effective_settings(self) -> dict[str, object]:
        """For the start record: what was asked for, and what stands in place of an absent option."""
        given = {setting.name: getattr(self.settings, setting.name) for setting in settings_of(self.command)}
        said = {"helo": self.identity.helo, "sender": self.sender, "concurrency": self.limits.concurrency}
        return given | said | self.taken_effect()

    async def guarded(self, journal: Journal, continuing: Continuing, stopping: Stopping) -> None:
        """From the first look-up to the last group; a fault of ours ends it early, with what is written kept whole."""
        try:
            async with (
                stopping.limit,
                Resolver(self.resolvers, warn=self.warnings.warn) as resolver,
                asyncio.TaskGroup() as tasks,
            ):
                names = check_names(resolver, self.identity.helo, self.sender, self.warnings.warn)
                check = tasks.create_task(names)
                await in_time(check)
                await self.before(resolver)
                items = await self.begin(journal, continuing)
                if self.begun:
                    await self.piped(items, resolver, journal, stopping)
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

    def tell(self) -> None:
        """Somebody asks how far we are: whatever --progress and --quiet say."""
        tell(self.gauge.status(), as_json=self.settings.progress == "json")

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
