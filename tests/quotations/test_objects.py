from __future__ import annotations

import json

import pytest

from scanner.intake.tags import BadJson
from scanner.quotations.objects import parse_quoted
from scanner.quotations.quoted import Quoted
from scanner.terms import Stage


@pytest.mark.parametrize(
    ("found", "quoted"),
    [
        (
            {"code": 550, "enhanced": "5.1.1", "text": "no", "stage": "rcpt"},
            Quoted(550, "5.1.1", "no", Stage.RCPT),
        ),
        ({"code": 550, "enhanced": None, "text": "no", "stage": None}, Quoted(550, None, "no")),
        ({"code": 550, "text": "no"}, Quoted(550, None, "no")),
        ({"code": 550}, Quoted(550, None, "")),
        ({"code": 550, "text": None, "enhanced": ""}, Quoted(550, None, "")),
        ({"code": "550", "text": "no", "enhanced": " 5.1.1"}, Quoted(550, "5.1.1", "no")),
        ({"code": None, "text": "Relay access denied"}, Quoted(None, None, "Relay access denied")),
        ({"code": 999, "text": "?"}, Quoted(999, None, "?")),
        ({"code": -1, "text": "?"}, Quoted(-1, None, "?")),
        ({"code": 554, "text": "a\nb", "stage": "BANNER"}, Quoted(554, None, "a\nb", Stage.BANNER)),
    ],
)
def test_the_fields_of_a_reply(found: dict[str, object], quoted: Quoted) -> None:
    assert parse_quoted(json.dumps(found)) == (found, quoted)


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_is_known_by_its_name(stage: Stage) -> None:
    assert parse_quoted(f'{{"code": 550, "stage": "{stage}"}}')[1].stage is stage


@pytest.mark.parametrize(
    ("name", "stage"), [("ehlo", Stage.HELO), ("end_of_data", Stage.MESSAGE), ("RCPT TO", Stage.RCPT)]
)
def test_what_others_call_a_stage_is_understood(name: str, stage: Stage) -> None:
    assert parse_quoted(f'{{"code": 550, "stage": "{name}"}}')[1].stage is stage


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[550]", "not a JSON object"),
        ("{}", "neither a code nor a text"),
        ('{"text": " "}', "neither a code nor a text"),
        ('{"code": true, "text": "x"}', "code is not a whole number"),
        ('{"code": 550.5, "text": "x"}', "code is not a whole number"),
        ('{"code": "x", "text": "x"}', "code is not a whole number"),
        ('{"code": 550, "text": ["x"]}', "text is not a string"),
        ('{"code": 550, "enhanced": 5.1}', "enhanced is not a string"),
        ('{"code": 550, "stage": 3}', "stage is not a string"),
        ('{"code": 550, "stage": "lunch\\u001b"}', r"no stage is called 'lunch\\x1b'; there are resolve, connect"),
    ],
)
def test_what_is_no_reply_is_named(line: str, reason: str) -> None:
    with pytest.raises(BadJson, match=reason):
        parse_quoted(line)


def test_half_a_surrogate_is_read_as_the_replacement_character() -> None:
    r"""Python writes a byte that is no UTF-8 as `\udce9` where it was read with `surrogateescape`."""
    found, quoted = parse_quoted('{"code": 550, "text": "bo\\udceete pleine \\ud83d\\ude00 \\ud83d", "n": 1}')
    assert quoted.text == "bo\ufffdte pleine \U0001f600 \ufffd"
    assert found["n"] == 1
