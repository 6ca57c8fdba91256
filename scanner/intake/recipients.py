"""How many recipients the input names for each domain.

A few named recipients for one domain are a question about that domain; many are a search for users, which operators of
mail treat as abuse. The count has to hold over the whole input, so its memory grows with the domains that have a named
recipient: 8 bytes each.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

RECIPIENTS_PER_DOMAIN = 3
SHARDS = 1024
"""An insertion moves what lies behind it: 4 KB on average at a million domains."""


class RecipientCount:
    """Counts the named recipients of each domain, up to RECIPIENTS_PER_DOMAIN.

    A domain is kept as 62 bits of its hash, with its count in the two bits left, in sorted arrays. Two of a million
    domains share their 62 bits with a probability of 1 in 9 million; the two would then be counted as one.
    """

    def __init__(self) -> None:
        self.shards = [array("Q") for _ in range(SHARDS)]

    def admit(self, domains: set[str]) -> bool:
        """Count one recipient for each of the domains; for none where one of them has all that it may have."""
        # The places one after the other: the next may move the last.
        if any(shard[index] & 3 >= RECIPIENTS_PER_DOMAIN for shard, index in map(self.place, domains)):
            return False
        for domain in domains:
            shard, index = self.place(domain)
            shard[index] += 1
        return True

    def place(self, domain: str) -> tuple[array[int], int]:
        """Where the count of the domain stands; a new domain is put there with none."""
        mark = hash(domain) & 0xFFFF_FFFF_FFFF_FFFC
        shard = self.shards[mark >> 2 & SHARDS - 1]
        index = bisect_left(shard, mark)
        if index == len(shard) or shard[index] & ~3 != mark:
            shard.insert(index, mark)
        return shard, index
