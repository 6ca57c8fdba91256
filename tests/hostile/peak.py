"""Run a command and write down the most memory that it ever held: `peak.py FILE COMMAND...`.

A small process of its own, because what a child that is started by a large one reports is the large one's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """The command's own exit code; its peak, in kilobytes, is in the file."""
    file, *command = sys.argv[1:]
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    Path(file).write_text(str(usage.ru_maxrss), "ascii")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
