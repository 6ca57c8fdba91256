"""The order of the house: a newcomer finds the room, the file and its test, and no layer reaches upwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import scanner
from scanner.lab.scenes import SCENES

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path.relative_to(ROOT / "scanner")
    for path in (ROOT / "scanner").rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
)
TESTED_ELSEWHERE = {
    "records/facts.py": "values without behaviour, made in every test of records",
    "records/shapes.py": "types, held against the schema in tests/records/test_schema.py",
}
"""Files without a test file of their own, each with the reason."""
NO_SUBJECT = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc", "tools"}
LINES_AT_MOST = 400


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_each_source_file_has_its_test_file(source: Path) -> None:
    there = (ROOT / "tests" / source.parent / f"test_{source.name}").is_file()
    assert there or str(source) in TESTED_ELSEWHERE


def test_no_exception_outlives_its_reason() -> None:
    for name in TESTED_ELSEWHERE:
        path = Path(name)
        assert path in SOURCES
        assert not (ROOT / "tests" / path.parent / f"test_{path.name}").exists(), f"{name} has a test file by now"


def test_the_package_itself_exports_at_most_ten_names() -> None:
    names = [name for name in vars(scanner) if not name.startswith("_")]
    rooms = {path.name for path in (ROOT / "scanner").iterdir()}
    exported = [name for name in names if name not in rooms and f"{name}.py" not in rooms]
    assert len(exported) <= 10
    assert scanner.__version__


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_each_file_has_a_subject_and_a_size_to_be_read(source: Path) -> None:
    assert not {part.removesuffix(".py") for part in source.parts} & NO_SUBJECT
    text = (ROOT / "scanner" / source).read_text("utf-8")
    assert len(text.splitlines()) <= LINES_AT_MOST
    assert ast.get_docstring(ast.parse(text))


def test_the_layers_hold() -> None:
    """The contracts of pyproject.toml: upwards only, no I/O and no clock in the core."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lab_s_page_tells_of_every_domain_that_it_plays() -> None:
    page = (ROOT / "docs" / "lab.md").read_text("utf-8")
    assert [scene.domain for scene in SCENES if scene.domain not in page] == []


def test_no_page_or_comment_sends_the_reader_to_a_paper_that_is_not_here() -> None:
    """What the project rests on is cited by RFC or by a public project, not by a note that only its authors have."""
    absent = ("design.md", "faults.md", "models.md", "/work/shared", "shared/replies")
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for folder in ("scanner", "docs", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".json", ".txt")
        for name in absent
        if name in path.read_text("utf-8")
    ]
    assert found == []
