"""A few slow hosts hold up their own domains and nobody else's, and every domain gets its one group."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from tests.promises.process import mxsweep
from tests.promises.world import world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pool.servers import Script, Visit

DOMAINS, WINDOW = 3000, 200
HOT = [f"127.30.7.{number}" for number in (1, 2, 3)]
OTHERS = [f"127.30.8.{number}" for number in range(1, 31)]
OF_TEN = 3
"""So many of ten domains have an exchange that is hot."""
OTHERS_IN_ALL = DOMAINS * (10 - OF_TEN) // 10
SLOWER_TIMES = 100
"""How many questions the others answer while the hot ones answer one."""
STALL_S, STALLS = 0.25, 8
ACCEPTED = b"250 2.1.5 Ok\r\n"


class Slowness:
    """The hot hosts' answers to RCPT, slow in terms of the others' work: no clock decides who is done first.

    Where nobody else is asked for a while, all that wait are answered, and in the end all that come: a convoy gets on,
    and is found in the output.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.held: list[Visit] = []
        self.others = 0
        self.seen = self.stalls = 0
        self.timer = self.loop.call_later(STALL_S, self.look)

    def hot(self, visit: Visit) -> None:
        self.held.append(visit)
        if self.others >= OTHERS_IN_ALL or self.stalls > STALLS:
            self.answer(len(self.held))

    def quick(self, visit: Visit) -> None:
        visit.say(ACCEPTED)
        self.others += 1
        if self.others >= OTHERS_IN_ALL:
            self.answer(len(self.held))
        elif self.others % SLOWER_TIMES == 0:
            self.answer(1)

    def answer(self, number: int) -> None:
        for visit in self.held[:number]:
            visit.say(ACCEPTED)
        del self.held[:number]

    def look(self) -> None:
        if self.seen == self.others:
            self.stalls += 1
            self.answer(len(self.held))
        self.seen = self.others
        self.timer = self.loop.call_later(STALL_S, self.look)


def exchanges_of(number: int) -> list[str]:
    """The hot ones alone, or beside another, before or after it; or one of the others."""
    if number % 10 >= OF_TEN:
        return [f"o{number % len(OTHERS)}"]
    hot = f"h{number // 10 % len(HOT)}"
    return [[hot], [hot, f"o{number % len(OTHERS)}"], [hot, f"h{(number // 10 + 1) % len(HOT)}"]][number % 10]


def zone() -> str:
    hosts = {f"h{n}": address for n, address in enumerate(HOT)} | {f"o{n}": address for n, address in enumerate(OTHERS)}
    lines = [f"{host}.example. 60 A {address}" for host, address in hosts.items()]
    for number in range(DOMAINS):
        for preference, host in enumerate(exchanges_of(number)):
            lines.append(f"d{number}.example. 60 MX {preference} {host}.example.")
    return "\n".join(lines) + "\n"


async def test_of_the_other_domains_nearly_all_are_done_when_hardly_any_of_the_hot_ones_are(tmp_path: Path) -> None:
    """Three of ten domains lie on three slow hosts, many times the window; the rest get on as if they were alone."""
    listed = tmp_path / "list"
    listed.write_text("".join(f"d{number}.example\n" for number in range(DOMAINS)))
    slowness = Slowness()
    scripts: dict[str, Script] = {address: {"RCPT": slowness.hot} for address in HOT}
    scripts |= {address: {"RCPT": slowness.quick} for address in OTHERS}
    async with world(zone(), scripts) as playing:
        ran = await mxsweep("audit", *playing.options, "--window", str(WINDOW), "-i", str(listed), "--quiet")
        slowness.timer.cancel()
    assert ran.code == 0

    done = [record["seq"] for record in ran.of_kind("domain")]
    hot = [seq % 10 < OF_TEN for seq in done]
    others_before = [place for place, is_hot in enumerate(hot) if not is_hot]
    nearly_all = others_before[len(others_before) * 99 // 100 - 1]
    assert sum(hot[:nearly_all]) <= sum(hot) // 10

    assert sorted(done) == list(range(DOMAINS)), "each once, none lost"
    assert ran.run["items"] == DOMAINS
    assert Counter(ran.verdicts.values()) == {"ok": DOMAINS}
    groups = [(record["seq"], record.get("address")) for record in ran.records[1:-1]]
    addresses = {f"h{n}": address for n, address in enumerate(HOT)} | {
        f"o{n}": address for n, address in enumerate(OTHERS)
    }
    expected = [(seq, address) for seq in done for address in [*(addresses[host] for host in exchanges_of(seq)), None]]
    assert groups == expected, "in one piece"
