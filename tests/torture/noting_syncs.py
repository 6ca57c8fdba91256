"""The command, noting how much of its output was on disk whenever it had put it there.

`noting_syncs.py FILE ARGUMENT…`: each time a regular file was synced, its size goes to FILE as a line.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def noting(sync: Callable[[int], None], notes: int) -> Callable[[int], None]:
    """A sync that notes what it did, once it has done it."""

    def noted(fd: int) -> None:
        found = os.fstat(fd)
        sync(fd)
        if stat.S_ISREG(found.st_mode):
            os.write(notes, b"%d\n" % found.st_size)

    return noted


def main() -> None:
    """The command."""
    notes = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    sys.argv = ["mxsweep", *sys.argv[2:]]
    os.fsync, os.fdatasync = noting(os.fsync, notes), noting(os.fdatasync, notes)
    from scanner.__main__ import main as command  # noqa: PLC0415 - after the path is set

    command()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
