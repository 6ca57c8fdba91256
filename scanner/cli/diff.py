"""`mxsweep diff`: what changed between two runs."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from scanner.cli.exits import Exit
from scanner.cli.screen import colour_wanted
from scanner.cli.warnings import say
from scanner.compare.change import Change, change
from scanner.compare.output import Output, differences
from scanner.compare.store import NEW, OLD, Store
from scanner.escape import safe_text
from scanner.records.line import encode_line
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.compare.change import State
    from scanner.compare.output import Target
    from scanner.compare.store import Pair

COLOURS = {Change.WORSE: "red", Change.BETTER: "green", Change.APPEARED: "yellow", Change.CHANGED: "yellow"}
WORDS_KEPT = 100
COLOUR_WISHES = ("auto", "always", "never")


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for programs.")
@click.option("--fail-on", metavar="CHANGE,…", default="none", help="Changes that make exit code 1: worse, appeared, …")
@click.option("--anyway", is_flag=True, help="Compare runs that were made in different ways.")
@click.option("--color", type=click.Choice(COLOUR_WISHES), default="auto", help="Colours on the terminal.")
def command(  # noqa: PLR0913 - options
    old: Path, new: Path, fail_on: str, color: str, *, as_json: bool, anyway: bool
) -> int:
    """Compare two outputs of a sweep or an audit and print what changed, the unchanged only counted.

    Worse: a host that served its domain does not any more, one that was closed relays, or a relay appeared. Targets are
    compared by verdict, stage and codes, never by the words of a reply; what was temporary and still is has not
    changed.
    """
    failing = changes_of(fail_on)
    counts: Counter[Change] = Counter()
    coloured = colour_wanted(color, sys.stdout)
    with Store() as store:
        for pair, what in compared(store, Output(old), Output(new), anyway=anyway):
            counts[what] += 1
            if what is Change.UNCHANGED:
                continue
            text = as_object(pair, what) if as_json else as_line(pair, what)
            click.echo(text, color=coloured)
    total = {str(what): counts[what] for what in Change}
    if as_json:
        click.echo(orjson.dumps({"kind": "diff_run", **total}).decode())
    say("mxsweep: " + ", ".join(f"{number} {what}" for what, number in total.items()))
    return Exit.FINDINGS if any(counts[what] for what in failing) else Exit.CLEAN


def changes_of(text: str) -> frozenset[Change]:
    """What --fail-on says.

    Raises:
        UsageError: names what is no change.
    """
    names = {name.strip() for name in text.split(",")} - {"", "none"}
    if unknown := sorted(names - set(Change)):
        raise UsageError(f"--fail-on: no change is called {', '.join(map(repr, unknown))}")
    return frozenset(Change(name) for name in names)


def compared(store: Store, old: Output, new: Output, *, anyway: bool) -> Iterator[tuple[Pair, Change]]:
    """Every target of both with what became of it.

    Raises:
        UsageError: a file is none of ours, or the two cannot be compared.
    """
    for side, output in ((OLD, old), (NEW, new)):
        store.put(side, output.seen())
    if why := differences(old, new):
        reasons = "; ".join(why)
        if not anyway or old.command != new.command:
            hint = "" if old.command != new.command else " (--anyway compares them all the same)"
            raise UsageError(f"the two runs were made in different ways: {reasons}{hint}")
        say(f"mxsweep: warning: the two runs were made in different ways: {reasons}")
    for output in (old, new):
        if not output.complete:
            say(f"mxsweep: warning: {safe_text(str(output.path))} was not completed: not all targets stand in it")
    for pair in store.pairs():
        yield pair, change(pair.old, pair.new)


def as_line(pair: Pair, what: Change) -> str:
    """For people: what, where, from what to what, and the words that stand for it now."""
    styled = click.style(f"{what:<9}", fg=COLOURS.get(what))
    old, new = (None if state is None else in_short(state) for state in (pair.old, pair.new))
    become = " -> ".join(filter(None, (old, new)))
    return f"{styled} {safe_text(f'{where(pair.target)}  {become}')}{words(pair.new)}"


def where(target: Target) -> str:
    """The target in short."""
    address = f"[{target.address}]" if target.address and ":" in target.address else target.address or "no address"
    place = f"{address}:{target.port}"
    if target.domain is None:
        return place
    return f"{target.domain} {target.exchange or ''} {place}"


def in_short(state: State) -> str:
    """Verdict, stage and codes."""
    codes = " ".join(str(code) for code in (state.code, state.enhanced) if code is not None)
    return f"{state.verdict} at {state.stage}{f' ({codes})' if codes else ''}"


def words(state: State | None) -> str:
    """What the server says now."""
    said = None if state is None else state.text or state.error
    return "" if said is None else f": {safe_text(' / '.join(said.split(chr(10))))[:WORDS_KEPT]}"


def as_object(pair: Pair, what: Change) -> str:
    """For programs; as harmless as the records, whoever wrote the files that were compared."""
    old, new = (None if state is None else state._asdict() for state in (pair.old, pair.new))
    said = {"kind": "diff", "change": what, **pair.target._asdict(), "old": old, "new": new}
    return encode_line(said).decode().removesuffix("\n")
