from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.smtp.reply import REPLY_LIMIT_LINES, Reply, ReplyReader, enhanced_of, text_of, whole_replies


def read(*chunks: bytes) -> tuple[list[Reply], bool]:
    reader = ReplyReader()
    replies = [reply for chunk in chunks for reply in reader.receive(chunk)]
    return replies, reader.garbage is not None


def only(data: bytes) -> Reply:
    replies, garbage = read(data)
    assert not garbage
    (reply,) = replies
    return reply


def test_a_reply_of_several_lines_is_one_reply() -> None:
    assert only(b"250-mx.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n") == Reply(
        250, (b"mx.example", b"PIPELINING", b"SIZE 1000")
    )


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"220\r\n", (b"",)),
        (b"220 \r\n", (b"",)),
        (b"220-\r\n220\r\n", (b"", b"")),
        (b"250 caf\xc3\xa9 \xff\r\n", (b"caf\xc3\xa9 \xff",)),
        (b"250 a\x00b\r\n", (b"a\x00b",)),
        (b"250 one\rtwo\r\n", (b"one\rtwo",)),
    ],
)
def test_a_text_may_be_missing_or_odd(data: bytes, lines: tuple[bytes, ...]) -> None:
    reply = only(data)
    assert (reply.lines, reply.flaws, reply.mixed) == (lines, (), False)


def test_a_bare_line_feed_ends_a_line_and_is_noticed() -> None:
    assert only(b"250-one\n250 two\n") == Reply(250, (b"one", b"two"), flaws=("bare LF",))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46",
        b"\r\n220 late\r\n",
        b"2_5 x\r\n", b"+25 x\r\n", b"-25 x\r\n", b" 25 x\r\n", b"25\r\n", b"2500 x\r\n", b"000 x\r\n",
        b"999 x\r\n", b"199 x\r\n", b"600 x\r\n", b"250x\r\n", b"250\tx\r\n", b"250\rx\r\n", b"\xff\xfe2\x002\x000\x00",
        b"2\x002\x00",
        "٢٢٠ hi\r\n".encode(),
    ],
)  # fmt: skip
def test_what_is_no_code_is_no_smtp_at_the_first_impossible_byte(data: bytes) -> None:
    replies, garbage = read(data)
    assert (replies, garbage) == ([], True)
    reader = ReplyReader()
    seen = 0
    for seen, byte in enumerate(data, 1):  # noqa: B007 - how far it got is what is asked
        reader.receive(bytes((byte,)))
        if reader.garbage is not None:
            break
    assert seen <= 5


def test_what_came_whole_before_the_garbage_counts() -> None:
    assert read(b"220 mx\r\nGET / HTTP/1.0\r\n250 no\r\n") == ([Reply(220, (b"mx",))], True)


@pytest.mark.parametrize(
    ("data", "code", "mixed"),
    [
        (b"250-a\r\n251 b\r\n", 251, False),
        (b"550-a\r\n553-b\r\n554 c\r\n", 554, False),
        (b"250-a\r\n550 b\r\n", 550, True),
        (b"550-a\r\n250 b\r\n", 250, True),
        (b"550-a\r\n250-b\r\n550 c\r\n", 550, True),
    ],
)
def test_codes_that_differ_within_a_class_give_the_last_and_across_classes_none(
    data: bytes,
    code: int,
    mixed: bool,  # noqa: FBT001
) -> None:
    reply = only(data)
    assert (reply.code, reply.mixed) == (code, mixed)


def test_a_long_line_is_kept_cut_and_does_not_swallow_the_next() -> None:
    replies, garbage = read(b"250 " + b"x" * 20_000 + b"\r\n250 next\r\n")
    assert not garbage
    assert [len(reply.lines[0]) for reply in replies] == [8192 - 4, 4]
    assert replies[0].flaws == ("long line",)


