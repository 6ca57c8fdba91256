"""One session, from the dial to its end, as straight-line code.

`Asked` is a probe on its way through the pool; a session that ends with a wish (`Outcome.again`) leaves in it how the
next one shall differ.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.escape import cut, safe_text
from scanner.judge.software import software_of
from scanner.pool.dial import DialFailed, Forbidden, dial
from scanner.pool.limits import SessionLimits
from scanner.pool.postmaster import about_postmaster, postmaster_in_words
from scanner.pool.probe import Answer
from scanner.pool.tls import Contexts, secure
from scanner.pool.watch import Dialling, Watch
from scanner.pool.wire import HANDSHAKE_LIMIT_S, Wire, Witness
from scanner.smtp.command import UnsafeArgument
from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Again, Ended, Outcome, StartTls
from scanner.smtp.reply import text_of
from scanner.terms import ProbeVerdict, ServerFacts, SessionUse, Stage, TlsFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.addresses import Fence
    from scanner.pool.asked import Asked
    from scanner.pool.limits import Deadlines, Identity
    from scanner.smtp.reply import Reply


IN_WORDS = {
    Again.UNPIPELINED: "one command at a time",
    Again.IN_CLEAR: "in the clear",
    Again.UNVERIFIED: "whatever the certificate",
}
"""How the next session of a probe differs, for a witness."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every session of a run needs: who we are, how long, what may be dialled, when a refusal asks for TLS.

    `leaves_open` says of an outcome that the postmaster is to be asked too; None: never.
    """

    identity: Identity
    deadlines: Deadlines
    fence: Fence
    demands_tls: Callable[[Stage, Reply], bool]
    witness: Witness | None = None
    session_limits: SessionLimits = SessionLimits()  # noqa: RUF009 - frozen
    watch: Watch = field(default_factory=Watch)
    contexts: Contexts = field(default_factory=Contexts)
    leaves_open: Callable[[Outcome], bool] | None = None


class Session:
    """One connection and the questions that are put on it, one after the other.

    Args:
        means: what it needs.
        asked: its first probe; the target and the manner of the session are this one's.
        connected: called when the dial has found somebody.

    Attributes:
        source: our own address; None as long as there is no connection.
        transactions: questions answered on it.
        errors: refusals that the server counts against us (Postfix sleeps from the 10th on, and hangs up at the 20th).
    """

    def __init__(self, means: Means, asked: Asked, connected: Callable[[], None] = lambda: None) -> None:
        self.means = means
        self.connected = connected
        self.target = asked.probe.target
        self.host = asked.probe.host
        self.loop = asyncio.get_running_loop()
        self.dialogue = Dialogue(
            means.identity.helo,
            starttls=StartTls.NEVER if asked.in_clear else means.identity.starttls,
            demands_tls=means.demands_tls,
            pipelining=asked.pipelining,
        )
        self.began = self.loop.time()
        self.wire = Wire(self.dialogue, means.deadlines, self.began + means.deadlines.probe_s, means.witness)
        self.tls_agreed = False
        self.transactions = 0
        self.errors = 0
        self.source: str | None = None
        self.tls = asked.tls
        self.server: ServerFacts | None = None

    async def ask(self, asked: Asked, *, last: bool) -> Answer | None:
        """Put one question; the first one dials.

        Returns:
            The answer; None where the session, in use already, ended under the question, which says nothing about it:
            an idle or reuse limit ran out while the command was on its way (RFC 5321 3.8 allows a 421 to anything).

        Raises:
            LocalFault: our own shortage kept it from being dialled; nothing is said about the target.
        """
        started, began = time.time(), self.loop.time()
        in_use = self.transactions > 0
        postmaster = None if self.means.leaves_open is None else about_postmaster(asked.probe)
        try:
            self.dialogue.ask(asked.probe.question, last=last and postmaster is None)
        except UnsafeArgument as error:
            unsayable = Outcome(Stage.CONNECT, trouble=ProbeVerdict.LOCAL_ERROR, error=safe_text(str(error)))
            return undialled(unsayable, started)
        if in_use:
            self.wire.begin(began + self.means.deadlines.probe_s)
        elif (answer := await self.open(asked, started, began)) is not None:
            return answer
        while (outcome := self.heard()) is None:
            if self.tls_agreed:
                await self.shake_hands(asked)
            else:
                await self.wire.news()
        if in_use and broken_under(outcome):
            return None
        self.count(outcome)
        asked.attempts += 1
        if outcome.again is not None and asked.may_try(outcome.again):
            self.wire.note(f"once more, {IN_WORDS[outcome.again]}")
        ended = self.loop.time() if self.wire.decided_at is None else self.wire.decided_at
        answer = Answer(
            outcome,
            started,
            (ended - began) * 1000,
            self.server or self.facts(),
            self.source,
            SessionUse.REUSED if in_use else SessionUse.NEW,
            asked.attempts,
            tuple(self.dialogue.notes),
        )
        if postmaster is not None and self.may_settle(outcome):
            return await self.with_postmaster(answer, postmaster, last=last)
        return answer

    def may_settle(self, outcome: Outcome) -> bool:
        """Whether the postmaster is to be asked too: something was left open, and the session can carry it."""
        leaves_open, limits = self.means.leaves_open, self.means.session_limits
        return (
            leaves_open is not None
            and outcome.again is None
            and self.is_open
            and self.transactions < limits.transactions
            and self.errors < limits.errors
            and leaves_open(outcome)
        )

    async def with_postmaster(self, answer: Answer, postmaster: Asked, *, last: bool) -> Answer:
        """The answer with what the server says about the mailbox that a domain it serves must have (RFC 5321 4.5.1)."""
        second = await self.ask(postmaster, last=last)
        outcome = None if second is None else second.outcome
        return answer._replace(notes=(*answer.notes, postmaster_in_words(outcome)), postmaster=outcome)

    async def open(self, asked: Asked, started: float, began: float) -> Answer | None:
        """Dial; the answer where that already is one."""
        wire, means, probe = self.wire, self.means, asked.probe
        try:
            transport = await dial(
                probe.target,
                lambda: wire,
                fence=means.fence,
                typed=probe.typed,
                source=means.identity.source,
                limit=Dialling(means.watch, min(wire.probe_deadline, began + means.deadlines.connect_s)),
            )
        except Forbidden as forbidden:
            return undialled(Outcome(Stage.CONNECT, trouble=forbidden.ban.verdict, error=str(forbidden)), started)
        except DialFailed as failed:
            asked.attempts += 1
            stage = Stage.BANNER if failed.verdict is ProbeVerdict.DISCONNECTED else Stage.CONNECT
            outcome = Outcome(stage, trouble=failed.verdict, error=str(failed))
            elapsed_ms = (self.loop.time() - began) * 1000
            return Answer(outcome, started, elapsed_ms, ServerFacts(tls=asked.tls), attempts=asked.attempts)
        self.source = transport.get_extra_info("sockname")[0]
        means.watch.add(wire)
        self.connected()
        return None

    def heard(self) -> Outcome | None:
        """The question's outcome, if it has come; else whether the server agreed to TLS stands in `tls_agreed`."""
        for event in self.wire.events():
            if isinstance(event, Ended):
                if (refused := refused_tls(event.outcome)) is not None:
                    self.tls, self.server = refused, None
                return event.outcome
            self.tls_agreed = True
        return None

    async def shake_hands(self, asked: Asked) -> None:
        """Secure the session; how that ended is the dialogue's next news."""
        self.tls_agreed = False
        wire = self.wire
        limit_s = min(HANDSHAKE_LIMIT_S, wire.probe_deadline - self.loop.time())
        wire.deadline = self.loop.time() + limit_s + 1.0  # start_tls keeps the limit itself
        host = asked.probe.host or asked.probe.target.address
        tls = await secure(wire, self.means.contexts, host, verify=asked.verify, limit_s=limit_s)
        if asked.tls is not None and tls.error is None:
            tls = tls._replace(error=asked.tls.error)
        self.tls, self.server = tls, None
        self.host = asked.probe.host
        self.errors += 2  # the refusals that demanded it
        wire.note(tls_in_words(tls))
        wire.flush()

    def count(self, outcome: Outcome) -> None:
        """One more transaction; a refused MAIL makes its pipelined RCPT a second error."""
        self.transactions += 1
        if outcome.reply is not None and outcome.reply.code >= 400:
            self.errors += 2 if outcome.stage is Stage.MAIL else 1

    def may_take(self, asked: Asked) -> bool:
        """Whether this session, as it is now, can carry the question too."""
        return (
            self.has_room
            and not asked.needs_new
            and (asked.probe.asked_before is None or asked.probe.asked_before <= self.began)
            and asked.probe.target == self.target
            and (not self.dialogue.tls or asked.probe.host == self.host)
        )

    @property
    def has_room(self) -> bool:
        """It is open and within its limits."""
        limits = self.means.session_limits
        spare = self.means.leaves_open is not None  # for the postmaster
        return self.is_open and self.transactions + spare < limits.transactions and self.errors + spare < limits.errors

    @property
    def is_open(self) -> bool:
        """Another question may be put, and the server is still there."""
        return self.wire.transport is not None and self.dialogue.ready_for_another

    async def rest(self, until: float) -> None:
        """Wait without a question until a time, until `rouse`, or until the server has had enough."""
        await self.wire.rest(until)

    def rouse(self) -> None:
        """There may be a question, or the place is wanted."""
        self.wire.wake()

    async def leave(self) -> None:
        """QUIT, where the last question did not bring it along; a 421 to RSET is the server's own."""
        if self.wire.transport is not None and self.dialogue.may_leave:
            await self.wire.leave()

    async def gone(self) -> None:
        """After `hang_up`: until the socket is closed, for the place is free only then. uvloop needs a turn or two."""
        for _ in range(3):
            if self.wire.lost or self.source is None:
                return
            await asyncio.sleep(0)

    def hang_up(self) -> None:
        """Close, whatever the state."""
        self.means.watch.discard(self.wire)
        self.wire.hang_up()

    def facts(self) -> ServerFacts:
        """What was said of oneself: the same in all answers of the session."""
        dialogue = self.dialogue
        banner = None if dialogue.banner is None else text_of(dialogue.banner)
        offered, hello = dialogue.extensions.offered, dialogue.extensions.hello
        said = dialogue.our_name if dialogue.hello_said else None
        self.server = ServerFacts(said, banner, software_of(banner, hello, offered), offered, self.tls)
        return self.server


