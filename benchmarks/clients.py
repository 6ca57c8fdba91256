"""The measured programs as commands, ready for a list of items at their end."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import module
from tests.real.debs import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.smtp_sink import Scenery

FLOOR_SOURCE = Path(__file__).with_name("floor.c")
FLOOR = ROOT / ".cache" / "floor"


def built_floor() -> Path:
    """The compiled floor, made anew where its source is younger.

    Raises:
        RuntimeError: there is no C compiler, with how to get one.
    """
    if FLOOR.exists() and FLOOR.stat().st_mtime > FLOOR_SOURCE.stat().st_mtime:
        return FLOOR
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler (cc) for benchmarks/floor.c: apt-get install gcc libc6-dev")
    FLOOR.parent.mkdir(exist_ok=True)
    options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *options, "-o", str(FLOOR), str(FLOOR_SOURCE)], check=True)
    return FLOOR


def floor(port: int, concurrency: int, per_session: int = 1) -> list[str]:
    """One epoll loop in C."""
    return [str(built_floor()), str(port), str(concurrency), str(per_session)]


def yardstick(port: int, concurrency: int, per_session: int = 1) -> list[str]:
    """A bare protocol on uvloop."""
    options = ["--port", port, "--concurrency", concurrency, "--per-session", per_session]
    return module("benchmarks.yardstick", *map(str, options))


def server(resolver: tuple[str, int]) -> str:
    """A resolver as an option's value."""
    return f"{resolver[0]}:{resolver[1]}"


def peer(served: Scenery, concurrency: int) -> list[str]:
    """The libraries, aiodns and aiosmtplib."""
    options = ["--resolver", server(served.resolver), "--port", str(served.port), "--concurrency", str(concurrency)]
    return module("benchmarks.peer", *options)


def audit(served: Scenery, output: Path | str, concurrency: int, *more: str, progress: str = "none") -> list[str]:
    """Ourselves: unlimited dials, loopback allowed, records to a file. More options win over these."""
    unlimited = ["--rate", "0", "--target-rate", "0", "--concurrency", str(concurrency)]
    whom = ["--resolver", server(served.resolver), "--port", str(served.port), "--allow-net", "127.0.0.0/8"]
    ways = ["--helo", served.helo, "--force", "--progress", progress]
    return module("scanner", "audit", *whom, *unlimited, *ways, *more, "-o", str(output), "-i")


def dns(served: Scenery) -> list[str]:
    """The audit's look-ups alone."""
    return module("benchmarks.dns", "--resolver", server(served.resolver))


def bare_cares(served: Scenery) -> list[str]:
    """c-ares alone."""
    return module("benchmarks.bare_cares", "--resolver", server(served.resolver))


def joined(values: Sequence[str]) -> str:
    """A list as an option's value."""
    return ",".join(values)
