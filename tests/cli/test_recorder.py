from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from scanner.cli import recorder as recording
from scanner.cli.recorder import AT_ONCE, Recorder
from scanner.cli.recording import audited_group
from scanner.records.output import ReaderGone
from scanner.run.group import AuditedDomain
from scanner.terms import DomainVerdict, Item, LocalFault
from tests.pool.servers import until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.records.facts import Group


class FakeJournal:
    """Keeps groups, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.groups: list[bytes] = []
        self.failure = failure

    def write(self, *groups: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.groups += groups

    @property
    def seqs(self) -> list[int]:
        return [orjson.loads(group.splitlines()[-1])["seq"] for group in self.groups]


class Seen:
    """Who was told of which domain, with which group."""

    def __init__(self) -> None:
        self.domains: list[tuple[int, int]] = []

    def __call__(self, domains: Sequence[AuditedDomain], groups: Sequence[Group]) -> None:
        for domain, group in zip(domains, groups, strict=True):
            assert group.domain is not None
            self.domains.append((domain.item.seq, group.domain.seq))


def recorder(
    journal: FakeJournal, see: Callable[[Sequence[AuditedDomain], Sequence[Group]], None]
) -> Recorder[AuditedDomain]:
    return Recorder(lambda domain: audited_group("run", 25, domain, recipient_named=False), cast("Any", journal), see)


def domain(seq: int) -> AuditedDomain:
    return AuditedDomain(Item(seq, f"d{seq}.example"), DomainVerdict.NO_DOMAIN, 0, ())


async def test_a_handful_is_handed_over_at_once_each_domain_in_a_piece_of_its_own() -> None:
    journal, seen = FakeJournal(), Seen()
    with recorder(journal, seen) as taking:
        for seq in range(AT_ONCE - 1):
            taking.take(domain(seq))
        assert journal.groups == []
        taking.take(domain(AT_ONCE - 1))
        assert journal.seqs == list(range(AT_ONCE))
    assert seen.domains == [(seq, seq) for seq in range(AT_ONCE)]
    assert len(journal.groups) == AT_ONCE


async def test_a_single_domain_does_not_wait_for_others_that_never_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both times: the wait begins anew."""
    monkeypatch.setattr(recording, "WAIT_S", 0.01)
    journal = FakeJournal()
    with recorder(journal, Seen()) as taking:
        for seq in range(2):
            taking.take(domain(seq))
            await until(lambda number=seq + 1: len(journal.groups) == number)  # type: ignore[misc]
    assert journal.seqs == [0, 1]


async def test_the_end_of_the_run_hands_over_what_waits_and_leaves_no_timer() -> None:
    journal = FakeJournal()
    with recorder(journal, Seen()) as taking:
        taking.take(domain(7))
    assert (journal.seqs, taking.timer) == ([7], None)


async def test_a_run_that_is_cancelled_hands_over_what_was_final() -> None:
    journal = FakeJournal()
    with suppress(ZeroDivisionError), recorder(journal, Seen()) as taking:
        taking.take(domain(7))
        raise ZeroDivisionError
    assert journal.seqs == [7]


@pytest.mark.parametrize("failure", [ReaderGone("stdout"), LocalFault("disk full")])
async def test_an_output_that_takes_no_more_is_nobody_s_verdict(failure: Exception) -> None:
    """The journal ends the run itself; all that were delivered are still counted."""
    seen = Seen()
    with recorder(FakeJournal(failure), seen) as taking:
        taking.take(domain(0))
        taking.take(domain(1))
    assert seen.domains == [(0, 0), (1, 1)]


async def test_records_that_cannot_be_made_cost_their_domain_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    journal, seen = FakeJournal(), Seen()
    with recorder(journal, seen) as taking:
        for broken in (domain(0), domain(1)._replace(probes=cast("Any", (None,))), domain(2)):
            taking.take(broken)
    assert (journal.seqs, seen.domains, taking.lost) == ([0, 2], [(0, 0), (2, 2)], 1)
    assert "internal error at the records of Item(seq=1, domain='d1.example'" in caplog.text


async def test_a_census_that_fails_costs_the_run_its_claim_to_be_complete_and_no_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(_domains: Sequence[AuditedDomain], _groups: Sequence[Group]) -> None:
        raise ZeroDivisionError

    journal = FakeJournal()
    with recorder(journal, failing) as taking:
        taking.take(domain(0))
        taking.take(domain(1))
        taking.flush()
        taking.take(domain(2))
    assert (journal.seqs, taking.lost) == ([0, 1, 2], 3)
    assert "internal error at the count of 2 groups" in caplog.text


async def test_the_end_of_a_run_that_has_nothing_left_writes_nothing() -> None:
    calls: list[int] = []
    with recorder(FakeJournal(), lambda domains, _groups: calls.append(len(domains))) as taking:
        taking.take(domain(0))
        taking.flush()
    assert calls == [1]
