"""The one line that each measured client prints."""

from __future__ import annotations

import json
import resource
import time
from typing import Self


class Usage:
    """CPU and wall clock of the work alone: start before it, print after it."""

    def __init__(self, cpu_s: float, wall_s: float) -> None:
        self.cpu_s, self.wall_s = cpu_s, wall_s

    @classmethod
    def start(cls) -> Self:
        """Take the time now; what this process used until here is its start-up."""
        return cls(cpu_seconds(), time.monotonic())

    def line(self, items: int) -> str:
        """One JSON object: `items`, `cpu_s` (user + sys of the work), `wall_s`, `start_cpu_s` (before the work)."""
        used = {
            "items": items,
            "cpu_s": round(cpu_seconds() - self.cpu_s, 6),
            "wall_s": round(time.monotonic() - self.wall_s, 6),
            "start_cpu_s": round(self.cpu_s, 6),
        }
        return json.dumps(used)


def cpu_seconds() -> float:
    """What this process has used so far, all its threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
