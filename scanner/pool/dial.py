"""The one function that connects. What the fence checked is what is dialled: an address, never a name.

Comes out of here: a connected transport, `Forbidden` (no packet was sent), `DialFailed` (theirs, with its verdict), or
`LocalFault` (ours; says nothing about the target).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING

from scanner.terms import LocalFault, ProbeVerdict, Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from scanner.addresses import Ban, Fence

IP_BIND_ADDRESS_NO_PORT = 24
"""Linux: choose the port at connect, not at bind; else one range of ports serves all targets together."""

VERDICT_OF_ERRNO = {
    errno.ECONNREFUSED: ProbeVerdict.REFUSED,
    # The handshake was complete and the server hung up before we looked.
    errno.ECONNRESET: ProbeVerdict.DISCONNECTED,
    errno.EPIPE: ProbeVerdict.DISCONNECTED,
    errno.ETIMEDOUT: ProbeVerdict.CONNECT_TIMEOUT,
    errno.EHOSTUNREACH: ProbeVerdict.UNREACHABLE,
    errno.ENETUNREACH: ProbeVerdict.UNREACHABLE,
    # A packet filter or a route of this machine.
    errno.EPERM: ProbeVerdict.LOCAL_ERROR,
    errno.EACCES: ProbeVerdict.LOCAL_ERROR,
    errno.EINVAL: ProbeVerdict.LOCAL_ERROR,
    errno.EAFNOSUPPORT: ProbeVerdict.LOCAL_ERROR,
}
SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""Ours, and likely to pass: wait and dial again."""
SHORT_OF_PORTS = {errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EAGAIN}
"""The same, for one destination: others have ports of their own."""


class PortsExhausted(LocalFault):
    """No local port is left towards one address; others can be dialled."""


class Forbidden(Exception):  # noqa: N818 - what it is
    """Not ours to dial; `ban` says why."""

    def __init__(self, target: Target, ban: Ban) -> None:
        super().__init__(target, ban)
        self.target, self.ban = target, ban

    def __str__(self) -> str:
        return self.ban.reason


class DialFailed(Exception):  # noqa: N818 - what it is
    """The target could not be reached; the pool turns it into the probe's outcome."""

    def __init__(self, target: Target, verdict: ProbeVerdict, reason: str) -> None:
        super().__init__(target, verdict, reason)
        self.target, self.verdict, self.reason = target, verdict, reason

    def __str__(self) -> str:
        return self.reason


async def dial(  # noqa: PLR0913 - one dial's six facts
    target: Target,
    factory: Callable[[], asyncio.Protocol],
    *,
    fence: Fence,
    typed: bool,
    source: str | None,
    limit: AbstractContextManager[None],
) -> asyncio.Transport:
    """Open one TCP connection.

    Args:
        target: checked here by the fence, whatever the caller believes.
        factory: makes the protocol of the connection.
        fence: what may be dialled.
        typed: the operator named the address.
        source: local address to bind to; None leaves it to the kernel.
        limit: raises TimeoutError where the connection is not there in time: `watch.Dialling`.

    Raises:
        Forbidden: not ours to dial; no packet was sent.
        DialFailed: theirs; `verdict` is refused, connect_timeout, unreachable or disconnected, or a local_error that
            lasts (a packet filter, a route).
        LocalFault: ours and passing (descriptors, memory); PortsExhausted where it is so for this address only.
    """
    if (ban := fence.check(target.address, typed=typed)) is not None:
        raise Forbidden(target, ban)
    try:
        with limit:
            transport = await connect(target, factory, source)
    except TimeoutError as error:
        if isinstance(error, OSError) and error.errno:
            raise failed(target, error) from error
        raise DialFailed(target, ProbeVerdict.CONNECT_TIMEOUT, "no answer to the connection attempt") from None
    except OSError as error:
        raise failed(target, error) from error
    except RuntimeError as error:
        # uvloop#653: a descriptor that the loop believes to be another transport's.
        raise DialFailed(target, ProbeVerdict.LOCAL_ERROR, f"the event loop refused the connection: {error}") from error
    if transport.get_extra_info("sockname")[:2] == target:
        # TCP's simultaneous open with ourselves: a closed port in the ephemeral range, met by chance.
        transport.abort()
        raise DialFailed(target, ProbeVerdict.REFUSED, "connected to itself: nobody listens there")
    return transport


async def connect(target: Target, factory: Callable[[], asyncio.Protocol], source: str | None) -> asyncio.Transport:
    """The connection itself, bound to the source where one is asked for."""
    loop = asyncio.get_running_loop()
    if source is None:
        transport, _ = await loop.create_connection(factory, target.address, target.port)
        return transport
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
        await loop.sock_connect(sock, tuple(target))
        transport, _ = await loop.create_connection(factory, sock=sock)
    except BaseException:
        sock.close()
        raise
    return transport


def failed(target: Target, error: OSError) -> Exception:
    """The exception for what the kernel said."""
    number = error.errno or 0
    name = errno.errorcode.get(number, f"errno {number}")
    reason = f"{os.strerror(number)} ({name})" if number else str(error)
    if number in SHORTAGES:
        return LocalFault(f"cannot open a connection: {reason}")
    if number in SHORT_OF_PORTS:
        return PortsExhausted(f"no port is left for a connection to {target.address}: {reason}")
    return DialFailed(target, VERDICT_OF_ERRNO.get(number, ProbeVerdict.LOCAL_ERROR), reason)
