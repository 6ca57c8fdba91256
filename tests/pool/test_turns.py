"""Who is dialled next, in numbers: the clock is the test's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.pool import turns as turning
from scanner.pool.asked import Asked
from scanner.pool.dial import PortsExhausted
from scanner.pool.host import Host
from scanner.pool.limits import Limits
from scanner.pool.probe import Probe
from scanner.pool.turns import SHORTAGE_LIMIT_S, SHORTAGE_PAUSE_S, Turns
from scanner.terms import LocalFault, Target
from tests.pool.asking import QUESTION

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT = LocalFault("cannot open a connection: EMFILE")
NO_PORT = PortsExhausted("no port is left")


class Timer:
    """A timer of the clock."""

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at, self.call, self.cancelled = at, call, False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """A loop's clock and its timers, moved on by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(at, call))
        return self.timers[-1]

    def living(self) -> list[Timer]:
        return sorted((timer for timer in self.timers if not timer.cancelled), key=lambda timer: timer.at)

    def wait(self, seconds: float) -> None:
        """Let time pass, and the timers ring in order."""
        end = self.now + seconds
        for _ in range(10_000):
            due = [timer for timer in self.living() if timer.at <= end]
            if not due:
                break
            self.now = max(self.now, due[0].at)
            self.timers.remove(due[0])
            due[0].call()
        else:
            raise AssertionError("the timers ring for ever")
        self.now = end


class Dialler:
    """Turns with all that it knows nothing of: hosts that wait, dials that begin and end."""

    def __init__(self, limits: Limits) -> None:
        self.clock = Clock()
        self.room_wanted: list[int] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(turning.asyncio, "get_running_loop", lambda: self.clock)
            self.turns = Turns(limits, self.begin, self.room_wanted.append)
        self.limits = limits
        self.begun: list[tuple[Host, Asked]] = []
        self.times: list[float] = []

    def begin(self, host: Host, asked: Asked) -> None:
        self.begun.append((host, asked))
        self.times.append(self.clock.now)

    def host(self, probes: int = 1, **facts: Any) -> Host:
        """A host for which so many probes wait, alive and in its queue for a dial."""
        host = Host(self.limits)
        host.alive = True
        for name, value in facts.items():
            setattr(host, name, value)
        host.queue.extend(Asked(Probe(seq, 0, Target("127.0.0.1", 25), QUESTION)) for seq in range(probes))
        self.turns.list_host(host)
        return host

    def connect(self, host: Host) -> None:
        self.turns.dialled(host)

    def end(self, host: Host, *, connected: bool = True) -> None:
        """A session ends, as the pool does it."""
        if connected:
            self.connect(host)
        else:
            host.dialling -= 1
        self.turns.give_back(host)
        self.turns.list_host(host)
        self.turns.pump()


def test_hosts_are_dialled_in_the_order_in_which_they_came_and_each_gets_one_turn_at_a_time() -> None:
    dialler = Dialler(Limits(100, 2, 10.0, 0))
    hosts = [dialler.host(2) for _ in range(3)]
    dialler.turns.pump()
    dialler.clock.wait(1.0)
    assert [hosts.index(host) for host, _ in dialler.begun] == [0, 1, 2, 0, 1, 2]
    assert [asked.probe.seq for _, asked in dialler.begun] == [0, 0, 0, 1, 1, 1]


def test_a_dial_takes_a_place_a_turn_and_a_probe_and_its_end_gives_the_place_back() -> None:
    dialler = Dialler(Limits(1, 1, 0, 0))
    host = dialler.host(2)
    dialler.turns.pump()
    assert (dialler.turns.taken, host.sessions, host.dialling, len(host.queue)) == (1, 1, 1, 1)
    dialler.connect(host)
    assert (dialler.turns.taken, host.sessions, host.dialling) == (1, 1, 0)
    dialler.turns.give_back(host)
    assert (dialler.turns.taken, host.sessions) == (0, 0)


