"""The command as a user has it: a process, its exit code, what it wrote where."""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import json
import os
import re
import signal
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "scanner")
LIMIT_S = 60


SLOW = re.compile(r"mxsweep: Executing <.* took [0-9.]+ seconds\n")
"""What Python's developer mode says of a busy machine, not of the command."""
KEY = ("kind", "seq", "exchange", "address", "port", "verdict", "stage", "code", "enhanced")
"""What is the same of a record in a run that was interrupted and in one that was not."""


class Ran(NamedTuple):
    """A process that ended. `stdout`: as it came; `records`: the same, read."""

    code: int | None
    stdout: bytes
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return read(self.stdout)

    @property
    def run(self) -> dict[str, Any]:
        """The last record, which has to be that of the run."""
        last = self.records[-1]
        assert last["kind"] == "run"
        return last

    @property
    def verdicts(self) -> dict[str, str]:
        """Domain → verdict."""
        return {record["domain"]: record["verdict"] for record in self.of_kind("domain")}

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["kind"] == kind]


def read(output: bytes) -> list[dict[str, Any]]:
    """Lines of JSON, all whole."""
    assert not output or output.endswith(b"\n")
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def key_of(record: dict[str, Any]) -> tuple[Any, ...]:
    """By what records of two runs are compared."""
    return tuple(record.get(name) for name in KEY)


def texts_of(value: Any) -> list[str]:
    """All text of a record, at any depth, keys too."""
    if isinstance(value, dict):
        return [text for key, each in value.items() for text in (key, *texts_of(each))]
    if isinstance(value, list):
        return [text for each in value for text in texts_of(each)]
    return [value] if isinstance(value, str) else []


def memory_kib(process: int | str = "self") -> int:
    """What a process holds now."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of the tests without what would change the command's ways."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MXSWEEP_")}
    ours.pop("NO_COLOR", None)
    return ours | {"TERM": "xterm", "PYTHONPATH": str(ROOT)} | dict(more or {})


@contextlib.asynccontextmanager
async def started(
    *arguments: str, env: Mapping[str, str] | None = None, before: tuple[str, ...] = (), **more: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """One command, running; killed where the test leaves it so. `before`: a command that starts ours (`nohup`)."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE) | more
    process = await asyncio.create_subprocess_exec(*before, *COMMAND, *arguments, env=environment(env), **pipes)
    try:
        async with asyncio.timeout(LIMIT_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process, stdin: bytes | None = None) -> Ran:
    """What became of it, its input closed after `stdin`."""
    stdout, stderr = await process.communicate(stdin)
    return Ran(process.returncode, stdout or b"", (stderr or b"").decode())


async def mxsweep(
    *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None, **more: Any
) -> Ran:
    """Run one command to its end."""
    async with started(*arguments, env=env, **more) as process:
        return await ended(process, stdin)


async def in_shell(line: str, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
    """Run a line of bash in which `$MXSWEEP` is the command and `"$@"` are the arguments."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", line, "bash", *arguments,
        env=environment({"MXSWEEP": " ".join(COMMAND), **(env or {})}),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT_S):
            return await ended(process)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # the shell and what it started
            await process.communicate()


def bytes_in(pipe: int) -> int:
    """How much a pipe holds."""
    held = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, held)
    return held[0]
