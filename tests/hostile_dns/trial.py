"""Every hostile answer of the table against the real command, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.hostile_dns.answers import EVIL, LOOPBACK, TABLE
from tests.hostile_dns.case import ACCEPTED, ALLOWED_NET, Case, Play, Setting
from tests.hostile_dns.nameserver import HostileNameServer
from tests.pool.servers import Server
from tests.promises.process import ended, started
from tests.promises.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.promises.process import Ran

LOUD = {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"}
"""Python's own doubts about the command, as errors."""
GUARD = str(Path(__file__).with_name("guard.py"))


class Ended(NamedTuple):
    """How a case ended, or has to end."""

    verdict: str
    probes: tuple[tuple[str | None, str], ...]


class Played(NamedTuple):
    """One run. `broken`: what the DNS server of the test could not play.

    `dialled`: what the command connected to; `arrived`: what the servers saw of it, by address. `domains` and
    `probes`: the records, by the case's name.
    """

    cases: tuple[Case, ...]
    ran: Ran
    broken: list[str]
    dialled: Counter[str]
    arrived: Counter[str]
    asked: Counter[tuple[str, str]]
    domains: dict[str, dict[str, Any]]
    probes: dict[str, list[dict[str, Any]]]
    cpu_s: float
    wall_s: float

    @property
    def wanted(self) -> Counter[str]:
        """What was to be dialled: each mail server that takes mail for its domain, once; each case has its own."""
        found = (address for case in self.cases for address, verdict in case.probes if verdict == ACCEPTED)
        return Counter(address for address in found if address is not None)

    @property
    def forbidden_dials(self) -> int:
        """Connections that were not to be, at whichever end they were seen."""
        return max((self.dialled - self.wanted).total(), (self.arrived - self.wanted).total())

    @property
    def unexpected(self) -> dict[str, tuple[Ended, Ended]]:
        """Name → what was expected and what came."""
        ends = {case.name: (Ended(case.verdict, case.probes), self.end_of(case.name)) for case in self.cases}
        return {name: (expected, found) for name, (expected, found) in ends.items() if expected != found}

    def end_of(self, name: str) -> Ended:
        """What came."""
        probes = tuple((probe["address"], probe["verdict"]) for probe in self.probes[name])
        return Ended(self.domains[name]["verdict"], probes)


@contextlib.asynccontextmanager
async def mail_servers(addresses: Sequence[str]) -> AsyncIterator[dict[str, Server]]:
    """One that takes everything, at each of these addresses, all on one port."""
    async with Server(addresses=addresses) as server:
        yield dict.fromkeys(addresses, server)


async def played(setting: Setting, table: Sequence[Case] = TABLE) -> Played:
    """The cases of one setting in one audit. Somebody listens wherever loopback is named, allowed or not."""
    cases = tuple(case for case in table if case.setting is setting)
    taking = [address for case in cases for address, verdict in case.probes if verdict == ACCEPTED and address]
    names = HostileNameServer(Play(cases))
    names.without_tcp = setting is Setting.NO_TCP
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "dialled"
        async with names, mail_servers([*LOOPBACK, *taking, *map(EVIL.format, range(30))]) as servers:
            options = [*World(names, servers).unfenced, "--quiet"]
            options += ["--allow-net", ALLOWED_NET] if setting is Setting.SERVED else []
            before = (sys.executable, GUARD, str(notes))
            async with started("audit", *options, env=LOUD, before=before) as process:
                ran = await ended(process, "".join(f"{case.domain}\n" for case in cases).encode())
            arrived = Counter(dial.address for dial in servers[LOOPBACK[0]].dials)
        *dialled, took = notes.read_text("utf-8").splitlines()
    probes: dict[str, list[dict[str, Any]]] = {case.name: [] for case in cases}
    for probe in ran.of_kind("probe"):
        probes[cases[probe["seq"]].name].append(probe)
    domains = {cases[domain["seq"]].name: domain for domain in ran.of_kind("domain")}
    cpu_s, wall_s = map(float, took.split())
    return Played(cases, ran, names.broken, Counter(dialled), arrived, names.asked, domains, probes, cpu_s, wall_s)


async def all_played(table: Sequence[Case] = TABLE) -> dict[Setting, Played]:
    """All settings side by side: each has look-ups that nobody answers, and they take their 20 s."""
    async with asyncio.TaskGroup() as tasks:
        playing = {setting: tasks.create_task(played(setting, table)) for setting in Setting}
    return {setting: task.result() for setting, task in playing.items()}


class Report(NamedTuple):
    """What a trial came to. `unexpected`: name → what was expected and what came."""

    tried: int
    unexpected: dict[str, tuple[Ended, Ended]]
    forbidden_dials: int
    dials: int

    @property
    def as_expected(self) -> int:
        """How many came out as the table says."""
        return self.tried - len(self.unexpected)


def report_of(plays: dict[Setting, Played]) -> Report:
    """The figures of all runs together."""
    return Report(
        sum(len(each.cases) for each in plays.values()),
        {name: ends for each in plays.values() for name, ends in each.unexpected.items()},
        sum(each.forbidden_dials for each in plays.values()),
        sum(each.arrived.total() for each in plays.values()),
    )


async def tried() -> Report:
    """Try all of the table."""
    return report_of(await all_played())


def main() -> None:
    """A look at it by hand: `python -m tests.hostile_dns.trial`."""
    plays = asyncio.run(all_played())
    report = report_of(plays)
    sys.stdout.write(f"{report.as_expected} of {report.tried} as expected, {report.dials} dials,")
    sys.stdout.write(f" {report.forbidden_dials} forbidden\n")
    for each in plays.values():
        for name, (expected, found) in each.unexpected.items():
            errors = [each.domains[name]["error"], *(probe["error"] for probe in each.probes[name])]
            sys.stdout.write(f"{name}:\n  {expected}\n  {found}\n  {errors}\n")
        sys.stdout.write(f"{each.ran.code} {each.ran.stderr} {each.broken}\n")


if __name__ == "__main__":
    main()
