"""What listens on port 25 and is no mail server, or wants to be none: silence, one sentence, a hang-up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Impostor:
    """What one says when a client comes. `hangs_up`: right after that; else it stays.

    `replies`: whether it answers commands, QUIT with 221 and any other with 503, as RFC 5321 3.1 asks of a server that
    has refused a client in its greeting.
    """

    says: bytes = b""
    hangs_up: bool = False
    replies: bool = False


class ImpostorSession(asyncio.Protocol):
    """One connection to an impostor.

    Args:
        manner: what it does.
        live: where the connection is listed while it stands, for `end`.
    """

    transport: asyncio.Transport

    def __init__(self, manner: Impostor, live: set[ImpostorSession]) -> None:
        self.manner = manner
        self.live = live
        self.over = asyncio.Event()
        self.unread = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # typeshed's base is wider
        """Say it."""
        self.transport = transport
        self.live.add(self)
        transport.write(self.manner.says)
        if self.manner.hangs_up:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """A command, or a part of one; a line that never ends is not kept."""
        if not self.manner.replies:
            return
        *lines, self.unread = (self.unread + data).split(b"\n")
        self.unread = self.unread[:4]
        for line in lines:
            if line.strip().upper() == b"QUIT":
                self.transport.write(b"221 2.0.0 Bye\r\n")
                self.transport.close()
                return
            self.transport.write(b"503 5.5.1 Bad sequence of commands\r\n")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """It is over."""
        self.live.discard(self)
        self.over.set()

    async def end(self) -> None:
        """Close at once, and wait until that is done."""
        self.transport.abort()
        await self.over.wait()
