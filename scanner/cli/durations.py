"""Lengths of time as people write them: `90`, `90s`, `10m`, `1h30m`, `1.5d`; seconds without a unit."""

from __future__ import annotations

import re

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
PART = re.compile(r"(\d+(?:\.\d+)?) ?(ms|min|[smhd])", re.ASCII)
WHOLE = re.compile(rf"\s*(?:{PART.pattern}\s*)+", re.ASCII)


def seconds_of(text: str) -> float:
    """How many seconds a text with units says.

    Raises:
        ValueError: it says no length of time.
    """
    if not WHOLE.fullmatch(text):
        return float(text)
    return sum(float(number) * UNITS_S[unit] for number, unit in PART.findall(text))
