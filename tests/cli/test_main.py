from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

import scanner
from scanner.cli.exits import run_command_line
from scanner.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[2]
HEAVY = {"uvloop", "aiodns", "pycares", "orjson", "rich", "dns", "aiosmtpd", "asyncio", "idna"}


def test_every_command_of_the_list_is_there_with_a_help_of_its_own() -> None:
    context = click.Context(cli)
    assert cli.list_commands(context) == list(COMMANDS)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert isinstance(command, click.Command)
        assert command.help


def test_every_command_module_of_the_folder_is_in_the_list() -> None:
    """A module with a `command` that nobody lists cannot be called."""
    modules = [import_module(f"scanner.cli.{path.stem}") for path in (ROOT / "scanner" / "cli").glob("*.py")]
    callable_ones = {each.__name__ for each in modules if isinstance(getattr(each, "command", None), click.Command)}
    assert callable_ones == {f"scanner.cli.{name}" for name in COMMANDS}


def test_help_lists_the_commands_with_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, text in COMMANDS.items():
        assert f"{name} {text}" in shown


@pytest.mark.parametrize("arguments", [["-h"], ["audit", "-h"], ["lab", "--help"]])
def test_help_is_short_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: mxsweep")


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["--version"]) == 0
    assert capsys.readouterr().out == f"mxsweep {scanner.__version__}\n"


def test_version_and_help_load_none_of_what_a_run_needs() -> None:
    """`--version` under 0.25 s: measured here by what is imported, which does not depend on the machine."""
    code = (
        "import json, sys; from scanner.cli.exits import run_command_line as run; run(['--help']); run(['--version'])"
    )
    code += "\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout.splitlines()[-1])
    assert HEAVY & set(modules) == set()
