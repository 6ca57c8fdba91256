"""What was hoped for beside what was measured."""

from __future__ import annotations

from typing import NamedTuple


class Bar(NamedTuple):
    """One figure and its limit: at most, or at least."""

    what: str
    figure: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        word = "at least" if self.at_least else "at most"
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{'met   ' if self.met else 'MISSED'} {self.what}: {self.figure:.2f}{unit}, {word} {self.limit:.2f}{unit}"
        )


class Part(NamedTuple):
    """What one part of the benchmark came to: figures by name, and the bars that rest on them."""

    figures: dict[str, float]
    bars: list[Bar]


def table(cells: dict[str, float], unit: str, relative_to: str) -> None:
    """Print figures with what they are relative to one of them."""
    for name, figure in cells.items():
        print(f"  {name:34} {figure:8.1f} {unit}  {figure / cells[relative_to]:6.2f} times {relative_to}")
