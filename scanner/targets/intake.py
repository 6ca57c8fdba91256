"""Lines of a sweep's input to entries, streamed. What cannot be used is a value too: the caller counts, or stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.escape import cut
from scanner.intake.blocks import BadText, LineReader, line_text, without_comment
from scanner.intake.lines import BadLine
from scanner.targets.entries import parse_entry
from scanner.terms import UsageError

if TYPE_CHECKING:
    from scanner.targets.entries import Entry


class TargetIntake:
    """One input from its first block to its last.

    Attributes:
        seq: how many targets came of it so far; whoever makes them counts.
    """

    def __init__(self) -> None:
        self.lines = LineReader()
        self.seq = 0

    def feed(self, block: bytes) -> list[Entry | BadLine]:
        """What the lines that end in this block name, in order."""
        return self.parse_all(self.lines.feed(block))

    def finish(self) -> list[Entry | BadLine]:
        """What the last line names, where no LF ended it."""
        return self.parse_all(self.lines.finish())

    def parse_all(self, lines: list[tuple[int, bytes | None]]) -> list[Entry | BadLine]:
        """What numbered lines name, without those that name nobody."""
        said: list[Entry | BadLine] = []
        for number, line in lines:
            try:
                if text := without_comment(line_text(line)):
                    said += parse_entry(text)
            except (BadText, UsageError) as error:
                said.append(BadLine(number, cut(str(error))))
        return said
