"""Delivered domains to the output, a handful at a time.

A domain's records cost a third when the encoder runs sixty times in a row instead of once between two system calls: its
code and tables stay in the processor's caches (measured: 15 µs a domain instead of 30).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from scanner.cli.recording import domain_facts, probe_facts
from scanner.records.output import ReaderGone
from scanner.records.record import encode_group
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.records.facts import Group
    from scanner.records.journal import Journal
    from scanner.run.group import AuditedDomain

logger = logging.getLogger(__name__)

AT_ONCE = 64
WAIT_S = 0.05
"""How long the first of a handful waits for the others."""


class Recorder:
    """Takes delivered domains; as a block, it hands over what it was given at the end, however the block ends.

    Args:
        run: the run's id.
        port: that is asked.
        recipient_named: the operator named the recipient of all items.
        journal: where the groups go.
        see: gets the domains and their groups, once they are handed over.

    Attributes:
        lost: domains whose records could not be made or counted, by a bug of ours.
    """

    def __init__(
        self,
        run: str,
        port: int,
        *,
        recipient_named: bool,
        journal: Journal,
        see: Callable[[Sequence[AuditedDomain], Sequence[Group]], None],
    ) -> None:
        self.run = run
        self.port = port
        self.recipient_named = recipient_named
        self.journal = journal
        self.see = see
        self.lost = 0
        self.waiting: list[AuditedDomain] = []
        self.timer: asyncio.TimerHandle | None = None
        self.loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def take(self, domain: AuditedDomain) -> None:
        """One delivered domain."""
        self.waiting.append(domain)
        if len(self.waiting) >= AT_ONCE:
            self.flush()
        elif self.timer is None:
            self.timer = self.loop.call_later(WAIT_S, self.flush)

    def flush(self) -> None:
        """Hand over all that wait, each domain's group in one piece."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if not self.waiting:
            return
        waiting, self.waiting = self.waiting, []
        domains, groups = [], []
        for domain in waiting:
            try:
                groups.append(self.group_of(domain))
                domains.append(domain)
            except Exception:
                # A bug of ours: it costs this domain, and the run says that it is not complete.
                self.lost += 1
                logger.exception("internal error at the records of %s", domain.item.domain)
        with suppress(ReaderGone, LocalFault):  # the journal itself stops the run; here it would seem the domains'
            self.journal.write(*[group.data for group in groups])
        try:
            self.see(domains, groups)
        except Exception:
            self.lost += len(domains)
            logger.exception("internal error at the count of %d domains", len(domains))

    def group_of(self, domain: AuditedDomain) -> Group:
        """A domain's records."""
        item, port = domain.item, self.port
        probes = [probe_facts(item, port, probe) for probe in domain.probes]
        return encode_group(self.run, probes, domain_facts(domain, recipient_named=self.recipient_named))
