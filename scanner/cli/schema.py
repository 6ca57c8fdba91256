"""`mxsweep schema`: the contract of the records."""

from __future__ import annotations

import click

from scanner.records.schema import schema_text


@click.command()
def command() -> None:
    """Print the JSON Schema of all kinds of records."""
    click.echo(schema_text(), nl=False)
