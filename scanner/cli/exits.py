"""Exit codes: 0 nothing found · 1 findings, and nothing else ever · 2 usage · 3 not completed.

click's own defaults say 1 for an interrupt and for what it does not know, so the top level is ours.
"""

from __future__ import annotations

import logging
import os
import sys
from enum import IntEnum

import click

from scanner.cli.main import cli
from scanner.terms import LocalFault, UsageError


class Exit(IntEnum):
    """What a run ends with."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3


def run_command_line(arguments: list[str] | None = None) -> int:
    """Run one command line, to its exit code; whatever went wrong is said on stderr in a sentence."""
    code = Exit.INCOMPLETE
    try:
        return int(cli.main(args=arguments, prog_name="mxsweep", standalone_mode=False) or Exit.CLEAN)
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except UsageError as error:
        click.echo(f"mxsweep: {error}", err=True)
        code = Exit.USAGE
    except LocalFault as error:
        click.echo(f"mxsweep: {error}", err=True)
    except (click.Abort, KeyboardInterrupt):
        pass
    except BrokenPipeError:
        silence_stdout()
    except Exception:
        logging.getLogger("mxsweep").exception("internal error; please report it")
    return code


def silence_stdout() -> None:
    """The reader is gone: let the interpreter's last flush go nowhere instead of failing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
