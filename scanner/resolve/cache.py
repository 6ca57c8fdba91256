"""What DNS said, for as long as DNS allows: an exchange is shared by thousands of domains. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRIES_AT_MOST = 50_000
"""About 30 MB."""

TTL_AT_LEAST_S, TTL_AT_MOST_S = 1, 3600
"""The floor makes domains of one instant share an answer of TTL 0."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Key → value with a time to live; the least recently used goes first. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float], entries_at_most: int = ENTRIES_AT_MOST) -> None:
        self.clock = clock
        self.entries_at_most = entries_at_most
        self.entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def get(self, key: Key) -> Value | None:
        """What is known and still fresh."""
        entry = self.entries.get(key)
        if entry is None:
            return None
        expires, value = entry
        if self.clock() >= expires:
            del self.entries[key]
            return None
        self.entries.move_to_end(key)
        return value

    def left_s(self, key: Key) -> float:
        """How long it is still fresh; nothing for what is not known."""
        entry = self.entries.get(key)
        return 0.0 if entry is None else entry[0] - self.clock()

    def put(self, key: Key, value: Value, ttl_s: float) -> None:
        """Remember; the time to live is kept within 1 s and 1 h."""
        expires = self.clock() + min(max(ttl_s, TTL_AT_LEAST_S), TTL_AT_MOST_S)
        self.entries[key] = expires, value
        self.entries.move_to_end(key)
        if len(self.entries) > self.entries_at_most:
            self.entries.popitem(last=False)
