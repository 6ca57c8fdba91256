"""`account.py COMMAND…`: run it, and print what it used as one JSON line: `exit cpu_s wall_s peak_kib`.

A process of its own, and a small one: what the kernel keeps as a process's peak memory includes that of the process it
was forked from. Standard output of the command goes to standard error. Run it with `-S -E`: it needs nothing.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run the command of the arguments."""
    began = time.monotonic()
    child = subprocess.Popen(sys.argv[1:], stdout=sys.stderr, stdin=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    account = {
        "exit": child.returncode,
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.monotonic() - began,
        "peak_kib": used.ru_maxrss,
    }
    print(json.dumps(account))


if __name__ == "__main__":
    main()
