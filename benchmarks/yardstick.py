"""The yardstick: the least that Python can do for a probe. No DNS, no parsing, no record.

A bare `asyncio.Protocol` on uvloop: one session a probe, the banner, EHLO, then MAIL, RCPT and QUIT in one write,
replies counted by their last lines. `python -m benchmarks.yardstick TARGETS --port P` (one address a line) prints one
JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop

from benchmarks.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

EHLO = b"EHLO probe.bench\r\n"
QUESTION = b"MAIL FROM:<postmaster@probe.bench>\r\nRCPT TO:<postmaster@d0.bench>\r\nQUIT\r\n"
REPLIES = 5
"""Banner, EHLO, MAIL, RCPT, QUIT."""


class Session(asyncio.Protocol):
    """Counts replies and says the next thing when one is whole; `over` is set when the connection is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.replies = 0
        self.rest = b""
        self.over = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the banner."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        """Count the replies that are now whole."""
        lines = (self.rest + data).split(b"\r\n")
        self.rest = lines.pop()
        for line in lines:
            if line[3:4] == b"-":
                continue
            self.replies += 1
            if self.replies == 1:
                self.transport.write(EHLO)
            elif self.replies == 2:
                self.transport.write(QUESTION)
            elif self.replies == REPLIES:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The session is over, well or not."""
        if not self.over.done():
            self.over.set_result(exc is None and self.replies == REPLIES)


async def work_off(targets: Iterator[str], port: int) -> int:
    """Probe targets one after the other until there are no more; returns how many answered in full."""
    loop = asyncio.get_running_loop()
    done = 0
    for address in targets:
        _, session = await loop.create_connection(lambda: Session(loop), address, port)
        done += await session.over
    return done


async def probe_all(addresses: list[str], port: int, concurrency: int) -> int:
    """Probe all, at most `concurrency` at once."""
    targets = iter(addresses)
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work_off(targets, port)) for _ in range(concurrency)]
    return sum(worker.result() for worker in workers)


def main() -> None:
    """Read the list, probe it, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=200)
    options = parser.parse_args()
    addresses = options.targets.read_text().split()
    usage = Usage.start()
    answered = uvloop.run(probe_all(addresses, options.port, options.concurrency))
    print(usage.line(len(addresses)))
    assert answered == len(addresses), f"only {answered} of {len(addresses)} answered in full"


if __name__ == "__main__":
    main()
