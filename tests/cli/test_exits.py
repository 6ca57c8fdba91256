from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

import click
import pytest

from scanner import __main__ as entry
from scanner.cli import exits
from scanner.cli.exits import Exit, run_command_line
from scanner.terms import LocalFault, UsageError
from tests.promises.process import in_shell

if TYPE_CHECKING:
    from collections.abc import Callable

ENDINGS = {
    "a usage error": (UsageError("--port: 0 is none"), Exit.USAGE, "mxsweep: --port: 0 is none\n"),
    "click's usage error": (click.BadParameter("no"), Exit.USAGE, "Error: Invalid value: no\n"),
    "a fault of ours": (LocalFault("the resolver is gone"), Exit.INCOMPLETE, "mxsweep: the resolver is gone\n"),
    "an interrupt": (KeyboardInterrupt(), Exit.INCOMPLETE, ""),
    "click's abort": (click.Abort(), Exit.INCOMPLETE, ""),
    "a full disk": (OSError(errno.ENOSPC, "No space left"), Exit.INCOMPLETE, "mxsweep: output: No space left\n"),
    "a reader that is gone": (BrokenPipeError(errno.EPIPE, "Broken pipe"), Exit.INCOMPLETE, ""),
}


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Lets the command end with an exception, or give back a code."""
    monkeypatch.setattr(exits, "silence_stdout", lambda: None)

    def end(how: object) -> None:
        def invoke(_arguments: list[str]) -> object:
            if isinstance(how, BaseException):
                raise how
            return how

        monkeypatch.setattr(exits, "invoke", invoke)

    return end


@pytest.mark.parametrize("name", ENDINGS)
def test_each_ending_has_its_code_and_its_sentence(
    name: str,
    ending: Callable[[object], None],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    how, code, said = ENDINGS[name]
    ending(how)
    assert run_command_line([]) == code
    assert (*capsys.readouterr(), caplog.text) == ("", said, "")


@pytest.mark.parametrize("bug", [ZeroDivisionError("oops \x1b[2J"), OSError(errno.ENOENT, "No such file")])
def test_a_bug_is_three_and_looks_like_one(
    bug: Exception, ending: Callable[[object], None], caplog: pytest.LogCaptureFixture
) -> None:
    ending(bug)
    assert run_command_line([]) == Exit.INCOMPLETE
    [record] = caplog.records
    assert (record.getMessage(), record.exc_info and record.exc_info[1]) == ("internal error; please report it", bug)


@pytest.mark.parametrize("code", list(Exit))
def test_what_a_command_gives_back_is_the_code(code: Exit, ending: Callable[[object], None]) -> None:
    ending(code)
    assert run_command_line([]) == code


def test_an_error_quotes_nothing_that_steers_a_terminal(
    ending: Callable[[object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    ending(UsageError("gone\x1b[2J.txt: No such file"))
    run_command_line([])
    assert capsys.readouterr().err == "mxsweep: gone\\x1b[2J.txt: No such file\n"


def test_the_arguments_of_the_process_are_used_where_none_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mxsweep", "--version"])
    assert run_command_line() == Exit.CLEAN
    assert capsys.readouterr().out.startswith("mxsweep ")


async def test_closed_descriptors_are_held_so_that_no_file_takes_their_place() -> None:
    """With 0 to 2 free, the first three files of a run would be them."""
    code = (
        "from scanner.cli.exits import hold_standard_descriptors as hold; import os, sys; hold();"
        " os.write(int(sys.argv[1]), os.readlink('/proc/self/fd/2').encode() + b' %d' % os.open('/', os.O_RDONLY))"
    )
    ran = await in_shell('${MXSWEEP%% *} -c "$1" 5 5>&1 0<&- 1>&- 2>&-', code)
    where, first_free = ran.stdout.split()
    assert where == os.devnull.encode()
    assert int(first_free) > 2


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_ctrl_c_on_the_way_out_does_not_change_the_code_into_that_of_a_kill(
    monkeypatch: pytest.MonkeyPatch, *, interrupted: bool
) -> None:
    def run() -> int:
        if interrupted:
            raise KeyboardInterrupt
        return Exit.FINDINGS

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(entry, "run_command_line", run)
    try:
        with pytest.raises(SystemExit) as ended:
            entry.main()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == (Exit.INCOMPLETE if interrupted else Exit.FINDINGS)
