"""NSD, the authoritative name server, from the unpacked tree: own configuration, own zones, loopback, no root."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.real import debs
from tests.real.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_LIMIT_S = 20.0

CONFIGURATION = """\
server:
{listening}
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{directory}"
    zonelistfile: "{directory}/zone.list"
    pidfile: "{directory}/nsd.pid"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    logfile: "{directory}/nsd.log"
    rrl-ratelimit: 0
    hide-version: yes
remote-control:
    control-enable: no
"""
ZONE = """\
zone:
    name: "{name}"
    zonefile: "{name}.zone"
"""


@contextmanager
def nsd(
    directory: Path, zones: Mapping[str, str], address: str = "127.0.0.1", resolver: str | None = None
) -> Iterator[tuple[str, int]]:
    """Serve the zones for as long as the block lasts; names outside them are answered REFUSED.

    Args:
        directory: scratch of this server alone.
        zones: zone name to zone file text, SOA included.
        address: where to listen.
        resolver: where to listen too, on port 53, for programs that have a resolv.conf, which knows no ports.

    Yields:
        The address and port that answer, over UDP and TCP.

    Raises:
        RuntimeError: it did not start; with the end of its log.
    """
    port = free_port([address])
    for name, text in zones.items():
        (directory / f"{name}.zone").write_text(text)
    listening = [f"{address}@{port}", *([f"{resolver}@53"] if resolver else [])]
    configuration = CONFIGURATION.format(
        listening="\n".join(f"    ip-address: {at}" for at in listening), directory=directory
    )
    configuration += "".join(ZONE.format(name=name) for name in zones)
    (directory / "nsd.conf").write_text(configuration)

    server = subprocess.Popen(
        [debs.NSD, "-d", "-c", directory / "nsd.conf"],
        env=debs.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_every_zone_answers(server, address, port, zones, directory / "nsd.log")
        yield address, port
    finally:
        server.terminate()
        server.wait(timeout=START_LIMIT_S)


def wait_until_every_zone_answers(
    server: subprocess.Popen[bytes], address: str, port: int, zones: Mapping[str, str], log: Path
) -> None:
    """Ask for each SOA until it comes; waiting is waiting for the process to die, which it must not."""
    deadline = time.monotonic() + START_LIMIT_S
    waiting = list(zones)
    while waiting:
        try:
            query = dns.message.make_query(waiting[-1], "SOA")
            if dns.query.udp(query, address, port=port, timeout=0.5).rcode() == dns.rcode.NOERROR:
                waiting.pop()
                continue
        except (OSError, dns.exception.Timeout):
            pass  # not listening yet
        try:
            server.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
        said = log.read_text() if log.exists() else "no log"
        raise RuntimeError(f"NSD does not answer for {waiting[-1]} (exit {server.returncode}): {said[-2000:]}")