def broken_under(outcome: Outcome) -> bool:
    """A 421, a reset or a close."""
    if outcome.reply is not None:
        return outcome.reply.code == 421
    return outcome.trouble is ProbeVerdict.DISCONNECTED


def tls_in_words(tls: TlsFacts) -> str:
    """What a handshake came to, for a witness."""
    if tls.version is None:
        return f"certificate not valid: {tls.error}" if tls.verified is False else f"{tls.error}"
    certificate = "certificate valid" if tls.verified else f"certificate not valid: {tls.error}"
    return f"{tls.version} {tls.cipher}, {certificate}"


def refused_tls(outcome: Outcome) -> TlsFacts | None:
    """What a refused STARTTLS leaves to tell: with `when-offered` the plain verdict hides its reply."""
    if outcome.trouble is not ProbeVerdict.TLS_UNAVAILABLE or outcome.reply is None:
        return None
    return TlsFacts(error=cut(f"STARTTLS refused: {outcome.reply.code} {text_of(outcome.reply)}"))


def internal_error(error: Exception) -> str:
    """For a record's `error`."""
    return cut(safe_text(f"internal error: {type(error).__name__}: {error}"))


def undialled(outcome: Outcome, started: float) -> Answer:
    """The answer to a probe that sent no packet."""
    return Answer(outcome, started, session=SessionUse.NONE, attempts=0)
