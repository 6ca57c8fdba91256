"""An output read back: the groups in it that are whole, and where they lie.

A kill tears the last group; a power failure zeroes pages that were not on disk yet, and they need not be the last ones.
What is not whole is skipped, whatever it is: its item is not done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = dict[str, Any]


class Extent(NamedTuple):
    """A part of the file, in bytes."""

    start: int
    end: int


class ReadGroup(NamedTuple):
    """An item's records as they stand in the file. `domain`: None in a sweep."""

    extent: Extent
    seq: int
    probes: list[Record]
    domain: Record | None


class GroupReader:
    """Takes the bytes of an output in order and gives its whole groups.

    Args:
        offset: of the first byte that it is given: that after the start record.
        run: the run's id; records of others are none of ours.
        with_domain: a group ends with its domain's record (an audit), not with its one probe.

    Attributes:
        ending: the last `run` record, of an orderly end; None where there is none.
        ending_bytes: the length of these lines.
    """

    def __init__(self, offset: int, run: str, *, with_domain: bool) -> None:
        self.offset = offset
        self.run = run
        self.with_domain = with_domain
        self.torn = b""
        self.begun = offset
        self.probes: list[Record] = []
        self.ending: Record | None = None
        self.ending_bytes = 0

    def feed(self, block: bytes) -> Iterator[ReadGroup]:
        """The groups that end in this block."""
        lines = (self.torn + block).split(b"\n") if self.torn else block.split(b"\n")
        self.torn = lines.pop()
        for line in lines:
            start, self.offset = self.offset, self.offset + len(line) + 1
            if hole := line.rfind(b"\0") + 1:  # what lies behind it may begin with a whole line
                self.probes = []
                start += hole
            record = record_of(line[hole:])
            group = None if record is None else self.take(record, start)
            if group is not None:
                yield group
            elif record is None:
                self.probes = []

    def take(self, record: Record, start: int) -> ReadGroup | None:
        """One record; the group that it makes whole."""
        kind = record.get("kind")
        if kind == "run":
            self.ending = record
            self.ending_bytes += self.offset - start
        if record.get("run") != self.run or kind not in ("probe", "domain") or not is_number(record.get("seq")):
            self.probes = []
            return None
        if not self.probes or self.probes[0]["seq"] != record["seq"]:
            self.begun, self.probes = start, []
        if kind == "probe" and self.with_domain:
            self.probes.append(record)
            return None
        probes, self.probes = self.probes, []
        extent = Extent(self.begun, self.offset)
        if kind == "probe":
            return ReadGroup(extent, record["seq"], [record], None)
        # A probe's line may be gone, and the domain's not: that counts them.
        whole = self.with_domain and record.get("probes") == len(probes)
        return ReadGroup(extent, record["seq"], probes, record) if whole else None


def record_of(line: bytes) -> Record | None:
    """A line as a record; None where it is damaged."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def is_number(value: object) -> bool:
    """Whether it can be an item's."""
    return isinstance(value, int) and value >= 0
