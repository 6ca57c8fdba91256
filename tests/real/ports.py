"""A port that is free on many loopback addresses at once, for servers that cannot be told "port 0"."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST, LAST = 20000, 32000
"""Below Linux's ephemeral range (32768 up): no client of ours gets such a port between our look and the server's bind,
and a dial of a closed one never meets itself."""


def is_free(address: str, port: int) -> bool:
    """Whether nothing has the port there, neither TCP nor UDP."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def free_port(addresses: Iterable[str]) -> int:
    """One port that is free on each of the addresses.

    Where the search begins depends on the process, so that runs side by side do not meet.

    Raises:
        OSError: there is none.
    """
    wanted = tuple(addresses)
    start = os.getpid() % (LAST - FIRST)
    for step in range(LAST - FIRST):
        port = FIRST + (start + step) % (LAST - FIRST)
        if all(is_free(address, port) for address in wanted):
            return port
    raise OSError(f"no port between {FIRST} and {LAST} is free on all of {wanted}")
