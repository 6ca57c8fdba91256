from __future__ import annotations

import orjson
import pytest

from benchmarks.scale import Long, most_parked
from scanner.cli.status import Status
from scanner.cli.telling import fields_of


def test_the_most_parked_items_are_found_in_what_progress_tells() -> None:
    states = [Status(0, 0, 0, 1.0, {}, {}, parked=parked) for parked in (3, 900, 12)]
    told = [orjson.dumps(fields_of(status)).decode() for status in states]
    assert most_parked("\n".join(["mxsweep: a warning {", *told, "done: 12 domains"])) == 900
    assert most_parked("") == 0


def test_memory_is_compared_without_eight_octets_a_parked_item() -> None:
    long = Long(1_000_000, 100.0, 90.0, 200.0, parked=1_000_000, probes_a_session=10.0)
    assert long.peak_without_places_mb == pytest.approx(82.0)
