"""One process in which audits follow each other: what each leaves behind is told.

A line of its input is a command line as a JSON array; for each it says one JSON object: the exit code, and a census of
what the process holds. It is run with `-X dev -W error`: whatever Python has to complain about is on standard error.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading

from scanner.cli.exits import run_command_line
from tests.promises.process import memory_kib


def census() -> dict[str, int]:
    """What is held now: descriptors by number, threads, tasks of any loop, memory."""
    gc.collect()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - numbers, not paths
        "threads": threading.active_count(),
        "tasks": sum(isinstance(each, asyncio.Task) and not each.done() for each in gc.get_objects()),
        "rss_kib": memory_kib(),
    }


def main() -> None:
    """Do as told until the input ends."""
    for line in sys.stdin:
        code = run_command_line(json.loads(line))
        sys.stdout.write(json.dumps({"code": code, **census()}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
