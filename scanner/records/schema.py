"""The contract of the records, as the file that is shipped; tests hold every record against it."""

from __future__ import annotations

from importlib.resources import files


def schema_text() -> bytes:
    """The JSON Schema (2020-12) of all kinds of record, as it stands in the package."""
    return files("scanner.records").joinpath("mxsweep.schema.json").read_bytes()
