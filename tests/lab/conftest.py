"""A telnet window for the lab's servers, and the lab itself."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING

import pytest

from scanner.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from scanner.lab.mailserver import Manners

    Dial = Callable[[str, int], AbstractAsyncContextManager["Telnet"]]
    Playing = Callable[[Manners], AbstractAsyncContextManager["Telnet"]]


class Telnet(asyncio.Protocol):
    """Lines out, whole replies in; no SMTP knowledge beyond `-` after a code that goes on."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.unread = b""
        self.came = asyncio.Event()
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.unread += data
        self.came.set()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closed.set()
        self.came.set()

    async def line(self) -> str:
        """The next line; what is left where the server has hung up."""
        while b"\r\n" not in self.unread and not self.closed.is_set():
            self.came.clear()
            await self.came.wait()
        line, _, self.unread = self.unread.partition(b"\r\n")
        return line.decode("ascii")

    async def reply(self) -> list[str]:
        """The next reply, all its lines."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return lines

    async def say(self, *commands: str) -> str:
        """The last line of the last reply; each command waits for its own."""
        answer = [""]
        for command in commands:
            self.transport.write(command.encode("ascii") + b"\r\n")
            answer = await self.reply()
        return answer[-1]

    async def secure(self) -> str:
        """Shake hands, believing any certificate; the protocol version."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        loop = asyncio.get_running_loop()
        self.transport = await loop.start_tls(self.transport, self, context)  # type: ignore[assignment]
        return self.transport.get_extra_info("ssl_object").version()


@contextlib.asynccontextmanager
async def dialled(address: str, port: int) -> AsyncIterator[Telnet]:
    _, telnet = await asyncio.get_running_loop().create_connection(Telnet, address, port)
    try:
        async with asyncio.timeout(20):
            yield telnet
    finally:
        telnet.transport.abort()
        await telnet.closed.wait()


@pytest.fixture
def dial() -> Dial:
    """What connects a telnet window to an address and a port, for the length of an `async with`."""
    return dialled


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab() as running:
        yield running
