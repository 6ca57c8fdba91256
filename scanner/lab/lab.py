"""The embedded lab: a DNS server and mail hosts on loopback that play the domains of `partners.txt`.

No root, no fixed port, nothing outside of 127.0.0.0/8 and ::1. What it plays: `scenes.py`.
"""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Self

from scanner.lab.hosts import CONDUCTS
from scanner.lab.nameserver import NameServer
from scanner.lab.scenes import SCENES, Scene
from scanner.lab.servers import Host, MailHosts, has_ipv6
from scanner.lab.zone import Zone
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from types import TracebackType

ZONE = Path(__file__).with_name("zone.txt")
PARTNERS = Path(__file__).with_name("partners.txt")
"""The list of the domains as an installed package has it."""

CHECKOUT_PARTNERS = Path("inputs/partners.txt")
"""The same list where it lies in a checkout, relative to the working directory."""

HELO_NAME = "probe.test"
"""A name for us that the lab's DNS knows, with an address and an MX record."""


class Lab:
    """Everything, running: `async with Lab() as lab: ... lab.audit_line`. May be entered once.

    `resolver`: its DNS server, `address:port`. `port`: the port of all its mail hosts. `domains`: its scenes, in the
    order of the list. `partners`: the file that lists their names.

    Raises (on entering): LocalFault where the machine does not have what the lab needs.
    """

    def __init__(self) -> None:
        self.domains: tuple[Scene, ...] = SCENES
        self.resolver = ""
        self.port = 0
        self.ipv6 = has_ipv6()
        self.zone = Zone(ZONE.read_text("ascii"), ipv6=self.ipv6)
        self.exits = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as exits:
            mail = await exits.enter_async_context(MailHosts(hosts_of(self.zone)))
            try:
                names = await exits.enter_async_context(NameServer(self.zone))
            except OSError as error:
                raise LocalFault(f"the lab's DNS server has no port: {error.strerror}") from error
            self.port = mail.port
            self.resolver = f"{names.address}:{names.port}"
            self.exits = exits.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.exits.aclose()

    @property
    def partners(self) -> Path:
        """The list in the working directory where that is a checkout, else the package's own."""
        with contextlib.suppress(OSError):
            if CHECKOUT_PARTNERS.read_bytes() == PARTNERS.read_bytes():
                return CHECKOUT_PARTNERS
        return PARTNERS

    @property
    def options(self) -> list[str]:
        """The arguments of an mxsweep command against this lab, what it asks about aside.

        No limits on the rate, since all is ours; short time-outs, since some hosts never answer.
        """
        networks = ["127.0.0.0/8", *(["::1/128"] if self.ipv6 else [])]
        return [
            *("--resolver", self.resolver, "--port", str(self.port)),
            *(argument for network in networks for argument in ("--allow-net", network)),
            *("--helo", HELO_NAME, "--rate", "0", "--target-rate", "0"),
            *("--connect-timeout", "2", "--reply-timeout", "2"),
        ]

    @property
    def audit_options(self) -> list[str]:
        """Those of `mxsweep audit`, which would wait minutes for the hosts that say "later"."""
        return [*self.options, "--backoff", "1"]

    @property
    def audit_line(self) -> str:
        """The command to paste into another terminal."""
        return shlex.join(["mxsweep", "audit", "-i", str(self.partners), *self.audit_options])


def hosts_of(zone: Zone) -> list[Host]:
    """The hosts with the addresses that the zone gives them."""
    return [Host(name, tuple(zone.addresses(name)), conduct) for name, conduct in CONDUCTS.items()]
