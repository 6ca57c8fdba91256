"""The command and its subcommands, each imported when it is called: `mxsweep --version` must not wait for uvloop."""

from __future__ import annotations

from importlib import import_module

import click

from scanner import __version__

COMMANDS = {
    "audit": "Ask every exchanger of every domain whether it takes mail for it.",
    "sweep": "Ask every address of your ranges whether it relays mail for strangers.",
    "diff": "Say what changed between two sweeps or audits.",
    "probe": "Look at one domain, host or address: the conversation, and what it means.",
    "explain": "Say what a reply means: from a log, a bounce or a telnet window.",
    "lab": "Play with DNS and mail servers on loopback that behave and misbehave.",
    "schema": "Print the JSON Schema of the records.",
}


class LazyGroup(click.Group):
    """Knows the names and one-line helps of its commands, imports a command's module when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"scanner.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in --help, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mxsweep", message="%(prog)s %(version)s")
def cli() -> None:
    """Ask mail servers what a sending mail server would ask, and say in one JSON line what happened and why.

    Exit codes: 0 done, nothing found; 1 done, findings; 2 usage or configuration error; 3 not completed.
    """
