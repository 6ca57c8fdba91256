"""The whole audit of a list: DNS, dialogue, records; beside it DNS alone, the floor, the yardstick and the peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import clients
from benchmarks.bars import Bar, Part, table
from benchmarks.measure import Program, at_length, interleaved
from benchmarks.records import accepted
from benchmarks.smtp_sink import scenery

if TYPE_CHECKING:
    from pathlib import Path

DIALOGUE_BAR = 2.0
"""Times the yardstick at the same mean session length, beside DNS."""
REST_BAR_US, YARDSTICK_THEN_US = 25.0, 95.0
"""And for all the rest this much, on the machine and day on which the yardstick took that."""
PEER_BAR = 4.0
"""Times the peer's domains a CPU second."""


def measure(domains: int, exchanges: int, rounds: int, concurrency: int, directory: Path) -> Part:
    """Measure, print the table."""
    output = directory / "audit.jsonl"
    with scenery(domains, exchanges) as served:
        at = (served.port, concurrency)
        programs = [
            Program("floor, 1 a session", clients.floor(*at), served.targets),
            Program("floor, 10 a session", clients.floor(*at, 10), served.tens),
            Program("yardstick, 1 a session", clients.yardstick(*at), served.targets),
            Program("yardstick, 10 a session", clients.yardstick(*at, 10), served.tens),
            Program("bare c-ares, MX", clients.bare_cares(served), served.domains),
            Program("DNS of the audit", clients.dns(served), served.domains),
            Program("mxsweep audit", clients.audit(served, output, concurrency), served.domains),
            Program("peer", clients.peer(served, concurrency), served.domains),
        ]
        cpu = {name: used.cpu_us for name, used in interleaved(programs, rounds, directory).items()}
    length = accepted(output, domains, domains).probes_a_session
    one = cpu["yardstick, 1 a session"]
    yardstick = at_length(one, cpu["yardstick, 10 a session"], length)
    floor = at_length(cpu["floor, 1 a session"], cpu["floor, 10 a session"], length)
    audit, dns = cpu["mxsweep audit"], cpu["DNS of the audit"]
    rest = REST_BAR_US * one / YARDSTICK_THEN_US
    print(f"The audit: {domains} domains on {exchanges} exchanges; µs of CPU a domain")
    table(cpu, "µs", relative_to="yardstick, 1 a session")
    print(f"  {length:.2f} probes a session; at that length the floor {floor:.1f} µs, the yardstick {yardstick:.1f} µs")
    print(f"  DNS of the audit (MX, hosts, limits, routes) is {dns / cpu['bare c-ares, MX']:.2f} times bare c-ares")
    bars = [
        Bar(
            f"audit: DNS {dns:.1f} + {DIALOGUE_BAR:g} x yardstick {yardstick:.1f} + {rest:.1f}",
            audit,
            dns + DIALOGUE_BAR * yardstick + rest,
            "µs a domain",
        ),
        Bar("audit: domains a CPU second, times the peer's", cpu["peer"] / audit, PEER_BAR, at_least=True),
    ]
    return Part({**cpu, "probes a session": length, "DNS, times bare c-ares": dns / cpu["bare c-ares, MX"]}, bars)
