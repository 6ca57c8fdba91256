"""The addresses of this host's own interfaces: an MX that names one of them would make us probe ourselves.

Read from the kernel: /proc/net/if_inet6, and for IPv4 the local table in /proc/net/fib_trie. Where /proc is missing,
none are known and the reserved ranges still stand.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.addresses import Address

LOCAL_HOST = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
"""How fib_trie shows an address of ours."""


def own_addresses(proc: Path = Path("/proc/net")) -> frozenset[Address]:
    """All addresses of all interfaces."""
    v4 = {IPv4Address(text) for text in LOCAL_HOST.findall(read(proc / "fib_trie"))}
    v6 = {IPv6Address(int(line.split()[0], 16)) for line in read(proc / "if_inet6").splitlines() if line.strip()}
    return frozenset(v4 | v6)


def read(path: Path) -> str:
    """A file of /proc; empty where there is none."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
