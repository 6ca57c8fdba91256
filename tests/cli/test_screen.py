from __future__ import annotations

import sys

import pytest

from scanner.cli.screen import Screen, colour_wanted, filled
from scanner.terms import LocalFault


@pytest.mark.parametrize(
    ("setting", "terminal", "environment", "wanted"),
    [
        ("auto", True, {"TERM": "xterm"}, True),
        ("auto", False, {"TERM": "xterm"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {}, False),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"TERM": "xterm"}, False),
    ],
)
def test_colours_follow_the_option_then_the_terminal_no_color_and_term(
    *, setting: str, terminal: bool, environment: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert colour_wanted(setting) is wanted


@pytest.mark.parametrize(
    ("failure", "raised"), [(BrokenPipeError(32, "gone"), BrokenPipeError), (OSError(28, "full"), LocalFault)]
)
def test_a_line_that_cannot_be_shown_stops_the_look_and_is_raised_at_its_end(
    failure: OSError, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, stopped = Screen(colour=False), []
    screen.stop = lambda: stopped.append(True)

    def fail(*_args: object, **_more: object) -> None:
        raise failure

    monkeypatch.setattr("click.echo", fail)
    screen.line("one")
    screen.line("two")
    assert stopped == [True]
    with pytest.raises(raised):
        screen.check()


def test_a_screen_without_trouble_has_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(colour=False)
    screen.line("one")
    screen.check()
    assert capsys.readouterr().out == "one\n"


def test_paragraphs_are_filled_and_words_never_broken() -> None:
    lines = list(filled("a" * 50 + " two three " + "four " * 10, 40, "  "))
    assert lines[0] == "  " + "a" * 50
    assert all(line.startswith("  ") for line in lines)
    assert all(len(line) <= 40 for line in lines[1:])
