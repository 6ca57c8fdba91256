"""Limits are never exceeded: in all, to one address, a second. Counted at the servers' end."""

from __future__ import annotations

import pytest

from scanner.pool.limits import Limits
from tests.pool.asking import ask_all, ended, on_uvloop, probes_of
from tests.pool.servers import OFFERS, Server, Visit, last_words, most_in_window, reset

ADDRESSES = [f"127.1.{n // 200}.{n % 200 + 1}" for n in range(200)]
WINDOWS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


def lingering(visit: Visit) -> None:
    """Say bye after a moment: connections overlap."""
    visit.timer = visit.loop.call_later(0.01, last_words(b"221 2.0.0 Bye\r\n"), visit)  # type: ignore[arg-type]


def moody(visit: Visit) -> None:
    """Accept, refuse, leave, or lose the step, in turns: the ends and the second sessions count like all others."""
    match visit.number % 4:
        case 0:
            visit.say(b"550 5.7.1 relaying denied\r\n")
        case 1:
            visit.say(b"250 2.0.0 Ok\r\n250 2.0.0 one too many\r\n")
        case 2:
            reset(visit)
        case _:
            visit.say(b"250 2.0.0 Ok\r\n")


@pytest.mark.parametrize(("concurrency", "per_target", "addresses"), [(7, 2, 5), (40, 1, 60), (64, 3, 25)])
def test_never_more_connections_at_once_than_allowed(concurrency: int, per_target: int, addresses: int) -> None:
    async def test() -> None:
        async with Server({"QUIT": lingering, "EHLO": OFFERS, "MAIL": moody}, ADDRESSES[:addresses]) as server:
            targets = (server.targets * 100)[:600]
            await ask_all(probes_of(targets), limits=each_for_itself(concurrency, per_target, 0, 0))
            assert len(server.dials) > 600, "second sessions count too"
            assert server.peak == concurrency, "neither more, nor less than was allowed"
            assert max(server.peaks.values()) == per_target

    on_uvloop(test())


def test_never_more_dials_a_second_than_the_rate() -> None:
    async def test() -> None:
        async with Server({"MAIL": moody}, ADDRESSES) as server:
            await ask_all(probes_of(server.targets * 2), limits=Limits(500, 4, 150.0, 0))
            times = [dial.at for dial in server.dials]
            assert len(times) >= 400
            assert most_in_window(times, 1.0) <= 150
            assert most_in_window(times, 2.0) <= 300

    on_uvloop(test())


def test_never_more_dials_to_one_address_than_its_rate_after_a_burst_of_two() -> None:
    async def test() -> None:
        async with Server({"EHLO": OFFERS, "MAIL": moody}, ADDRESSES[:100]) as server:
            await ask_all(probes_of(server.targets * 5), limits=Limits(500, 4, 0, 4.0))
            for address in server.addresses:
                times = [dial.at for dial in server.dials if dial.address == address]
                assert len(times) >= 5
                for window_s in WINDOWS_S:
                    assert most_in_window(times, window_s) <= 2 + 4.0 * window_s

    on_uvloop(test())


def test_all_limits_hold_together() -> None:
    async def test() -> None:
        limits = Limits(concurrency=20, per_target=2, rate=300.0, target_rate=10.0)
        async with Server({"QUIT": lingering}, ADDRESSES[:100]) as server:
            answers = await ask_all(probes_of(server.targets * 5), limits=limits)
            assert {ended(answer.outcome)[1] for answer in answers} == {250}
            times = [dial.at for dial in server.dials]
            assert len(times) == 500
            assert server.peak <= 20
            assert max(server.peaks.values()) <= 2
            assert most_in_window(times, 1.0) <= 300
            for address in server.addresses:
                own = [dial.at for dial in server.dials if dial.address == address]
                assert most_in_window(own, 1.0) <= 12

    on_uvloop(test())
