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
from scanner.pool.dial import DialFailed, Forbidden, dial
from scanner.pool.probe import Answer, Probe
from scanner.pool.tls import Contexts, secure
from scanner.pool.watch import Dialling, Watch
from scanner.pool.wire import HANDSHAKE_LIMIT_S, Wire, Witness
from scanner.smtp.command import UnsafeArgument
from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Again, Ended, Outcome, StartTls, TlsAgreed
from scanner.smtp.reply import text_of
from scanner.terms import ProbeVerdict, ServerFacts, SessionUse, Stage, TlsFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.addresses import Fence
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
    """What every session of a run needs: who we are, how long, what may be dialled, when a refusal asks for TLS."""

    identity: Identity
    deadlines: Deadlines
    fence: Fence
    demands_tls: Callable[[Stage, Reply], bool]
    witness: Witness | None = None
    watch: Watch = field(default_factory=Watch)
    contexts: Contexts = field(default_factory=Contexts)


@dataclass(slots=True)
class Asked:
    """A probe in the pool, with what earlier sessions taught about its target."""

    probe: Probe
    pipelining: bool = True
    in_clear: bool = False
    verify: bool = True
    tls: TlsFacts | None = None
    attempts: int = 0

    def may_try(self, again: Again) -> bool:
        """Each wish is granted once; without that a server could keep us dialling."""
        match again:
            case Again.UNPIPELINED:
                return self.pipelining
            case Again.IN_CLEAR:
                return not self.in_clear
            case Again.UNVERIFIED:
                return self.verify

    def learn(self, again: Again, tls: TlsFacts | None) -> None:
        """Make the next session differ as the last one wished."""
        self.tls = tls
        match again:
            case Again.UNPIPELINED:
                self.pipelining = False
            case Again.IN_CLEAR:
                self.in_clear = True
            case Again.UNVERIFIED:
                self.verify = False


async def hold(asked: Asked, means: Means) -> Answer:
    """Hold one session for one probe.

    Raises:
        LocalFault: our own shortage kept it from being dialled; nothing is said about the target.
    """
    started, began = time.time(), asyncio.get_running_loop().time()
    probe_deadline = began + means.deadlines.probe_s
    probe = asked.probe
    dialogue = Dialogue(
        means.identity.helo,
        starttls=StartTls.NEVER if asked.in_clear else means.identity.starttls,
        demands_tls=means.demands_tls,
        pipelining=asked.pipelining,
    )
    wire = Wire(dialogue, means.deadlines, probe_deadline, means.witness)
    try:
        dialogue.ask(probe.question)
        transport = await dial(
            probe.target,
            lambda: wire,
            fence=means.fence,
            typed=probe.typed,
            source=means.identity.source,
            limit=Dialling(means.watch, min(probe_deadline, began + means.deadlines.connect_s)),
        )
    except UnsafeArgument as error:
        return undialled(Outcome(Stage.CONNECT, trouble=ProbeVerdict.LOCAL_ERROR, error=safe_text(str(error))), started)
    except Forbidden as forbidden:
        return undialled(Outcome(Stage.CONNECT, trouble=forbidden.ban.verdict, error=str(forbidden)), started)
    except DialFailed as failed:
        asked.attempts += 1
        stage = Stage.BANNER if failed.verdict is ProbeVerdict.DISCONNECTED else Stage.CONNECT
        outcome = Outcome(stage, trouble=failed.verdict, error=str(failed))
        elapsed_ms = (wire.loop.time() - began) * 1000
        return Answer(outcome, started, elapsed_ms, tls_only(asked.tls), attempts=asked.attempts)
    asked.attempts += 1
    source = transport.get_extra_info("sockname")[0]
    means.watch.add(wire)
    try:
        outcome, tls = await converse(wire, asked, means)
    finally:
        means.watch.discard(wire)
        wire.hang_up()
    if outcome.again is not None and asked.may_try(outcome.again):
        wire.note(f"once more, {IN_WORDS[outcome.again]}")
    ended = wire.loop.time() if wire.decided_at is None else wire.decided_at
    server = facts_of(dialogue, tls or asked.tls)
    notes = tuple(dialogue.notes)
    return Answer(outcome, started, (ended - began) * 1000, server, source, SessionUse.NEW, asked.attempts, notes)


async def converse(wire: Wire, asked: Asked, means: Means) -> tuple[Outcome, TlsFacts | None]:
    """Let the dialogue run until the question has its outcome; shake hands where it agrees to."""
    tls: TlsFacts | None = None
    while True:
        for event in await wire.events():
            match event:
                case Ended(outcome):
                    return outcome, tls or refused_tls(outcome)
                case TlsAgreed():
                    limit_s = min(HANDSHAKE_LIMIT_S, wire.probe_deadline - wire.loop.time())
                    wire.deadline = wire.loop.time() + limit_s + 1.0  # start_tls keeps the limit itself
                    host = asked.probe.host or asked.probe.target.address
                    tls = await secure(wire, means.contexts, host, verify=asked.verify, limit_s=limit_s)
                    if asked.tls is not None and tls.error is None:
                        tls = tls._replace(error=asked.tls.error)
                    wire.note(tls_in_words(tls))
                    wire.flush()


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


def undialled(outcome: Outcome, started: float) -> Answer:
    """The answer to a probe that sent no packet."""
    return Answer(outcome, started, session=SessionUse.NONE, attempts=0)


def tls_only(tls: TlsFacts | None) -> ServerFacts:
    """What an earlier session left, where this one met nobody."""
    return ServerFacts(tls=tls)


def facts_of(dialogue: Dialogue, tls: TlsFacts | None) -> ServerFacts:
    """What was said of oneself in the session."""
    banner = dialogue.banner
    return ServerFacts(
        dialogue.our_name if dialogue.hello_said else None,
        None if banner is None else text_of(banner),
        None,
        dialogue.extensions.offered,
        tls,
    )
