"""A short run of the fuzzer itself on each target: `make fuzz` takes longer."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
RUNS = 4000
LIMIT_S = 120


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_thousand_inputs_find_nothing(name: str) -> None:
    if importlib.util.find_spec("atheris") is None:
        assert not os.environ.get("CI"), "atheris is missing: CI installs it"
        pytest.skip("atheris has no wheel for this Python")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", name, f"-runs={RUNS}", "-seed=1", "-max_len=600", "-timeout=20"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {RUNS} runs" in done.stderr
