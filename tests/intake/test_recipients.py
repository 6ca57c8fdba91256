from __future__ import annotations

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scanner.intake.recipients import RECIPIENTS_PER_DOMAIN, RecipientCount

domains = st.integers(0, 8).map("d{}.example".format)


@given(st.lists(st.sets(domains, min_size=1, max_size=2), max_size=60), st.sampled_from([1, 1024]))
def test_each_domain_is_admitted_three_times_and_a_refusal_counts_for_none(asked: list[set[str]], shards: int) -> None:
    """Also with one shard for all, where each new domain moves the others."""
    count = RecipientCount()
    count.shards = [count.shards[0]] * 1024 if shards == 1 else count.shards
    seen: Counter[str] = Counter()
    for group in asked:
        free = all(seen[domain] < RECIPIENTS_PER_DOMAIN for domain in group)
        assert count.admit(group) is free
        seen.update(group if free else ())


def test_a_domain_takes_about_eight_bytes() -> None:
    tracemalloc.start()
    try:
        count = RecipientCount()
        for number in range(100_000):
            assert count.admit({f"d{number}.example"})
        assert tracemalloc.get_traced_memory()[0] < 100_000 * 12
    finally:
        tracemalloc.stop()
    assert all(count.admit({"d77.example"}) is free for free in (True, True, False))
