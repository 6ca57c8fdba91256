"""Thousands of conversations open at once with slow servers: their memory, and that none is timed out by us."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from benchmarks import clients
from benchmarks.bars import Bar, Part
from benchmarks.measure import run
from benchmarks.records import accepted, most_at_once
from benchmarks.smtp_sink import scenery

if TYPE_CHECKING:
    from pathlib import Path

SLOWNESS = ["-p", *(part for command in ("EHLO", "MAIL", "RCPT") for part in ("-W", f"{command}:3"))]
"""smtp-sink's, before each of the answers. Its `-w` is for DATA, which an audit never says; and without pipelining
(`-p`), for it hangs up on a QUIT that comes while it waits."""
EXCHANGES = 50
MEMORY_BAR_MB = 150.0
DESCRIPTORS_SPARE = 64
"""What the client wants beside its connections."""


def measure(conversations: int, directory: Path) -> Part:
    """Twice as many domains as conversations, all accepted; prints the figures.

    Raises:
        RuntimeError: this process may not give its children so many descriptors.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < conversations + DESCRIPTORS_SPARE:
        raise RuntimeError(f"{conversations} conversations need more descriptors than the {hard} of `ulimit -Hn`")
    domains, output = 2 * conversations, directory / "crowd.jsonl"
    with scenery(domains, EXCHANGES, *SLOWNESS) as served:
        each = -(-conversations // EXCHANGES)
        each_alone = ("--per-target", str(each), "--transactions-per-session", "1")
        command = clients.audit(served, output, conversations, *each_alone)
        used = run([*command, str(served.domains)])
    accepted(output, domains, domains)
    most, peak_mb = most_at_once(output), used.peak_kib / 1024
    print(f"A crowd: {domains} domains on {EXCHANGES} slow servers, {conversations} connections allowed")
    print(f"  {most} conversations at once, {peak_mb:.1f} MB at the peak, {used.wall_s:.1f} s, all accepted")
    bars = [
        Bar("crowd: conversations open at once", most, conversations, at_least=True),
        Bar("crowd: peak memory", peak_mb, MEMORY_BAR_MB, "MB"),
    ]
    return Part({"crowd: conversations at once": most, "crowd: peak MB": peak_mb, "crowd: wall s": used.wall_s}, bars)
