"""A small scriptable DNS server on loopback: UDP and TCP on one port, able to misbehave on purpose.

It owns the transport (RFC 1035 4.2: datagrams, and two-octet lengths over TCP), the waiting and the counting. What is
answered is a function of the question that the owner passes in; zones of records are built on top of it. That function
gets parsed messages and may give back a message or raw octets, so that wrong ids, cut headers and impossible record
lengths can be played too. For tests and the embedded lab: it parses with dnspython, some thousand answers a second.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import struct
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

import dns.exception
import dns.message
import dns.rdatatype

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PORTS = range(16384, 32768)
"""Where a free port is looked for: below those that Linux hands out by itself (32768-60999). One of them might go to
somebody else while the server is away, and a client of a server that is away might be given the server's own port, and
then reads its own questions as answers."""

PORT_ATTEMPTS = 50
"""How many ports are tried until one is free on UDP and TCP."""

PLAIN_UDP_LIMIT_OCTETS = 512
"""What a datagram may carry where the question has no EDNS option (RFC 1035 4.2.1)."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""


class Response(NamedTuple):
    """What the server does about one question; `Response()` is silence (over TCP: the connection hangs).

    `payload`: a message, or raw octets sent as they are (over TCP behind their length). A message too large for the
    question's datagram goes out cut and with TC set. `delay_s`: seconds before anything happens. `copies`: how many
    times it is sent. `reset`: over TCP the connection is reset, after the payload if there is one; UDP ignores it.
    """

    payload: dns.message.Message | bytes | None = None
    delay_s: float = 0.0
    copies: int = 1
    reset: bool = False


class Answer(Protocol):
    """The script: one question, as it was parsed, to what the server does about it. `tcp`: which way it came."""

    def __call__(self, query: dns.message.Message, /, *, tcp: bool) -> Response:
        """Called once per question, on the event loop; must not block."""


class NameServer:
    """The server: `async with NameServer(answer) as server: ... server.port`.

    Args:
        answer: what to do about each question; what does not parse as a question is dropped.
        address: the loopback address to bind to, v4 or v6.
        port: 0 finds one that is free on UDP and TCP; another number is how a test restarts a server in its place.

    `asked` counts questions by (name in lower case without final dot, type as text), `asked_by_tcp` those of them that
    came over TCP. `waiting` is how many delayed answers are under way, `waiting_peak` the most there ever were.

    Raises (on entering): OSError where the port cannot be bound.
    """

    def __init__(self, answer: Answer, address: str = "127.0.0.1", port: int = 0) -> None:
        self.answer = answer
        self.address = address
        self.port = port
        self.asked: Counter[tuple[str, str]] = Counter()
        self.asked_by_tcp: Counter[tuple[str, str]] = Counter()
        self.waiting_peak = 0
        self.timers: set[asyncio.TimerHandle] = set()
        self.protocols: set[DatagramSide | StreamSide] = set()
        self.listener: asyncio.Server | None = None

    @property
    def waiting(self) -> int:
        """How many delayed answers are under way."""
        return len(self.timers)

    async def __aenter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        datagrams, stream = bind_both(family, self.address, self.port)
        self.port = datagrams.getsockname()[1]
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: DatagramSide(self), sock=datagrams)
        self.listener = await loop.create_server(lambda: StreamSide(self), sock=stream)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        if self.listener is not None:
            self.listener.close()
        ending = list(self.protocols)
        for protocol in ending:
            protocol.abort()
        for protocol in ending:
            await protocol.gone.wait()

    def take(self, octets: bytes, *, tcp: bool, act: Callable[[Response, int], None]) -> None:
        """One question as it came; `act(response, limit in octets)` is called when the answer is due."""
        try:
            query = dns.message.from_wire(octets)
        except dns.exception.DNSException:
            return
        if not query.question:
            return
        question = query.question[0]
        key = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked[key] += 1
        if tcp:
            self.asked_by_tcp[key] += 1
        limit = 65535 if tcp else max(query.payload, PLAIN_UDP_LIMIT_OCTETS)
        response = self.answer(query, tcp=tcp)
        if response.delay_s > 0:
            self.later(response.delay_s, lambda: act(response, limit))
        else:
            act(response, limit)

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do it after a delay, unless the server ends first."""

        def due() -> None:
            self.timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(delay_s, due)
        self.timers.add(timer)
        self.waiting_peak = max(self.waiting_peak, len(self.timers))


class DatagramSide(asyncio.DatagramProtocol):
    """The UDP half."""

    transport: asyncio.DatagramTransport

    def __init__(self, server: NameServer) -> None:
        self.server = server
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # typeshed's base is wider
        """Register with the server."""
        self.transport = transport
        self.server.protocols.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The socket is closed."""
        self.server.protocols.discard(self)
        self.gone.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One question."""
        self.server.take(data, tcp=False, act=lambda response, limit: self.send(response, limit, addr))

    def send(self, response: Response, limit_octets: int, addr: tuple[str, int]) -> None:
        """Send what the script wants, to the one who asked."""
        if response.payload is None or self.transport.is_closing():
            return
        octets = wire(response.payload, limit_octets)
        for _ in range(response.copies):
            self.transport.sendto(octets, addr)

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()


class StreamSide(asyncio.Protocol):
    """One TCP connection; any number of questions, each behind its length."""

    transport: asyncio.Transport

    def __init__(self, server: NameServer) -> None:
        self.server = server
        self.gone = asyncio.Event()
        self.unread = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # typeshed's base is wider
        """Register with the server."""
        self.transport = transport
        self.server.protocols.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client or the server ended it."""
        self.server.protocols.discard(self)
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        """Any part of a question or of several."""
        self.unread += data
        while len(self.unread) >= 2:
            end = 2 + int.from_bytes(self.unread[:2], "big")
            if len(self.unread) < end:
                return
            octets, self.unread = self.unread[2:end], self.unread[end:]
            self.server.take(octets, tcp=True, act=self.send)

    def send(self, response: Response, limit_octets: int) -> None:
        """Send, hang or reset, as the script wants."""
        if self.transport.is_closing():
            return
        if response.payload is not None:
            octets = wire(response.payload, limit_octets)
            self.transport.write((len(octets).to_bytes(2, "big") + octets) * response.copies)
        if response.reset:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.transport.abort()

    def abort(self) -> None:
        """Close at once, whatever is unsent."""
        self.transport.abort()


def wire(payload: dns.message.Message | bytes, limit_octets: int) -> bytes:
    """The octets of an answer, cut at a record and with TC set where they would exceed the limit (RFC 2181 9)."""
    if isinstance(payload, bytes):
        return payload
    return payload.to_wire(max_size=limit_octets, prefer_truncation=True)


def bind_both(family: socket.AddressFamily, address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on one port, 0 for any that is free on both. Raises OSError."""
    for attempt in range(1, PORT_ATTEMPTS + 1):
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        stream = socket.socket(family, socket.SOCK_STREAM)
        try:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried = port or PORTS[secrets.randbelow(len(PORTS))]
            datagrams.bind((address, tried))
            stream.bind((address, tried))
            stream.listen()
        except OSError as error:
            datagrams.close()
            stream.close()
            if port or error.errno != errno.EADDRINUSE or attempt == PORT_ATTEMPTS:
                raise
        else:
            datagrams.setblocking(False)
            stream.setblocking(False)
            return datagrams, stream
    raise AssertionError(port)
