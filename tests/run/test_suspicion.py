from __future__ import annotations

import itertools

import pytest

from scanner.run.suspicion import Suspicion
from scanner.run.verdict import judge
from scanner.smtp.outcome import Outcome
from scanner.smtp.reply import Reply
from scanner.terms import Judgement, ProbeVerdict, Stage

SILENT = judge(Outcome(Stage.CONNECT, trouble=ProbeVerdict.CONNECT_TIMEOUT))
DOWN = judge(Outcome(Stage.CONNECT, trouble=ProbeVerdict.REFUSED))
OURS = judge(Outcome(Stage.CONNECT, trouble=ProbeVerdict.LOCAL_ERROR))
OK = judge(Outcome(Stage.RCPT, Reply(250, (b"ok",), False, ())))
BLOCKED = judge(Outcome(Stage.RCPT, Reply(554, (b"5.7.1 blocked using zen.spamhaus.org",), False, ())))
NOT_SERVED = judge(Outcome(Stage.RCPT, Reply(554, (b"5.7.1 Relay access denied",), False, ())))


class Watched:
    """A suspicion with what it said and how often it wanted to stop."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stops = 0
        self.suspicion = Suspicion(self.said.append, self.stop, 25)
        self.addresses = (f"192.0.2.{number}" for number in itertools.count(1))

    def stop(self) -> None:
        self.stops += 1

    def see(self, *judgements: Judgement) -> Watched:
        """Each from another address."""
        for judgement in judgements:
            self.suspicion.see(next(self.addresses), judgement)
        return self


def test_nineteen_silent_targets_are_no_reason_to_speak_and_the_twentieth_is() -> None:
    watched = Watched().see(*[SILENT] * 19)
    assert watched.said == []
    assert "port 25 looks blocked" in watched.see(SILENT).said[0]
    assert (len(watched.said), watched.stops) == (1, 0)


def test_fifty_silent_targets_stop_the_run_once() -> None:
    watched = Watched().see(*[SILENT] * 49)
    assert watched.stops == 0
    watched.see(*[SILENT] * 10)
    assert (len(watched.said), watched.stops) == (2, 1)
    assert "--no-port-check" in watched.said[1]


def test_one_dead_address_behind_many_domains_is_one_target() -> None:
    watched = Watched()
    for _ in range(100):
        watched.suspicion.see("192.0.2.1", SILENT)
    assert (watched.said, watched.stops) == ([], 0)


@pytest.mark.parametrize("answer", [OK, BLOCKED, NOT_SERVED, DOWN])
def test_any_sign_of_life_clears_the_port(answer: Judgement) -> None:
    """A reset is one too: the packet came through."""
    assert (Watched().see(*[SILENT] * 19, answer, *[SILENT] * 60).said) == []


def test_a_fault_of_ours_is_no_sign_of_life() -> None:
    assert len(Watched().see(OURS, *[SILENT] * 20).said) == 1


@pytest.mark.parametrize(("refusals", "told"), [(25, False), (26, True)])
def test_more_than_half_of_fifty_that_refuse_us_are_told(refusals: int, *, told: bool) -> None:
    watched = Watched().see(*[BLOCKED] * refusals, *[OK] * (50 - refusals))
    assert bool(watched.said) is told
    assert watched.stops == 0
    if told:
        assert f"{refusals} of the first 50 answering targets refuse us" in watched.said[0]


def test_a_refusal_of_the_domain_is_not_one_of_us() -> None:
    assert Watched().see(*[NOT_SERVED] * 50).said == []


def test_targets_that_did_not_reply_count_for_neither_side() -> None:
    """Thirty hosts that are down must not outvote twenty-six of twenty-six that refuse us."""
    watched = Watched().see(*[DOWN] * 30, *[OURS] * 30, *[BLOCKED] * 49)
    assert watched.said == []
    assert len(watched.see(BLOCKED).said) == 1


def test_it_is_over_once_fifty_targets_replied_and_not_before() -> None:
    """Silent and dead ones, and the same ones again, are still to be watched."""
    watched = Watched().see(*[SILENT] * 19, *[DOWN] * 60, *[OK] * 49)
    for _ in range(9):
        watched.suspicion.see("192.0.2.128", OK)
    assert not watched.suspicion.is_over
    assert watched.see(OK).suspicion.is_over


def test_only_the_first_word_of_a_target_counts_and_only_the_first_fifty_targets() -> None:
    watched = Watched()
    for judgement in (OK, BLOCKED):
        for number in range(49):
            watched.suspicion.see(f"198.51.100.{number}", judgement)
    assert watched.see(*[BLOCKED] * 100).said == []
