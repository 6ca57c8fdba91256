"""A short soak: what one process holds after an audit is what it held before, whatever happened beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.torture.soak import EACH_KIND, WARM, soak

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.torture.soak import Soaked


async def test_after_it_all_is_back_where_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make soak` takes twenty minutes, with ten times the domains and all misbehaving servers in between."""
    monkeypatch.setattr("tests.torture.soak.misbehaved", nothing_else)
    soaked = await soak(tmp_path, 0, 0, 2000, "--target-memory", "0")  # which would wait for a second dial
    assert soaked.faults() == []
    assert len(soaked.held) == WARM + 1
    assert soaked.audits == [(2000, 2000)] * (WARM + 1)
    assert soaked.score.runs == 1
    assert soaked.hostile_rounds == EACH_KIND - WARM - 2


async def nothing_else(soaked: Soaked) -> None:
    """The misbehaving servers have a test of their own."""
    soaked.hostile_rounds += 1
