from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.targets.permutation import Permutation


@given(st.integers(1, 3000), st.integers(0, 2**64))
def test_every_number_stands_at_one_place(size: int, seed: int) -> None:
    order = Permutation(size, seed)
    assert sorted(order[place] for place in range(size)) == list(range(size))


def test_the_order_is_the_seed_s_and_no_other() -> None:
    orders = [[Permutation(1000, seed)[place] for place in range(1000)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != list(range(1000))


@pytest.mark.parametrize("bits", [24, 64, 128])
def test_neighbours_come_far_apart(bits: int) -> None:
    """In a /8 no thousand in a row asks more than a few of one /16."""
    order = Permutation(2**bits, 0)
    blocks = [order[place] >> (bits - 8) for place in range(1000)]
    assert max(map(blocks.count, set(blocks))) < 20
    assert len(set(blocks)) > 200


@pytest.mark.parametrize("place", [-1, 10])
def test_there_is_no_place_beyond_its_end(place: int) -> None:
    with pytest.raises(IndexError):
        Permutation(10, 0)[place]
