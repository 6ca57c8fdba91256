"""Exit codes: 0 nothing found · 1 findings, and nothing else ever · 2 usage · 3 not completed.

click's own defaults say 1 for an interrupt, for a reader that went away and for what it does not know, so the top level
is ours.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from contextlib import suppress
from enum import IntEnum
from pathlib import Path

import click

from scanner.cli.main import cli
from scanner.cli.warnings import log_to_stderr, say
from scanner.escape import safe_text
from scanner.terms import LocalFault, UsageError

STDERR_FD = 2
OUTPUT_FAILED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a full or broken disk says to a write."""


class Exit(IntEnum):
    """What a run ends with."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3


def run_command_line(arguments: list[str] | None = None) -> int:
    """Run one command line, to its exit code; whatever went wrong is said on stderr in a sentence."""
    hold_standard_descriptors()
    log_to_stderr()
    code = Exit.INCOMPLETE
    try:
        return int(invoke(sys.argv[1:] if arguments is None else arguments))
    except click.ClickException as error:
        show(error)
        code = Exit.USAGE
    except UsageError as error:
        say(f"mxsweep: {error}")
        code = Exit.USAGE
    except LocalFault as error:
        say(f"mxsweep: {error}")
    except (click.Abort, KeyboardInterrupt):
        pass
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        if error.errno not in OUTPUT_FAILED:
            report(error)
        else:
            say(f"mxsweep: output: {error.strerror}")
            silence_stdout()
    except Exception as error:  # noqa: BLE001 - the top level: said in full, with the exit code for it
        report(error)
    return code


def hold_standard_descriptors() -> None:
    """Put /dev/null where we were started with a standard descriptor closed (`2>&-`).

    Else the next file or socket gets its number, and with it what is meant for stdout or stderr; libuv aborts. That it
    was closed is still known: `sys.stdin` or `sys.stdout` is None.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= STDERR_FD:
        pass
    os.close(fd)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives


def invoke(arguments: list[str]) -> int:
    """Run the command; not by `cli.main`, which ends the process with 1 where a reader went away."""
    try:
        with cli.make_context("mxsweep", list(arguments)) as context:
            return cli.invoke(context) or Exit.CLEAN
    except click.exceptions.Exit as ended:  # --help and --version
        return ended.exit_code


def show(error: click.ClickException) -> None:
    """Usage and message as click shows them, the message safe: it repeats arguments, some of them as they came."""
    message = safe_text(error.format_message())
    if isinstance(error, click.UsageError):
        safe: click.ClickException = click.UsageError(message, error.ctx)
    else:
        safe = click.ClickException(message)
    with suppress(OSError):
        safe.show()


def report(error: Exception) -> None:
    """Show a bug as one."""
    logging.getLogger("mxsweep").error("internal error; please report it", exc_info=error)


def silence_stdout() -> None:
    """The reader is gone, or the disk full: let the interpreter's last flush go nowhere instead of failing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
