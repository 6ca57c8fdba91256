"""The garbage collector, set for a run: many small objects that die young, and next to no cycles.

Python looks for cycles after every 700 new objects, and at a probe's rate that is a twentieth of all CPU (measured:
12 of 250 µs a domain). What start-up made is never garbage; of the rest, reference counts free nearly all.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 50
"""New objects before the young ones are looked at (some 10 MB), and how many looks before the next generation's."""


def settle_memory() -> None:
    """To be called once, after start-up and before the first probe."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
