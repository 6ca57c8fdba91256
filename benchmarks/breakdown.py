"""Where an audit's work goes: `python -m benchmarks.breakdown [AUDIT-OPTION…]`. Nothing is held to a bar here.

First its Python code, in bytecode instructions a domain, by file and by function: the difference between a short list
and a long one, the same on a busy machine. Then all of its CPU time by library and for the kernel's side, by `perf
record` (skipped where there is none). One says nothing of C code, the other nothing of Python's functions.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks import clients
from benchmarks.measure import environment
from benchmarks.smtp_sink import scenery, write_list
from tests.real.debs import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.smtp_sink import Scenery

DOMAINS, EXCHANGES, CONCURRENCY = 20_000, 200, 200
FEW, MANY = 4_000, 8_000
FILES_SHOWN, FUNCTIONS_SHOWN = 24, 40
LIMIT_S = 900.0


def first_of(path: Path, number: int) -> Path:
    """The first lines of a list as a list."""
    with path.open() as lines:
        return write_list(path.with_name(f"first-{number}.txt"), (next(lines).strip() for _ in range(number)))


def audit(served: Scenery, more: list[str]) -> list[str]:
    """Ourselves, records written; the list goes to the end."""
    return clients.audit(served, served.domains.with_name("out.jsonl"), CONCURRENCY, *more)


def instructions(served: Scenery, more: list[str], number: int) -> Counter[str]:
    """How many each function takes for so many domains."""
    written = served.domains.with_name("instructions.json")
    command = audit(served, more)
    counting = [sys.executable, "tests/promises/counted.py", str(written), *command[command.index("audit") :]]
    counting.append(str(first_of(served.domains, number)))
    subprocess.run(counting, cwd=ROOT, env=environment(), check=True, timeout=LIMIT_S, stderr=subprocess.DEVNULL)
    return Counter(json.loads(written.read_text()))


def place_of(path: str) -> str:
    """A file as one reads it: within the checkout, or within its package."""
    return path.removeprefix(f"{ROOT}/").rpartition("site-packages/")[2].rpartition("/lib/python")[2]


def by_function(served: Scenery, more: list[str]) -> dict[str, float]:
    """Instructions a domain, the most first."""
    few, many = instructions(served, more, FEW), instructions(served, more, MANY)
    cost = {name: (number - few[name]) / (MANY - FEW) for name, number in many.items()}
    return dict(sorted(cost.items(), key=lambda each: -each[1]))


def print_instructions(cost: dict[str, float]) -> None:
    """Both tables."""
    files: Counter[str] = Counter()
    for name, number in cost.items():
        files[place_of(name.rpartition(":")[0])] += number  # type: ignore[assignment]  # fractions
    print(f"{sum(cost.values()):.0f} bytecode instructions a domain")
    for name, number in files.most_common(FILES_SHOWN):
        print(f"  {number:7.0f}  {name}")
    print("of which the functions")
    for name, number in list(cost.items())[:FUNCTIONS_SHOWN]:
        path, _, function = name.rpartition(":")
        print(f"  {number:7.0f}  {place_of(path)} {function}")


def print_libraries(served: Scenery, more: list[str]) -> None:
    """Shares of CPU time, by perf's samples."""
    perf = shutil.which("perf")
    if perf is None:
        print("no perf here: nothing is said of the kernel and of C code")
        return
    samples = str(served.domains.with_name("perf.data"))
    recording = [perf, "record", "-q", "-F", "2000", "-o", samples, "--", *audit(served, more), str(served.domains)]
    subprocess.run(recording, cwd=ROOT, env=environment(), check=True, timeout=LIMIT_S)
    for fields, lines in (("dso", 14), ("dso,symbol", 45)):
        reporting = [perf, "report", "-i", samples, "--stdio", "-q", "--sort", fields]
        said = subprocess.run(reporting, capture_output=True, text=True, check=True, timeout=LIMIT_S).stdout
        print(f"share of CPU time by {fields}")
        print("\n".join([line.rstrip() for line in said.splitlines() if line.strip()][:lines]))


def main() -> None:
    """Count, sample, print."""
    more = sys.argv[1:]
    with scenery(DOMAINS, EXCHANGES) as served:
        print_instructions(by_function(served, more))
        print_libraries(served, more)


if __name__ == "__main__":
    main()
