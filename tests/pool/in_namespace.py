"""Cases that need a network of their own: routes that refuse, and few ports. A script; prints what came of it as JSON.

`unshare --net python -m tests.pool.in_namespace CASE`: in there is nothing but a loopback interface.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from scanner.pool import turns
from scanner.pool.dial import DialFailed, dial
from scanner.pool.limits import Limits
from scanner.pool.watch import Dialling, Watch
from scanner.terms import Target
from tests.pool.asking import LOOPBACK, ask_all, ended, means, probes_of
from tests.pool.servers import Server, Visit, last_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

ROOT = Path(__file__).parents[2]
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


async def in_namespace(case: str) -> Any:
    """What a case of `tests.pool.in_namespace` reports, run in a network of its own without links.

    Root can make one; others need user namespaces. Where neither is allowed the test fails and says so.
    """
    child = await asyncio.create_subprocess_exec(
        "unshare", "--map-root-user", "--net", sys.executable, "-W", "error", "-m", "tests.pool.in_namespace", case,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await child.communicate()
    assert child.returncode == 0, f"needs root or user namespaces (unshare --net): {err.decode()}"
    return json.loads(out)


def set_ports(first: int, last: int) -> None:
    """The ports that connections of this network leave from."""
    PORT_RANGE.write_text(f"{first} {last}", encoding="ascii")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


async def knock(target: Target) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        limit = Dialling(Watch(), loop.time() + 5)
        transport = await dial(target, asyncio.Protocol, fence=LOOPBACK, typed=False, source=None, limit=limit)
    except DialFailed as error:
        return [error.verdict, str(error)]
    transport.abort()
    return ["connected", ""]


async def routes() -> object:
    """Routes that do not lead anywhere, in front of 127.0.0.0/8."""
    came = {}
    for last, kind in enumerate(("unreachable", "prohibit", "blackhole"), 1):
        ip("route", "add", kind, f"127.9.9.{last}/32", "table", "local")
        came[kind] = await knock(Target(f"127.9.9.{last}", 25))
    return came


async def self_connect(ports: Iterator[int] = itertools.count(40000)) -> object:  # noqa: B008 - one a call
    """One port for all: whoever dials it, dials from it."""
    port = next(ports)
    set_ports(port, port)
    return await knock(Target("127.0.0.1", port))


def lingering(visit: Visit) -> None:
    """Say bye after a while, so that connections pile up."""
    visit.timer = visit.loop.call_later(0.1, lambda: last_words(b"221 2.0.0 Bye\r\n")(visit))  # type: ignore[operator]


async def ports() -> object:
    """Thirty probes of one target through eight ports."""
    set_ports(40000, 40007)
    turns.SHORTAGE_PAUSE_S = 0.15
    async with Server({"QUIT": lingering}) as server:
        answers = await ask_all(probes_of([server.target] * 30), limits=Limits(30, 30, 0, 0))
        return {
            "ended": sorted({str(ended(answer.outcome)[1]) for answer in answers}),
            "attempts": sorted({answer.attempts for answer in answers}),
            "answers": len(answers),
            "peak": server.peak,
        }


async def source() -> object:
    """Two targets, eight ports and a source address: six sessions to each at once, the range is not shared out."""
    set_ports(40000, 40007)
    async with Server({"QUIT": lingering}, ["127.0.0.1", "127.0.0.2"]) as server:
        answers = await ask_all(probes_of(server.targets * 6), means(source="127.0.0.7"), Limits(12, 6, 0, 0))
        return {"codes": [ended(answer.outcome)[1] for answer in answers], "peak": server.peak}


CASES: dict[str, Callable[[], Awaitable[object]]] = {
    "routes": routes, "self-connect": self_connect, "ports": ports, "source": source
}  # fmt: skip


def main() -> None:
    ip("link", "set", "lo", "up")
    case = sys.argv[1]
    came: dict[str, object] = {}
    for name in ("uvloop", "asyncio") if case == "self-connect" else ("uvloop",):
        with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
            came[name] = runner.run(CASES[case]())  # type: ignore[arg-type]
    sys.stdout.write(json.dumps(came if case == "self-connect" else came["uvloop"]))


if __name__ == "__main__":
    main()
