"""Our own shortage of descriptors or ports is a pause, or fewer connections, and never a verdict."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.promises.few_ports import AT_EACH, AT_HOT, HOT, OTHERS, PORTS
from tests.promises.process import ROOT, Ran, ended, started
from tests.promises.world import world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.pool.servers import Script, Visit

ADDRESSES = [f"127.30.{12 + number // 100}.{number % 100 + 1}" for number in range(120)]
DOMAINS = 4 * len(ADDRESSES)
SAYING: list[Script] = [
    {},
    {"RCPT": b"554 5.7.1 Relay access denied\r\n"},
    {"RCPT": b"450 4.2.1 busy\r\n"},
    {"OPEN": b"554 5.3.2 no mail here\r\n"},
]
"""What the addresses answer, in turn."""
SLOWNESS_S = 0.05
"""So long a hello takes: connections are open side by side."""
WANTED = 100
"""Connections that a run may have."""
DESCRIPTORS, ALLOWED = 90, 26
"""Too few for that, and the connections that are left of them beside sixty-four for the rest of the command."""
STAYS = 32
"""Descriptors that a run gets along with somehow; its files and the resolver's sockets are a dozen of them."""
NONE_LEFT = 3
LASTS_S = 2.5
SHORT_OF_SOCKETS = "cannot open a connection: Too many open files (EMFILE); pausing"
SHORT_FOR_DNS = "no descriptor is left for DNS: look-ups wait"


