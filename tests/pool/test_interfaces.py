from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest

from scanner.pool.interfaces import own_addresses

if TYPE_CHECKING:
    from pathlib import Path

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 1
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.7
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
  +-- 0.0.0.0/0 3 0 4
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 198.51.100.9
        /32 host LOCAL
"""
IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000025 02 40 00 80     eth0
fe800000000000000000000000000001 02 40 20 80     eth0
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "fib_trie").write_text(FIB_TRIE, encoding="ascii")
    (tmp_path / "if_inet6").write_text(IF_INET6, encoding="ascii")
    return tmp_path


def test_ours_are_the_hosts_of_the_local_table_and_all_of_ipv6(proc: Path) -> None:
    """Neither the networks nor the broadcast addresses around them."""
    assert own_addresses(proc) == {
        IPv4Address("192.0.2.7"),
        IPv4Address("127.0.0.1"),
        IPv4Address("198.51.100.9"),
        IPv6Address("::1"),
        IPv6Address("2001:db8::25"),
        IPv6Address("fe80::1"),
    }


def test_a_machine_without_ipv6_has_its_ipv4_addresses(proc: Path) -> None:
    (proc / "if_inet6").unlink()
    assert IPv4Address("192.0.2.7") in own_addresses(proc)


def test_without_proc_none_are_known(tmp_path: Path) -> None:
    assert own_addresses(tmp_path) == frozenset()


def test_this_machines_own_table_is_understood() -> None:
    """The kernel's real files: whatever address a socket can be bound to on loopback's first address is there."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert IPv4Address(sock.getsockname()[0]) in own_addresses()
