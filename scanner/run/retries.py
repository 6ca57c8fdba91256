"""Items that wait to be asked again: on disk, in memory 16 bytes each.

The delay is one for all, so the order of their due times is the order in which they came. No clock is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.run.spool import Queue

if TYPE_CHECKING:
    from scanner.run.spool import Spool


class Retries:
    """What waits, in order of its due time.

    Args:
        spool: where the items lie; shared with others that wait.
        delay_s: from `add` to `due`, in seconds of the caller's clock.
    """

    def __init__(self, spool: Spool, delay_s: float) -> None:
        self.spool = spool
        self.delay_s = delay_s
        self.references: Queue[int] = Queue("Q")
        self.times: Queue[float] = Queue("d")

    def add(self, data: bytes, now: float) -> None:
        """Let an item wait.

        Raises:
            LocalFault: the disk did not take it.
        """
        self.references.push(self.spool.put(data))
        self.times.push(now + self.delay_s)

    @property
    def next_due(self) -> float | None:
        """When the oldest is due; None where nothing waits."""
        return self.times.first if self.times else None

    def due(self, now: float) -> bytes | None:
        """The oldest, if its time has come; it leaves.

        Raises:
            LocalFault: the disk did not give it back; it stays.
        """
        if not self.times or self.times.first > now:
            return None
        data = self.spool.take(self.references.first)
        self.references.pop()
        self.times.pop()
        return data

    def __len__(self) -> int:
        return len(self.times)
