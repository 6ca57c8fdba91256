"""A probe on its way through the pool, with what its earlier sessions taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.smtp.outcome import Again

if TYPE_CHECKING:
    from scanner.pool.probe import Probe
    from scanner.terms import TlsFacts


class Asked:
    """A probe in the pool, with what earlier sessions taught about its target.

    Attributes:
        needs_new: it must not be put on a session in use: one broke under it, or the next one is to differ.
        turned_away: sessions of it that were refused for now.
    """

    # Of the class: nearly every probe ends with these, and is made a million times.
    pipelining = True
    in_clear = False
    verify = True
    tls: TlsFacts | None = None
    attempts = 0
    needs_new = False
    turned_away = 0

    def __init__(self, probe: Probe) -> None:
        self.probe = probe

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
