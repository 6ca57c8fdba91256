"""SIGKILL, power failures, orderly stops at any moment: resumed, it is the undisturbed run, and asks nobody twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.torture.kills import torture

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 20
"""`make torture` does two hundred."""


async def test_a_run_of_twenty_thousand_domains_survives_kills_at_random_moments(tmp_path: Path) -> None:
    score = await torture(tmp_path, KILLS)
    assert score.problems == []
    assert (score.lost, score.repeated) == (0, 0), "against the undisturbed run"
    assert score.asked_again == 0, "items that were done"
    assert score.forgotten == 0, "items that were on disk when the power failed"
    assert score.exceeded == 0, "limits, counted at the servers"
    assert score.kills >= KILLS
    assert score.powerless
    assert score.stops
