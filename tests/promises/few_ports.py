"""A run through eight ports, many of its domains at one host. A script for a network of its own: `unshare --net`.

Prints what came of it as JSON: a run with all the ports that there are, then one with eight; for each the `code`, the
records (`stdout`), `stderr`, and how many connections the `hot` host saw at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from tests.pool.in_namespace import ip, set_ports
from tests.pool.servers import until
from tests.promises.process import ended, started
from tests.promises.world import world

if TYPE_CHECKING:
    from tests.pool.servers import Script, Visit

HOT = "127.30.14.1"
OTHERS = [f"127.30.15.{number}" for number in range(1, 21)]
AT_HOT, AT_EACH = 24, 2
PORTS = (40000, 40007)
REFUSED = b"554 5.7.1 Relay access denied\r\n"
PATIENCE_S = 20
"""Then the hot host answers all the same: a run that stands still fails by the order of its output."""


class Patience:
    """The hot host answers nobody's hello until the others were asked all there is to ask."""

    def __init__(self) -> None:
        self.held: list[Visit] = []
        self.asked = 0
        self.timer = asyncio.get_running_loop().call_later(PATIENCE_S, self.answer)

    def hello(self, visit: Visit) -> None:
        self.held.append(visit)
        self.go_on()

    def recipient(self, visit: Visit) -> None:
        visit.say(REFUSED)
        self.asked += 1
        self.go_on()

    def go_on(self) -> None:
        if self.asked == len(OTHERS) * AT_EACH:
            self.answer()

    def answer(self) -> None:
        for visit in self.held:
            visit.say(b"250 hot.example\r\n")
        self.held.clear()


def zone() -> str:
    hosts = [HOT, *OTHERS]
    lines = [f"mx{number}.example. 60 A {address}" for number, address in enumerate(hosts)]
    lines += [f"hot{number}.example. 60 MX 10 mx0.example." for number in range(AT_HOT)]
    lines += [f"d{n}.example. 60 MX 10 mx{n % len(OTHERS) + 1}.example." for n in range(len(OTHERS) * AT_EACH)]
    return "\n".join(lines) + "\n"


def lines(kind: str, count: int) -> bytes:
    return "".join(f"{kind}{number}.example\n" for number in range(count)).encode()


async def audited(ports: tuple[int, int] | None) -> dict[str, Any]:
    """One run; the others' domains come when no further connection to the hot host is to be had."""
    patience = Patience()
    scripts: dict[str, Script] = {HOT: {"EHLO": patience.hello}}
    scripts |= {address: {"RCPT": patience.recipient} for address in OTHERS}
    async with world(zone(), scripts) as playing:
        if ports is not None:
            set_ports(*ports)
        each_alone = ["--per-target", str(AT_HOT), "--transactions-per-session", "1"]
        async with started("audit", *playing.options, *each_alone, "--quiet") as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.write(lines("hot", AT_HOT))
            stderr = ""
            while ports is not None and "no port is left" not in stderr:
                stderr += (await process.stderr.readline()).decode()
            at_once = AT_HOT if ports is None else ports[1] - ports[0] + 1
            await until(lambda: len(patience.held) == at_once, within_s=20)
            ran = await ended(process, lines("d", len(OTHERS) * AT_EACH))
        patience.timer.cancel()
        return {
            "code": ran.code,
            "stdout": ran.stdout.decode(),
            "stderr": stderr + ran.stderr,
            "hot": playing.servers[HOT].peak,
        }


async def both() -> list[dict[str, Any]]:
    """Many ports, then few."""
    return [await audited(None), await audited(PORTS)]


if __name__ == "__main__":
    ip("link", "set", "lo", "up")
    sys.stdout.write(json.dumps(asyncio.run(both())))
