"""A small world on loopback for one test: a zone, and scripted mail servers on one port."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from scanner.lab.nameserver import NameServer
from scanner.lab.zone import Zone
from tests.pool.servers import POLITE, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.pool.servers import Script

HELO = "probe.test"
OURS = f"{HELO}. 60 MX 10 {HELO}.\n{HELO}. 60 A 127.0.0.1\n"


def mail_of(domain: str, *addresses: str) -> str:
    """The records of a domain with an exchange for each address, mx1 preferred to mx2 and so on."""
    return "".join(
        f"{domain}. 60 MX {number}0 mx{number}.{domain}.\nmx{number}.{domain}. 60 A {address}\n"
        for number, address in enumerate(addresses, 1)
    )


class World:
    """What runs: `servers` by address, `names` for DNS, and the command's `options` against them."""

    def __init__(self, names: NameServer, servers: dict[str, Server]) -> None:
        self.names = names
        self.servers = servers
        self.port = next(iter(servers.values())).port if servers else 25
        self.unfenced = ["--resolver", f"127.0.0.1:{names.port}", "--port", str(self.port), "--helo", HELO]
        self.unfenced += ["--rate", "0", "--target-rate", "0"]
        self.options = [*self.unfenced, "--allow-net", "127.0.0.0/8"]

    @property
    def dials(self) -> int:
        """How many connections all servers saw."""
        return sum(len(server.dials) for server in self.servers.values())


@contextlib.asynccontextmanager
async def world(zone: str = "", scripts: Mapping[str, Script] | None = None) -> AsyncIterator[World]:
    """A zone, and a server with its script at each address."""
    async with contextlib.AsyncExitStack() as stack:
        names = await stack.enter_async_context(NameServer(Zone(OURS + zone)))
        servers: dict[str, Server] = {}
        port = 0
        for address, script in (scripts or {}).items():
            server = Server(script, (address,))
            server.port = port
            servers[address] = await stack.enter_async_context(server)
            port = server.port
        yield World(names, servers)


@contextlib.asynccontextmanager
async def one_partner(script: Script = POLITE, domain: str = "partner.example") -> AsyncIterator[World]:
    """One domain with one exchange that follows the script."""
    async with world(mail_of(domain, "127.30.1.1"), {"127.30.1.1": script}) as playing:
        yield playing
