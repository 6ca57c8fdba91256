from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.smtp.command import BARE, Command, UnsafeArgument, hello, mail, rcpt


def test_commands_are_written_as_the_standard_has_them() -> None:
    assert hello(Command.EHLO, "probe.example") == b"EHLO probe.example\r\n"
    assert hello(Command.HELO, "[192.0.2.1]") == b"HELO [192.0.2.1]\r\n"
    assert mail("") == b"MAIL FROM:<>\r\n"
    assert mail("postmaster@probe.example") == b"MAIL FROM:<postmaster@probe.example>\r\n"
    assert rcpt('"a b"@x.example') == b'RCPT TO:<"a b"@x.example>\r\n'
    assert BARE[Command.QUIT] == b"QUIT\r\n"


@pytest.mark.parametrize(
    "path",
    [
        "a@b\r\nDATA",
        "a@b\n",
        "a\x00@b",
        "a b@c",
        "a>@b",
        "<a@b",
        'a"b@c',
        '"a\r\n"@b',
        "ü@b",
        "a@b\x7f",
        "a\t@b",
        '"\\',
    ],
)
def test_nothing_that_would_break_the_line_or_its_brackets_is_said(path: str) -> None:
    with pytest.raises(UnsafeArgument):
        rcpt(path)
    with pytest.raises(UnsafeArgument):
        mail(path)


@pytest.mark.parametrize("name", ["", "a b", "a\r\nb", "ü.example", "a\x00"])
def test_a_helo_name_is_one_word(name: str) -> None:
    with pytest.raises(UnsafeArgument):
        hello(Command.EHLO, name)


def test_a_line_is_at_most_512_octets() -> None:
    assert len(rcpt("a" * 500)) == 512
    with pytest.raises(UnsafeArgument):
        rcpt("a" * 501)


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 322, 500])
def test_paths_of_all_lengths_are_said_alike(length: int) -> None:
    assert rcpt("a" * length) == b"RCPT TO:<" + b"a" * length + b">\r\n"


@given(st.text(max_size=60))
def test_whatever_the_path_one_line_leaves_or_none(path: str) -> None:
    try:
        said = rcpt(path)
    except UnsafeArgument:
        return
    assert said.startswith(b"RCPT TO:<")
    assert said.endswith(b">\r\n")
    assert said.count(b"\n") == said.count(b"\r") == 1
    assert all(0x20 <= byte < 0x7F for byte in said[:-2])
