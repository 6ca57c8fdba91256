"""The garbage collector, set for a run: many small objects that die young, and next to no cycles.

Python looks for cycles after every 700 new objects, and at a probe's rate that is a twentieth of all CPU (measured:
12 of 250 µs a domain). What start-up made is never garbage; of the rest, reference counts free nearly all.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

YOUNG, MIDDLE, OLD = 50_000, 20, 50
"""New objects before the young ones are looked at (some 10 MB), and how many looks before the next generation's."""


@contextmanager
def settled_memory() -> Iterator[None]:
    """To be entered after start-up and before the first probe; after it the collector is as it was."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    try:
        yield
    finally:
        gc.unfreeze()  # else what a run leaves behind would never be found by who goes on in this process
        gc.set_threshold(*before)
