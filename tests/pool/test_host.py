from __future__ import annotations

from scanner.pool.asked import Asked
from scanner.pool.host import TARGET_BURST, Host
from scanner.pool.limits import Limits
from scanner.pool.probe import Probe
from scanner.terms import Target
from tests.pool.asking import QUESTION


def waiting(host: Host, probes: int) -> Host:
    host.queue.extend(Asked(Probe(seq, 0, Target("127.0.0.1", 25), QUESTION)) for seq in range(probes))
    return host


def test_it_wants_a_dial_while_somebody_waits_and_another_session_is_allowed() -> None:
    host = Host(Limits(per_target=2))
    assert not host.wants_a_dial
    waiting(host, 3)
    assert host.wants_a_dial
    host.sessions = 1
    assert host.wants_a_dial
    host.sessions = 2
    assert not host.wants_a_dial


def test_a_few_waiting_probes_are_left_to_the_session_that_is_open() -> None:
    host = waiting(Host(Limits(per_target=2), soon=4), 4)
    assert host.wants_a_dial
    host.sessions = 1
    assert not host.wants_a_dial
    assert waiting(host, 1).wants_a_dial


def test_two_dials_at_once_and_then_one_a_second() -> None:
    host = Host(Limits(target_rate=1.0))
    assert TARGET_BURST == 2
    for _ in range(2):
        assert host.pace.delay(50.0) <= 0
        host.pace.take(50.0)
    assert host.pace.delay(50.0) >= 1.0


def test_it_may_be_forgotten_only_where_nothing_would_be_lost() -> None:
    host = Host(Limits(target_rate=1.0))
    assert host.idle(50.0)
    host.pace.take(50.0)
    assert not host.idle(50.5), "its rate would be forgotten"
    assert host.idle(52.0)
    waiting(host, 1)
    assert not host.idle(52.0), "a probe would be lost"
    host.queue.clear()
    host.sessions = 1
    assert not host.idle(52.0), "its sessions would not be counted"
    host.sessions, host.listed = 0, True
    assert not host.idle(52.0), "it would be dialled by two owners"
