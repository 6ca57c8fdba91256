"""Every misbehaviour at once against the real command, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.lab.nameserver import NameServer
from scanner.lab.zone import Zone
from tests.hostile.in_tls import certificates
from tests.hostile.misbehaviour import Nobody
from tests.hostile.misbehaviours import MISBEHAVIOURS
from tests.pool.servers import Server, closed_port, unanswered
from tests.promises.process import ended, started
from tests.promises.world import OURS, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from tests.hostile.misbehaviour import End, Misbehaviour
    from tests.promises.process import Ran

PARENT = "hostile.example"
SLACK_S = 3.0
"""One second that a failed handshake may take to end, and two for a busy machine."""


class Patience(NamedTuple):
    """How long the command waits for a server; what it says first counts, to each probe for itself."""

    connect_s: float
    reply_s: float
    probe_s: float

    @property
    def options(self) -> list[str]:
        """As options of the command."""
        return [
            *("--connect-timeout", str(self.connect_s), "--reply-timeout", str(self.reply_s)),
            *("--probe-timeout", str(self.probe_s), "--backoff", "0", "--target-memory", "0", "--quiet"),
        ]

    @property
    def limit_ms(self) -> float:
        """What no probe's time may exceed."""
        return (self.probe_s + SLACK_S) * 1000


LITTLE = Patience(1.0, 1.5, 4.0)
"""For which the pauses in the table are made."""
MORE = Patience(5.0, 5.0, 10.0)
"""For hundreds at once: on a busy machine it is we who are slow."""
STRICT = {"PYTHONWARNINGS": "error"}
"""Python's own doubts about the command, as errors."""
DEVELOPING = {"PYTHONDEVMODE": "1"}
"""More of them; it also complains of slow callbacks (`SLOW`), the machine's matter, and takes twice the time."""
DESCRIPTORS = 6000
"""What the servers of thousands of probes take in this process."""
PEAK = str(Path(__file__).with_name("peak.py"))


NOBODY = {Nobody.UNANSWERED: unanswered, Nobody.CLOSED: closed_port}
"""How each comes about."""


def domain(number: int) -> str:
    """The domain, and the name of the exchange, of a misbehaviour."""
    return f"d{number}.{PARENT}"


def address(number: int) -> str:
    """Each has its own, in 127.40.0.0/16."""
    return f"127.40.{number // 200}.{number % 200 + 1}"


def zone(number: int) -> str:
    """The records of so many misbehaviours."""
    return "".join(
        f"{domain(each)}. 60 MX 10 {domain(each)}.\n{domain(each)}. 60 A {address(each)}\n" for each in range(number)
    )


@contextlib.contextmanager
def descriptors() -> Iterator[None]:
    """As many as the servers need, where the machine grants them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.asynccontextmanager
async def misbehaving(misbehaviours: Sequence[Misbehaviour], port: int = 0) -> AsyncIterator[dict[str, Server]]:
    """All of them, the n-th at the n-th address, on one port; `Nobody` is not among the servers."""
    certificates()
    async with contextlib.AsyncExitStack() as stack:
        servers: dict[str, Server] = {}
        absent: list[tuple[Nobody, str]] = []
        for number, each in enumerate(misbehaviours):
            if isinstance(each.script, Nobody):
                absent.append((each.script, address(number)))
                continue
            server = Server(each.script, (address(number),), later=each.later)
            server.port = port
            servers[address(number)] = await stack.enter_async_context(server)
            port = server.port
        for kind, where in absent:
            stack.enter_context(NOBODY[kind](where, port))
        yield servers


class Measured(NamedTuple):
    """A run of the command, and the most memory that it held."""

    ran: Ran
    peak_kb: int


async def measured(
    options: Sequence[str], domains: Sequence[str], env: Mapping[str, str] = MappingProxyType({})
) -> Measured:
    """Audit these domains, with Python's warnings as errors."""
    with tempfile.TemporaryDirectory() as folder:
        written, trusted = Path(folder) / "peak", Path(folder) / "ca.pem"
        certificates().authority.cert_pem.write_to_path(trusted)
        env = {**STRICT, **env, "SSL_CERT_FILE": str(trusted)}
        before = (sys.executable, PEAK, str(written))
        async with started("audit", *options, env=env, before=before) as process:
            ran = await ended(process, "\n".join(domains).encode())
        return Measured(ran, int(written.read_text("ascii")))


async def politely(env: Mapping[str, str]) -> Measured:
    """An audit of one domain that is served as it should be: what memory is measured from."""
    async with NameServer(Zone(OURS + zone(1))) as names, Server(addresses=(address(0),)) as server:
        return await measured([*World(names, {address(0): server}).options, *LITTLE.options], [domain(0)], env)


class Report(NamedTuple):
    """What a trial came to.

    `unexpected`: name, what was expected, what came if anything. `limit_ms`: what `longest_ms` must not exceed.
    `baseline_kb`: the peak of a run that met one polite server, to hold `peak_kb` against.
    `poured_bytes`: what all servers together could say before they were hung up on; `most_poured_bytes`: one of them.
    """

    tried: int
    unexpected: list[tuple[str, End, End | None]]
    longest_ms: float
    limit_ms: float
    peak_kb: int
    baseline_kb: int
    poured_bytes: int
    most_poured_bytes: int
    ran: Ran
    probes: dict[str, dict[str, Any]]

    @property
    def as_expected(self) -> int:
        """How many came out as the table says."""
        return self.tried - len(self.unexpected)


async def tried(
    misbehaviours: Sequence[Misbehaviour] = MISBEHAVIOURS,
    patience: Patience = LITTLE,
    env: Mapping[str, str] = DEVELOPING,
) -> Report:
    """Try all of them in one audit; before that, one polite server for a measure of memory."""
    baseline = await politely(env)
    with descriptors():
        return await compared(misbehaviours, patience, env, baseline.peak_kb)


async def compared(
    misbehaviours: Sequence[Misbehaviour], patience: Patience, env: Mapping[str, str], baseline_kb: int
) -> Report:
    """Try them, and hold what comes against the table."""
    number = len(misbehaviours)
    async with NameServer(Zone(OURS + zone(number))) as names, misbehaving(misbehaviours) as servers:
        options = [*World(names, servers).options, *patience.options]
        ran, peak_kb = await measured(options, [domain(each) for each in range(number)], env)
        poured = [visit.said_bytes for server in servers.values() for visit in server.visits]
    probes = {probe["seq"]: probe for probe in ran.of_kind("probe")}
    found = {seq: (probe["verdict"], probe["stage"], probe["code"]) for seq, probe in probes.items()}
    unexpected = [
        (each.name, each.ends, found.get(seq)) for seq, each in enumerate(misbehaviours) if found.get(seq) != each.ends
    ]
    return Report(
        number,
        unexpected,
        max(probe["elapsed_ms"] for probe in probes.values()),
        patience.limit_ms,
        peak_kb,
        baseline_kb,
        sum(poured),
        max(poured),
        ran,
        {each.name: probes[seq] for seq, each in enumerate(misbehaviours) if seq in probes},
    )


def main() -> None:
    """A look at it by hand: `python -m tests.hostile.trial`."""
    report = asyncio.run(tried())
    sys.stdout.write(f"{report.as_expected} of {report.tried}, {report._replace(ran=None, probes={})}\n")  # type: ignore[arg-type]
    for name, expected, found in report.unexpected:
        sys.stdout.write(f"{name}: {expected} {found} {report.probes.get(name)}\n")
    sys.stdout.write(report.ran.stderr)


if __name__ == "__main__":
    main()
