from __future__ import annotations

import orjson

from scanner.cli.answering import answer
from scanner.intake.lines import BadLine


def test_what_the_input_already_has_of_a_judgement_is_replaced_and_stands_last() -> None:
    said = answer(1, b'{"verdict": "mine", "code": 554, "text": "Relay access denied"}')
    assert isinstance(said, bytes)
    found = orjson.loads(said)
    assert list(found)[:2] == ["code", "text"]
    assert found["verdict"] == "relay_denied"


def test_a_blank_line_and_a_comment_are_answered_with_nothing() -> None:
    assert [answer(number, line) for number, line in enumerate((b"", b"  ", b"# no"))] == [None] * 3


def test_what_is_too_long_or_no_object_is_a_bad_line_of_its_number() -> None:
    for number, line in enumerate((None, b"[1]", b"\xff", b'{"code": 1e3}'), 1):
        said = answer(number, line)
        assert isinstance(said, BadLine)
        assert said.number == number


def test_each_answer_is_one_line() -> None:
    said = answer(1, b'{"code": 550, "text": "a\\nb\\u2028c"}')
    assert isinstance(said, bytes)
    assert said.count(b"\n") == 1
    assert "\u2028" not in said.decode()
