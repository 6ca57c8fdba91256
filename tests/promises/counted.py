"""Work counted in bytecode instructions: what Python code costs, the same on an idle machine and on a busy one.

A script, too: `counted.py FILE ARGUMENT…` runs the command with these arguments, writes into FILE how many instructions
each function took in the main thread (one JSON object, `path:name` to number), and ends with the command's exit code.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

HERE = str(Path(__file__).parent)


class Instructions:
    """Counts those of this thread while the block lasts, but for functions of these tests; what C code does is free."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[CodeType, list[int]]] = {}  # by the code's identity: its hash is that of all its bytes
        self.before: Any = None

    @property
    def count(self) -> int:
        """All of them."""
        return sum(taken[0] for _, taken in self.of.values())

    def __enter__(self) -> Self:
        self.before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # Python 3.12 asks for it before `settrace`, of any frame
        sys.settrace(self.called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def called(self, frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        """A function is called, or a coroutine goes on."""
        if frame.f_code.co_filename.startswith(HERE):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        _, taken = self.of.setdefault(id(frame.f_code), (frame.f_code, [0]))

        def step(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
            if event == "opcode":
                taken[0] += 1
            return step

        return step

    def by_function(self) -> dict[str, int]:
        """How many each function took."""
        named: Counter[str] = Counter()
        for code, taken in self.of.values():
            named[f"{code.co_filename}:{code.co_qualname}"] += taken[0]
        return named


def main() -> None:
    """The command, counted."""
    from scanner.__main__ import main as command  # noqa: PLC0415 - after the path is set

    output, sys.argv = Path(sys.argv[1]), ["mxsweep", *sys.argv[2:]]
    instructions = Instructions()
    try:
        with instructions:
            command()
    finally:
        output.write_text(json.dumps(instructions.by_function()))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
