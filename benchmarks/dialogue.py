"""Dialogue and records alone: `audit --via` asks given hosts, so that no domain costs a look-up.

Beside it the floor and the yardstick in sessions of the same length, against the same hosts, as many at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import clients
from benchmarks.bars import Bar, Part, table
from benchmarks.measure import Program, at_length, interleaved
from benchmarks.records import accepted
from benchmarks.smtp_sink import scenery

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.smtp_sink import Scenery

ONE_A_SESSION_BAR = 1.8
"""Times the yardstick."""
TEN_A_SESSION_BAR = 4.0
"""Times the floor at the same session length."""


def via(served: Scenery, output: Path, concurrency: int, transactions: int) -> list[str]:
    """Ourselves without DNS: every place may go to any host."""
    return clients.audit(
        served,
        output,
        concurrency,
        "--via",
        clients.joined(served.exchanges),
        "--per-target",
        str(concurrency // len(served.exchanges)),
        "--transactions-per-session",
        str(transactions),
    )


def measure(probes: int, hosts: int, rounds: int, concurrency: int, directory: Path) -> Part:
    """Measure, print the table; `probes` is a multiple of `hosts`, each domain is asked of all of them."""
    domains = probes // hosts
    outputs = {1: directory / "via-1.jsonl", 10: directory / "via-10.jsonl"}
    with scenery(probes, hosts) as served:
        listed = directory / "via-domains.txt"
        with served.domains.open() as lines, listed.open("w") as file:
            file.writelines(line for _, line in zip(range(domains), lines, strict=False))
        programs = []
        for length, targets in ((1, served.targets), (10, served.tens)):
            at = (served.port, concurrency, length)
            programs += [
                Program(f"floor, {length} a session", clients.floor(*at), targets),
                Program(f"yardstick, {length} a session", clients.yardstick(*at), targets),
                Program(
                    f"audit --via, {length} a session",
                    via(served, outputs[length], concurrency, length),
                    listed,
                    probes_an_item=hosts,
                ),
            ]
        cpu = {name: used.cpu_us for name, used in interleaved(programs, rounds, directory).items()}
    for output in outputs.values():
        accepted(output, domains * hosts, domains)
    length = accepted(outputs[10], domains * hosts, domains).probes_a_session
    floor = at_length(cpu["floor, 1 a session"], cpu["floor, 10 a session"], length)
    print(f"Dialogue and records, no DNS: {hosts} hosts, {domains * hosts} probes; µs of CPU a probe")
    table(cpu, "µs", relative_to="yardstick, 1 a session")
    print(f"  ten questions allowed a session, {length:.2f} found; the floor at that length {floor:.1f} µs")
    one, ten = cpu["audit --via, 1 a session"], cpu["audit --via, 10 a session"]
    bars = [
        Bar(
            "dialogue, one probe a session, times the yardstick",
            one / cpu["yardstick, 1 a session"],
            ONE_A_SESSION_BAR,
        ),
        Bar(f"dialogue, {length:.1f} probes a session, times the floor", ten / floor, TEN_A_SESSION_BAR),
    ]
    return Part({**cpu, "probes a session": length}, bars)
