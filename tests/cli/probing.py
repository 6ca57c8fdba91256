"""`mxsweep probe` as a process, and servers that say what a script says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
RUN_LIMIT_S = 60
"""A hung command fails the test instead of holding it."""

Record = dict[str, Any]


class Run(NamedTuple):
    """A finished command."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[Record]:
        return [json.loads(line) for line in self.out.splitlines()]

    def kind(self, kind: str) -> list[Record]:
        return [record for record in self.records if record["kind"] == kind]


def environment(more: dict[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
    return ours | {"COLUMNS": "200"} | more


async def start(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scanner",
        "probe",
        *arguments,
        cwd=ROOT,
        env=environment(variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finished(process: asyncio.subprocess.Process) -> Run:
    try:
        async with asyncio.timeout(RUN_LIMIT_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert b"Traceback" not in err
    assert process.returncode is not None
    return Run(process.returncode, out.decode(), err.decode())


async def probe(*arguments: str, **variables: str) -> Run:
    return await finished(await start(*arguments, **variables))


class Script(asyncio.Protocol):
    """A server that says one thing on connection, then one for each line that comes; silent where the script ends."""

    def __init__(self, says: list[bytes]) -> None:
        self.says = iter(says)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.say()

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\n")):
            self.say()

    def say(self) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.write(next(self.says, b""))


@contextlib.asynccontextmanager
async def serving(*says: bytes) -> AsyncIterator[str]:
    """The port, on 127.0.0.1, of a server with a script."""
    server = await asyncio.get_running_loop().create_server(lambda: Script(list(says)), "127.0.0.1", 0)
    async with server:
        yield str(server.sockets[0].getsockname()[1])


class Drip(asyncio.Protocol):
    """A server whose greeting goes on and on, a line every 20 ms."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.say()

    def say(self) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        if not self.transport.is_closing():
            self.transport.write(b"220-wait\r\n")
            asyncio.get_running_loop().call_later(0.02, self.say)


@contextlib.asynccontextmanager
async def dripping() -> AsyncIterator[str]:
    """The port, on 127.0.0.1, of a server that does not come to an end."""
    server = await asyncio.get_running_loop().create_server(Drip, "127.0.0.1", 0)
    async with server:
        yield str(server.sockets[0].getsockname()[1])
