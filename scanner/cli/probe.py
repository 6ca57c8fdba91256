"""`mxsweep probe`: one domain, host or address looked at, told to people or as records, and the exit code."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
import uvloop

from scanner import __version__
from scanner.cli import means
from scanner.cli.exits import Exit
from scanner.cli.narration import Narrator, unasked
from scanner.cli.options import takes_settings
from scanner.cli.recorded import first_of
from scanner.cli.recording import domain_facts, probe_facts
from scanner.cli.screen import Screen, colour_wanted
from scanner.cli.startup import check_names, domain_of, in_time
from scanner.cli.stopping import Stopping, on_signals
from scanner.cli.subject import parse_subject
from scanner.cli.warnings import Warnings, say
from scanner.pool.limits import Limits, SessionLimits
from scanner.pool.pool import Pool
from scanner.pool.session import Means
from scanner.records.facts import RunFacts, StartFacts
from scanner.records.journal import open_journal
from scanner.records.output import STDOUT, ReaderGone
from scanner.records.record import encode_group, encode_run, encode_start
from scanner.records.tally import DEFAULT_FINDINGS, Tally
from scanner.resolve.resolver import Resolver
from scanner.run.group import AuditedDomain
from scanner.run.look import Look, Telling, typed
from scanner.run.verdict import demands_tls
from scanner.settings import PROBE, Settings, settings_of
from scanner.terms import DomainVerdict, Exchange, Item, LocalFault, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.pool.wire import Witness
    from scanner.records.facts import Group, ProbeFacts
    from scanner.run.group import AskedProbe
    from scanner.run.look import Looked, Subject
    from scanner.run.plan import Planned

NAMELESS = Exchange(None, None, Role.DIRECT)  # type: ignore[arg-type]  # an address has no name: null in its record


@click.command()
@click.argument("target", metavar="DOMAIN | HOST | ADDRESS | USER@DOMAIN")
@takes_settings(PROBE)
def command(target: str, **options: object) -> int:
    """Hold the telnet session for you: one domain, host or address, every line that is said, and what it means.

    A domain's exchangers are asked in order of preference until one takes the mail; --all asks every one. A host or an
    address that you name is asked itself, also one of your own network, whether it takes mail for the --recipient.
    """
    run = ProbeRun(Settings(**options), parse_subject(target))  # type: ignore[arg-type]  # click has converted them
    return uvloop.run(run.recorded() if run.settings.json else run.told())


class StoppingNow(Stopping):
    """One conversation: nothing in it is worth a wait."""

    def ask(self) -> None:
        """End the look, once."""
        if not self.asked:
            self.asked = True
            self.limit.reschedule(asyncio.get_running_loop().time())


@dataclass
class ProbeRun:
    """One run of the command; built from settings that were checked, before anything is asked."""

    settings: Settings
    subject: Subject
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    warnings: Warnings = field(default_factory=Warnings)

    def __post_init__(self) -> None:
        settings, subject = self.settings, self.subject
        self.identity = means.identity(settings)
        self.questions = means.questions(settings, means.sender(settings, self.identity.helo))
        self.item = Item(0, subject.name, subject.recipient)
        self.question = self.questions.about(self.item)
        self.recipient_named = settings.recipient is not None or subject.recipient is not None
        self.resolvers = means.resolvers(settings)
        self.fence = means.fence(settings)
        self.families = means.families(settings, typed=True)
        self.excluded = means.excluded_names(settings)
        # One look is one question, and one about the postmaster where the operator wants it: the session ends with it.
        self.session_limits = SessionLimits(transactions=1 + settings.ask_postmaster)
        self.limits = Limits(1, 1, settings.rate, settings.target_rate, backoff_s=0, memory_s=0)
        own_domain = domain_of(self.question.sender)
        if own_domain is not None and own_domain == domain_of(self.question.recipient):
            self.warnings.warn(f"sender and recipient are both in {own_domain}: some servers refuse that as a forgery")

    # -- the two ways to say it ------------------------------------------------------------------------------------

    async def told(self) -> int:
        """The conversation on standard output, for people."""
        screen = Screen(colour=colour_wanted(self.settings.color))
        narrator = Narrator(
            self.subject,
            self.questions.port,
            screen,
            recipient_named=self.recipient_named,
            allowed=self.may_dial,
        )
        telling = Telling(narrator.routed, narrator.begins, narrator.ended)
        looked = await self.looked(telling, narrator.conversation, screen=screen)
        if looked is not None:
            narrator.concluded(looked)
        else:
            narrator.conversation.end()
        screen.check()
        if looked is None:
            say("mxsweep: interrupted")
        return self.exit_code(looked)

    async def recorded(self) -> int:
        """Records on standard output, as in an audit."""
        started, tally, fault = time.time(), Tally(), None
        looked: Looked | None = None
        try:
            async with open_journal(STDOUT) as journal:
                begun = False

                def begin() -> None:
                    nonlocal begun
                    if not begun:
                        facts = StartFacts(__version__, started, PROBE, self.effective_settings(), self.warnings.texts)
                        journal.write(encode_start(self.id, facts))
                    begun = True

                try:
                    looked = await self.looked(Telling(), None, ready=begin)
                except LocalFault as error:
                    fault = error
                begin()
                if looked is not None:
                    group = self.group(looked)
                    journal.write(group.data)
                    tally.add(group)
                facts = RunFacts(started, time.time(), looked is None, 0, self.warnings.texts)
                journal.write(encode_run(self.id, facts, tally))
        except ReaderGone:
            return Exit.INCOMPLETE
        if fault is not None:
            raise fault
        return self.exit_code(looked)

    def effective_settings(self) -> dict[str, object]:
        """For the start record: what was asked for, and what stands in place of an absent option."""
        given = {setting.name: getattr(self.settings, setting.name) for setting in settings_of(PROBE)}
        said = {"helo": self.identity.helo, "sender": self.question.sender, "recipient": self.question.recipient}
        return given | said

    # -- the look --------------------------------------------------------------------------------------------------

    async def looked(
        self,
        telling: Telling,
        witness: Witness | None,
        *,
        screen: Screen | None = None,
        ready: Callable[[], None] = lambda: None,
    ) -> Looked | None:
        """The look; None where it was interrupted.

        Args:
            telling: who is told what happens.
            witness: who hears the conversations.
            screen: its failure to show a line ends the look.
            ready: called before anything but our own names is looked up.

        Raises:
            LocalFault: ours; there is no answer.
        """
        look = self.look(telling)
        with_what = Means(
            self.identity,
            means.deadlines(self.settings),
            self.fence,
            demands_tls,
            witness,
            self.session_limits,
            leaves_open=means.doubts(self.settings),
        )
        limit = asyncio.timeout(None)
        stopping = StoppingNow(limit, lambda: None)
        try:
            async with (
                limit,
                Resolver(self.resolvers, warn=self.warnings.warn) as resolver,
                asyncio.TaskGroup() as tasks,
            ):
                if screen is not None:
                    screen.stop = stopping.ask
                with on_signals(stopping):
                    names = check_names(resolver, self.identity.helo, self.question.sender, self.warnings.warn)
                    check = tasks.create_task(names)
                    await in_time(check)
                    ready()
                    async with Pool(with_what, self.limits, look.settle) as pool:
                        looked = await look.run(resolver, pool, every=self.settings.all)
                    check.cancel()
                    return looked
        except TimeoutError:
            if not limit.expired():
                raise
            return None
        except BaseExceptionGroup as group:
            ours, others = group.split(LocalFault)
            if ours is None or others is not None:
                raise
            raise first_of(ours) from group
        finally:
            if screen is not None:
                screen.stop = lambda: None

    def look(self, telling: Telling) -> Look:
        """The look itself, before it is begun."""
        return Look(
            self.subject,
            self.question,
            self.questions.port,
            missing_for=self.families.missing_for,
            excluded=self.excluded.matches,
            telling=telling,
        )

    def may_dial(self, planned: Planned) -> bool:
        """Whether the fence lets a probe pass; the dial asks it again."""
        return planned.address is not None and self.fence.check(planned.address, typed=typed(planned)) is None

    # -- what comes of it ------------------------------------------------------------------------------------------

    def group(self, looked: Looked) -> Group:
        """The records. A domain has one of its own only where all of its exchangers were asked."""
        facts = [self.facts(probe, looked) for probe in looked.probes]
        if looked.unasked:
            self.warnings.warn(f"{unasked(looked)} (--all asks): no domain record")
        if looked.verdict is None:
            return encode_group(self.id, facts)
        route = looked.route
        domain = AuditedDomain(
            self.item, looked.verdict, route.exchange_count, looked.probes, route.error, looked.notes
        )
        return encode_group(self.id, facts, domain_facts(domain, recipient_named=self.recipient_named))

    def facts(self, probe: AskedProbe, looked: Looked) -> ProbeFacts:
        """One probe's record: a host has no domain, an address no name."""
        facts = probe_facts(self.item, self.questions.port, probe)
        if looked.host:
            facts = facts._replace(domain=None)
        return facts if self.subject.address is None else facts._replace(exchange=NAMELESS)

    def exit_code(self, looked: Looked | None) -> int:
        """3: interrupted, or nobody could be asked. 1: the audit's findings, or a host that does not take the mail."""
        if looked is None or not looked.completed:
            return Exit.INCOMPLETE
        if looked.host:
            return Exit.FINDINGS if looked.broken else Exit.CLEAN
        named = self.recipient_named and looked.so_far is DomainVerdict.RECIPIENT_REFUSED
        return Exit.FINDINGS if named or looked.so_far in DEFAULT_FINDINGS else Exit.CLEAN
