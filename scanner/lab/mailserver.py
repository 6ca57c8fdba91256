"""Mail servers with manners, on aiosmtpd: they speak SMTP as it should be, whatever they then say to a sender.

What a server says is data (`Manners`). No mail is kept: what a server takes is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, AnyStr

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosmtpd.smtp import Envelope, Session

TOY_CERTIFICATE = Path(__file__).with_name("toy_certificate.txt")
"""Key and self-signed certificate of the lab, both public."""

GREYLIST_DELAY_S = 3.0
"""Real ones wait for minutes (Postgrey 300 s); nobody plays that long."""

HANDSHAKE_FAILURE = bytes.fromhex("15 0303 0002 02 28")
"""A TLS alert: fatal, handshake_failure (RFC 5246 7.2), as from a server that has lost its certificate."""

LINE_PAUSE_S = 0.25
"""Between the lines of a slow greeting; postscreen waits 6 s."""

IDLE_LIMIT_S = 120.0
"""A telnet session may think this long between two commands."""


class Tls(Enum):
    """What a server does about STARTTLS."""

    NONE = "not offered"
    DEMANDED = "offered, and demanded before MAIL"
    IMPOSSIBLE = "demanded, but not offered"
    BROKEN = "offered and demanded, but every handshake ends in an alert"


@dataclass(frozen=True, slots=True)
class Manners:
    """What a mail server says; `{recipient}` and `{domain}` in a reply are filled in.

    `serves`: domains it takes mail for; `relay` is its reply to recipients of others, None takes those as well.
    `recipient`: its reply to recipients of its own domains. `delay_s`: greylisting, None for none.
    `greeting_lines`: said before the last line of the greeting, one at a time with pauses.
    """

    serves: tuple[str, ...] = ()
    relay: str | None = "554 5.7.1 <{recipient}>: Relay access denied"
    mail: str = "250 2.1.0 Ok"
    recipient: str = "250 2.1.5 Ok"
    ident: str = "ESMTP Postfix"
    greeting_lines: tuple[str, ...] = ()
    extended: bool = True
    pipelining: bool = True
    tls: Tls = Tls.NONE
    delay_s: float | None = None


class Conduct:
    """One server's answers, in the shape of aiosmtpd's handler hooks; its greylist outlives a session."""

    def __init__(self, manners: Manners, clock: Callable[[], float]) -> None:
        self.manners = manners
        self.clock = clock
        self.first_seen: dict[tuple[str, str | None, str], float] = {}

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """The extensions, or the refusal of a server that knows none."""
        if not self.manners.extended:
            return ["502 5.5.1 Command not implemented"]
        session.host_name = hostname
        offered = [line for line in responses if not line.startswith("250-AUTH")]
        if self.manners.pipelining:
            offered.insert(1, "250-PIPELINING")
        return offered

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """STARTTLS first, where that is demanded (RFC 3207 4)."""
        if self.manners.tls is not Tls.NONE and session.ssl is None:
            return "530 5.7.0 Must issue a STARTTLS command first"
        if self.manners.mail.startswith("2"):
            envelope.mail_from = address
        return self.manners.mail

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Ours or not, known before or not."""
        reply = self.about(address)
        if reply.startswith("2"):
            reply = self.greylisted(client_address(session), envelope.mail_from, address) or reply
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's hook
        """The message ends here."""
        return "250 2.0.0 Ok: taken, and thrown away (this is a lab)"

    async def handle_exception(self, error: Exception) -> str:
        """A handshake that failed, or a bug: the client hears it, no traceback fills the terminal of the lab."""
        return f"451 4.3.0 {type(error).__name__}"

    def about(self, address: str) -> str:
        """The reply to a recipient, greylisting aside."""
        domain = address.rpartition("@")[2].lower()
        template = self.manners.recipient if domain in self.manners.serves else self.manners.relay
        return (template or self.manners.recipient).format(recipient=address, domain=domain)

    def greylisted(self, client: str, sender: str | None, recipient: str) -> str | None:
        """The deferral of a triplet not known for long enough, or None."""
        if self.manners.delay_s is None:
            return None
        now = self.clock()
        if now - self.first_seen.setdefault((client, sender, recipient), now) >= self.manners.delay_s:
            return None
        return f"450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted, see RFC 6647"


class MailServer(SMTP):
    """One session of a server with manners.

    Args:
        hostname: what it calls itself.
        conduct: what it says.
        live: where the session is listed while it is under way, for `end`.
    """

    def __init__(self, hostname: str, conduct: Conduct, live: set[MailServer]) -> None:
        super().__init__(
            conduct,
            hostname=hostname,
            ident=conduct.manners.ident,
            tls_context=tls_context(conduct.manners.tls),
            timeout=IDLE_LIMIT_S,
            loop=asyncio.get_running_loop(),
        )
        self.manners = conduct.manners
        self.lines_before = conduct.manners.greeting_lines
        self.live = live

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is here; after STARTTLS once more, with the same task."""
        super().connection_made(transport)
        self.live.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The client has gone, or `end` said so."""
        super().connection_lost(error)
        self.live.discard(self)

    async def _handle_client(self) -> None:
        """The library's dialogue, without its complaint about clients that hang up in the middle of a reply."""
        with contextlib.suppress(ConnectionResetError):
            await super()._handle_client()

    async def push(self, status: AnyStr) -> None:
        """Send one line; before the last line of a slow greeting the others (RFC 5321 4.2: `220-` goes on)."""
        lines, self.lines_before = self.lines_before, ()
        for line in lines:
            await super().push(f"220-{line}")
            await asyncio.sleep(LINE_PAUSE_S)
        await super().push(status)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """The library's, or a failure played by hand: Python's own drops the alert and resets the connection."""
        if self.manners.tls is not Tls.BROKEN:
            await super().smtp_STARTTLS(arg)
            return
        await self.push("220 2.0.0 Ready to start TLS")
        await self._reader.read(1)  # not before the client's hello: earlier bytes would be an injection (RFC 3207 6)
        self._writer.write(HANDSHAKE_FAILURE)
        self._writer.close()

    async def end(self) -> None:
        """Close without a word, and wait until the session is over.

        The task is cancelled here too: aiosmtpd does not notice a connection that is lost within the TLS handshake.
        """
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.Transport):
            transport.abort()
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
            await asyncio.wait([self._handler_coroutine])
        self.live.discard(self)


def client_address(session: Session) -> str:
    """The client's IP address; aiosmtpd keeps the socket's whole name."""
    return str(session.peer[0]) if session.peer else ""


@functools.cache
def tls_context(tls: Tls) -> ssl.SSLContext | None:
    """What the server shakes hands with; None where it does not."""
    if tls in {Tls.NONE, Tls.IMPOSSIBLE}:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls is Tls.DEMANDED:
        context.load_cert_chain(TOY_CERTIFICATE)
    return context
