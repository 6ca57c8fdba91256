"""What the audit's records say of a run: a fast wrong answer is none."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Counted(NamedTuple):
    """`sessions`: those that were dialled."""

    probes: int
    sessions: int

    @property
    def probes_a_session(self) -> float:
        """The mean."""
        return self.probes / self.sessions


def accepted(output: Path, probes: int, domains: int) -> Counted:
    """Count a run's records.

    Raises:
        RuntimeError: not every probe was accepted, or a record is missing.
    """
    good = sessions = whole = 0
    with output.open("rb") as lines:
        for line in lines:
            if b'"kind":"probe"' in line:
                good += b'"verdict":"accepted"' in line
                sessions += b'"session":"new"' in line
            elif b'"kind":"domain"' in line:
                whole += b'"verdict":"ok"' in line
    if (good, whole) != (probes, domains):
        raise RuntimeError(f"{good} of {probes} probes were accepted, {whole} of {domains} domains are ok")
    return Counted(good, sessions)


def most_at_once(output: Path) -> int:
    """How many conversations were under way at once, by the start and duration in the probes' records."""
    turns: list[tuple[float, int]] = []
    with output.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record["kind"] == "probe":
                started = datetime.fromisoformat(record["started"]).timestamp()
                turns += [(started, 1), (started + record["elapsed_ms"] / 1000, -1)]
    at_once = most = 0
    for _, turn in sorted(turns):
        at_once += turn
        most = max(most, at_once)
    return most
