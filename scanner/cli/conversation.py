"""A conversation for people: portions of bytes in, lines with their times out; what a peer sent is safe to show.

The pool's witness brings portions as the network cut them. Here they become lines again, a buffer a direction, each
shown when its end has come, with everything of a peer escaped. A peer cannot make it long: lines are cut, and after
`LINES_SHOWN` of a connection they are counted only.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from scanner.escape import safe_line

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_SHOWN_BYTES = 600
"""What is shown of a line; RFC 5321 4.5.3.1.5 grants a reply line 512 octets."""
LINES_SHOWN = 200
"""Of one direction and probe; a long EHLO reply has 20 lines."""

COLOUR = {"2": "green", "3": "green", "4": "yellow", "5": "red"}
"""By the first digit of a reply's code."""


class Line:
    """A line whose end has not come yet."""

    __slots__ = ("dropped_bytes", "kept")

    def __init__(self) -> None:
        self.kept = bytearray()
        self.dropped_bytes = 0

    def add(self, data: bytes) -> None:
        """More of it; what is beyond the limit is counted only."""
        room = max(0, LINE_SHOWN_BYTES + 1 - len(self.kept))  # one more: the CR of the line's end
        self.kept += data[:room]
        self.dropped_bytes += max(0, len(data) - room)

    def text(self) -> str:
        """What is shown, escaped; after a cut how much is missing."""
        shown = bytes(self.kept[:LINE_SHOWN_BYTES])
        missing = self.dropped_bytes + len(self.kept) - len(shown)
        return f"{safe_line(shown)} … ({missing} bytes more)" if missing else safe_line(shown)

    def __bool__(self) -> bool:
        return bool(self.kept)


class Conversation:
    """The witness of one probe after the other.

    Args:
        show: gets each line, with styles.
        clock: monotonic seconds.
    """

    def __init__(self, show: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.show = show
        self.clock = clock
        self.begin()

    def begin(self) -> None:
        """Another probe: its time begins now."""
        self.began = self.clock()
        self.unfinished = {"<": Line(), ">": Line()}
        self.lines = {"<": 0, ">": 0}

    def __call__(self, mark: str, data: bytes) -> None:
        """One portion (`<` theirs, `>` ours), or a note (`*`), which ends what was said before it."""
        if mark == "*":
            self.break_off()
            self.print("*", click.style(safe_line(data), dim=True))
            return
        *whole, rest = data.split(b"\n")
        for part in whole:
            self.unfinished[mark].add(part)
            self.finish(mark)
        self.unfinished[mark].add(rest)

    def end(self) -> None:
        """The probe is over: show what is left, and say what was not shown."""
        self.break_off()
        for mark, number in self.lines.items():
            if number > LINES_SHOWN:
                self.print("*", click.style(f"{number - LINES_SHOWN} more lines ({mark}) not shown", dim=True))

    def break_off(self) -> None:
        """Show lines whose end never came."""
        for mark, line in self.unfinished.items():
            if line:
                self.show_line(mark, line.text(), "no line end")
                self.unfinished[mark] = Line()

    def finish(self, mark: str) -> None:
        """A line feed has come."""
        line, self.unfinished[mark] = self.unfinished[mark], Line()
        has_cr = not line.dropped_bytes and line.kept.endswith(b"\r")
        if has_cr:
            del line.kept[-1:]
        # Where the line was cut its end was not kept, and nothing is known of it.
        self.show_line(mark, line.text(), "" if has_cr or line.dropped_bytes else "bare LF")

    def show_line(self, mark: str, text: str, flaw: str) -> None:
        """One line of a peer or ours."""
        self.lines[mark] += 1
        if self.lines[mark] > LINES_SHOWN:
            return
        styled = click.style(text, fg=COLOUR.get(text[:1])) if mark == "<" else click.style(text, bold=True)
        self.print(mark, styled + (click.style(f"  ({flaw})", dim=True) if flaw else ""))

    def print(self, mark: str, text: str) -> None:
        """With its time in seconds since the probe began."""
        self.show(f"{self.clock() - self.began:7.3f} {mark} {text}")
