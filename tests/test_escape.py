from __future__ import annotations

import re
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.escape import QUOTED_CHARS, TEXT_LIMIT_CHARS, cut, quoted, safe_line, safe_text

BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
BREAKS = {0x2028, 0x2029}


def is_unsafe(point: int) -> bool:
    """By Unicode's own categories, not by the list in the code."""
    return unicodedata.category(chr(point)) in {"Cc", "Cs"} or point in BIDI | BREAKS


def test_exactly_the_controls_bidi_marks_separators_and_surrogates_are_escaped() -> None:
    for point in range(0x110000):
        assert (safe_text(chr(point)) != chr(point)) is is_unsafe(point), hex(point)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 No such user", "550 No such user"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\0", "a\\x0d\\x0ab\\x00"),
        ("\x7f\x9b31m", "\\x7f\\x9b31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\ud800", "\\ud800"),
        ("Empfänger unbekannt \\ 不明", "Empfänger unbekannt \\ 不明"),
    ],
)
def test_a_text_is_escaped_character_by_character(text: str, expected: str) -> None:
    assert safe_text(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"gr\xc3\xbc\xc3\x9f", "grüß"),
        (b"gr\xfc\xdf", "gr\\xfc\\xdf"),
        (b"\xc0\x80", "\\xc0\\x80"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
        (b"\xc2\x9b1m", "\\x9b1m"),
        (b"\xe2\x80\xae", "\\u202e"),
    ],
)
def test_bytes_that_are_no_utf8_become_visible(line: bytes, expected: str) -> None:
    assert safe_line(line) == expected


@given(st.binary())
def test_any_line_becomes_one_that_can_be_printed_and_written_as_json(line: bytes) -> None:
    text = safe_line(line)
    assert not any(is_unsafe(ord(character)) for character in text)
    assert len(text.splitlines()) <= 1
    assert orjson.loads(orjson.dumps(text)) == text


@given(st.text(st.characters()))
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    assert safe_text(safe_text(text)) == safe_text(text)


def test_a_field_is_cut_at_its_limit() -> None:
    assert cut("x" * TEXT_LIMIT_CHARS) == "x" * TEXT_LIMIT_CHARS
    assert cut("é" * (TEXT_LIMIT_CHARS + 1)) == "é" * TEXT_LIMIT_CHARS


def test_an_error_repeats_a_text_cut_and_safe() -> None:
    assert quoted("a\nb") == "'a\\x0ab'"
    assert quoted("x" * QUOTED_CHARS) == f"'{'x' * QUOTED_CHARS}'"
    assert re.fullmatch(r"'(\\x00){80}…'", quoted("\0" * 10_000))