def test_no_more_places_than_there_are_and_who_waits_for_one_asks_for_room() -> None:
    dialler = Dialler(Limits(3, 2, 0, 0))
    hosts = [dialler.host() for _ in range(5)]
    assert not dialler.turns.place_wanted
    dialler.turns.pump()
    assert [host for host, _ in dialler.begun] == hosts[:3]
    assert dialler.turns.place_wanted
    assert dialler.room_wanted == [2]
    dialler.end(hosts[0])
    assert dialler.begun[-1][0] is hosts[3]
    assert dialler.room_wanted == [2, 1]


def test_who_waits_for_its_own_rate_asks_for_no_room_and_holds_nothing() -> None:
    dialler = Dialler(Limits(2, 5, 0, 1.0))
    slow = dialler.host(5)
    dialler.turns.pump()
    assert [host for host, _ in dialler.begun] == [slow, slow], "its burst"
    dialler.end(slow)
    quick = dialler.host()
    dialler.turns.pump()
    assert dialler.begun[-1][0] is quick
    assert (dialler.room_wanted, dialler.turns.place_wanted) == ([], False)
    dialler.end(quick)
    dialler.clock.wait(1.02)
    assert dialler.begun[-1][0] is slow


def test_a_host_that_was_paused_while_it_waited_for_a_place_is_dialled_when_its_pause_is_over() -> None:
    """The place comes free and nothing else will happen: only the timer can bring it back."""
    dialler = Dialler(Limits(1, 2, 0, 0))
    host = dialler.host(3)
    dialler.turns.pump()
    assert host.listed, "it waits for a second place"
    host.no_dial_until = dialler.clock.now + 60
    dialler.end(host)
    assert len(dialler.begun) == 1
    dialler.clock.wait(59.9)
    assert len(dialler.begun) == 1
    dialler.clock.wait(0.2)
    assert len(dialler.begun) == 2


def test_the_next_in_turn_is_woken_in_time_though_the_one_before_takes_long() -> None:
    """A session takes the next turn itself; nobody looks at the clock again until it ends."""
    dialler = Dialler(Limits(10, 2, 0, 1.0))
    host = dialler.host(5)
    assert dialler.turns.next() is not None
    assert dialler.turns.next() is not None
    dialler.turns.give_back(host)
    host.dialling -= 1
    dialler.turns.list_host(host)
    dialler.clock.timers.clear()
    dialler.turns.timer, dialler.turns.wake_at = None, float("inf")
    other = dialler.host()
    assert dialler.turns.next() is not None
    assert other.sessions == 1
    dialler.clock.wait(1.1)
    assert [each for each, _ in dialler.begun] == [host]


def test_after_stop_no_dial_begins() -> None:
    dialler = Dialler(Limits(10, 2, 1.0, 0))
    for _ in range(5):
        dialler.host()
    dialler.turns.pump()
    assert len(dialler.begun) == 1
    dialler.turns.stop()
    assert dialler.clock.living() == []
    dialler.turns.pump()
    assert dialler.turns.next() is None
    assert len(dialler.begun) == 1


def test_a_host_whose_probes_were_answered_otherwise_is_passed_over() -> None:
    dialler = Dialler(Limits(1, 2, 0, 0))
    first, emptied, last = (dialler.host() for _ in range(3))
    dialler.turns.pump()
    emptied.queue.clear()
    dialler.end(first)
    assert [host for host, _ in dialler.begun] == [first, last]
    assert not emptied.listed


# -- short of something ----------------------------------------------------------------------------------------------


def test_a_shortage_of_descriptors_pauses_all_and_halves_the_places_which_come_back_one_by_one() -> None:
    dialler = Dialler(Limits(100, 1, 0, 0))
    hosts = [dialler.host() for _ in range(60)]
    dialler.turns.pump()
    assert len(dialler.begun) == 60
    dialler.turns.pause(hosts[0], SHORT)
    assert dialler.turns.places == 30
    waiting = dialler.host()
    for host in hosts[:40]:
        dialler.end(host, connected=False)
    assert len(dialler.begun) == 60, "there are places, but it is a pause"
    dialler.clock.wait(SHORTAGE_PAUSE_S)
    assert dialler.begun[-1][0] is waiting
    for place, host in enumerate(hosts[40:], 31):
        dialler.end(host)
        assert dialler.turns.places == place
    dialler.turns.places = 100
    dialler.end(waiting)
    assert dialler.turns.places == 100, "never more than were allowed"


