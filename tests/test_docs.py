"""Pages that are made of tables and texts are what these say now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from scanner.judge.advice import CASES
from scanner.terms import DomainVerdict, ProbeVerdict

ROOT = Path(__file__).parent.parent


def test_the_verdict_reference_is_what_the_tables_and_texts_say() -> None:
    spec = importlib.util.spec_from_file_location("verdict_reference", ROOT / ".ci/verdict_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
    assert text == module.page(), "the page has parted from the code: `make docs` renews it"
    for verdict in [*ProbeVerdict, *DomainVerdict]:
        assert f"### `{verdict}`" in text
    for case in CASES:
        assert f"#### {case.name[0].upper()}{case.name[1:]}\n" in text
