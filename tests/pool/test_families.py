from __future__ import annotations

import socket
from typing import Self

import pytest

from scanner.addresses import Networks
from scanner.pool import families
from scanner.pool.families import Families, has_route


def routes(monkeypatch: pytest.MonkeyPatch, *versions: int) -> None:
    monkeypatch.setattr(families, "has_route", lambda version: version in versions)


def test_a_machine_with_both_asks_both(monkeypatch: pytest.MonkeyPatch) -> None:
    routes(monkeypatch, 4, 6)
    both = Families.of_this_machine(None, Networks())
    assert both.missing_for("192.0.2.1") is None
    assert both.missing_for("2001:db8::1") is None


def test_a_family_without_a_route_is_not_asked_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    routes(monkeypatch, 4)
    only_v4 = Families.of_this_machine(None, Networks())
    assert only_v4.missing_for("192.0.2.1") is None
    assert only_v4.missing_for("2001:db8::1") == "no route for IPv6 on this machine"


def test_what_allow_net_names_is_asked_without_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab on a machine without internet."""
    routes(monkeypatch)
    lab = Families.of_this_machine(None, Networks.from_text(["127.0.0.0/8", "::1"]))
    assert lab.missing_for("127.0.0.9") is None
    assert lab.missing_for("::1") is None
    assert lab.missing_for("192.0.2.1") == "no route for IPv4 on this machine"


@pytest.mark.parametrize(("only", "other"), [(4, "::1"), (6, "127.0.0.1")])
def test_the_operators_choice_of_a_family_stands_above_allow_net(
    only: int, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes(monkeypatch, 4, 6)
    chosen = Families.of_this_machine(only, Networks.from_text(["127.0.0.0/8", "::1"]))
    assert chosen.missing_for(other) == f"-{only} asks IPv{only} only"


def test_no_route_is_what_the_kernel_says_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A UDP socket that is connected asks the routing table; a bench of answers instead of the kernel's."""
    asked: list[tuple[int, int]] = []

    class Asking:
        def __init__(self, family: int, kind: int) -> None:
            asked.append((family, kind))

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def connect(self, address: tuple[str, int]) -> None:
            if ":" in address[0]:
                raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Asking)
    assert (has_route(4), has_route(6)) == (True, False)
    assert asked == [(socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_INET6, socket.SOCK_DGRAM)]
