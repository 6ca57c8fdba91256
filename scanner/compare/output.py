"""A run's output as a comparison reads it: its settings, its targets, and whether it came to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from scanner.compare.change import State
from scanner.escape import quoted
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DECISIVE = ("source", "tests", "evidence", "canary", "ports", "port", "helo", "sender", "recipient", "via", "starttls")
"""Settings that the answers depend on; where they differ, so may the answers, and nothing has changed."""


class Target(NamedTuple):
    """Whose record it is: (address, port) of a sweep, with the domain and its exchange in an audit."""

    domain: str | None
    exchange: str | None
    address: str | None
    port: int


class Seen(NamedTuple):
    """A target with what was found there, and from which of our addresses it was asked."""

    target: Target
    seq: int
    state: State
    source: str | None


class Output:
    """One file of records; read once, by `seen`.

    Attributes:
        command: `audit`, `sweep` or `probe`; known once reading has begun.
        settings: that were in effect.
        sources: our own addresses of its sessions, a few.
        complete: its last line says that it came to its end, uninterrupted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.command: str | None = None
        self.settings: dict[str, Any] = {}
        self.started = ""
        self.sources: set[str] = set()
        self.complete = False

    def seen(self) -> Iterator[Seen]:
        """The targets of its probe records, as they come.

        Raises:
            UsageError: it cannot be read, or is none; names file and line.
        """
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if (seen := self.read(line, number)) is not None:
                        yield seen
        except OSError as error:
            raise UsageError(f"{quoted(str(self.path))}: {error.strerror}") from None
        if self.command is None:
            raise UsageError(f"{quoted(str(self.path))}: no records")

    def read(self, line: bytes, number: int) -> Seen | None:
        """One line; a torn last one is what a killed run leaves, and says only that it is not complete."""
        try:
            record = orjson.loads(line)
            kind = record["kind"]
            if self.command is None and kind != "start":
                raise UsageError(f"{quoted(str(self.path))}: does not begin with a start record of mxsweep")
            if kind == "start":
                self.begin(record)
            elif kind == "run":
                self.complete = not record["interrupted"]
            elif kind == "probe":
                return self.probe(record)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            if self.command is not None and not line.endswith(b"\n"):
                return None
            raise UsageError(f"{quoted(str(self.path))} line {number}: no record of mxsweep") from None
        return None

    def begin(self, record: dict[str, Any]) -> None:
        """The first line."""
        self.command, self.settings, self.started = record["command"], dict(record["settings"]), record["started"]

    def probe(self, record: dict[str, Any]) -> Seen:
        """A probe's record."""
        if (source := record["source"]) is not None and len(self.sources) < SOURCES_KEPT:
            self.sources.add(source)
        target = Target(record["domain"], record["exchange"], record["address"], record["port"])
        if record["domain"] is None:
            target = target._replace(exchange=None)
        said = State(
            record["verdict"],
            record["standing"],
            record["stage"],
            record["code"],
            record["enhanced"],
            record["transient"],
            record["text"],
            record["error"],
        )
        return Seen(target, record["seq"], said, source)


SOURCES_KEPT = 100


def differences(old: Output, new: Output) -> list[str]:
    """Why comparing them makes no sense, in words; both have been read."""
    if old.command != new.command:
        return [f"one is of {old.command}, the other of {new.command}"]
    found = [
        f"{name}: {in_words(old.settings.get(name))}, now {in_words(new.settings.get(name))}"
        for name in DECISIVE
        if old.settings.get(name) != new.settings.get(name)
    ]
    if old.sources and new.sources and old.sources.isdisjoint(new.sources):
        found.append(f"asked from {', '.join(sorted(old.sources)[:3])}, now from {', '.join(sorted(new.sources)[:3])}")
    return found


def in_words(value: object) -> str:
    """A setting's value."""
    return orjson.dumps(value).decode()
