"""Which address families this machine can reach at all, found out once, without a packet.

A machine without IPv6 gets ENETUNREACH for every IPv6 address: that is ours, not theirs, and must not look like a
verdict.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_address

from scanner.addresses import Networks

REFERENCE = {4: (socket.AF_INET, "192.0.2.1"), 6: (socket.AF_INET6, "2001:db8::1")}
"""A documentation address of each family (RFC 5737, 3849): connecting a UDP socket asks the routing table and sends
nothing."""


def has_route(version: int) -> bool:
    """Whether an address of IP version 4 or 6 beyond this machine's own networks has a route."""
    family, address = REFERENCE[version]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Families:
    """IP versions that are not asked, each with why; addresses in `allow` (`--allow-net`) are asked all the same."""

    missing: dict[int, str] = field(default_factory=dict)
    allow: Networks = field(default_factory=Networks)

    @classmethod
    def of_this_machine(cls, only: int | None, allow: Networks) -> Families:
        """Ask the routing table; `only` is 4 or 6 where the operator wants one family (`-4`, `-6`)."""
        missing: dict[int, str] = {}
        for version in (4, 6):
            if only is not None and version != only:
                missing[version] = f"-{only} asks IPv{only} only"
            elif not has_route(version):
                missing[version] = f"no route for IPv{version} on this machine"
        return cls(missing, allow if only is None else Networks())

    def missing_for(self, address: str) -> str | None:
        """Why this address is not asked; None where it is."""
        if not self.missing:
            return None
        reason = self.missing.get(6 if ":" in address else 4)
        if reason is not None and self.allow and ip_address(address) in self.allow:
            return None
        return reason
