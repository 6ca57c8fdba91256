"""Wall-clock times as RFC 3339 text in UTC, to the millisecond: `2026-11-24T22:50:28.123Z`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)
def second_text(second: int) -> str:
    """A whole second of the epoch without fraction and zone; the probes of one second share it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(epoch_s: float) -> str:
    """Seconds since the epoch (`time.time()`) as text, cut to the millisecond so that no time lies in the future."""
    second, millisecond = divmod(int(epoch_s * 1000), 1000)
    return f"{second_text(second)}.{millisecond:03d}Z"


def epoch_of(text: str) -> float:
    """Seconds since the epoch of a time that `rfc3339` wrote: the middle of its millisecond, which is cut to the same.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(text).timestamp() + 0.0005
