from __future__ import annotations

from typing import TYPE_CHECKING, cast

from scanner.pool.asked import Asked
from scanner.pool.host import TARGET_BURST, Host, TargetState
from scanner.pool.limits import Limits
from scanner.pool.probe import Answer, Probe
from scanner.smtp.outcome import Outcome
from scanner.terms import ProbeVerdict, Stage, Target
from tests.pool.asking import QUESTION

if TYPE_CHECKING:
    from scanner.pool.session import Session

SILENT = Answer(Outcome(Stage.CONNECT, trouble=ProbeVerdict.CONNECT_TIMEOUT), 0.0)


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


def test_one_dial_at_a_time_until_one_has_found_somebody() -> None:
    """Of a dead host, two dials are enough; a whole burst of them would be in flight before the first has failed."""
    host = waiting(Host(Limits(per_target=5)), 3)
    host.sessions = host.dialling = 1
    assert not host.wants_a_dial
    host.alive = True
    assert host.wants_a_dial


def test_a_probe_that_needs_a_new_session_is_not_left_to_the_open_one() -> None:
    host = waiting(Host(Limits(per_target=2), soon=4), 1)
    host.sessions = 1
    host.queue[0].needs_new = True
    assert host.wants_a_dial


def test_what_turned_one_away_while_others_stood_is_not_asked_for_more() -> None:
    host = Host(Limits(per_target=5))
    host.take_fewer(0)
    assert host.per_target == 5
    host.take_fewer(2)
    host.take_fewer(3)
    assert host.per_target == 2


class Taker:
    """A session that can carry anything."""

    def may_take(self, _asked: Asked) -> bool:
        return True


def test_an_open_session_gets_the_next_probe_but_not_while_the_address_is_left_alone() -> None:
    host = waiting(Host(Limits()), 2)
    session = cast("Session", Taker())
    host.backoff.begin(1000.0, 60.0, 300.0)
    assert host.next_for(session, lambda: 1059.0) is None
    assert len(host.queue) == 2
    asked = host.next_for(session, lambda: 1060.0)
    assert asked is not None
    assert asked.probe.seq == 0
    host.queue.clear()
    assert host.next_for(session, lambda: 1060.0) is None


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
    assert host.at_rest(50.0)
    host.pace.take(50.0)
    assert not host.at_rest(50.5), "its rate would be forgotten"
    assert host.at_rest(52.0)
    waiting(host, 1)
    assert not host.at_rest(52.0), "a probe would be lost"
    host.queue.clear()
    host.sessions = 1
    assert not host.at_rest(52.0), "its sessions would not be counted"
    host.sessions, host.listed = 0, True
    assert not host.at_rest(52.0), "it would be dialled by two owners"
    host.listed, host.no_dial_until = False, 53.0
    assert not host.at_rest(52.0), "its pause would be forgotten"
    host.evidence.note(25, SILENT, 52.0, memory_s=10.0)
    assert not host.at_rest(61.0), "it would be dialled again"
    assert host.at_rest(62.0)


def test_its_state_tells_what_waits_and_how_long_an_answer_takes() -> None:
    host = waiting(Host(Limits()), 3)
    assert host.state("127.0.0.1") == TargetState("127.0.0.1", 3, 0, 0, 0.0)
    host.answered, host.took_ms, host.sessions = 4, 10.0, 2
    assert host.state("127.0.0.1") == TargetState("127.0.0.1", 3, 2, 4, 2.5)
