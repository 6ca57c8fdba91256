"""A DNS server that breaks TCP too: what the lab's server cannot be made to do, because it counts its octets."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Self

from scanner.lab.nameserver import DatagramSide, NameServer, StreamSide, bind_both

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.lab.nameserver import Answer, Response

DRIP_S = 1.0


class Unframed(bytes):
    """Octets that go out over TCP as they are, without the two of their length."""


class Dripped(Unframed):
    """The same, an octet a second."""


class HostileStream(StreamSide):
    """One TCP connection that also sends what is no message."""

    def send(self, response: Response, limit_octets: int) -> None:
        """Send as the script wants; `Unframed` goes out raw."""
        if isinstance(response.payload, Dripped):
            self.drip(response.payload, 0)
        elif isinstance(response.payload, Unframed):
            if not self.transport.is_closing():
                self.transport.write(response.payload)
        else:
            super().send(response, limit_octets)

    def drip(self, octets: bytes, place: int) -> None:
        """The octet at this place now, the next one later."""
        if place < len(octets) and not self.transport.is_closing():
            self.transport.write(octets[place : place + 1])
            self.server.later(DRIP_S, lambda: self.drip(octets, place + 1))


class HostileNameServer(NameServer):
    """The lab's server with such a TCP side, or with none: then the port refuses TCP, and answers over UDP only."""

    without_tcp = False

    def __init__(self, answer: Answer, address: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(answer, address, port)
        self.broken: list[str] = []

    def take(self, octets: bytes, *, tcp: bool, act: Callable[[Response, int], None]) -> None:
        """One question; a script that cannot be played is a fault of the test and must not look like silence."""
        try:
            super().take(octets, tcp=tcp, act=act)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            self.broken.append(f"{octets!r}: {error!r}")

    async def __aenter__(self) -> Self:
        datagrams, stream = bind_both(socket.AF_INET, self.address, self.port)
        self.port = datagrams.getsockname()[1]
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: DatagramSide(self), sock=datagrams)
        if self.without_tcp:
            stream.close()
        else:
            self.listener = await loop.create_server(lambda: HostileStream(self), sock=stream)
        return self
