"""Where items come from: arguments, a file or standard input, in blocks, until the end or until we are told to stop."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from scanner.intake.lines import BadLine
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

Said = TypeVar("Said")
Told_co = TypeVar("Told_co", covariant=True)

BLOCK_BYTES = 64 * 1024


class Total(NamedTuple):
    """How many valid items an input has. `exact`: they are counted; else it is estimated from what was read."""

    items: int
    exact: bool


class Lines(Protocol[Told_co]):
    """Makes items of an input's lines, and counts them in `seq`."""

    seq: int

    def feed(self, block: bytes) -> Sequence[Told_co | BadLine]:
        """What the lines that end in this block say."""

    def finish(self) -> Sequence[Told_co | BadLine]:
        """What the last line says, where no LF ended it."""


class Source(Generic[Said]):
    """The input of a run, opened before anything is asked.

    Args:
        arguments: items of the command line; then no file is read.
        path: of the input, `-` for standard input.
        intake: makes items of lines.
        what: they are, in words.
    """

    def __init__(self, arguments: Sequence[str], path: str, intake: Lines[Said], what: str = "domains") -> None:
        self.arguments = arguments
        self.what = what
        self.fd = -1
        self.is_opened = False
        self.stopped = False
        self.at_end = False
        self.intake = intake
        self.offset = 0
        self.read_bytes = 0
        self.unfinished_bytes = 0
        self.waiter: asyncio.Future[None] | None = None
        if arguments and path != "-":
            raise UsageError("items as arguments or -i FILE, not both")
        if arguments:
            return
        if path != "-":
            try:
                self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                self.is_opened = True
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror}") from error
            if stat.S_ISDIR(os.fstat(self.fd).st_mode):
                raise UsageError(f"{path}: is a directory")
        elif sys.stdin is None or sys.stdin.closed:
            raise UsageError(f"standard input is closed: name {what}, or -i FILE")
        elif sys.stdin.isatty():
            raise UsageError(f"nothing to do: name {what}, -i FILE, or pipe a list into standard input")
        else:
            self.fd = sys.stdin.fileno()

    def close(self) -> None:
        """Let go of the input; nothing is read after this. Standard input is not ours to close."""
        self.stop()
        if self.is_opened:
            os.close(self.fd)
            self.is_opened = False
            self.fd = -1

    def stop(self) -> None:
        """No more input, also in mid-wait for a pipe."""
        self.stopped = True
        self.wake()

    def wake(self) -> None:
        """Something can be read, or we are to stop."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def blocks(self) -> AsyncIterator[bytes]:
        """The input in blocks, until its end or `stop`."""
        if self.fd < 0:
            # One argument, one line: a line feed in it is made visible, and the whole is a bad one.
            lines = (argument.replace("\n", "\\x0a") + "\n" for argument in self.arguments)
            yield "".join(lines).encode("utf-8", "surrogateescape")
            return
        regular = stat.S_ISREG(os.fstat(self.fd).st_mode)
        if regular:
            self.offset = os.lseek(self.fd, 0, os.SEEK_CUR)
        loop = asyncio.get_running_loop()
        while not self.stopped:
            if not regular:
                await self.readable()
                if self.stopped:
                    return
            try:
                block = await loop.run_in_executor(None, os.read, self.fd, BLOCK_BYTES)
            except OSError as error:
                raise UsageError(f"input: {error.strerror}") from error
            if not block:
                return
            self.read_bytes += len(block)
            self.unfinished_bytes = len(block) - block.rfind(b"\n") - 1
            yield block

    async def readable(self) -> None:
        """Wait until a pipe or terminal has something to read, or ends; what cannot be watched never blocks."""
        loop = asyncio.get_running_loop()
        self.waiter = loop.create_future()
        try:
            loop.add_reader(self.fd, self.wake)
        except OSError:  # /dev/null and kin
            return
        try:
            await self.waiter
        finally:
            loop.remove_reader(self.fd)

    @property
    def is_piped(self) -> bool:
        """Whether nobody knows when it ends, or whether it does."""
        return self.fd >= 0 and not stat.S_ISREG(os.fstat(self.fd).st_mode)

    async def items(self, on_bad_line: Callable[[BadLine], None]) -> AsyncIterator[Said]:
        """The valid items, in order, each once; bad lines go to `on_bad_line`."""
        async for said in self.said():
            for each in said:
                if isinstance(each, BadLine):
                    on_bad_line(each)
                elif self.stopped:
                    return
                else:
                    yield each

    async def said(self) -> AsyncIterator[Sequence[Said | BadLine]]:
        """What the lines of each block say, at last that of a line without an end."""
        async for block in self.blocks():
            yield self.intake.feed(block)
        if not self.stopped:
            last = self.intake.finish()
            self.at_end = True
            yield last

    def total(self) -> Total | None:
        """What is known of the number of items: of a file that is being read an estimate, of a pipe nothing."""
        items = self.intake.seq
        if self.at_end or (self.fd < 0 and items):  # arguments are one block
            return Total(items, exact=True)
        lines_bytes = self.read_bytes - self.unfinished_bytes
        if not items or lines_bytes <= 0:
            return None
        file = os.fstat(self.fd)
        if not stat.S_ISREG(file.st_mode):
            return None
        left_bytes = max(0, file.st_size - self.offset - lines_bytes)
        return Total(items + round(left_bytes * items / lines_bytes), exact=False)