def test_at_least_one_place_is_left() -> None:
    dialler = Dialler(Limits(1, 1, 0, 0))
    host = dialler.host()
    dialler.turns.pump()
    for _ in range(5):
        dialler.turns.pause(host, SHORT)
    assert dialler.turns.places == 1


def test_a_shortage_of_ports_pauses_its_address_only() -> None:
    dialler = Dialler(Limits(100, 1, 0, 0))
    short = dialler.host(2)
    dialler.turns.pump()
    dialler.turns.pause(short, NO_PORT)
    dialler.end(short, connected=False)
    other = dialler.host()
    dialler.turns.pump()
    assert [host for host, _ in dialler.begun] == [short, other]
    assert dialler.turns.places == 100
    dialler.clock.wait(SHORTAGE_PAUSE_S * 1.01)
    assert [host for host, _ in dialler.begun] == [short, other, short]


def test_a_shortage_of_ports_does_not_shorten_a_longer_pause() -> None:
    dialler = Dialler(Limits(100, 2, 0, 0))
    host = dialler.host(2, no_dial_until=0.0)
    dialler.turns.pump()
    host.no_dial_until = dialler.clock.now + 60.0
    dialler.turns.pause(host, NO_PORT)
    assert host.no_dial_until == dialler.clock.now + 60.0


@pytest.mark.parametrize("fault", [SHORT, NO_PORT], ids=["descriptors", "ports"])
def test_a_shortage_that_lasts_too_long_ends_the_run(fault: LocalFault) -> None:
    dialler = Dialler(Limits(100, 1, 0, 0))
    host = dialler.host()
    dialler.turns.pause(host, fault)
    dialler.clock.wait(SHORTAGE_LIMIT_S)
    dialler.turns.pause(host, fault)
    dialler.clock.wait(0.1)
    with pytest.raises(LocalFault) as raised:
        dialler.turns.pause(host, fault)
    assert raised.value is fault


@pytest.mark.parametrize("fault", [SHORT, NO_PORT], ids=["descriptors", "ports"])
def test_a_dial_that_finds_somebody_ends_the_shortage(fault: LocalFault, caplog: pytest.LogCaptureFixture) -> None:
    dialler = Dialler(Limits(100, 1, 0, 0))
    host = dialler.host()
    dialler.turns.pump()
    dialler.turns.pause(host, fault)
    dialler.turns.pause(host, fault)
    assert [record.levelno for record in caplog.records] == [logging.WARNING], "said once"
    dialler.clock.wait(SHORTAGE_LIMIT_S)
    dialler.connect(host)
    dialler.clock.wait(SHORTAGE_LIMIT_S)
    dialler.turns.pause(host, fault)
    dialler.clock.wait(SHORTAGE_LIMIT_S)
    dialler.turns.pause(host, fault)


def test_two_addresses_short_of_ports_have_each_their_own_time() -> None:
    dialler = Dialler(Limits(100, 1, 0, 0))
    first, second = dialler.host(), dialler.host()
    dialler.turns.pause(first, NO_PORT)
    dialler.clock.wait(SHORTAGE_LIMIT_S)
    dialler.turns.pause(second, NO_PORT)
    dialler.clock.wait(SHORTAGE_LIMIT_S)
    dialler.turns.pause(second, NO_PORT)
    with pytest.raises(LocalFault):
        dialler.turns.pause(first, NO_PORT)


