from __future__ import annotations

import pytest

from scanner.pool.limits import Deadlines, Identity, Limits
from scanner.smtp.outcome import StartTls


def test_whoever_sets_nothing_is_polite() -> None:
    """Two sessions and one dial a second to an address, fifty dials a second in all."""
    assert Limits() == Limits(concurrency=500, per_target=2, rate=50.0, target_rate=1.0)


def test_whoever_sets_nothing_leaves_alone_who_is_dead_or_busy() -> None:
    limits = Limits()
    assert (limits.backoff_s, limits.memory_s, limits.redial_s) == (60.0, 300.0, 5.0)


@pytest.mark.parametrize(("per_target", "full_at"), [(1, 8), (2, 8), (3, 12), (10, 40)])
def test_an_address_holds_four_probes_a_session_and_at_least_eight(per_target: int, full_at: int) -> None:
    assert Limits(per_target=per_target).full_at == full_at


def test_whoever_sets_nothing_is_patient_but_not_for_ever() -> None:
    assert Deadlines() == Deadlines(connect_s=10.0, reply_s=30.0, probe_s=180.0)


def test_tls_is_used_only_where_it_is_demanded_and_the_kernel_chooses_the_source() -> None:
    assert Identity("probe.example") == Identity("probe.example", None, StartTls.WHEN_REQUIRED)
