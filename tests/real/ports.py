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


def resolver_address() -> str:
    """An address whose port 53 is free: a resolv.conf names no port. Another one for each process, as above.

    Raises:
        OSError: there is none; something answers DNS on every address of this machine.
    """
    for step in range(100):
        high, low = divmod((os.getpid() + step) % 65025, 255)
        address = f"127.53.{high}.{low}"
        if is_free(address, 53):
            return address
    raise OSError("port 53 is taken on all of 127.53.0.0/16")
