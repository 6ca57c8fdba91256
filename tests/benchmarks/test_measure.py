from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.measure import Program, Used, at_length, interleaved, run


@pytest.mark.parametrize(("length", "cost"), [(1, 50.0), (2, 30.0), (10, 14.0), (4.5, 10 + 40 / 4.5)])
def test_a_session_s_cost_is_shared_by_its_probes(length: float, cost: float) -> None:
    """10 µs a probe and 40 a session."""
    assert at_length(50.0, 14.0, length) == pytest.approx(cost)


def test_a_run_is_accounted_for_by_the_kernel_and_without_our_own_memory() -> None:
    """What a child is said to have used at its peak includes its parent's, if the parent is this process."""
    held = b"x" * 128 * 1024 * 1024
    used = run([sys.executable, "-S", "-c", "print('done')"])
    assert used.cpu_s > 0
    assert used.peak_kib * 1024 < len(held) / 2
    assert used.said == "done\n"


def test_a_program_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match=r"exit 3.*no such"):
        run([sys.executable, "-c", "import sys; print('no such'); sys.exit(3)"])


def test_what_counts_is_the_smallest_of_both_kinds_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start of 0.3 s, 50 µs a probe, and noise that is never the same and once nothing."""
    noise = itertools.cycle([0.2, 0.0, 0.1, 0.0, 0.4])

    def pretend(command: list[str]) -> Used:
        probes = len(Path(command[-1]).read_text().splitlines())
        return Used(0.3 + probes * 50e-6 + next(noise), 1.0, 1000 + probes, "")

    monkeypatch.setattr(measure, "run", pretend)
    items = tmp_path / "items"
    items.write_text("item\n" * 1001)
    programs = [Program("one", ["one"], items), Program("two an item", ["two"], items, probes_an_item=2)]
    measured = interleaved(programs, 5, tmp_path)
    assert measured["one"].cpu_us == pytest.approx(50.0)
    assert measured["two an item"].cpu_us == pytest.approx(25.0)
    assert measured["one"].peak_kib == 2001
