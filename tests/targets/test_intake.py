from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from scanner.intake.lines import BadLine
from scanner.targets.entries import Entry
from scanner.targets.intake import TargetIntake

TEXT = b"""\xef\xbb\xbf192.0.2.0/24  # the office\r
# nothing
not an address
[
{"ip": "192.0.2.1", "ports": [{"port": 25, "proto": "tcp"}, {"port": 26, "proto": "tcp"}]},
]
mx.example"""


def read(*blocks: bytes) -> list[Entry | BadLine]:
    intake = TargetIntake()
    return [said for block in blocks for said in intake.feed(block)] + intake.finish()


def test_lines_name_targets_and_bad_ones_are_numbered() -> None:
    first, bad, *masscan, host = read(TEXT)
    assert isinstance(first, Entry)
    assert first.addresses is not None
    assert isinstance(bad, BadLine)
    assert (bad.number, "not an address" in bad.reason) == (3, True)
    assert [entry.port for entry in masscan if isinstance(entry, Entry)] == [25, 26]
    assert host == Entry(None, "mx.example")


@given(st.lists(st.integers(0, len(TEXT)), max_size=6).map(sorted))
def test_whatever_the_blocks_borders_the_targets_are_the_same(cuts: list[int]) -> None:
    borders = [0, *cuts, len(TEXT)]
    assert read(*[TEXT[a:b] for a, b in itertools.pairwise(borders)]) == read(TEXT)
