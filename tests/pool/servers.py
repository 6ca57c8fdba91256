"""Scripted SMTP servers on loopback, and what they see: counts are taken at this end.

A script names a step for each command (`OPEN` is the connection itself): bytes to say, or a function of the visit.
Visits are callbacks; only a TLS handshake is a task, owned by its server. So a census of tasks sees the client's.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from bisect import bisect_left
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias, cast

from scanner.terms import Target

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Step: TypeAlias = "bytes | Callable[[Visit], None]"
Script: TypeAlias = "Mapping[str, Step]"

VERB = re.compile(r"[A-Za-z]*")
TCP_INFO, ESTABLISHED = struct.Struct("=B55xI"), 1
"""tcpi_state and tcpi_last_ack_recv of Linux's struct tcp_info."""
FLOOD_LIMIT_BYTES = 1024**3


class Dial(NamedTuple):
    """A connection as it reached a server. `at`: seconds of the monotonic clock, when the handshake was complete."""

    address: str
    at: float


class TcpInfo(NamedTuple):
    """Whether both ends are open, and how long ago the last ACK arrived."""

    established: bool
    last_ack_ms: int


class Visit(asyncio.Protocol):
    """One connection at the server's end: `writes` are the portions heard, `lines` the whole lines."""

    def __init__(self, server: Server, address: str) -> None:
        self.server = server
        self.address = address
        self.number = 0
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.unread = b""
        self.writes: list[bytes] = []
        self.lines: list[str] = []
        self.said_bytes = 0
        self.shaking = self.secured = False
        self.plain: asyncio.Transport
        self.early: list[bytes] = []
        self.ears: Callable[[bytes], None] | None = None
        self.gone = False
        self.closed = False
        self.lost: Exception | None = None
        self.more: Callable[[], None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if not self.secured:
            self.server.came(self)
            self.take("OPEN")

    def data_received(self, data: bytes) -> None:
        if self.shaking:  # the handshake is done, but its task does not know yet
            self.early.append(data)
            return
        if self.ears is not None:
            self.ears(data)
            return
        self.writes.append(data)
        *lines, self.unread = (self.unread + data).split(b"\r\n")
        for line in lines:
            self.lines.append(line.decode("latin-1"))
            self.take(VERB.match(self.lines[-1]).group().upper())  # type: ignore[union-attr]

    def take(self, verb: str) -> None:
        """The script's step for a command."""
        if self.gone:
            return
        step = self.server.step(self, verb)
        if callable(step):
            step(self)
        else:
            self.say(step)

    def say(self, data: bytes) -> None:
        self.said_bytes += len(data)
        self.transport.write(data)

    def end(self) -> None:
        """Nothing of it lives any more, by whoever's wish."""
        if self.timer is not None:
            self.timer.cancel()
        self.more = None
        if not self.gone:
            self.gone = True
            self.server.went(self)

    def pause_writing(self) -> None:
        if self.more is not None:
            self.server.full.add(self)

    def resume_writing(self) -> None:
        self.server.full.discard(self)
        if self.more is not None:
            self.more()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = exc
        self.closed = True
        self.end()

    async def shake_hands(self, context: ssl.SSLContext) -> None:
        """TLS as a server; a client that goes away is a normal day."""
        self.shaking = True
        self.plain = self.transport
        try:
            transport = await self.loop.start_tls(self.plain, self, context, server_side=True)
        except OSError as error:
            self.lost = error
            self.end()
            return
        self.transport = cast("asyncio.Transport", transport)
        self.secured, self.shaking = True, False
        if early := b"".join(self.early):
            self.data_received(early)


def silence(_visit: Visit) -> None:
    """Say nothing, hold the line."""


def play_dead(visit: Visit) -> None:
    """Say nothing and read nothing, below TLS too."""
    visit.plain.pause_reading()


def hang_up(visit: Visit) -> None:
    """Close in an orderly way; what was said before arrives."""
    visit.end()
    visit.transport.close()


def reset(visit: Visit) -> None:
    """RST."""
    visit.end()
    held = visit.transport.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.transport.abort()


def last_words(data: bytes, leave: Callable[[Visit], None] = hang_up) -> Step:
    """Say it and go, the data surely on its way before."""

    def step(visit: Visit) -> None:
        os.write(visit.transport.get_extra_info("socket").fileno(), data)
        leave(visit)

    return step


def drip(data: bytes, every_s: float, size: int = 1) -> Step:
    """A few bytes at a time, for ever if the data does not end before the client's patience."""

    def step(visit: Visit) -> None:
        place = iter(range(0, len(data), size))

        def drop() -> None:
            if (start := next(place, None)) is not None and not visit.transport.is_closing():
                visit.say(data[start : start + size])
                visit.timer = visit.loop.call_later(every_s, drop)

        drop()

    return step


def hung_up_on(visit: Visit) -> bool:
    """Whether the client has gone, as far as the transports know; inside TLS only the one below does."""
    return visit.gone or visit.transport.is_closing() or (visit.secured and visit.plain.is_closing())


def flood(chunk: bytes) -> Step:
    """As much as the client takes, a gigabyte at most; counted is only what there was somebody for."""

    def step(visit: Visit) -> None:
        def pour() -> None:
            while visit.said_bytes < FLOOD_LIMIT_BYTES and visit not in visit.server.full and not hung_up_on(visit):
                visit.say(chunk)

        visit.more = pour
        pour()

    return step


def starttls(context: ssl.SSLContext, answer: bytes = b"220 2.0.0 go ahead\r\n") -> Step:
    """Agree, and shake hands."""

    def step(visit: Visit) -> None:
        visit.say(answer)
        visit.transport.pause_reading()
        visit.server.handshakes.append(visit.server.tasks.create_task(visit.shake_hands(context)))

    return step


OFFERS = b"250-mx.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"
POLITE: Script = {
    "OPEN": b"220 mx.example ESMTP\r\n",
    "EHLO": b"250 mx.example\r\n",
    "HELO": b"250 mx.example\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "QUIT": last_words(b"221 2.0.0 Bye\r\n"),
}


class Server:
    """A script at some addresses, one port: `async with Server(POLITE) as server: ... server.target`.

    Args:
        script: what each command leads to; what is missing is answered as `POLITE` has it.
        addresses: where it listens.
        later: the scripts of the second, third ... visit; the last one stays. Empty: always `script`.
    """

    def __init__(
        self, script: Script = POLITE, addresses: Iterable[str] = ("127.0.0.1",), *, later: Sequence[Script] = ()
    ) -> None:
        self.scripts = (script, *later)
        self.addresses = tuple(addresses)
        self.port = 0
        self.dials: list[Dial] = []
        self.visits: list[Visit] = []
        self.open: dict[Visit, None] = {}
        self.live: Counter[str] = Counter()
        self.peak = 0
        self.peaks: Counter[str] = Counter()
        self.full: set[Visit] = set()
        self.handshakes: list[asyncio.Task[None]] = []
        self.tasks = asyncio.TaskGroup()
        self.listeners: list[asyncio.Server] = []

    @property
    def target(self) -> Target:
        return Target(self.addresses[0], self.port)

    @property
    def targets(self) -> list[Target]:
        return [Target(address, self.port) for address in self.addresses]

    async def __aenter__(self) -> Self:
        await self.tasks.__aenter__()
        loop = asyncio.get_running_loop()
        with ExitStack() as undo:
            for address in self.addresses:
                held = undo.enter_context(bound(address, self.port))
                self.port = held.getsockname()[1]
                listener = await loop.create_server(lambda a=address: Visit(self, a), sock=held)  # type: ignore[misc]
                self.listeners.append(listener)
            undo.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        for listener in self.listeners:
            listener.close()
        for visit in self.visits:
            visit.end()
            if not visit.closed:
                visit.transport.abort()
        for listener in self.listeners:
            await listener.wait_closed()
        for handshake in self.handshakes:
            handshake.cancel()
        await self.tasks.__aexit__(None, None, None)

    def came(self, visit: Visit) -> None:
        """Count a visit, with the time when its last packet of the handshake arrived, not when we came to look."""
        visit.number = len(self.visits)
        self.dials.append(Dial(visit.address, visit.loop.time() - tcp_info(visit.transport).last_ack_ms / 1000))
        self.visits.append(visit)
        self.open[visit] = None
        # Who has closed does not count, even where a new connection is seen before the old one's end.
        self.live = Counter(each.address for each in self.open if tcp_info(each.transport).established)
        self.peak = max(self.peak, self.live.total())
        self.peaks[visit.address] = max(self.peaks[visit.address], self.live[visit.address])

    def went(self, visit: Visit) -> None:
        del self.open[visit]

    def step(self, visit: Visit, verb: str) -> Step:
        """The step of a visit's script."""
        script = self.scripts[min(visit.number, len(self.scripts) - 1)]
        return script.get(verb) or POLITE.get(verb, b"502 5.5.1 unknown\r\n")

    @property
    def lines(self) -> list[list[str]]:
        """What each visit said, line by line."""
        return [visit.lines for visit in self.visits]


def tcp_info(transport: asyncio.Transport) -> TcpInfo:
    """What the kernel knows of a connection; uvloop has none of it once it is closed."""
    try:
        info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 60)
    except OSError:
        return TcpInfo(established=False, last_ack_ms=0)
    state, last_ack_ms = TCP_INFO.unpack(info)
    return TcpInfo(state == ESTABLISHED, last_ack_ms)


