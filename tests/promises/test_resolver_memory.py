from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FEW, MANY = 50_000, 200_000
GROWTH_LIMIT_MB = 20

ASKING = """
import sys
from pathlib import Path

import uvloop

from scanner.resolve.answer import RecordType
from scanner.resolve.resolver import Resolver

port, few, many = map(int, sys.argv[1:])


def rss_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def main():
    async with Resolver([("127.0.0.1", port)]) as resolver:
        for first in range(0, many, 500):
            names = [f"domain-{first + n}.with-a-name-of-usual-length.example" for n in range(500)]
            futures = [resolver.lookups.begin(name, RecordType.MX) for name in names]
            for future in futures:
                answer = await future
                assert answer.records, answer
            if first + 500 in {few, many}:
                print(rss_mb())


uvloop.run(main())
"""


def asking(port: int) -> list[float]:
    """RSS of the asking process in MB after few and after many names."""
    command = [sys.executable, "-c", ASKING, str(port), str(FEW), str(MANY)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


@pytest.fixture
def port() -> int:
    responder = Path(__file__).with_name("fast_responder.py")
    with subprocess.Popen([sys.executable, responder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def test_memory_is_flat_over_two_hundred_thousand_names(port: int) -> None:
    """c-ares remembers every answer, 1.4 KB each for an hour, and has no limit: 200 MB between the two figures."""
    after_few, after_many = asking(port)
    assert after_many - after_few < GROWTH_LIMIT_MB
