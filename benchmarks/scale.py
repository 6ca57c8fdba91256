"""A long list beside a short one: the same cost a domain, and the same memory but for 8 bytes a parked item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import clients
from benchmarks.bars import Bar, Part
from benchmarks.measure import run
from benchmarks.records import accepted
from benchmarks.smtp_sink import scenery

if TYPE_CHECKING:
    from pathlib import Path

CPU_BAR, MEMORY_BAR = 0.15, 0.20
"""How far the long list may be from the short one."""
PARKED_OCTETS = 8
"""A parked item's place in its target's queue; its line and plan are on disk."""


class Long(NamedTuple):
    """A run over a list."""

    domains: int
    cpu_us: float
    peak_mb: float
    wall_s: float
    parked: int
    probes_a_session: float

    @property
    def peak_without_places_mb(self) -> float:
        """Memory that must not grow with the list."""
        return self.peak_mb - PARKED_OCTETS * self.parked / 1e6


def most_parked(states: str) -> int:
    """The largest number of parked items that the progress told of."""
    most = 0
    for line in states.splitlines():
        if line.startswith("{") and line.endswith("}"):
            most = max(most, json.loads(line).get("parked", 0))
    return most


def audited(domains: int, exchanges: int, concurrency: int, directory: Path) -> Long:
    """One run over a list of its own."""
    output = directory / f"scale-{domains}.jsonl"
    with scenery(domains, exchanges, wildcards=True) as served:
        command = clients.audit(served, output, concurrency, progress="json")
        used = run([*command, str(served.domains)])
    length = accepted(output, domains, domains).probes_a_session
    output.unlink()
    peak_mb = used.peak_kib * 1024 / 1e6
    return Long(domains, used.cpu_s / domains * 1e6, peak_mb, used.wall_s, most_parked(used.said), length)


def measure(lengths: list[int], exchanges: int, concurrency: int, rounds: int, directory: Path) -> Part:
    """Measure lists of these lengths in turn, print the table; the first length is what the others are held to."""
    runs: dict[int, list[Long]] = {length: [] for length in lengths}
    for _ in range(rounds):
        for length in lengths:
            runs[length].append(audited(length, exchanges, concurrency, directory))
    cheapest = [min(runs[length], key=lambda run: run.cpu_us) for length in lengths]
    print(f"Long lists on {exchanges} exchanges: CPU a domain with start-up, peak memory")
    for long in cheapest:
        print(
            f"  {long.domains:>9} domains {long.cpu_us:7.1f} µs {long.peak_mb:7.1f} MB {long.wall_s:7.1f} s"
            f"  {long.parked} parked at most, {long.probes_a_session:.2f} probes a session"
        )
    short = cheapest[0]
    bars = []
    figures = {}
    for long in cheapest[1:]:
        cpu, memory = long.cpu_us / short.cpu_us, long.peak_without_places_mb / short.peak_without_places_mb
        what = f"scale: {long.domains} domains against {short.domains}"
        bars += [
            Bar(f"{what}, CPU a domain, farther from the same by", abs(cpu - 1), CPU_BAR),
            Bar(f"{what}, memory without places of parked items, farther by", abs(memory - 1), MEMORY_BAR),
        ]
    for long in cheapest:
        figures |= {f"scale: {long.domains} {name}": getattr(long, name) for name in ("cpu_us", "peak_mb", "parked")}
    return Part(figures, bars)
