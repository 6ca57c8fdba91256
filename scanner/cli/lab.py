"""`mxsweep lab`: the embedded lab until Ctrl-C, with the line to use against it."""

from __future__ import annotations

import asyncio
import shlex
import signal

import click
import uvloop

from scanner.cli.exits import Exit
from scanner.cli.stopping import SIGNALS
from scanner.escape import safe_text


@click.command()
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
def command(arguments: tuple[str, ...]) -> int:
    """Play with DNS and mail servers on loopback that behave and misbehave.

    Needs no root and no fixed port. It prints the exact `mxsweep audit` line to use against it and runs until Ctrl-C.
    With a COMMAND (`mxsweep lab -- audit`), that mxsweep command is run against the lab, and the lab ends with it.
    """
    return uvloop.run(play(arguments))


async def play(arguments: tuple[str, ...]) -> int:
    """The lab, for as long as it is wanted."""
    from scanner.lab.lab import Lab  # noqa: PLC0415 - aiosmtpd and dnspython cost 100 ms that only the lab needs

    async with Lab() as lab:
        if arguments:
            options = lab.audit_options if arguments[0] == "audit" else lab.options
            return await against(options, str(lab.partners), arguments)
        click.echo(f"{len(lab.domains)} domains are being played; docs/lab.md says what each of them does.\n")
        click.echo(f"    {lab.audit_line}\n")
        click.echo("One of them, as with telnet:\n")
        click.echo(f"    {shlex.join(['mxsweep', 'probe', lab.domains[0].domain, *lab.options])}\n")
        click.echo("Ctrl-C ends it.")
        await until_stopped()
    return Exit.CLEAN


async def until_stopped() -> None:
    """Wait for Ctrl-C or a kill."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


async def against(options: list[str], partners: str, arguments: tuple[str, ...]) -> int:
    """Run one mxsweep command against the lab, as a process of its own, and end with its exit code."""
    import sys  # noqa: PLC0415

    name, *more = arguments
    given = ["-i", partners] if name == "audit" and not more else []
    line = ["mxsweep", name, *given, *more, *options]
    click.echo(f"$ {safe_text(shlex.join(line))}", err=True)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "scanner", *line[1:])
    code = await process.wait()
    return code if code >= 0 else Exit.INCOMPLETE  # a signal ended it
