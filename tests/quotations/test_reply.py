from __future__ import annotations

import pytest

from scanner.quotations.reply import begins_reply, goes_on, joined, read_reply
from scanner.terms import Stage


@pytest.mark.parametrize(
    ("lines", "code", "enhanced", "text"),
    [
        (["550 5.1.1 no such user"], 550, "5.1.1", "5.1.1 no such user"),
        (["550"], 550, None, ""),
        (["550 "], 550, None, ""),
        (["550: no such user"], 550, None, "no such user"),
        (["550 #5.1.0 Address rejected."], 550, "5.1.0", "#5.1.0 Address rejected."),
        (["550#5.1.0 Address rejected."], 550, "5.1.0", "#5.1.0 Address rejected."),
        (["5.7.1 Relaying denied"], None, "5.7.1", "5.7.1 Relaying denied"),
        (["Relaying denied"], None, None, "Relaying denied"),
        (["sorry, no mailbox here (#5.1.1)"], None, "5.1.1", "sorry, no mailbox here (#5.1.1)"),
        (["550-one", "550-two", "550 three"], 550, None, "one\ntwo\nthree"),
        (["550-5.1.1 one", "550 5.1.1 two"], 550, "5.1.1", "5.1.1 one\n5.1.1 two"),
        (["550-one 550-two 550 three"], 550, None, "one\ntwo\nthree"),
        (["550-5.1.1 one 550 5.1.1 two"], 550, "5.1.1", "5.1.1 one\n5.1.1 two"),
        ([r"550-5.1.1 one\n550 5.1.1 two"], 550, "5.1.1", "5.1.1 one\n5.1.1 two"),
        (["554 5.7.1 Client host", "    blocked"], 554, "5.7.1", "5.7.1 Client host blocked"),
        (["550-Sent: x", "550-Response: 550 5.1.1 y", "550 z"], 550, None, "Sent: x\nResponse: 550 5.1.1 y\nz"),
    ],
)
def test_code_enhanced_code_and_text(lines: list[str], code: int | None, enhanced: str | None, text: str) -> None:
    quoted = read_reply(lines, Stage.RCPT)
    assert (quoted.code, quoted.enhanced, quoted.text, quoted.stage) == (code, enhanced, text, Stage.RCPT)


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1 does not like recipient",
        "5.1.1.1 is an address",
        "relay 550 denied",
        "user 552@p.example unknown",
        "message of 535 KB",
        "5501 things",
        "550-1234 is a telephone number",
    ],
)
def test_numbers_that_only_look_like_codes_are_none(text: str) -> None:
    quoted = read_reply([text])
    assert (quoted.code, quoted.enhanced, quoted.text) == (None, None, text)


def test_a_code_within_the_text_changes_nothing() -> None:
    assert read_reply(["450 4.1.1 host q said: 550 5.1.1 User unknown"])[:2] == (450, "4.1.1")
    assert read_reply(["550 sorry, 450 is not my number"]).text == "sorry, 450 is not my number"


def test_only_codes_of_smtp_begin_a_reply() -> None:
    assert begins_reply("200 ok")
    assert begins_reply("599")
    assert not begins_reply("199 no")
    assert not begins_reply("600 no")
    assert not begins_reply("2024-05-01 10:00:00")
    assert goes_on("550-more")
    assert not goes_on("550 last")


def test_a_line_cut_by_a_terminal_is_joined_without_a_blank_and_a_folded_one_with_one() -> None:
    assert joined(["x" * 80, "y"]) == "x" * 80 + "y"
    assert joined(["x" * 90, "y" * 90, "z"]) == "x" * 90 + "y" * 90 + "z"
    assert joined(["x" * 70, "y"]) == "x" * 70 + " y"
    assert joined(["short", "lines", "too"]) == "short lines too"
