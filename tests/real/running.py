"""`mxsweep audit` as a process against real servers, and crowds of domains that share a server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.real.debs import ROOT
from tests.real.roles import SENDER_HELO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

RUN_LIMIT_S = 120
"""A hung command fails the test instead of holding it; one takes a few seconds."""

ALLOWED = ("--allow-net", "127.0.0.0/8")

Record = dict[str, Any]


class Audit(NamedTuple):
    """One finished run: its exit code and its records in order."""

    status: int
    records: list[Record]

    def of_kind(self, kind: str) -> list[Record]:
        return [record for record in self.records if record["kind"] == kind]


def audit(lines: Iterable[str], directory: Path, resolver: tuple[str, int], port: int, *options: str) -> Audit:
    """Run the command over the input lines, without limits of rate, and read what it wrote."""
    listed, output = directory / "partners.txt", directory / "out.jsonl"
    listed.write_text("".join(f"{line}\n" for line in lines))
    command = [sys.executable, "-m", "scanner", "audit", "-i", str(listed), "-o", str(output), "--force"]
    command += ["--resolver", f"{resolver[0]}:{resolver[1]}", "--port", str(port), "--helo", SENDER_HELO]
    command += ["--rate", "0", "--target-rate", "0", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False)
    assert done.stdout == "", "stdout carries records only, and they went to the file"
    assert done.returncode in {0, 1}, done.stderr
    return Audit(done.returncode, [json.loads(line) for line in output.read_text().splitlines()])


def crowd(host: str, size: int) -> list[str]:
    """So many domains that have `host` for their one exchange: d0.HOST.test, d1.HOST.test and so on."""
    return [f"d{number}.{host}.test" for number in range(size)]


def zone_of_crowds(crowds: Mapping[str, tuple[str, int]]) -> str:
    """The zone `test`: for each host its address and how many domains it has."""
    lines = [
        "$ORIGIN test.",
        "$TTL 300",
        "@ SOA ns hostmaster 1 3600 600 86400 60",
        "@ NS ns",
        "ns A 127.0.0.1",
        f"{SENDER_HELO}. A 127.0.0.1",
    ]
    for host, (address, size) in crowds.items():
        lines += [f"{host}.mx A {address}", *(f"{domain}. MX 10 {host}.mx" for domain in crowd(host, size))]
    return "\n".join([*lines, ""])
