"""The yardstick: the least that Python can do for a probe. No DNS, no parsing, no record.

A bare `asyncio.Protocol` on uvloop: the banner, EHLO, then for each probe MAIL, RCPT and RSET in one write, QUIT in the
place of a session's last RSET, replies counted by their last lines. `python -m benchmarks.yardstick TARGETS --port P`
(one address a line, one line a probe) prints one JSON line. With `--per-session K` neighbouring lines with the same
address share sessions of up to K probes.
"""

from __future__ import annotations

import argparse
import asyncio
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop

from benchmarks.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EHLO = b"EHLO probe.bench\r\n"
QUESTION = b"MAIL FROM:<postmaster@probe.bench>\r\nRCPT TO:<postmaster@d0.bench>\r\n"
NEXT, LAST = QUESTION + b"RSET\r\n", QUESTION + b"QUIT\r\n"


class Session(asyncio.Protocol):
    """Counts replies and says the next thing when all that it is owed are whole; `over`: the connection is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, probes: int) -> None:
        self.left = probes
        self.answered = 0
        self.greeted = self.asked = False
        self.owed = 1
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
            self.owed -= 1
            if not self.owed:
                self.go_on()

    def go_on(self) -> None:
        """The next thing."""
        if not self.greeted:
            self.greeted = True
            self.owed = 1
            self.transport.write(EHLO)
            return
        if self.asked:
            self.answered += 1
            self.left -= 1
            if not self.left:
                self.transport.close()
                return
        self.asked = True
        self.owed = 3
        self.transport.write(NEXT if self.left > 1 else LAST)

    def connection_lost(self, _: Exception | None) -> None:
        """The session is over, well or not."""
        if not self.over.done():
            self.over.set_result(self.answered)


def sessions_of(addresses: Iterable[str], per_session: int) -> Iterator[tuple[str, int]]:
    """The sessions to hold: an address and how many probes, neighbours with the same address together."""
    for address, same in groupby(addresses):
        left = sum(1 for _ in same)
        while left:
            probes = min(left, per_session)
            left -= probes
            yield address, probes


async def work_off(sessions: Iterator[tuple[str, int]], port: int) -> int:
    """Hold sessions one after the other until there are no more; returns how many probes were answered in full."""
    loop = asyncio.get_running_loop()
    answered = 0
    for address, probes in sessions:
        _, session = await loop.create_connection(lambda probes=probes: Session(loop, probes), address, port)
        answered += await session.over
    return answered


async def probe_all(addresses: list[str], port: int, concurrency: int, per_session: int) -> int:
    """Probe all, at most `concurrency` sessions at once."""
    sessions = sessions_of(addresses, per_session)
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work_off(sessions, port)) for _ in range(concurrency)]
    return sum(worker.result() for worker in workers)


def main() -> None:
    """Read the list, probe it, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=200)
    parser.add_argument("--per-session", type=int, default=1)
    options = parser.parse_args()
    addresses = options.targets.read_text().split()
    usage = Usage.start()
    answered = uvloop.run(probe_all(addresses, options.port, options.concurrency, options.per_session))
    print(usage.line(len(addresses)))
    assert answered == len(addresses), f"only {answered} of {len(addresses)} answered in full"


if __name__ == "__main__":
    main()
