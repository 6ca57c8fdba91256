"""Are we measuring ourselves? A blocked port 25 and a source address that everybody refuses look like a broken world.

Pure: fed with what each target said first, it answers with a sentence, once, and with whether to go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.judge.standing import NO_REPLY
from scanner.terms import About, ProbeVerdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.terms import Judgement

WARN_AFTER = 20
STOP_AFTER = 50
"""Distinct targets that all end in connect_timeout: the share of dead exchanges in the wild is a few per cent."""
REFUSALS_OF = 50
"""Distinct targets that replied; one that is down says nothing about us."""


class Suspicion:
    """Watches the first targets of a run.

    Args:
        warn: gets a sentence for the operator.
        stop: called when going on makes no sense.
        port: that is asked, for the sentence.
    """

    def __init__(self, warn: Callable[[str], None], stop: Callable[[], None], port: int) -> None:
        self.warn = warn
        self.stop = stop
        self.port = port
        self.silent: set[str] = set()
        self.answered = False
        self.answering: dict[str, bool] = {}

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it: so many have replied that the port is open and we are judged."""
        return len(self.answering) == REFUSALS_OF

    def see(self, address: str, judgement: Judgement) -> None:
        """One probe's answer from an address that was dialled."""
        if address in self.answering:
            return  # what it said first counts, and that it said something
        if judgement.verdict is ProbeVerdict.CONNECT_TIMEOUT:
            if not self.answered and address not in self.silent:
                self.silent.add(address)
                self.port_looks_blocked()
        elif judgement.verdict is not ProbeVerdict.LOCAL_ERROR:
            self.answered = True
            if judgement.verdict not in NO_REPLY:
                self.count_refusal(address, ours=judgement.about is About.US)

    def count_refusal(self, address: str, *, ours: bool) -> None:
        """What one more target says first: something about us, or not."""
        if not self.is_over:
            self.answering[address] = ours
            if self.is_over:
                self.we_look_refused()

    def port_looks_blocked(self) -> None:
        """All targets so far were silent."""
        seen = len(self.silent)
        if seen == WARN_AFTER:
            self.warn(
                f"the first {seen} targets all timed out: outgoing port {self.port} looks blocked from here"
                " (ask your provider, or try another --source)"
            )
        elif seen == STOP_AFTER:
            self.warn(f"{seen} of {seen} targets timed out: stopping; --no-port-check goes on all the same")
            self.stop()

    def we_look_refused(self) -> None:
        """More than half of the first answering targets refuse us."""
        refusals = sum(self.answering.values())
        if refusals * 2 > REFUSALS_OF:
            self.warn(
                f"{refusals} of the first {REFUSALS_OF} answering targets refuse us, not the domains: the source"
                " address may be listed, or lacks a PTR; going on makes it worse"
            )
