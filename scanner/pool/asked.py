"""A probe on its way through the pool, with what its earlier sessions taught."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.smtp.outcome import Again

if TYPE_CHECKING:
    from scanner.pool.probe import Probe
    from scanner.terms import TlsFacts


@dataclass(slots=True)
class Asked:
    """A probe in the pool, with what earlier sessions taught about its target."""

    probe: Probe
    pipelining: bool = True
    in_clear: bool = False
    verify: bool = True
    tls: TlsFacts | None = None
    attempts: int = 0
    needs_new: bool = False
    """It must not be put on a session in use: one broke under it, or the next one is to differ."""
    deaths: int = 0
    """Dials of it that found nobody."""
    turned_away: int = 0
    """Sessions of it that were refused for now."""

    def may_try(self, again: Again) -> bool:
        """Each wish is granted once; without that a server could keep us dialling."""
        match again:
            case Again.UNPIPELINED:
                return self.pipelining
            case Again.IN_CLEAR:
                return not self.in_clear
            case Again.UNVERIFIED:
                return self.verify

    def learn(self, again: Again, tls: TlsFacts | None) -> None:
        """Make the next session differ as the last one wished."""
        self.tls = tls
        self.needs_new = True
        match again:
            case Again.UNPIPELINED:
                self.pipelining = False
            case Again.IN_CLEAR:
                self.in_clear = True
            case Again.UNVERIFIED:
                self.verify = False
