"""The sweep beside nmap's smtp-open-relay script, and over a range that is nearly all silent.

Everything runs in a network namespace of its own, where one smtp-sink may listen on every address:
`unshare --net python -m benchmarks.sweep DIRECTORY ROUNDS`, which wants root. Silent is a port whose listener takes
nobody and has a full queue: the kernel drops what comes.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bars import Bar, Part
from benchmarks.measure import ROOT, environment, least, module, run
from tests.real import debs
from tests.real.nmap import library_path
from tests.real.nsd import nsd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measure import Used

PORT = 2525
ANSWERING = "127.1.0.0/20"
ANSWERING_HOSTS = 4096
SILENT = "127.2.0.0/18"
SILENT_HOSTS = 16_384
SILENT_PORT = 2526
ANSWER_EVERY = 100
CONCURRENCY = 500
TIMEOUT_S = 1.0
TESTS = (
    "plain", "sender-null", "sender-bare", "sender-localhost", "sender-host", "sender-ip", "sender-postmaster",
    "rcpt-nobrackets", "route-host", "route-ip", "percent-ip", "quoted", "quotedat-ip", "doubleat-ip", "bang",
    "bang-ip",
)  # fmt: skip
"""As many as nmap's script asks, and of the same shapes."""
ZONE = """\
$ORIGIN bench.
$TTL 3600
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
probe A 127.0.0.1
canary MX 10 mx.canary
mx.canary A 127.255.0.1
"""
SINKS = {"smtp-sink as it comes": (), "refusing recipients": ("-f", "RCPT")}
"""It takes everything, and a sweep ends at the first test that is accepted; the other has all of them asked. smtp-sink
that refuses something does not offer PIPELINING."""
LIMIT_S = 900
HOSTS_BAR, CPU_BAR, SILENT_BAR, MEMORY_BAR = 5.0, 0.25, 1.2, 1.2


