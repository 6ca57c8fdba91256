from __future__ import annotations

import json

import orjson
import pytest

from scanner.escape import UNSAFE
from scanner.records.line import encode_line

UNSAFE_CHARACTERS = [chr(point) for point in range(0x10000) if UNSAFE.match(chr(point))]


def test_a_harmless_record_is_one_line_with_its_keys_in_order() -> None:
    assert encode_line({"b": 1, "a": None, "text": 'one\ntwo "quoted" \\x1b'}) == (
        b'{"b":1,"a":null,"text":"one\\ntwo \\"quoted\\" \\\\x1b"}\n'
    )


def test_text_of_other_scripts_stays_readable() -> None:
    assert encode_line({"text": "Empfänger unbekannt 不明"}) == '{"text":"Empfänger unbekannt 不明"}\n'.encode()


@pytest.mark.parametrize("field", ["text", "banner", "error", "exchange", "anything new"])
def test_no_unsafe_character_survives_in_any_field_but_a_tag(field: str) -> None:
    for character in UNSAFE_CHARACTERS:
        if character == "\n":
            continue
        line = encode_line({field: f"a{character}b"})
        value = orjson.loads(line)[field]
        assert value in (f"a\\x{ord(character):02x}b", f"a\\u{ord(character):04x}b"), hex(ord(character))


def test_no_unsafe_character_survives_deep_inside_a_field() -> None:
    record = {"settings": {"helo\x9b": ["\x1b[2J", ("\u202e",)]}, "tests": [{"text": "a\nb\x07"}]}
    assert orjson.loads(encode_line(record)) == {
        "settings": {"helo\\x9b": ["\\x1b[2J", ["\\u202e"]]},
        "tests": [{"text": "a\nb\\x07"}],
    }


def test_a_tag_keeps_its_value_and_the_line_holds_none_of_it_raw() -> None:
    tag = {"key\x9b": ["\x7f\x1b]52;c;\x07", "\u2028\u202e\u2066", "ä", "\n\t"]}
    line = encode_line({"text": "x", "tag": tag})
    assert not UNSAFE.search(line.decode().removesuffix("\n"))
    assert orjson.loads(line)["tag"] == json.loads(line)["tag"] == tag


def test_a_lone_surrogate_is_made_visible_not_an_error() -> None:
    assert orjson.loads(encode_line({"text": "a\udcff"})) == {"text": "a\\udcff"}


def test_text_that_grows_by_escaping_is_cut_again() -> None:
    value = orjson.loads(encode_line({"text": "\x1b" * 1000, "note": "\x1b" * 1000}))
    assert len(value["text"]) == 1000
    assert len(value["note"]) == 4000


@pytest.mark.parametrize("tag", ["\ud800", 2**64, b"bytes", {1: 2}], ids=repr)
def test_a_tag_that_json_has_no_room_for_is_a_type_error(tag: object) -> None:
    with pytest.raises(TypeError):
        encode_line({"tag": tag})
