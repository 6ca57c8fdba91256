from __future__ import annotations

from benchmarks.yardstick import probe_all, sessions_of
from tests.pool.asking import on_uvloop
from tests.pool.servers import Server


def test_neighbours_with_the_same_address_share_sessions() -> None:
    assert list(sessions_of("aaabbac", 2)) == [("a", 2), ("a", 1), ("b", 2), ("a", 1), ("c", 1)]
    assert list(sessions_of("aab", 1)) == [("a", 1), ("a", 1), ("b", 1)]


def test_every_probe_is_asked_and_the_last_one_brings_the_quit_along() -> None:
    async def test() -> None:
        async with Server() as server:
            asked = ["127.0.0.1"] * 7
            assert await probe_all(asked, server.target.port, 2, 3) == 7
            said = [line.split()[0] for visit in server.visits for line in visit.lines]
            assert (said.count("EHLO"), said.count("RCPT"), said.count("RSET"), said.count("QUIT")) == (3, 7, 4, 3)

    on_uvloop(test())