def measure(rounds: int, directory: Path) -> Part:
    """Sweep and nmap over the same hosts, then the silent range; prints the figures.

    Raises:
        RuntimeError: no namespace can be made, or one of the programs failed.
    """
    done = subprocess.run(
        ["unshare", "--net", *module("benchmarks.sweep", str(directory), str(rounds))],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the namespace's part ended with {done.returncode}")
    figures: dict[str, float] = json.loads(done.stdout)
    print(f"Sweep: the same {len(TESTS)} tests asked for of {ANSWERING_HOSTS} hosts, nmap's smtp-open-relay beside it")
    for what in SINKS:
        for name in ("mxsweep", "nmap"):
            hosts, cpu = figures[f"{what}: {name} hosts a second"], figures[f"{what}: {name} us a test"]
            print(f"  {what:22} {name:8} {hosts:8.0f} hosts/s {cpu:8.1f} µs CPU a test")
    print(f"  {SILENT_HOSTS} silent addresses: {figures['silent s']:.1f} s, {figures['silent MB']:.1f} MB")
    least_s = SILENT_HOSTS / CONCURRENCY * TIMEOUT_S

    def ratio(what: str, of: str) -> float:
        return figures[f"{what}: mxsweep {of}"] / figures[f"{what}: nmap {of}"]

    what = next(iter(SINKS))
    bars = [
        Bar("sweep: hosts a second, of nmap's", ratio(what, "hosts a second"), HOSTS_BAR, at_least=True),
        Bar("sweep: CPU a test, of nmap's", ratio(what, "us a test"), CPU_BAR),
        Bar("sweep: a silent range, of what concurrency and time-out allow", figures["silent s"] / least_s, SILENT_BAR),
        Bar("sweep: memory for four times the range", figures["silent MB"] / figures["quarter MB"], MEMORY_BAR),
    ]
    return Part({f"sweep: {name}": figure for name, figure in figures.items()}, bars)


def in_namespace(directory: Path, rounds: int) -> dict[str, float]:
    """The figures; the least of the rounds, in turn."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    figures: dict[str, float] = {}
    with nsd(directory, {"bench": ZONE}) as resolver, silence():
        programs = {"mxsweep": sweeping(resolver, ANSWERING, "--tests", ",".join(TESTS)), "nmap": nmap()}
        for what, options in SINKS.items():
            runs: dict[str, list[Used]] = {name: [] for name in programs}
            with sink(*options):
                for number in range(rounds):
                    for name, command in programs.items():
                        runs[name].append(run(command, allowed=frozenset({0, 1})))
                    print(f"  {what}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            for name, used in runs.items():
                figures[f"{what}: {name} hosts a second"] = ANSWERING_HOSTS / min(each.wall_s for each in used)
                figures[f"{what}: {name} us a test"] = least(used) / (ANSWERING_HOSTS * len(TESTS)) * 1e6
        with sink():
            silent = [
                run(
                    sweeping(resolver, mostly_silent(directory, block), "--connect-timeout", str(TIMEOUT_S)),
                    allowed=frozenset({0, 1}),
                )
                for block in (SILENT, SILENT.replace("/18", "/20"))
            ]
    figures["silent s"] = silent[0].wall_s
    figures["silent MB"], figures["quarter MB"] = (used.peak_kib / 1024 for used in silent)
    return figures


def mostly_silent(directory: Path, block: str) -> str:
    """A list of a range at the silent port, and of each hundredth of its addresses at the one that answers."""
    hosts = list(ip_network(block))[::ANSWER_EVERY]
    path = directory / "mostly-silent.txt"
    entries = ip_network(block).subnets(new_prefix=28)
    lines = [f"open tcp {SILENT_PORT} {host} 0" for subnet in entries for host in subnet]
    path.write_text("\n".join([*lines, *(f"open tcp {PORT} {host} 0" for host in hosts), ""]))
    return f"--input={path}"


@contextmanager
def silence() -> Iterator[None]:
    """A listener on every address of this namespace whose queue is full and stays so."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("0.0.0.0", SILENT_PORT))  # noqa: S104 - a namespace without links
        listener.listen(0)
        for _ in range(3):
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(("127.0.0.1", SILENT_PORT))
        yield


@contextmanager
def sink(*options: str) -> Iterator[None]:
    """One smtp-sink with the options on every address of this namespace."""
    command = [debs.SMTP_SINK, "-u", "nobody", "-4", "-h", "mx.sink.bench", "-m", "2000", *options]
    process = subprocess.Popen(
        [*map(str, command), f"0.0.0.0:{PORT}", "2000"],
        env=debs.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


def sweeping(resolver: tuple[str, int], block: str, *options: str) -> list[str]:
    """The sweep's command."""
    command = module("scanner", "sweep", block, "--port", str(PORT), "--canary", "me@canary.bench")
    command += [
        "--helo",
        "probe.bench",
        "--resolver",
        f"{resolver[0]}:{resolver[1]}",
        "--output",
        "/dev/null",
        "--force",
    ]
    return [*command, "--rate", "0", "--target-rate", "0", "--concurrency", str(CONCURRENCY), "--quiet", *options]


def nmap() -> list[str]:
    """Nmap's command, as fast as it goes."""
    arguments = "smtp-open-relay.domain=canary.bench,smtp-open-relay.to=me"
    command: list[Any] = ["env", f"LD_LIBRARY_PATH={library_path()}", debs.NMAP, "--datadir", debs.NMAP_DATA]
    command += ["-Pn", "-n", "-sT", "-T5", "--min-hostgroup", "4096", "-p", PORT, "-oN", "/dev/null"]
    return list(map(str, [*command, "--script", "+smtp-open-relay", "--script-args", arguments, ANSWERING]))


if __name__ == "__main__":
    print(json.dumps(in_namespace(Path(sys.argv[1]), int(sys.argv[2]))))
