"""What the operator passes on - a name from a ticket, a file that somebody sent - is no more trusted than a server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click
import pytest

from scanner.cli import exits
from scanner.cli.exits import run_command_line
from scanner.cli.warnings import SafeFormatter, Warnings
from scanner.terms import LocalFault, UsageError
from tests.security.harmless import LIVING_LINE, check, check_records, nothing_was_run, on_terminal
from tests.security.payloads import BLEND, MARK, PAYLOADS, as_argument

if TYPE_CHECKING:
    from pathlib import Path

EVIL = as_argument(BLEND)
AUDIT = ("audit", "--helo", "probe.test", "--resolver", "127.0.0.1:1")
SWEEP = ("sweep", "--helo", "probe.test", "--resolver", "127.0.0.1:1")
CANARY = ("--canary", "me@canary.example")

ARGUMENTS = {
    "an unknown command": (EVIL,),
    "an unknown option": (*AUDIT, f"--{EVIL}"),
    "an unknown short option": (*AUDIT, "-\x1b]0;x\x07"),
    "a shortened option": (*AUDIT, f"--hel={EVIL}"),
    "an argument too many": ("probe", "a.example", EVIL),
    "arguments too many": ("diff", "a", "b", EVIL, EVIL),
    "an argument where there is none": ("schema", EVIL),
    "a value for a flag": (*AUDIT, f"--quiet={EVIL}"),
    "probe's target": ("probe", EVIL),
    "an item of an audit": (*AUDIT, EVIL),
    "an item of a sweep": (*SWEEP, *CANARY, EVIL),
    "a reply": ("explain", EVIL),
    "a reply with a code": ("explain", f"554 5.7.1 {EVIL}"),
    "explain's input": ("explain", "-i", f"/{EVIL}"),
    "diff's files": ("diff", f"/{EVIL}", "x"),
    "diff --fail-on": ("diff", "a", "b", "--fail-on", EVIL),
}
VALUES = {
    "--helo": AUDIT, "--sender": AUDIT, "--recipient": AUDIT, "--via": AUDIT, "--resolver": AUDIT, "--source": AUDIT,
    "--exclude": AUDIT, "--exclude-domain": AUDIT, "--allow-net": AUDIT, "--fail-on": AUDIT, "--config": AUDIT,
    "--port": AUDIT, "--concurrency": AUDIT, "--rate": AUDIT, "--reply-timeout": AUDIT, "--starttls": AUDIT,
    "--progress": AUDIT, "--color": AUDIT, "-i": AUDIT, "-o": AUDIT, "--canary": SWEEP, "--tests": (*SWEEP, *CANARY),
    "--shard": (*SWEEP, *CANARY), "--evidence": (*SWEEP, *CANARY), "--seed": (*SWEEP, *CANARY),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_cannot_steer_the_terminal_that_shows_its_error(name: str, tmp_path: Path) -> None:
    _, text = on_terminal(*ARGUMENTS[name], cwd=str(tmp_path))
    assert text
    check(text, ours=LIVING_LINE)
    assert "Traceback" not in text
    nothing_was_run(tmp_path)


@pytest.mark.parametrize("option", VALUES)
def test_nor_can_an_option_s_value(option: str, tmp_path: Path) -> None:
    value = f"/none/{EVIL}" if option in ("-i", "-o", "--config", "--exclude", "--exclude-domain") else EVIL
    item = "192.0.2.1" if VALUES[option][0] == "sweep" else "a.example"
    code, text = on_terminal(*VALUES[option], option, value, *(() if option == "-i" else (item,)), cwd=str(tmp_path))
    assert code == 2, text
    check(text, ours=LIVING_LINE)
    assert "Traceback" not in text
    nothing_was_run(tmp_path)


@pytest.mark.parametrize("option", ["--exclude", "--exclude-domain"])
def test_a_value_too_long_for_a_file_name_is_a_usage_error(option: str) -> None:
    code, text = on_terminal(*AUDIT, option, "x" * 300, "a.example")
    assert (code, "internal error" in text) == (2, False)


@pytest.mark.parametrize("option", ["PORT", "HELO", "COLOR", "QUIET", "RATE", "STARTTLS", "FAIL_ON", "SENDER", "VIA"])
def test_nor_can_the_environment(option: str) -> None:
    code, text = on_terminal("audit", "a.example", env={f"MXSWEEP_{option}": EVIL})
    assert code == 2, text
    check(text)


@pytest.mark.parametrize("variable", ["TERM", "LANG", "LC_ALL", "COLUMNS", "NO_COLOR", "_MXSWEEP_COMPLETE"])
def test_nor_can_a_variable_that_others_read(variable: str) -> None:
    _, text = on_terminal("explain", "554 5.7.1 no", env={variable: EVIL})
    check(text, ours=LIVING_LINE)
    assert "=> " in text


CONFIGS = {
    "a key": '"{evil}" = 1',
    "a value of a text": 'helo = "{evil}"',
    "a value of a number": 'port = "{evil}"',
    "a value of a choice": 'color = "{evil}"',
    "a value of a list": 'via = ["{evil}"]',
    "a known finding's key": '[[known]]\n"{evil}" = 1',
    "a known finding's value": '[[known]]\ndomain = "{evil}"\nverdict = "{evil}"\nreason = "x"\nexpires = 2999-01-01',
    "a secret's key": '"{evil}password" = 1',
    "no TOML": "{evil} = {evil}",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_nor_can_a_configuration(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mxsweep.toml"
    text = BLEND.decode("utf-8", "replace")
    path.write_text(CONFIGS[name].replace("{evil}", "".join(f"\\u{ord(each):04x}" for each in text)), "utf-8")
    path.chmod(0o644)
    code, text = on_terminal("audit", "--config", str(path), "a.example")
    assert code == 2, text
    check(text)


def test_nor_can_the_names_of_files(tmp_path: Path) -> None:
    """They work as files, and stand in the messages and in the start record made safe."""
    folder = tmp_path / as_argument(PAYLOADS["OSC: title and clipboard"] + PAYLOADS["no UTF-8"])
    folder.mkdir()
    listed, out, excluded, config = (folder / f"{name}\n{MARK}\x1b[2J\udcff" for name in ("in", "out", "not", "toml"))
    listed.write_text("a.example\nb.example\n")
    excluded.write_text("192.0.2.0/24\n")
    config.write_text("port = 26\n")
    options = ("-i", str(listed), "--exclude", str(excluded), "--config", str(config), "--rate", "0")
    code, text = on_terminal(*AUDIT, *options, "-o", str(out))
    assert code == 3, text  # no resolver
    check(text, ours=LIVING_LINE)
    start, *_ = check_records(out.read_bytes())
    assert start["settings"]["port"] == 26
    for again in ((), ("--resume",), ("--force", "--resume")):
        _, text = on_terminal(*AUDIT, *options, "-o", str(out), *again)
        check(text, ours=LIVING_LINE)
    excluded.write_bytes(BLEND)
    code, text = on_terminal(*AUDIT, *options, "--dry-run")
    assert code == 2
    check(text)
    config.chmod(0o666)
    code, text = on_terminal(*AUDIT, *options, "--dry-run")
    assert (code, "chmod go-w" in text) == (2, True)
    check(text)


def test_nor_can_the_command_that_a_lab_repeats(tmp_path: Path) -> None:
    _, text = on_terminal("lab", "--", "audit", EVIL, cwd=str(tmp_path))
    check(text, ours=LIVING_LINE)


def test_a_dry_run_repeats_what_it_was_told_made_safe() -> None:
    given = ("--recipient", '"; $(touch owned) `x`"@{domain}', "--sender", '"%s{0}<script>"@a.example')
    code, text = on_terminal(*AUDIT, "--dry-run", *given, "b.example")
    assert code == 0, text
    check(text)
    assert '"; $(touch owned) `x`"@{domain}' in text


# -- errors that have no sentence of their own -------------------------------------------------------------------------

ERRORS = {
    "a usage error": UsageError,
    "a fault of ours": LocalFault,
    "click's": click.ClickException,
    "click's usage error": click.UsageError,
    "click's bad value": click.BadParameter,
    "click's file": click.FileError,
    "an internal one": RuntimeError,
    "the system's": lambda text: OSError(2, text, text),
    "a disk's": lambda text: OSError(28, text),
    "a group": lambda text: ExceptionGroup(text, [ValueError(text)]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_whatever_ends_the_command_is_said_harmlessly(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exits, "silence_stdout", lambda: None)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for payload in PAYLOADS.values():
        error = ERRORS[name](payload.decode("utf-8", "surrogateescape"))

        def invoke(_arguments: list[str], error: Exception = error) -> int:
            raise error

        monkeypatch.setattr(exits, "invoke", invoke)
        assert run_command_line([]) in (2, 3)
    said = capsys.readouterr()
    assert said.err.count("\n") >= len(PAYLOADS)
    check(said.out + said.err)


def test_a_log_line_is_safe_and_cannot_be_forged() -> None:
    formatter = SafeFormatter("mxsweep: %(message)s")
    for payload in PAYLOADS.values():
        text = payload.decode("utf-8", "surrogateescape")
        bug = ValueError(text)
        record = logging.LogRecord("x", logging.ERROR, "", 0, "at %s", (text,), (ValueError, bug, None))
        said = formatter.format(record)
        check(said)
        assert all(line.startswith("  ") for line in said.split("\n")[1:])


def test_a_warning_is_one_line_whatever_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    warnings = Warnings()
    for payload in PAYLOADS.values():
        warnings.warn(payload.decode("utf-8", "surrogateescape"))
    said = capsys.readouterr().err
    check(said)
    assert said.count("\n") == len(PAYLOADS)
