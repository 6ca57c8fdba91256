"""`python -m scanner` and the `mxsweep` command."""

from __future__ import annotations

import sys

from scanner.cli.exits import run_command_line


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_command_line())


if __name__ == "__main__":
    main()
