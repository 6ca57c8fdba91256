"""Scratch on disk for what waits: a temporary file without a name, which dies with the process, also by kill -9.

A million domains behind a few slow hosts are some 200 MB of waiting items; in memory each keeps one reference. The file
is made of blocks that are written whole and used again when nothing lives in them. Out of here comes `LocalFault` (disk
full, file too large, no such directory); what was put before stays readable.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar

from scanner.terms import LocalFault

if TYPE_CHECKING:
    from types import TracebackType
    from typing import IO

Number = TypeVar("Number", int, float)

BLOCK_BYTES = 64 * 1024
"""Written at once: some 200 items, so that a system call is a small part of what an item costs."""
LENGTH_BITS = 24
"""A reference is `offset << LENGTH_BITS | length`: records below 16 MB in a file below 1 TB."""
LENGTH_MASK = (1 << LENGTH_BITS) - 1


class Spool:
    """Records on disk, each read by the reference that `put` gave.

    Args:
        directory: where the file lies; None: where temporary files do (TMPDIR). The file is made when there is a
            first block to write: what is put and taken before costs no file at all.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory
        self.file: IO[bytes] | None = None
        self.descriptor = -1
        self.buffer = bytearray()
        """The block being filled; it will lie at `base`."""
        self.block = 0
        self.base = 0
        self.living = [0]
        """How many records live in each block."""
        self.free: list[int] = []
        """Blocks in which nothing lives, the one being filled aside."""

    def put(self, data: bytes) -> int:
        """Keep a record; returns its reference, which fits an `array("Q")`.

        Raises:
            LocalFault: the disk did not take it; the record is not kept, earlier ones are.
        """
        size = len(data)
        at = len(self.buffer)
        if at + size >= BLOCK_BYTES:
            if size >= BLOCK_BYTES:
                return self.put_large(data)
            self.turn_over()
            at = 0
        self.buffer += data
        self.living[self.block] += 1
        return (self.base + at) << LENGTH_BITS | size

    def read(self, reference: int) -> bytes:
        """The record, which stays."""
        offset = reference >> LENGTH_BITS
        size = reference & LENGTH_MASK
        start = offset - self.base
        if 0 <= start < BLOCK_BYTES:
            return bytes(self.buffer[start : start + size])
        try:
            data = os.pread(self.descriptor, size, offset)
            while len(data) < size:
                more = os.pread(self.descriptor, size - len(data), offset + len(data))
                if not more:
                    raise LocalFault(f"the spool in {self.directory}: is shorter than what was written to it")
                data += more
        except OSError as error:
            raise self.fault(error) from error
        return data

    def drop(self, reference: int) -> None:
        """Forget the record; once per reference."""
        block = (reference >> LENGTH_BITS) // BLOCK_BYTES
        left = self.living[block] - 1
        self.living[block] = left
        if not left:
            self.emptied(block, reference & LENGTH_MASK)

    def take(self, reference: int) -> bytes:
        """The record, which leaves; once per reference."""
        data = self.read(reference)
        self.drop(reference)
        return data

    def close(self) -> None:
        """Give the disk back; nothing can be read after this."""
        if self.file is not None:
            self.file.close()
            self.file, self.descriptor = None, -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def put_large(self, data: bytes) -> int:
        """A record of more than a block lies in blocks of its own at the end of the file."""
        if len(data) > LENGTH_MASK:
            raise ValueError(f"a record of {len(data)} bytes: the spool's references do not reach that far")
        block = len(self.living)
        self.write(data, block * BLOCK_BYTES)
        self.living += [1] + [0] * (-(-len(data) // BLOCK_BYTES) - 1)
        return block * BLOCK_BYTES << LENGTH_BITS | len(data)

    def turn_over(self) -> None:
        """Write the full block and begin another."""
        self.write(self.buffer, self.base)
        self.buffer.clear()
        if self.free:
            self.begin(self.free.pop())
        else:
            self.living.append(0)
            self.begin(len(self.living) - 1)

    def begin(self, block: int) -> None:
        """Fill this one from now on."""
        self.block = block
        self.base = block * BLOCK_BYTES

    def emptied(self, block: int, size: int) -> None:
        """Nothing lives in a block any more: it is filled anew; nothing in any: the disk is given back."""
        if block == self.block:
            self.buffer.clear()
        else:
            self.free += range(block, block + max(1, -(-size // BLOCK_BYTES)))
        if len(self.free) == len(self.living) - 1 > 0 and not self.buffer:
            try:
                os.ftruncate(self.descriptor, 0)
            except OSError as error:
                raise self.fault(error) from error
            self.living = [0]
            self.free.clear()
            self.begin(0)

    def write(self, data: bytes | bytearray, offset: int) -> None:
        """All of it: a disk that becomes full takes a part first, and says so at the next write only."""
        try:
            if self.file is None:
                self.open()
            while data:
                written = os.pwrite(self.descriptor, data, offset)
                data = data[written:]
                offset += written
        except OSError as error:  # ENOSPC, EDQUOT; EFBIG, because Python ignores SIGXFSZ; EIO, EMFILE, EROFS …
            raise self.fault(error) from error

    def open(self) -> None:
        """Make the file: O_TMPFILE where the file system knows it, so that it has no name at any moment."""
        if self.directory is None:
            self.directory = Path(tempfile.gettempdir())
        self.file = tempfile.TemporaryFile(buffering=0, dir=self.directory)  # noqa: SIM115 - lives as long as the run
        self.descriptor = self.file.fileno()

    def fault(self, error: OSError) -> LocalFault:
        """The error with the place where it happened."""
        place = f" in {self.directory}" if self.directory is not None else ""
        return LocalFault(f"the spool{place}: {error.strerror}")


class Queue(Generic[Number]):
    """Numbers in the order they came, 8 bytes each: references ("Q"), times ("d"). No `items`: nothing waits."""

    __slots__ = ("head", "items")

    def __init__(self, typecode: Literal["Q", "d"]) -> None:
        self.items: array[Number] = array(typecode)
        self.head = 0

    def push(self, number: Number) -> None:
        """Last in line."""
        self.items.append(number)

    @property
    def first(self) -> Number:
        """The one that came first; IndexError where there is none."""
        return self.items[self.head]

    def pop(self) -> Number:
        """The one that came first leaves."""
        number = self.items[self.head]
        self.head += 1
        # What left is cut off in one go when it is a sixteenth: cheaper per item than a dictionary's look-up.
        if self.head == (length := len(self.items)) or self.head > 16 + length // 16:
            del self.items[: self.head]
            self.head = 0
        return number

    def __len__(self) -> int:
        return len(self.items) - self.head
