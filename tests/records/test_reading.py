"""Whole groups out of an output, however it was damaged."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.records.reading import Extent, GroupReader

if TYPE_CHECKING:
    from collections.abc import Iterable

RUN = "0123456789abcdef"


def line(kind: str, seq: int, **more: Any) -> bytes:
    return orjson.dumps({"kind": kind, "schema": 1, "run": RUN, "seq": seq, **more}) + b"\n"


def group(seq: int, probes: int = 2) -> bytes:
    return b"".join(line("probe", seq, text="x" * 30) for _ in range(probes)) + line("domain", seq, probes=probes)


def read(*blocks: bytes, with_domain: bool = True) -> list[tuple[int, Extent]]:
    reader = GroupReader(100, RUN, with_domain=with_domain)
    return [(found.seq, found.extent) for block in blocks for found in reader.feed(block)]


def seqs(data: bytes, *, with_domain: bool = True) -> list[int]:
    return [seq for seq, _ in read(data, with_domain=with_domain)]


def test_groups_and_where_they_lie() -> None:
    first, second, third = group(7), group(0, probes=0), group(3, probes=1)
    assert read(first + second + third) == [
        (7, Extent(100, 100 + len(first))),
        (0, Extent(100 + len(first), 100 + len(first + second))),
        (3, Extent(100 + len(first + second), 100 + len(first + second + third))),
    ]


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_it_does_not_matter_how_the_bytes_are_cut(cuts: Iterable[int]) -> None:
    data = group(1) + group(2, probes=0) + group(3)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert read(*[data[start:end] for start, end in pairwise(places)]) == read(data)


def test_a_tail_torn_at_any_byte_costs_its_own_group() -> None:
    data, tail = group(1), group(2)
    for cut in range(len(tail)):
        assert seqs(data + tail[:cut]) == [1]
    assert seqs(data + tail) == [1, 2]


def test_a_zeroed_stretch_costs_the_groups_that_it_touches() -> None:
    """Wherever it lies, also where it takes line feeds along and makes one line of two."""
    parts = [group(seq) for seq in range(5)]
    data = b"".join(parts)
    ends = [sum(map(len, parts[: number + 1])) for number in range(5)]
    for start in range(len(data) - 64):
        damaged = data[:start] + bytes(64) + data[start + 64 :]
        touched = [seq for seq in range(5) if ends[seq] > start and ends[seq] - len(parts[seq]) < start + 64]
        assert seqs(damaged) == [seq for seq in range(5) if seq not in touched]


@pytest.mark.parametrize(
    "damage",
    [
        line("probe", 1) + line("domain", 1, probes=2),
        line("domain", 1, probes=1),
        line("probe", 1) + line("probe", 2) + line("domain", 1, probes=2),
        line("probe", 1) + line("domain", 2, probes=1),
        line("probe", 1) + b"{}\n" + line("domain", 1, probes=1),
        line("probe", 1) + b"[]\n" + line("domain", 1, probes=1),
        line("probe", 1) + b"\0\0\n" + line("domain", 1, probes=1),
        line("probe", -1) + line("domain", -1, probes=1),
        line("probe", 1).replace(b'"seq":1', b'"seq":"1"') + line("domain", 1, probes=1),
        line("probe", 1).replace(RUN.encode(), b"another") + line("domain", 1, probes=1),
        line("probe", 1) + line("start", 1) + line("domain", 1, probes=1),
    ],
)
def test_a_group_that_is_not_whole_is_none(damage: bytes) -> None:
    assert seqs(group(8) + damage + group(9)) == [8, 9]


def test_in_a_sweep_each_probe_is_a_group() -> None:
    data = line("probe", 1) + line("probe", 2) + line("domain", 3, probes=0) + line("probe", 4)
    assert seqs(data, with_domain=False) == [1, 2, 4]


def test_the_run_record_is_none_of_the_groups_and_its_length_is_known() -> None:
    reader = GroupReader(0, RUN, with_domain=True)
    ending = line("run", 0, interrupted=True)
    assert [found.seq for found in reader.feed(group(1) + ending)] == [1]
    assert reader.ending is not None
    assert (reader.ending["interrupted"], reader.ending_bytes) == (True, len(ending))