@pytest.mark.parametrize(
    "chunks",
    [
        [b"250 " + b"x" * 70_000],
        [b"250-" + b"x" * 4000 + b"\r\n"] * 17,
        [b"220-x\r\n"] * (REPLY_LIMIT_LINES + 1),
        [b"250 "] + [b"x" * 1000] * 70,
    ],
    ids=["one line", "continuations of 4 KB", "short continuations", "a line in pieces"],
)
def test_a_reply_without_end_is_given_up_at_the_limit(chunks: list[bytes]) -> None:
    reader = ReplyReader()
    for chunk in chunks:
        assert reader.receive(chunk) == []
    assert reader.garbage is not None
    assert len(reader.rest) < 10_000


def test_a_reply_of_as_many_lines_as_allowed_is_read() -> None:
    assert len(only(b"250-x\r\n" * (REPLY_LIMIT_LINES - 1) + b"250 x\r\n").lines) == REPLY_LIMIT_LINES


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"554 no", Reply(554, (b"no",), flaws=("no CRLF",))),
        (b"554-a\r\n554 no\r", Reply(554, (b"a", b"no"), flaws=("no CRLF",))),
        (b"421", Reply(421, (b"",), flaws=("no CRLF",))),
        (b"55", None),
        (b"554-not the last", None),
        (b"", None),
    ],
)
def test_at_the_end_of_the_stream_a_whole_last_line_counts(data: bytes, reply: Reply | None) -> None:
    reader = ReplyReader()
    assert reader.receive(data) == []
    assert reader.finish() == reply


STREAMS = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [b"250 ok\r\n", b"250-a\r\n", b"220", b"\r", b"\n", b"\r\n", b"550 5.1.1 no\r\n", b"250-" + b"y" * 9000,
             b"z" * 8190, b"250\r\n", b"421-bye\n", b"999 x\r\n", b"250 " + b"q" * 8187, b"x" * 30_000]
        ),
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 60_000), max_size=8))
def test_every_split_of_a_stream_gives_the_same_replies(stream: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[start:end] for start, end in pairwise(edges)]
    assert read(*chunks) == read(stream)


@given(stream=STREAMS.filter(lambda stream: len(stream) < 3000))
def test_byte_by_byte_is_one_of_the_splits(stream: bytes) -> None:
    assert read(*(bytes((byte,)) for byte in stream)) == read(stream)


LINE = st.one_of(
    st.from_regex(rb"\A[0-9]{3}(?: [^\n]{0,9})?\r\n\Z"),
    st.sampled_from(
        [b"250\r\n", b"199 a\r\n", b"600 a\r\n", b"2500\r\n", b"250 a\rb\r\n", b"250 a\n", b"250-a\r\n", b"250 a\r"]
    ),
)


@given(st.lists(LINE, max_size=5).map(b"".join))
def test_what_is_read_at_a_glance_is_read_as_line_by_line(portion: bytes) -> None:
    reader = ReplyReader()
    replies = reader.read(portion)
    odd = reader.garbage is not None or reader.unfinished or any(reply.flaws for reply in replies)
    assert whole_replies(portion) == (None if odd else tuple(replies))


@pytest.mark.parametrize(
    ("last", "enhanced"),
    [
        (b"5.7.1 <a@b.example>: Relay access denied", "5.7.1"),
        (b"5.7.54", "5.7.54"),
        (b"4.7.500 Server busy", "4.7.500"),
        (b"sorry, no mailbox here by that name (#5.1.1)", "5.1.1"),
        (b"sorry, no mailbox here by that name (#5.1.1 - chkusr)", "5.1.1"),
        (b"5.7.1.example is blocked", None),
        (b"192.5.7.8 is listed", None),
        (b"blocked: said 550 5.1.1 elsewhere", None),
        (b"3.1.1 no class", None),
        (b"", None),
    ],
)
def test_an_enhanced_code_stands_right_after_the_basic_one_or_as_qmail_has_it(
    last: bytes, enhanced: str | None
) -> None:
    assert enhanced_of(Reply(550, (b"5.9.9 earlier lines do not count", last))) == enhanced


def test_the_text_is_safe_and_cut() -> None:
    assert text_of(Reply(550, (b"a\x1b[2J", b"\xffb"))) == "a\\x1b[2J\n\\xffb"
    assert len(text_of(Reply(550, (b"x" * 5000,)))) == 1000
