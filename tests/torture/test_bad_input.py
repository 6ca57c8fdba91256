"""Bad input by the thousand."""

from __future__ import annotations

from tests.torture.bad_input import tried


async def test_bad_lines_are_told_by_number_and_cost_nobody_anything() -> None:
    found = await tried()
    assert found.problems == []
    assert found.as_expected == found.tried > 4000
