"""The lab's mail hosts: many loopback addresses, one common port, as all of the internet listens on port 25.

Linux has all of 127.0.0.0/8 on its loopback interface, so that every host has an address of its own without root. The
common port is found by trying; hosts that are down hold their address and port too, so that nobody else answers there.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Self

from scanner.lab.impostor import Impostor, ImpostorSession
from scanner.lab.mailserver import Conduct, MailServer, Manners
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

USUAL_PORT = 12525
"""Tried first, so that one lab is as the next: a run that began in one can be resumed in another, or compared."""
GUARD = "127.25.255.254"
"""An address of the lab at which nobody is a host."""
PORT_ATTEMPTS = 50
"""How many port numbers are tried until one is free on all addresses."""


class Wall(Enum):
    """Hosts with which no connection comes about."""

    CLOSED = "nobody listens: a connection is refused at once"
    FIREWALLED = "packets are dropped: a connection is never answered"


class Host(NamedTuple):
    """One machine: its name, its addresses on loopback, and what it does with a client."""

    name: str
    addresses: tuple[str, ...]
    conduct: Manners | Impostor | Wall


class MailHosts:
    """All hosts, listening: `async with MailHosts(hosts) as mail: ... mail.port`.

    Raises (on entering): LocalFault where the addresses or a common port cannot be had.
    """

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.hosts = hosts
        self.port = 0
        self.listeners: list[asyncio.Server] = []
        self.sockets: list[socket.socket] = []
        self.mail_sessions: set[MailServer] = set()
        self.impostor_sessions: set[ImpostorSession] = set()

    async def __aenter__(self) -> Self:
        places = [(host, address) for host in self.hosts for address in host.addresses]
        guard = guarded_port()
        self.sockets = bind_all([address for _, address in places], USUAL_PORT if guard else 0)
        self.port = self.sockets[0].getsockname()[1]
        conducts: dict[str, Callable[[], asyncio.Protocol]] = {}
        try:
            bound = tuple(self.sockets)
            self.sockets += [guard] if guard else []
            for (host, _), held in zip(places, bound, strict=True):
                match host.conduct:
                    case Wall.CLOSED:
                        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
                    case Wall.FIREWALLED:
                        self.sockets.append(fill(held))
                    case Manners() | Impostor():
                        if host.name not in conducts:
                            conducts[host.name] = self.sessions_of(host.name, host.conduct)
                        self.listeners.append(
                            await asyncio.get_running_loop().create_server(conducts[host.name], sock=held)
                        )
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def sessions_of(self, name: str, conduct: Manners | Impostor) -> Callable[[], asyncio.Protocol]:
        """What makes the sessions of one host, which share its greylist."""
        if isinstance(conduct, Impostor):
            return lambda: ImpostorSession(conduct, self.impostor_sessions)
        shared = Conduct(conduct, asyncio.get_running_loop().time)
        return lambda: MailServer(name, shared, self.mail_sessions)

    async def close(self) -> None:
        """Stop listening, end the sessions under way, give the addresses back."""
        for listener in self.listeners:
            listener.close()
        under_way: list[MailServer | ImpostorSession] = [*self.mail_sessions, *self.impostor_sessions]
        for session in under_way:
            await session.end()
        for listener in self.listeners:
            await listener.wait_closed()
        for held in self.sockets:
            held.close()


def guarded_port() -> socket.socket | None:
    """The sign that the usual port is ours, on an address of its own where no connection lingers; None: it is not."""
    held = socket.socket()
    try:
        held.bind((GUARD, USUAL_PORT))
    except OSError:
        held.close()
        return None
    return held


def bind_all(addresses: Iterable[str], first: int = 0) -> list[socket.socket]:
    """One bound socket an address, in order, all on one port: the `first` if it is free. Raises LocalFault."""
    wanted = list(addresses)
    for attempt in range(PORT_ATTEMPTS):
        with contextlib.ExitStack() as undo:
            sockets: list[socket.socket] = []
            port = 0 if attempt else first
            try:
                for address in wanted:
                    sockets.append(undo.enter_context(bind(address, port)))
                    port = sockets[0].getsockname()[1]
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise LocalFault(
                    f"the lab cannot have {address}: {error.strerror} (it needs all of 127.0.0.0/8)"
                ) from error
            undo.pop_all()
            return sockets
    raise LocalFault(f"no port is free on all {len(wanted)} addresses of the lab, after {PORT_ATTEMPTS} attempts")


def bind(address: str, port: int) -> socket.socket:
    """A TCP socket with this address, not yet listening: who dials it is refused. Raises OSError."""
    held = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setblocking(False)
        if port:  # connections of an earlier lab that linger in TIME_WAIT are no reason for another port
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((address, port))
    except OSError:
        held.close()
        raise
    return held


def fill(held: socket.socket) -> socket.socket:
    """Listen with a queue of one place that nobody empties, and take that place: further SYNs are dropped.

    What Linux does with a full accept queue is, for a client, what a packet filter does. Returns the caller's end.
    """
    held.listen(0)
    caller = socket.socket(held.family, socket.SOCK_STREAM)
    caller.setblocking(False)
    caller.connect_ex(held.getsockname())
    return caller


def has_ipv6() -> bool:
    """Whether this machine has ::1."""
    try:
        bind("::1", 0).close()
    except OSError:
        return False
    return True
