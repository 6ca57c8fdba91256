"""What the clients are measured against: NSD with a zone of domains, Postfix's smtp-sink on their exchanges.

smtp-sink listens on one address, and a wildcard would listen to the world, so there is one process an exchange; they
take everything (`250`) and offer PIPELINING.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.real import debs
from tests.real.nsd import nsd
from tests.real.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ZONE = "bench"
START_LIMIT_S = 60.0
CONNECTIONS = "1000"
"""How many an smtp-sink serves at once; its default (256) would make the rest wait in the listen queue."""

ZONE_HEAD = f"""\
$ORIGIN {ZONE}.
$TTL 3600
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
probe A 127.0.0.1
probe MX 10 probe
"""


class Scenery(NamedTuple):
    """The running servers.

    `domains`, `targets` and `tens` are files with one item a line: the domains of the zone; in the same order, the
    address of each one's exchange; as many addresses in runs of ten.
    """

    resolver: tuple[str, int]
    port: int
    exchanges: list[str]
    domains: Path
    targets: Path
    tens: Path
    helo: str = f"probe.{ZONE}"


def exchange_addresses(count: int) -> list[str]:
    """Loopback addresses of our own: 127.1.0.1 and up, 250 to a last octet."""
    return [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]


@contextmanager
def smtp_sinks(addresses: list[str], *options: str) -> Iterator[int]:
    """One smtp-sink with the options on each of the addresses while the block lasts; yields their common port.

    Raises:
        RuntimeError: one of them did not greet in time.
    """
    port = free_port(addresses)
    unprivileged = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to stay root
    with ExitStack() as stack:
        sinks = []
        for address in addresses:
            sink = subprocess.Popen(
                [debs.SMTP_SINK, *unprivileged, "-4", "-m", CONNECTIONS, *options, f"{address}:{port}", CONNECTIONS],
                env=debs.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(sink.wait, timeout=START_LIMIT_S)
            stack.callback(sink.terminate)
            sinks.append((sink, address))
        deadline = time.monotonic() + START_LIMIT_S
        for sink, address in sinks:
            wait_until_greeted(sink, address, port, deadline)
        yield port


def wait_until_greeted(sink: subprocess.Popen[bytes], address: str, port: int, deadline: float) -> None:
    """Dial until it greets; waiting is waiting for the process to die, which it must not."""
    while True:
        with socket.socket() as caller:
            caller.settimeout(START_LIMIT_S)
            if caller.connect_ex((address, port)) == 0 and caller.recv(1000).startswith(b"220 "):
                return
        try:
            sink.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
        raise RuntimeError(f"smtp-sink does not greet on {address}:{port} (exit {sink.returncode})")


def zone_of(domain_count: int, addresses: list[str], *, wildcards: bool) -> str:
    """The zone: a name for each domain, or one wildcard for all of an exchange, which any number of them matches."""
    lines = [ZONE_HEAD]
    lines += [f"mx{number} A {address}" for number, address in enumerate(addresses)]
    if wildcards:
        lines += [f"*.g{number} MX 10 mx{number}" for number in range(len(addresses))]
    else:
        lines += [f"d{number} MX 10 mx{number % len(addresses)}" for number in range(domain_count)]
    return "\n".join(lines) + "\n"


def write_list(path: Path, lines: Iterable[str]) -> Path:
    """One item a line; never all of them in memory."""
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path


@contextmanager
def scenery(domain_count: int, exchange_count: int, *options: str, wildcards: bool = False) -> Iterator[Scenery]:
    """Serve that many domains, dealt out in turn to that many exchanges.

    Args:
        domain_count: how many.
        exchange_count: each is one smtp-sink.
        options: of the smtp-sinks.
        wildcards: the zone stays small, however many domains.
    """
    addresses = exchange_addresses(exchange_count)
    numbers, count = range(domain_count), exchange_count
    domains = (f"d{number}.g{number % count}.{ZONE}" if wildcards else f"d{number}.{ZONE}" for number in numbers)
    with tempfile.TemporaryDirectory(prefix="mxsweep-bench-") as name:
        directory = Path(name)
        lists = (
            write_list(directory / "domains.txt", domains),
            write_list(directory / "targets.txt", (addresses[number % count] for number in numbers)),
            write_list(directory / "tens.txt", (addresses[number // 10 % count] for number in numbers)),
        )
        zone = zone_of(domain_count, addresses, wildcards=wildcards)
        with nsd(directory, {ZONE: zone}) as resolver, smtp_sinks(addresses, *options) as port:
            yield Scenery(resolver, port, addresses, *lists)


def main() -> None:
    """`python -m benchmarks.smtp_sink DOMAINS EXCHANGES`: serve until stdin ends; says on one line where."""
    with scenery(int(sys.argv[1]), int(sys.argv[2])) as served:
        print(json.dumps(served._asdict(), default=str), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