# -- whatever happens ------------------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(0, 4)),
        st.tuples(st.just("connect"), st.integers(0, 9)),
        st.tuples(st.just("end"), st.integers(0, 9)),
        st.tuples(st.just("fail"), st.integers(0, 9)),
        st.tuples(st.just("pause"), st.integers(0, 4)),
        st.tuples(st.just("short"), st.integers(0, 9)),
        st.tuples(st.just("no port"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 5, 30])),
    ),
    max_size=80,
)


class Play:
    """Five hosts, and what happens to them in some order."""

    def __init__(self, limits: Limits) -> None:
        self.dialler = Dialler(limits)
        self.hosts = [Host(limits) for _ in range(5)]
        self.dialling: list[tuple[Host, Asked]] = []
        self.standing: list[Host] = []
        self.came = 0
        self.taken_up = 0

    def take_up(self) -> None:
        """What began since the last look."""
        new = self.dialler.begun[self.taken_up :]
        self.taken_up = len(self.dialler.begun)
        for host, _ in new:
            assert host.no_dial_until <= self.dialler.clock.now
        self.dialling += new

    def over(self, host: Host) -> None:
        turns = self.dialler.turns
        turns.give_back(host)
        turns.list_host(host)
        turns.pump()

    def happens(self, what: str, number: int) -> None:
        dialler = self.dialler
        turns, now = dialler.turns, dialler.clock.now
        if what == "come":
            host = self.hosts[number]
            host.queue.append(Asked(Probe(self.came, 0, Target("127.0.0.1", 25), QUESTION)))
            self.came += 1
            turns.list_host(host)
            turns.pump()
        elif what == "pause":
            self.hosts[number].no_dial_until = max(self.hosts[number].no_dial_until, now + 7)
        elif what == "wait":
            dialler.clock.wait(number)
        elif what == "end" and self.standing:
            self.over(self.standing.pop(number % len(self.standing)))
        elif self.dialling and what in ("connect", "fail", "short", "no port"):
            host, asked = self.dialling.pop(number % len(self.dialling))
            if what == "connect":
                turns.dialled(host)
                self.standing.append(host)
                turns.list_host(host)
                turns.pump()
                return
            host.dialling -= 1
            host.alive = False
            if what != "fail":
                host.queue.appendleft(asked)
                turns.pause(host, SHORT if what == "short" else NO_PORT)
            self.over(host)
        self.take_up()
        taken = len(self.dialling) + len(self.standing)
        assert turns.taken == taken <= dialler.limits.concurrency
        for host in self.hosts:
            assert 0 <= host.dialling <= host.sessions <= dialler.limits.per_target


@settings(max_examples=150, deadline=None)
@given(EVENTS, st.integers(1, 4), st.integers(1, 3), st.sampled_from([0.0, 2.0]), st.sampled_from([0.0, 1.0]))
def test_whatever_happens_nobody_waits_for_ever_and_no_place_is_lost(
    events: list[tuple[str, int]], concurrency: int, per_target: int, rate: float, target_rate: float
) -> None:
    play = Play(Limits(concurrency, per_target, rate, target_rate))
    for what, number in events:
        play.happens(what, number)
        play.take_up()
    # From now on all goes well, and time passes.
    for _ in range(400):
        while play.dialling:
            play.happens("connect", 0)
            play.take_up()
        while play.standing:
            play.happens("end", 0)
        if not (play.dialling or any(host.queue for host in play.hosts)):
            break
        play.happens("wait", 1)
    assert [len(host.queue) for host in play.hosts] == [0] * 5, "somebody was never dialled"
    assert (play.dialler.turns.taken, [host.sessions for host in play.hosts]) == (0, [0] * 5)


def test_places_that_come_back_are_taken_at_once_by_who_waits() -> None:
    """A session that ends is followed by one only: a run would stay with as few as a shortage has left it."""
    dialler = Dialler(Limits(100, 1, 0, 0))
    short, *_ = [dialler.host() for _ in range(60)]
    dialler.turns.places = 1
    dialler.turns.pump()
    assert len(dialler.begun) == 1
    dialler.turns.dialled(short)
    assert (dialler.turns.places, len(dialler.begun)) == (2, 2)
