"""The canary: a mailbox of the operator's that mail would have to be relayed to; no target may handle its domain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from scanner.escape import quoted
from scanner.intake.names import parse_mailbox
from scanner.terms import DomainVerdict, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.addresses import Address
    from scanner.resolve.resolver import Resolver

PLAIN_LOCAL_PART = re.compile(r"[A-Za-z0-9_+=.-]+")
"""What can stand in all shapes of the relay tests."""


@dataclass
class Canary:
    """A mailbox. `handlers`: the addresses of its domain's exchanges, each with the exchange's name."""

    address: str
    local_part: str
    domain: str
    handlers: dict[Address, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str | None) -> Canary:
        """What --canary says.

        Raises:
            UsageError: nothing, or no mailbox that can be asked for in all shapes.
        """
        if text is None:
            raise UsageError(
                "--canary ADDRESS is required: a mailbox of yours at a domain that none of the targets handles"
            )
        try:
            mailbox = parse_mailbox(text)
        except UsageError as error:
            raise UsageError(f"--canary: {error}") from None
        if not PLAIN_LOCAL_PART.fullmatch(mailbox.local):
            raise UsageError(f"--canary: {quoted(mailbox.local)}: letters, digits and _+=.- only, please")
        return cls(str(mailbox), mailbox.local, mailbox.domain)

    async def look_up(self, resolver: Resolver, warn: Callable[[str], None]) -> None:
        """Who handles the domain's mail; that nobody is known to is worth a warning."""
        route = await resolver.route(self.domain)
        for exchange in route.exchanges:
            for address in exchange.addresses:
                self.handlers.setdefault(ip_address(address), exchange.exchange.name)
        if route.verdict is DomainVerdict.DNS_FAILED:
            warn(f"cannot tell who takes mail for the canary's domain {self.domain}, so a target may: {route.error}")
        elif not self.handlers:
            why = route.verdict or "no exchange has an address"
            warn(f"the canary's domain {self.domain} has nobody who takes its mail ({why}): many servers refuse it")
