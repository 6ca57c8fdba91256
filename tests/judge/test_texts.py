"""The texts as texts: sentences, which name nothing that a reader cannot find."""

from __future__ import annotations

import re

import pytest

from scanner.judge import texts
from scanner.judge.texts import DOMAINS, PROBES, WHOSE, Text
from scanner.terms import About

CASES = {name: value for name, value in vars(texts).items() if isinstance(value, Text)}
ALL = {**{str(v): t for v, t in PROBES.items()}, **{f"domain {v}": t for v, t in DOMAINS.items()}, **CASES}


@pytest.mark.parametrize("name", ALL)
def test_each_field_is_whole_sentences_on_one_line(name: str) -> None:
    for text in filter(None, ALL[name]):
        assert text == " ".join(text.split())
        assert text[0].isupper() or text.startswith(("`", "postscreen"))
        assert text.endswith(".")
        assert text.count("`") % 2 == 0


@pytest.mark.parametrize("name", ALL)
def test_none_names_an_option_or_a_command_of_ours(name: str) -> None:
    """They are read in bounces and reports too; and not every command has every option."""
    for text in filter(None, ALL[name]):
        assert not re.search(r"--\w|mxsweep", text)


def test_it_is_said_whose_matter_each_kind_is() -> None:
    assert set(WHOSE) == set(About)


def test_only_a_list_s_name_is_filled_in() -> None:
    assert [name for name, text in CASES.items() if any("{" in (field or "") for field in text)] == ["LISTED"]
