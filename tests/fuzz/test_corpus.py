"""What the fuzzer has found is played again each time, with every Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
FILES = sorted(path.relative_to(CORPUS) for path in CORPUS.rglob("*") if path.is_file())


def test_each_target_has_a_corpus_and_each_corpus_a_target() -> None:
    assert {path.parts[0] for path in FILES} == TARGETS.keys()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_it_holds(path: Path) -> None:
    TARGETS[path.parts[0]]((CORPUS / path).read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_it_holds_of_every_beginning_of_the_largest(name: str) -> None:
    """A parser sees its input grow."""
    largest = max((path for path in FILES if path.parts[0] == name), key=lambda path: (CORPUS / path).stat().st_size)
    data = (CORPUS / largest).read_bytes()
    for end in range(0, len(data), max(1, len(data) // 200)):
        TARGETS[name](data[:end])
