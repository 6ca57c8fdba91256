"""The asyncio protocol: bytes to a dialogue and back, and the times when it is due. Nothing else.

A wire has one `deadline`, absolute, moved on by each whole reply; one `Watch` walks the live wires and ends those
that are late. No timer, task or future is made for a reply or a command: the session's task sleeps until the dialogue
has an event.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Protocol, cast

from scanner.smtp.states import OVER
from scanner.terms import ProbeVerdict, Stage

if TYPE_CHECKING:
    from scanner.pool.limits import Deadlines
    from scanner.smtp.dialogue import Dialogue
    from scanner.smtp.outcome import Ended, TlsAgreed

QUIT_LIMIT_S = 2.0
"""How long QUIT's (or RSET's) reply is waited for, once the answer is there."""
HANDSHAKE_LIMIT_S = 30.0
SESSION_LIMIT_BYTES = 1024 * 1024
"""No honest conversation is longer: a flood ends here."""


class Witness(Protocol):
    """Sees the conversation as it happens: `>` ours, `<` theirs, `*` what is no byte of it but a note in words."""

    def __call__(self, mark: str, data: bytes) -> None:
        """Called with every portion, in order."""


class Wire(asyncio.Protocol):
    """One connection's protocol, from the dial to its end."""

    def __init__(
        self, dialogue: Dialogue, deadlines: Deadlines, probe_deadline: float, witness: Witness | None
    ) -> None:
        self.dialogue = dialogue
        self.deadlines = deadlines
        self.probe_deadline = probe_deadline
        self.witness = witness
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.waiter: asyncio.Future[None] | None = None
        self.received_bytes = 0
        self.handshaking = False
        self.resting = False
        self.end_noted = False
        self.deadline = probe_deadline
        self.decided_at: float | None = None
        self.fault: Exception | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The dial is done, or the handshake."""
        if self.witness is not None and self.transport is None:
            self.note(f"connected from {transport.get_extra_info('sockname')[0]}")
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        self.deadline = min(self.probe_deadline, self.loop.time() + 2 * self.deadlines.reply_s)

    def data_received(self, data: bytes) -> None:
        """Feed the dialogue, write what it wants said, move the deadline when a reply is whole and others are due."""
        dialogue = self.dialogue
        if self.witness is not None:
            self.witness("<", data)
        self.received_bytes += len(data)
        owed = len(dialogue.owed)
        dialogue.receive_data(data)
        if self.received_bytes > SESSION_LIMIT_BYTES:
            dialogue.stop(ProbeVerdict.NOT_SMTP, f"more than {SESSION_LIMIT_BYTES} bytes in one session")
        if dialogue.out:
            self.flush()
        elif not dialogue.happened and len(dialogue.owed) != owed:
            self.move_deadline()
        self.look()

    def flush(self) -> None:
        """Write what the dialogue has to say, in one write."""
        out = self.dialogue.data_to_send()
        if out and self.transport is not None:
            if self.witness is not None:
                self.witness(">", out)
            self.transport.write(out)
            self.move_deadline()

    def move_deadline(self) -> None:
        """A command went out or a reply is whole: the next reply's time begins."""
        now = self.loop.time()
        if self.dialogue.decided is None:
            self.deadline = min(self.probe_deadline, now + self.deadlines.reply_s)
        elif self.decided_at is None:
            self.decided_at = now
            self.deadline = now + QUIT_LIMIT_S

    def begin(self, probe_deadline: float) -> None:
        """The next question's time begins; write what the dialogue says of it."""
        self.probe_deadline = probe_deadline
        self.decided_at = None
        self.flush()

    async def rest(self, until: float) -> None:
        """Wait without a question until a time, until `wake`, or until the server says something."""
        self.resting = True
        self.deadline = until
        try:
            await self.news()
        finally:
            self.resting = False

    async def leave(self) -> None:
        """Say QUIT and wait for its answer, for so long and no longer."""
        self.dialogue.leave()
        self.flush()
        self.deadline = self.loop.time() + QUIT_LIMIT_S
        while self.dialogue.state is not OVER and self.fault is None:
            await self.news()

    def look(self) -> None:
        """Wake the session if something happened; hang up if all is over."""
        if self.dialogue.state is OVER:
            self.wake()
            self.hang_up()
        elif self.resting or self.dialogue.happened:
            self.wake()

    def wake(self) -> None:
        """Let the session go on."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def eof_received(self) -> None:
        """The server will say no more; the transport closes itself."""
        if not self.handshaking:
            self.note_end("closed by the server")
            self.dialogue.receive_eof()
            self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed or reset; in a handshake that is the handshake's failure. Anything else is a bug of ours."""
        self.lost = True
        if self.handshaking:
            return
        if exc is not None and not isinstance(exc, OSError):
            self.fault = exc
            self.wake()
            return
        reset = isinstance(exc, ConnectionResetError | BrokenPipeError)
        end = "reset by the server" if reset else "closed by the server"
        self.note_end(end)
        self.dialogue.receive_eof(end)
        self.look()

    def news(self) -> asyncio.Future[None]:
        """To be awaited where `events` has none: ends when there may be some."""
        self.waiter = self.loop.create_future()
        return self.waiter

    def events(self) -> list[TlsAgreed | Ended]:
        """What happened; what the loop met in `data_received` is raised here."""
        if self.fault is not None:
            raise self.fault
        return self.dialogue.events()

    def expire(self, now: float) -> None:
        """The deadline has passed; news that the session is about to take come first."""
        if self.resting or self.dialogue.happened:
            self.wake()
            return
        dialogue = self.dialogue
        due = str(dialogue.owed[0]) if dialogue.owed else "TLS handshake"
        if now >= self.probe_deadline:
            dialogue.stop(ProbeVerdict.GIVEN_UP, f"out of time ({self.deadlines.probe_s:g} s) at {due}")
        elif dialogue.stage_due is Stage.STARTTLS and not dialogue.owed:
            dialogue.tls_failed("the handshake was not done in time")
        else:
            limit_s = self.deadlines.reply_s * (2 if dialogue.stage_due is Stage.BANNER else 1)
            name = "greeting" if dialogue.stage_due is Stage.BANNER else f"whole reply to {due}"
            dialogue.stop(ProbeVerdict.REPLY_TIMEOUT, f"no {name} within {limit_s:g} s")
        self.look()

    def hang_up(self) -> None:
        """Close now. A close that waits for the peer's last TLS record would hold the socket for 30 s (uvloop#471)."""
        transport, self.transport = self.transport, None
        if transport is not None:
            self.deadline = math.inf
            self.note_end("closed by us")
            transport.abort()

    def note(self, text: str) -> None:
        """Tell the witness, if there is one."""
        if self.witness is not None:
            self.witness("*", text.encode())

    def note_end(self, text: str) -> None:
        """Tell the witness who ended the connection: whoever did it first."""
        if self.witness is not None and not self.end_noted:
            self.end_noted = True
            self.note(text)
