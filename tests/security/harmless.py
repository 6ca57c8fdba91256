"""What no output may hold, in one place: every test of this folder asks here."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import TYPE_CHECKING, Any

import orjson
import pexpect

from tests.promises.process import COMMAND, LIMIT_S, ROOT, environment, texts_of
from tests.security.payloads import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 but LF, DEL, C1, bidi marks and separators; written out here, so that a hole in the code's list is seen."""
OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LIVING_LINE = re.compile(r"\x1b\[(?:\?25[lh]|2K|1A|[0-9;]*m)|\r")
"""How the progress line is written over: hidden cursor, erased line, one up, colours, CR."""


def check(output: bytes | str, *, ours: re.Pattern[str] | None = None) -> None:
    """An output is UTF-8, holds no control character but LF, and no line that somebody else has begun.

    Args:
        output: of the command.
        ours: control sequences that are our own.
    """
    text = output.decode("utf-8") if isinstance(output, bytes) else output
    text = text if ours is None else ours.sub("", text)
    found = CONTROL.search(text)
    assert found is None, text[max(0, found.start() - 200) : found.end() + 50]
    assert [line for line in text.split("\n") if line.startswith(MARK)] == []


def check_records(output: bytes, *, operator_s: tuple[str, ...] = ("tag",)) -> list[dict[str, Any]]:
    """The same of JSON lines; both parsers read the same, and what is undone (`jq -r`) is harmless too.

    Args:
        output: of the command.
        operator_s: fields that pass as they came in.
    """
    check(output)
    assert output.endswith(b"\n")
    records = []
    for line in output.split(b"\n")[:-1]:
        record = orjson.loads(line)
        assert record == json.loads(line)
        for text in texts_of({name: value for name, value in record.items() if name not in operator_s}):
            assert CONTROL.search(text) is None, text
        records.append(record)
    return records


def on_terminal(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: str = str(ROOT), terminal_echoes: bool = False
) -> tuple[int | None, str]:
    """Exit code, and all that a terminal gets of a command: there click takes no colours out, nor whoever fakes them.

    Its CR before each LF, which the terminal driver adds, is taken away again.
    """
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *arguments],
        env=environment(env),  # type: ignore[arg-type]
        cwd=cwd,
        timeout=LIMIT_S,
        dimensions=(24, 300),
        echo=terminal_echoes,
    )
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before.decode("utf-8").replace("\r\n", "\n")


async def terminal(*arguments: str, **more: Any) -> tuple[int | None, str]:
    """The same beside servers on this loop."""
    return await asyncio.to_thread(on_terminal, *arguments, **more)


def nothing_was_run(folder: os.PathLike[str]) -> None:
    """No shell has obeyed a payload: each would have made a file of this name."""
    assert "owned" not in os.listdir(folder)  # noqa: PTH208 - names only
