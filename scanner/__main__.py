"""`python -m scanner` and the `mxsweep` command."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress

from scanner.cli.exits import Exit, run_command_line


def main() -> None:
    """Run the command line and exit with its code.

    An impatient second Ctrl-C may come when all is said and done; it must not turn the code into that of a kill.
    """
    try:
        code = run_command_line()
    except KeyboardInterrupt:
        code = Exit.INCOMPLETE
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


if __name__ == "__main__":
    main()
