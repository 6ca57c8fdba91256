from __future__ import annotations

import tracemalloc
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.addresses import Range, parse_range
from scanner.targets.order import (
    MOST,
    Block,
    Blocks,
    Shard,
    as_they_come,
    count_of,
    parse_shard,
    ports_of,
    shuffled,
)
from scanner.terms import Target, UsageError

BLOCK_LISTS = st.lists(
    st.builds(
        lambda first, more, ports, name: Block(Range(4, first, first + more), tuple(ports), name),
        st.integers(2**24, 2**24 + 5000),
        st.integers(0, 40),
        st.lists(st.sampled_from([25, 465, 587]), min_size=1, max_size=3, unique=True),
        st.sampled_from([None, "mx.example"]),
    ),
    max_size=6,
)
SHARDS = st.integers(1, 5).flatmap(lambda of: st.builds(Shard, st.integers(1, of), st.just(of)))


def packed(blocks: list[Block]) -> Blocks:
    store = Blocks()
    for block in blocks:
        store.add(block)
    return store


def in_order(blocks: list[Block], shard: Shard) -> list[tuple[int, Target]]:
    places, before = [], 0
    for block in blocks:
        places += [(place.number, place.target) for place in as_they_come(block, before, shard)]
        before += count_of(block)
    return places


def test_targets_come_address_by_address_and_port_by_port() -> None:
    block = Block(parse_range("192.0.2.254-192.0.3.1"), (25, 587))
    assert [place.target for place in as_they_come(block, 0)][:5] == [
        Target("192.0.2.254", 25),
        Target("192.0.2.254", 587),
        Target("192.0.2.255", 25),
        Target("192.0.2.255", 587),
        Target("192.0.3.0", 25),
    ]
    six = Block(parse_range("2001:db8::ffff-2001:db8::1:0"), (25,))
    assert [place.target.address for place in as_they_come(six, 0)] == ["2001:db8::ffff", "2001:db8::1:0"]


@given(BLOCK_LISTS)
def test_packed_blocks_are_the_same_blocks(blocks: list[Block]) -> None:
    store = packed(blocks)
    assert list(store) == blocks
    assert len(store) == sum(map(count_of, blocks))
    assert [store.target(number)[0] for number in range(len(store))] == [t for _, t in in_order(blocks, Shard())]


@given(BLOCK_LISTS, st.integers(1, 5), st.integers(0, 3))
def test_shards_are_disjoint_and_complete_in_both_orders(blocks: list[Block], of: int, seed: int) -> None:
    store = packed(blocks)
    whole = in_order(blocks, Shard())
    shards = [Shard(number, of) for number in range(1, of + 1)]
    parts = [in_order(blocks, shard) for shard in shards]
    assert sorted(place for part in parts for place in part) == sorted(whole)
    mixed = [[(place.number, place.target) for place in shuffled(store, seed, shard)] for shard in shards]
    assert sorted(place for part in mixed for place in part) == [
        (place.number, place.target) for place in shuffled(store, seed)
    ]
    assert sorted(target for part in mixed for _, target in part) == sorted(target for _, target in whole)
    assert [len(part) for part in mixed] == [shard.share(len(store)) for shard in shards]


def test_a_seed_is_an_order() -> None:
    store = packed([Block(parse_range("192.0.2.0/24"), (25,))])
    orders = [[place.target for place in shuffled(store, seed)] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_nothing_is_expanded() -> None:
    store = packed([Block(parse_range("10.0.0.0/8"), (25, 587)), Block(parse_range("2001:db8::/72"), (25,))])
    tracemalloc.start()
    try:
        assert len(list(islice(shuffled(store, 1), 1000))) == 1000
        assert len(list(islice(as_they_come(store.block(0), 0), 1000))) == 1000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_more_than_can_be_counted_is_said() -> None:
    store = packed([Block(parse_range("2001:db8::/66"), (25,))])
    assert len(store) == MOST // 2
    with pytest.raises(UsageError, match="too many targets to shuffle"):
        store.add(Block(parse_range("2001:db8:1::/66"), (25,)))


@pytest.mark.parametrize("text", ["1/1", "4/4", "1/999"])
def test_a_shard_is_read(text: str) -> None:
    number, _, of = text.partition("/")
    assert parse_shard(text) == Shard(int(number), int(of))


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "-1/4", "1/4/4", ""])
def test_what_is_no_shard_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="is no shard"):
        parse_shard(text)


def test_an_entry_s_own_port_wins() -> None:
    assert (ports_of([25, 587], None), ports_of([25, 587], 2525)) == ((25, 587), (2525,))