def bound(address: str, port: int) -> socket.socket:
    """A socket with this address, not listening."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio leaves Nagle's delay on
    held.setblocking(False)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((address, port))
    return held


@contextmanager
def closed_port(address: str = "127.0.0.1", port: int = 0) -> Iterator[Target]:
    """A port where nobody listens, held so that nobody can."""
    with bound(address, port) as held:
        yield Target(address, held.getsockname()[1])


@contextmanager
def unanswered(address: str = "127.0.0.1", port: int = 0) -> Iterator[Target]:
    """SYNs are dropped: what Linux does where a queue of accepted connections is full."""
    with bound(address, port) as held, ExitStack() as fillers:
        held.listen(0)
        for _ in range(3):
            filler = fillers.enter_context(socket.socket(held.family, socket.SOCK_STREAM))
            filler.setblocking(False)
            filler.connect_ex(held.getsockname())
        yield Target(address, held.getsockname()[1])


def most_in_window(times: Iterable[float], window_s: float) -> int:
    """The most events in any half-open window of this length."""
    ordered = sorted(times)
    return max((bisect_left(ordered, at + window_s) - place for place, at in enumerate(ordered)), default=0)


def sockets() -> Counter[str]:
    """The sockets that this process holds, by inode."""
    found: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            name = str(entry.readlink())
        except OSError:
            continue
        if name.startswith("socket:"):
            found[name] += 1
    return found


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait for something to become true; it not doing so fails the test."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not condition():
        assert loop.time() < end, "it did not come true"
        await asyncio.sleep(0.005)
