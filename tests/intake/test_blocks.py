from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.intake.blocks import LINE_LIMIT_BYTES, BadText, LineReader, line_text, read_lines, without_comment


@st.composite
def split_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Bytes with many line feeds, and the same in blocks with borders anywhere."""
    stream = b"".join(draw(st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"bc", b"\0", b"\xff"]), max_size=40)))
    borders = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    return stream, [stream[a:b] for a, b in zip([0, *borders], [*borders, len(stream)], strict=True)]


@given(split_streams())
def test_lines_do_not_depend_on_the_borders_of_blocks(streams: tuple[bytes, list[bytes]]) -> None:
    stream, blocks = streams
    whole = stream.split(b"\n")
    expected = list(enumerate(whole if whole[-1] else whole[:-1], 1))
    assert list(read_lines(blocks)) == expected


@pytest.mark.parametrize("size", [1, 1000, 65_536, 1 << 20])
def test_a_line_at_the_limit_is_kept_one_byte_more_is_not_and_the_next_is_whole(size: int) -> None:
    stream = b"x" * LINE_LIMIT_BYTES + b"\n" + b"y" * (LINE_LIMIT_BYTES + 1) + b"\nnext\n" + b"z" * 200_000
    blocks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert list(read_lines(blocks)) == [(1, b"x" * LINE_LIMIT_BYTES), (2, None), (3, b"next"), (4, None)]


def test_an_endless_line_takes_no_memory() -> None:
    reader = LineReader()
    block = b"x" * 65_536
    tracemalloc.start()
    try:
        for _ in range(1000):
            assert reader.feed(block) == []
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("line", "text"),
    [(b"a.example\r", "a.example"), (b" \t a \r", "a"), (b"\xef\xbb\xbfa", "a"), (b"\xef\xbb\xbf", ""), (b"", "")],
)
def test_blanks_a_carriage_return_and_a_byte_order_mark_are_forgiven(line: bytes, text: str) -> None:
    assert line_text(line) == text


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (None, "longer than 65536 bytes"),
        (b"a\xff", r"not UTF-8 \(byte 0xff at 2\)"),
        ("a.example".encode("utf-16"), "UTF-16.*iconv"),
        ("a.example".encode("utf-16-be").join([b"\xfe\xff", b""]), "UTF-16.*iconv"),
    ],
)
def test_what_is_no_text_says_why(line: bytes | None, reason: str) -> None:
    with pytest.raises(BadText, match=reason):
        line_text(line)


@pytest.mark.parametrize(
    ("text", "rest"),
    [("# all", ""), ("#", ""), ("a # b", "a"), ("a\t #b", "a"), ("a#b", "a#b"), ("a", "a"), ("a # b # c", "a")],
)
def test_a_comment_begins_at_the_start_or_behind_a_blank(text: str, rest: str) -> None:
    assert without_comment(text) == rest


def test_no_comment_begins_in_a_protected_beginning() -> None:
    assert without_comment('"a #b"@c #d', 6) == '"a #b"@c'
