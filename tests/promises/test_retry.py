"""`--retry-transient`: what may differ later is asked once more, in a new session; counted at the servers."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.pool.servers import until
from tests.promises.process import Ran, ended, mxsweep, started
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from tests.pool.servers import Script, Visit

GREY, REFUSING, ALWAYS_GREY, QUICK, LATE = (f"127.30.10.{number}" for number in range(1, 6))
GREYLISTED = b"450 4.2.0 Greylisted, please try again later\r\n"
DRAIN_S = 10
"""What the command promises."""
CLOCKS_S = 0.02
"""The kernel's ticks, the loop's milliseconds."""


def greylisting(visit: Visit) -> None:
    """Defer a recipient at his first coming, whoever brings him."""
    line = visit.lines[-1]
    known = any(line in other.lines for other in visit.server.visits if other is not visit)
    visit.say(b"250 2.1.5 Ok\r\n" if known else GREYLISTED)


SCRIPTS: dict[str, Script] = {
    GREY: {"RCPT": greylisting},
    REFUSING: {"RCPT": b"554 5.7.1 Relay access denied\r\n"},
    ALWAYS_GREY: {"RCPT": GREYLISTED},
    QUICK: {},
}
KINDS = {
    "refused": (GREY, REFUSING),
    "grey": (GREY,),
    "stays": (ALWAYS_GREY, QUICK),
    "quick": (QUICK,),
}
"""Exchanges in order of preference."""


def domains_of(kind: str, count: int) -> list[str]:
    return [f"{kind}{number}.example" for number in range(count)]


def zone(count: int) -> str:
    return "".join(
        mail_of(domain, *addresses) for kind, addresses in KINDS.items() for domain in domains_of(kind, count)
    )


def asked(playing: World, address: str) -> Counter[str]:
    """How often a server was asked about each recipient's domain."""
    lines = [line for said in playing.servers[address].lines for line in said if line.startswith("RCPT")]
    return Counter(line.partition("@")[2].rstrip(">") for line in lines)


def probes_of(ran: Ran, kind: str, *fields: str) -> Counter[tuple[Any, ...]]:
    """How many probe records of the domains of a kind say this."""
    probes = [probe for probe in ran.of_kind("probe") if probe["domain"].startswith(kind)]
    return Counter(tuple(probe[field] for field in fields) for probe in probes)


async def told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """How far a run with `--progress json` is."""
    assert process.stderr is not None
    process.send_signal(signal.SIGUSR1)
    return dict(json.loads(await process.stderr.readline()))


async def test_transient_probes_are_asked_again_once_and_only_they() -> None:
    """Enough of them that they wait on disk, and a delay within which an open session would still linger."""
    count = 150
    listed = [
        domain for of_kinds in zip(*(domains_of(kind, count) for kind in KINDS), strict=True) for domain in of_kinds
    ]
    async with world(zone(count), SCRIPTS) as playing:
        options = [*playing.options, "--retry-transient", "1", "--per-target", "4", "--fail-on", "none"]
        ran = await mxsweep("audit", *options, stdin="\n".join(listed).encode())
        assert asked(playing, GREY) == dict.fromkeys([*domains_of("refused", count), *domains_of("grey", count)], 2)
        assert asked(playing, REFUSING) == dict.fromkeys(domains_of("refused", count), 1)
        assert asked(playing, ALWAYS_GREY) == dict.fromkeys(domains_of("stays", count), 2)
        assert asked(playing, QUICK) == dict.fromkeys([*domains_of("stays", count), *domains_of("quick", count)], 1)
    assert (ran.code, ran.run["items"]) == (0, len(listed))

    assert sorted(domain["domain"] for domain in ran.of_kind("domain")) == sorted(listed), "one group each, the last"
    facts = ("address", "verdict", "attempts")
    again = {(GREY, "accepted", 2): count}
    assert probes_of(ran, "refused", *facts) == again | {(REFUSING, "relay_denied", 1): count}
    assert probes_of(ran, "grey", *facts) == again
    assert probes_of(ran, "stays", *facts) == {(ALWAYS_GREY, "greylisted", 2): count, (QUICK, "accepted", 1): count}
    assert probes_of(ran, "quick", *facts) == {(QUICK, "accepted", 1): count}
    verdicts = {"refused": "secondary_rejects_relay", "grey": "ok", "stays": "inconclusive", "quick": "ok"}
    assert ran.verdicts == {domain: verdict for kind, verdict in verdicts.items() for domain in domains_of(kind, count)}


async def test_the_second_time_is_a_new_session_after_the_delay() -> None:
    """The first one lingers and could carry the question; it must not."""
    delay_s = 1.0
    async with world(zone(1), SCRIPTS) as playing:
        options = [*playing.options, "--retry-transient", str(delay_s), "--fail-on", "none"]
        ran = await mxsweep("audit", "stays0.example", *options)
        first, second = playing.servers[ALWAYS_GREY].visits
        dials = playing.servers[ALWAYS_GREY].dials
    assert [len([line for line in visit.lines if line.startswith("RCPT")]) for visit in (first, second)] == [1, 1]
    assert dials[1].at - dials[0].at >= delay_s - CLOCKS_S
    probe = ran.of_kind("probe")[0]
    assert (probe["address"], probe["session"], probe["attempts"]) == (ALWAYS_GREY, "new", 2)


async def test_without_the_option_nothing_is_asked_twice() -> None:
    async with world(zone(1), SCRIPTS) as playing:
        ran = await mxsweep("audit", "grey0.example", *playing.options, "--fail-on", "none")
        assert asked(playing, GREY) == {"grey0.example": 1}
    assert probes_of(ran, "grey", "verdict", "attempts") == {("greylisted", 1): 1}


async def test_a_signal_drops_what_waits_for_its_second_time() -> None:
    """It is not final, so it is not written, nor is what would have to wait from then on; what is final is."""
    count = 30
    late: list[Visit] = []
    listed = [*domains_of("refused", count), *domains_of("quick", count)]
    scripts: dict[str, Script] = {**SCRIPTS, LATE: {"RCPT": late.append}}
    async with world(zone(count) + mail_of("late.example", LATE), scripts) as playing:
        options = [*playing.options, "--retry-transient", "60", "--progress", "json"]
        async with started("audit", *options, "-i", "-", stdin=asyncio.subprocess.PIPE) as process:
            assert process.stdin is not None
            process.stdin.write("".join(f"{domain}\n" for domain in ["late.example", *listed]).encode())
            await until(lambda: bool(late), within_s=20)
            while (state := await told(process))["items"] != count or state["retrying"] != count:
                assert state["elapsed_s"] < 20
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.3)
            late.pop().say(GREYLISTED)
            ran = await ended(process)
            assert time.monotonic() - began < DRAIN_S
        assert max(asked(playing, GREY).values()) == 1
    assert (ran.code, ran.run["interrupted"], ran.run["items"]) == (3, True, count)
    assert ran.verdicts == dict.fromkeys(domains_of("quick", count), "ok")
    assert {record["domain"] for record in ran.of_kind("probe")} == set(domains_of("quick", count))
