from __future__ import annotations

import itertools

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.cli.conversation import LINE_SHOWN_BYTES, LINES_SHOWN, Conversation
from scanner.escape import UNSAFE


class Heard:
    """A conversation whose clock moves a tenth of a second at each look."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        ticks = itertools.count()
        self.conversation = Conversation(self.lines.append, lambda: next(ticks) / 10)

    def said(self) -> list[str]:
        """The lines without their times and styles."""
        return [click.unstyle(line)[8:] for line in self.lines]


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_lines_are_shown_with_their_side_and_the_seconds_since_the_probe_began(heard: Heard) -> None:
    heard.conversation("<", b"220 mx.example ESMTP\r\n")
    heard.conversation(">", b"EHLO probe.example\r\n")
    assert [click.unstyle(line) for line in heard.lines] == [
        "  0.100 < 220 mx.example ESMTP",
        "  0.200 > EHLO probe.example",
    ]


def test_the_next_probe_starts_its_own_clock(heard: Heard) -> None:
    heard.conversation("<", b"220 a\r\n")
    heard.conversation.begin()
    heard.conversation("<", b"220 b\r\n")
    assert heard.lines[1].startswith("  0.100 ")


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_every_split_of_what_was_said_gives_the_same_lines(said: bytes, cuts: list[int]) -> None:
    whole, parts = Heard(), Heard()
    whole.conversation("<", said)
    whole.conversation.end()
    ends = [0, *sorted(cuts), len(said)]
    for first, last in itertools.pairwise(ends):
        parts.conversation("<", said[first:last])
    parts.conversation.end()
    assert parts.said() == whole.said()


@given(st.binary(max_size=300))
def test_nothing_a_peer_says_is_a_control_character_on_the_terminal(said: bytes) -> None:
    heard = Heard()
    heard.conversation("<", said)
    heard.conversation("*", said)
    heard.conversation.end()
    assert not any(UNSAFE.search(line) for line in heard.said())


def test_escape_sequences_bidi_controls_and_a_carriage_return_within_a_line_are_made_visible(heard: Heard) -> None:
    heard.conversation("<", "250 \x1b[31mred\x9b1m \u202elacol\rover\r\n".encode())
    assert heard.said() == [r"< 250 \x1b[31mred\x9b1m \u202elacol\x0dover"]


def test_a_line_without_its_end_is_shown_when_the_session_is_over_and_marked(heard: Heard) -> None:
    heard.conversation("<", b"250-whole\r\n25")
    assert heard.said() == ["< 250-whole"]
    heard.conversation("*", b"closed by the server")
    assert heard.said()[1:] == ["< 25  (no line end)", "* closed by the server"]


def test_a_line_that_ends_in_a_bare_line_feed_is_marked(heard: Heard) -> None:
    heard.conversation("<", b"250 odd\n")
    assert heard.said() == ["< 250 odd  (bare LF)"]


def test_a_line_as_long_as_the_limit_is_whole_and_a_longer_one_is_cut_and_says_how_much_is_missing(
    heard: Heard,
) -> None:
    heard.conversation("<", b"x" * LINE_SHOWN_BYTES + b"\r\n")
    heard.conversation("<", b"y" * (LINE_SHOWN_BYTES + 5) + b"\r\n")
    assert heard.said()[0] == "< " + "x" * LINE_SHOWN_BYTES
    assert heard.said()[1].startswith("< " + "y" * LINE_SHOWN_BYTES + " … (")


def test_a_line_that_never_ends_takes_no_memory(heard: Heard) -> None:
    for _ in range(1000):
        heard.conversation("<", b"z" * 1000)
    assert len(heard.conversation.unfinished["<"].kept) <= LINE_SHOWN_BYTES + 1
    heard.conversation.end()
    assert f"({1_000_000 - LINE_SHOWN_BYTES} bytes more)" in heard.said()[0]


def test_a_flood_of_lines_is_counted_and_not_shown(heard: Heard) -> None:
    heard.conversation("<", b"250-x\r\n" * (LINES_SHOWN + 7))
    heard.conversation.end()
    assert heard.said().count("< 250-x") == LINES_SHOWN
    assert heard.said()[-1] == "* 7 more lines (<) not shown"


def test_a_refusal_and_an_acceptance_differ_in_colour(heard: Heard) -> None:
    heard.conversation("<", b"250 ok\r\n550 no\r\n")
    assert click.style("250 ok", fg="green") in heard.lines[0]
    assert click.style("550 no", fg="red") in heard.lines[1]
