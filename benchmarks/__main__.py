"""`make bench`: what mxsweep costs, as ratios to other clients measured in the same run, and the bars it has to meet.

`python -m benchmarks [PART…]`: dialogue, audit, crowd, start, sweep (by default these), scale and resume (minutes).
Prints a table a part, then the bars, then one JSON line with all figures; exit 1 where a bar was missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import audit, crowd, dialogue, resume, scale, start, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.bars import Part

DEFAULT_PARTS = ("dialogue", "audit", "crowd", "start", "sweep")
PARTS = (*DEFAULT_PARTS, "scale", "resume")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--domains", type=int, default=20_000, help="of the audit; probes of the dialogue")
    parser.add_argument("--exchanges", type=int, default=200, help="of the audit and of the long lists")
    parser.add_argument("--hosts", type=int, default=16, help="of the dialogue: as many as --via takes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--concurrency", type=int, default=200)
    parser.add_argument("--conversations", type=int, default=5_000, help="of the crowd")
    parser.add_argument("--lengths", type=int, nargs="+", default=[200_000, 1_000_000], help="of the long lists")
    parser.add_argument("--finished", type=int, default=5_000_000, help="items of the resumed run")
    parser.add_argument("--scale-rounds", type=int, default=2)
    options = parser.parse_args()
    options.parts = options.parts or list(DEFAULT_PARTS)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    return options


def measured(part: str, options: argparse.Namespace, directory: Path) -> Part:
    """One part, by name."""
    rounds, concurrency = options.rounds, options.concurrency
    parts: dict[str, Callable[[], Part]] = {
        "dialogue": lambda: dialogue.measure(options.domains, options.hosts, rounds, concurrency, directory),
        "audit": lambda: audit.measure(options.domains, options.exchanges, rounds, concurrency, directory),
        "crowd": lambda: crowd.measure(options.conversations, directory),
        "start": lambda: start.measure(rounds, concurrency),
        "sweep": lambda: sweep.measure(rounds, directory),
        "scale": lambda: scale.measure(
            options.lengths, options.exchanges, concurrency, options.scale_rounds, directory
        ),
        "resume": lambda: resume.measure(options.finished, directory),
    }
    return parts[part]()


def main() -> None:
    """Measure the parts that were asked for."""
    options = parsed()
    results: list[Part] = []
    failed = []
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as name:
        for part in options.parts:
            print(f"{part}: measuring", file=sys.stderr, flush=True)
            try:
                results.append(measured(part, options, Path(name)))
            except RuntimeError as error:  # no compiler, too few descriptors, a wrong answer: the other parts can go on
                failed.append(f"{part}: {error}")
    bars = [bar for result in results for bar in result.bars]
    for bar in bars:
        print(bar)
    figures = {name: round(figure, 3) for result in results for name, figure in result.figures.items()}
    print(
        json.dumps({**vars(options), "figures": figures, "bars": [{**bar._asdict(), "met": bar.met} for bar in bars]})
    )
    if failed or not all(bar.met for bar in bars):
        sys.exit("\n".join([*failed, "a bar was missed"]))


if __name__ == "__main__":
    main()
