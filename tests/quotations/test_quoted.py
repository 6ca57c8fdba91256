from __future__ import annotations

from scanner.escape import TEXT_LIMIT_CHARS
from scanner.quotations.quoted import ADDRESS_LIMIT_CHARS, Quoted, made_safe
from scanner.terms import Stage


def test_lines_stay_lines_and_all_else_that_steers_a_terminal_is_shown() -> None:
    safe = made_safe(
        Quoted(550, "5.1.1", "one\x1b[2J\ntwo\u202e", Stage.RCPT, recipient="a\x07@b", host="", sender=None)
    )
    assert safe == Quoted(550, "5.1.1", "one\\x1b[2J\ntwo\\u202e", Stage.RCPT, recipient="a\\x07@b")


def test_texts_and_addresses_are_cut() -> None:
    safe = made_safe(Quoted(550, None, "x" * 5000, recipient="y" * 5000, host="h" * 5000, sender="s" * 5000))
    assert len(safe.text) == TEXT_LIMIT_CHARS
    assert {len(part or "") for part in (safe.recipient, safe.host, safe.sender)} == {ADDRESS_LIMIT_CHARS}
