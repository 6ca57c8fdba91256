"""Ten thousand good probes, and a thousand bad ones among them."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, NamedTuple

from scanner.lab.nameserver import NameServer
from scanner.lab.zone import Zone
from tests.hostile.misbehaviours import MISBEHAVIOURS
from tests.hostile.trial import MORE, PARENT, descriptors, domain, measured, misbehaving, zone
from tests.pool.servers import OFFERS, Server
from tests.promises.world import OURS, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.hostile.trial import Measured
    from tests.pool.servers import Script

SEED = 20250925
BAD = 1000
GOOD_DOMAINS = 5000
GOOD_ADDRESSES = 800
"""Two exchanges each: ten thousand probes, a dozen at an address."""

GOOD: tuple[Script, ...] = (
    {},
    {"EHLO": OFFERS},
    {"EHLO": OFFERS, "RCPT": b"554 5.7.1 <postmaster@partner.example>: Relay access denied\r\n"},
    {"EHLO": OFFERS, "RCPT": b"550 5.1.1 <postmaster@partner.example>: Recipient address rejected: User unknown\r\n"},
    {"RCPT": b"450 4.2.0 <postmaster@partner.example>: Recipient address rejected: Greylisted\r\n"},
    {"EHLO": OFFERS, "RCPT": b"552 5.2.2 Mailbox full\r\n"},
    {"EHLO": b"502 5.5.1 command not implemented\r\n"},
)
"""Those that behave, each in its own words."""
VERDICTS = {"accepted", "relay_denied", "user_unknown", "greylisted", "mailbox_full"}


class Crowd(NamedTuple):
    """What to ask: `domains` in order, and the command's options against them."""

    domains: list[str]
    options: list[str]

    async def asked(self) -> Measured:
        """An audit of all of them."""
        return await measured(self.options, self.domains)

    async def asked_without_the_bad(self) -> Measured:
        """An audit of the same list in which the bad ones are not asked, so that `seq` says the same."""
        return await measured([*self.options, "--exclude-domain", PARENT], self.domains)


def good_domain(number: int) -> str:
    return f"g{number}.example"


def good_address(number: int) -> str:
    return f"127.50.{number // 200}.{number % 200 + 1}"


def good_zone(chance: random.Random) -> str:
    """Domains with two exchanges each, taken at random; an exchange serves many domains, as in the world."""
    hosts = "".join(f"mx{each}.example. 60 A {good_address(each)}\n" for each in range(GOOD_ADDRESSES))
    taken = [chance.sample(range(GOOD_ADDRESSES), 2) for _ in range(GOOD_DOMAINS)]
    return hosts + "".join(
        f"{good_domain(number)}. 60 MX 10 mx{first}.example.\n{good_domain(number)}. 60 MX 20 mx{second}.example.\n"
        for number, (first, second) in enumerate(taken)
    )


@contextlib.asynccontextmanager
async def crowd() -> AsyncIterator[Crowd]:
    """All servers and names; which misbehaviours there are, where, and in which order is chance, the same each time."""
    chance = random.Random(SEED)  # noqa: S311
    misbehaviours = chance.choices(MISBEHAVIOURS, k=BAD)
    domains = [*map(domain, range(BAD)), *map(good_domain, range(GOOD_DOMAINS))]
    chance.shuffle(domains)
    names = NameServer(Zone(OURS + zone(BAD) + good_zone(chance)))
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(descriptors())
        await stack.enter_async_context(names)
        servers: dict[str, Server] = {}
        for number in range(GOOD_ADDRESSES):
            server = Server(GOOD[number % len(GOOD)], (good_address(number),))
            server.port = next(iter(servers.values())).port if servers else 0
            servers[good_address(number)] = await stack.enter_async_context(server)
        await stack.enter_async_context(misbehaving(misbehaviours, server.port))
        yield Crowd(domains, [*World(names, servers).options, "-4", "--concurrency", "500", *MORE.options])
