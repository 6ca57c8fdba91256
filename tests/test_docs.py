"""Pages that are made of tables and texts are what these say now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from scanner.judge.advice import CASES
from scanner.judge.software_marks import GREETINGS, MANNERS
from scanner.terms import DomainVerdict, ProbeVerdict

ROOT = Path(__file__).parent.parent


def must_be_current(writer: str) -> str:
    """The text of the page that a script of .ci writes, which must be what it would write now."""
    spec = importlib.util.spec_from_file_location(writer, ROOT / f".ci/{writer}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text: str = module.PAGE.read_text(encoding="utf-8")
    assert text == module.page(), "the page has parted from the code: `make docs` renews it"
    return text


def test_the_verdict_reference_is_what_the_tables_and_texts_say() -> None:
    text = must_be_current("verdict_reference")
    for verdict in [*ProbeVerdict, *DomainVerdict]:
        assert f"### `{verdict}`" in text
    for case in CASES:
        assert f"#### {case.name[0].upper()}{case.name[1:]}\n" in text


def test_the_page_on_software_lists_every_mark_with_who_says_so() -> None:
    text = must_be_current("software_reference")
    for mark in (*GREETINGS, *MANNERS):
        assert f"| {mark.source} |" in text
        assert f"\n| {mark.name}" in text
