"""Addresses of hosts, remembered for as long as DNS allows: an exchange is shared by thousands of domains. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTS_AT_MOST = 50_000
"""About 30 MB."""

TTL_AT_LEAST_S, TTL_AT_MOST_S = 1, 3600
"""The floor makes domains of one instant share an answer of TTL 0."""

Value = TypeVar("Value")


class HostCache(Generic[Value]):
    """Name → value with a time to live; the least recently used goes first. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float], hosts_at_most: int = HOSTS_AT_MOST) -> None:
        self.clock = clock
        self.hosts_at_most = hosts_at_most
        self.entries: OrderedDict[str, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, name: str) -> Value | None:
        """What is known of a host and still fresh."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        expires, value = entry
        if self.clock() >= expires:
            del self.entries[name]
            return None
        self.entries.move_to_end(name)
        return value

    def put(self, name: str, value: Value, ttl_s: float) -> None:
        """Remember; the time to live is kept within 1 s and 1 h."""
        expires = self.clock() + min(max(ttl_s, TTL_AT_LEAST_S), TTL_AT_MOST_S)
        self.entries[name] = expires, value
        self.entries.move_to_end(name)
        if len(self.entries) > self.hosts_at_most:
            self.entries.popitem(last=False)