class Crowd:
    """Counts the sessions whose hello is not answered yet: they are open at once.

    The first ones are answered when there are `wanted` of them.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.first: list[Visit] = []
        self.waiting = self.peak = 0

    def __call__(self, visit: Visit) -> None:
        self.waiting += 1
        self.peak = max(self.peak, self.waiting)
        self.first.append(visit)
        if self.peak >= self.wanted:
            for each in self.first:
                self.answer_soon(each)
            self.first.clear()

    def answer_soon(self, visit: Visit) -> None:
        visit.timer = visit.loop.call_later(SLOWNESS_S, self.answer, visit)

    def answer(self, visit: Visit) -> None:
        self.waiting -= 1
        visit.say(b"250 mx.example\r\n")


def zone() -> str:
    """Eight domains at each address; every domain has two exchanges."""
    lines = [f"mx{number}.example. 60 A {address}" for number, address in enumerate(ADDRESSES)]
    for number in range(DOMAINS):
        first, second = number % len(ADDRESSES), (number * 7 + 1) % len(ADDRESSES)
        lines += [f"d{number}.example. 60 MX {place} mx{mx}.example." for place, mx in enumerate((first, second), 1)]
    return "\n".join(lines) + "\n"


def listed(numbers: Iterable[int]) -> bytes:
    return "".join(f"d{number}.example\n" for number in numbers).encode()


@contextlib.asynccontextmanager
async def crowding(*before: str, at_once: int = 1) -> AsyncIterator[tuple[asyncio.subprocess.Process, Crowd]]:
    """A run that waits for its domains."""
    crowd = Crowd(at_once)
    scripts = {address: {**SAYING[number % len(SAYING)], "EHLO": crowd} for number, address in enumerate(ADDRESSES)}
    async with world(zone(), scripts) as playing:
        options = [*playing.options, "--concurrency", str(WANTED), "--quiet"]
        async with started("audit", *options, before=before) as process:
            yield process, crowd


async def audited(*before: str, at_once: int = 1) -> tuple[Ran, int]:
    """A run over all domains, and how many connections there were at once."""
    async with crowding(*before, at_once=at_once) as (process, crowd):
        return await ended(process, listed(range(DOMAINS))), crowd.peak


async def short_in_the_midst(limit: int, given: int, done: int, until: str | None) -> Ran:
    """A run that may open so few descriptors when so many of the domains given so far are done; the rest comes then.

    For good, or until it says this and some more seconds: with each pause it is down to fewer connections, to one.
    """
    async with crowding() as (process, _):
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        stdout, stderr = b"", ""
        process.stdin.write(listed(range(given)))
        while stdout.count(b'"kind":"domain"') < done:
            stdout += await process.stdout.readline()
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, hard))
        process.stdin.write(listed(range(given, DOMAINS)))
        process.stdin.write_eof()
        while until is not None and until not in stderr:
            line = await process.stderr.readline()
            assert line, "it ended without a word about it"
            stderr += line.decode()
        if until is not None:
            await asyncio.sleep(LASTS_S)
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        rest = await ended(process)
    return Ran(rest.code, stdout + rest.stdout, stderr + rest.stderr)


def found(ran: Ran) -> dict[str, list[tuple[Any, ...]]]:
    """All that a run found out about each domain, its own verdict last."""
    facts: dict[str, list[tuple[Any, ...]]] = {}
    fields = ("verdict", "exchange", "address", "stage", "code", "enhanced", "error")
    for record in ran.records[1:-1]:
        facts.setdefault(record["domain"], []).append(tuple(record.get(field) for field in fields))
    return facts


async def test_with_too_few_descriptors_there_are_fewer_connections_and_the_same_verdicts() -> None:
    """Few from the start; and taken away in mid-run, for good or for a while. All side by side."""
    (undisturbed, wanted), (limited, allowed), *short = await asyncio.gather(
        audited(at_once=ALLOWED + 1),
        audited("prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"),
        short_in_the_midst(STAYS, DOMAINS, DOMAINS // 10, None),
        short_in_the_midst(NONE_LEFT, DOMAINS, DOMAINS // 10, SHORT_OF_SOCKETS),
        short_in_the_midst(NONE_LEFT, DOMAINS // 2, DOMAINS // 2, SHORT_FOR_DNS),
    )
    each = DOMAINS // len(SAYING)
    verdicts = ("primary_rejects_relay", "secondary_rejects_relay", "primary_broken", "secondary_broken")
    assert Counter(undisturbed.verdicts.values()) == dict.fromkeys(verdicts, each)
    assert ALLOWED < wanted <= WANTED
    assert allowed <= ALLOWED
    assert limited.run["warnings"] == [
        f"--concurrency lowered to {ALLOWED}: this process may open {DESCRIPTORS} descriptors"
    ]
    assert limited.stderr == f"mxsweep: warning: {limited.run['warnings'][0]}\n"
    for ran in (limited, *short):
        assert found(ran) == found(undisturbed)
        assert (ran.code, ran.run["items"], ran.run["interrupted"]) == (1, DOMAINS, False)
    assert SHORT_OF_SOCKETS in short[0].stderr or SHORT_FOR_DNS in short[0].stderr, "whichever asked first"


async def test_where_the_ports_towards_one_address_are_used_up_the_others_go_on_and_no_verdict_differs() -> None:
    """The address answers only when all others were asked everything; without them it would never."""
    child = await asyncio.create_subprocess_exec(
        "unshare", "--map-root-user", "--net", sys.executable, "-W", "error", "-m", "tests.promises.few_ports",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await child.communicate()
    assert child.returncode == 0, f"needs root or user namespaces (unshare --net): {err.decode()}"
    reports = json.loads(out)
    many, few = (Ran(report["code"], report["stdout"].encode(), report["stderr"]) for report in reports)
    assert [report["hot"] for report in reports] == [AT_HOT, PORTS[1] - PORTS[0] + 1]
    assert [f"no port is left for a connection to {HOT}" in ran.stderr for ran in (many, few)] == [False, True]
    first = [record["domain"] for record in few.of_kind("domain")][: len(OTHERS) * AT_EACH]
    assert {domain[0] for domain in first} == {"d"}, "the others did not wait"
    assert found(few) == found(many)
    assert Counter(few.verdicts.values()) == {"ok": AT_HOT, "primary_rejects_relay": len(OTHERS) * AT_EACH}
    assert (few.code, few.run["interrupted"]) == (1, False)
