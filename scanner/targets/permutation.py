"""A pseudo-random order of 0 to N-1 without a list of it: a Feistel network with cycle walking.

Each number is mapped by itself, so that a /8 is shuffled in no memory, and shards of one order are disjoint and
complete whoever takes which. The network permutes the numbers of as many bits as N needs; what falls outside of N is
mapped again until it falls inside, which keeps it a permutation (Black and Rogaway, Ciphers with Arbitrary Finite
Domains, 2002). This is no secret: it spreads load.
"""

from __future__ import annotations

from hashlib import blake2b

ROUNDS = 4
MIX = 0x9E3779B97F4A7C15
"""An odd number without structure: 2^64 over the golden ratio."""


class Permutation:
    """The numbers below `size` in an order that the seed decides."""

    __slots__ = ("keys", "left_bits", "right_bits", "size")

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        bits = max(2, (size - 1).bit_length())
        self.left_bits = bits // 2
        self.right_bits = bits - self.left_bits
        digest = blake2b(f"{seed}:{size}".encode(), digest_size=8 * ROUNDS).digest()
        self.keys = [int.from_bytes(digest[at : at + 8], "little") for at in range(0, len(digest), 8)]

    def __getitem__(self, number: int) -> int:
        """What stands at a place.

        Raises:
            IndexError: there is no such place.
        """
        if not 0 <= number < self.size:
            raise IndexError(number)
        number = self.mapped(number)
        while number >= self.size:
            number = self.mapped(number)
        return number

    def mapped(self, number: int) -> int:
        """One pass through the network, over all numbers of so many bits."""
        left_bits, right_bits = self.left_bits, self.right_bits
        left, right = number >> right_bits, number & (1 << right_bits) - 1
        for key in self.keys:
            mixed = (right + 1) * MIX ^ key
            mixed = (mixed ^ mixed >> 29) * MIX
            left, right = right, left ^ (mixed >> 32) & (1 << left_bits) - 1
            left_bits, right_bits = right_bits, left_bits
        return left << right_bits | right
