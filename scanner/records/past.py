"""What an output holds of a run that was interrupted: where it can go on, and what is done.

The output is the journal: there is no second file, so nothing can disagree with it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson

from scanner.escape import quoted
from scanner.records.done import SEQ_LIMIT, Done, Said
from scanner.records.reading import Extent, GroupReader
from scanner.records.record import SCHEMA
from scanner.records.timestamp import epoch_of
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.records.output import Output
    from scanner.records.reading import ReadGroup, Record

BLOCK_BYTES = 1024 * 1024
START_BYTES_AT_MOST = 16 * 1024 * 1024
"""A longer first line is no start record: the settings stand in it."""
TORN_START = b'{"kind":"start"'


class Past:
    """What was read of one output.

    Args:
        output: opened and locked; it is only read.
        start: its first record.
        end: of that.
        see: gets every whole group, once.

    Attributes:
        run: its id.
        started: seconds since the epoch.
        done: the items whose groups are whole.
        kept: the parts of the file that hold the start record and these groups, in order.
    """

    def __init__(self, output: Output, start: Record, end: int, see: Callable[[ReadGroup], None]) -> None:
        self.output = output
        self.start = start
        self.run: str = start["run"]
        self.started = epoch_of(start["started"])
        self.done = Done()
        self.start_end = end
        self.kept = [Extent(0, end)]
        self.see = see
        self.reader = GroupReader(end, self.run, with_domain=start["command"] == "audit")
        self.size = os.fstat(output.fd).st_size

    @property
    def damaged_bytes(self) -> int:
        """How much of the file is of no use, an orderly end aside."""
        return self.size - self.reader.ending_bytes - sum(extent.end - extent.start for extent in self.kept)

    @property
    def warnings(self) -> list[str]:
        """What the operator was told so far."""
        ending = self.reader.ending or {}
        return list(dict.fromkeys([*self.start["warnings"], *ending.get("warnings", ())]))

    def read(self) -> Iterator[int]:
        """Read it all, a megabyte a step, so that the loop can breathe; yields how far.

        Raises:
            UsageError: it cannot be read.
        """
        for end, block in blocks(self.output, self.start_end):
            for group in self.reader.feed(block):
                self.take(group)
            yield end

    def take(self, group: ReadGroup) -> None:
        """A whole group: kept, unless its item is done already."""
        if group.seq in self.done or group.seq >= SEQ_LIMIT:
            return
        try:
            said = said_in(group)
            self.see(group)
        except (KeyError, TypeError, ValueError):  # JSON, but not what we write
            return
        self.done.add(group.seq, said)
        last = self.kept[-1]
        if last.end == group.extent.start:
            self.kept[-1] = Extent(last.start, group.extent.end)
        else:
            self.kept.append(group.extent)

    def said_between(self, first: int, last: int) -> dict[int, Said]:
        """What the records say of the items of these numbers; reads the file once more."""
        reader = GroupReader(self.start_end, self.run, with_domain=self.reader.with_domain)
        found: dict[int, Said] = {}
        for _, block in blocks(self.output, self.start_end):
            for group in reader.feed(block):
                if first <= group.seq <= last and group.seq in self.done:
                    found.setdefault(group.seq, said_in(group))
        return found


def said_in(group: ReadGroup) -> Said:
    """What a group's item is about.

    Raises:
        KeyError: it is no record of ours.
    """
    if group.domain is None:
        (probe,) = group.probes
        return Said((probe["address"], probe["port"], probe["exchange"]), None)
    recipient = next((probe["recipient"] for probe in group.probes if probe["recipient"] is not None), None)
    return Said((group.domain["domain"], orjson.dumps(group.domain["tag"])), recipient)


def blocks(output: Output, offset: int) -> Iterator[tuple[int, bytes]]:
    """The file from there on, a megabyte at a time, each with the place of its end.

    Raises:
        UsageError: it cannot be read.
    """
    while block := read_at(output, offset, BLOCK_BYTES):
        offset += len(block)
        yield offset, block


def read_at(output: Output, offset: int, size: int) -> bytes:
    """A part of the file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return os.pread(output.fd, size, offset)
    except OSError as error:
        raise UsageError(f"{quoted(output.name)}: {error.strerror}") from None


def past_of(output: Output, command: str, see: Callable[[ReadGroup], None]) -> Past | None:
    """The run that an output holds; None where it is new, or was killed before its first record was whole.

    Raises:
        UsageError: it is no output of this command; nothing was changed.
    """
    head, ended, _ = read_at(output, 0, START_BYTES_AT_MOST).partition(b"\n")
    if not ended and (TORN_START.startswith(head[: len(TORN_START)]) or not head.strip(b"\0")):
        return None
    start = start_of(head) if ended else None
    if start is None:
        raise UsageError(f"{quoted(output.name)} does not begin with a start record of mxsweep: it is left as it is")
    if start["command"] != command:
        raise UsageError(f"{quoted(output.name)} is an output of {quoted(start['command'])}, not of {command}")
    return Past(output, start, len(head) + 1, see)


def start_of(line: bytes) -> dict[str, Any] | None:
    """A start record of this schema, or None."""
    try:
        record = orjson.loads(line)
        as_expected = (
            record["kind"] == "start"
            and record["schema"] == SCHEMA
            and isinstance(record["run"], str)
            and isinstance(record["command"], str)
            and isinstance(record["settings"], dict)
            and epoch_of(record["started"]) > 0
            and isinstance(record["warnings"], list)
        )
    except (ValueError, KeyError, TypeError):  # no JSON is a ValueError, too
        return None
    return record if as_expected else None
