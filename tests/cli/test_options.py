from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click
import pytest

from scanner.cli.exits import run_command_line
from scanner.cli.main import cli
from scanner.cli.options import takes_settings
from scanner.settings import AUDIT, Settings, option_name, option_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """A command line of `audit` to its settings, through click."""
    for setting in fields(Settings):
        monkeypatch.delenv(f"MXSWEEP_{setting.name.upper()}", raising=False)

    @click.command()
    @takes_settings(AUDIT)
    def command(**options: Any) -> Any:
        return Settings(**options)

    def parsed(*arguments: str) -> Settings:
        settings = command.main(args=list(arguments), standalone_mode=False)
        assert isinstance(settings, Settings)
        return settings

    return parsed


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    """Writes a file of configuration, gives its name."""

    def write(text: str) -> str:
        file = tmp_path / "mxsweep.toml"
        file.write_text(text)
        return str(file)

    return write


def test_without_options_every_setting_has_its_default(parse: Callable[..., Settings]) -> None:
    assert parse() == Settings()


@pytest.mark.parametrize("command", ["audit", "probe"])
def test_each_setting_of_a_command_is_an_option_of_it_and_no_other_is(command: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    options = {each.name for each in found.params if isinstance(each, click.Option)} - {"config"}
    assert options == {setting.name for setting in settings_of(command)}


def test_help_tells_every_option_with_its_unit_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["audit", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for setting in settings_of(AUDIT):
        option = option_of(setting)
        names = [name for name in (option.short, f"--{option_name(setting)}") if name]
        assert names[0] in shown
        assert option.help in shown
    assert "For a connection. (s) [default: 10.0; x>=0.001]" in shown


def test_repeatable_options_collect_in_order(parse: Callable[..., Settings]) -> None:
    settings = parse("--allow-net", "10.0.0.0/8", "--exclude", "a.txt", "--allow-net", "::1/128")
    assert (settings.allow_net, settings.exclude) == (("10.0.0.0/8", "::1/128"), ("a.txt",))


def test_short_forms_and_families(parse: Callable[..., Settings]) -> None:
    settings = parse("-i", "in.txt", "-o", "out.jsonl", "-4", "-v")
    assert (settings.input, settings.output, settings.ipv4, settings.ipv6, settings.verbose) == (
        "in.txt", "out.jsonl", True, False, True,
    )  # fmt: skip


def test_the_environment_names_the_same_options(
    parse: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"PORT": "2525", "QUIET": "1", "RATE": "2.5", "ALLOW_NET": "10.0.0.0/8 ::1/128", "IPV6": "true"}
    for name, value in values.items():
        monkeypatch.setenv(f"MXSWEEP_{name}", value)
    settings = parse()
    assert (settings.port, settings.quiet, settings.rate, settings.ipv6) == (2525, True, 2.5, True)
    assert settings.allow_net == ("10.0.0.0/8", "::1/128")


TOML = """
port = 2525
per-target = 3
target_rate = 2
quiet = true
helo = "mail.example"
resolver = "192.0.2.53"
exclude = ["192.0.2.0/24", "198.51.100.0/24"]
starttls = "never"
"""


def test_a_file_names_the_same_options_with_dashes_or_underscores(
    parse: Callable[..., Settings], config: Callable[[str], str]
) -> None:
    expected = Settings(
        port=2525, per_target=3, target_rate=2.0, quiet=True, helo="mail.example", resolver=("192.0.2.53",),
        exclude=("192.0.2.0/24", "198.51.100.0/24"), starttls="never",
    )  # fmt: skip
    assert parse("--config", config(TOML)) == expected


def test_each_layer_overrides_the_ones_below_it_wherever_config_stands_on_the_line(
    parse: Callable[..., Settings], config: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = config('port = 1\nconcurrency = 1\nper_target = 1\nquiet = true\nexclude = ["192.0.2.1"]\n')
    monkeypatch.setenv("MXSWEEP_PORT", "2")
    monkeypatch.setenv("MXSWEEP_CONCURRENCY", "2")
    for line in (["--port", "3", "--config", file], ["--config", file, "--port", "3"]):
        settings = parse(*line, "--exclude", "192.0.2.2")
        assert (settings.port, settings.concurrency, settings.per_target) == (3, 2, 1)
        assert (settings.quiet, settings.exclude) == (True, ("192.0.2.2",))


def test_a_file_for_several_commands_is_fine(parse: Callable[..., Settings], config: Callable[[str], str]) -> None:
    """`all` belongs to `probe`; `audit` passes over it."""
    assert parse("--config", config("all = true\nport = 26\n")) == Settings(port=26)


def test_a_file_is_read_only_where_one_is_named(
    parse: Callable[..., Settings], config: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One picked up from a stranger's folder could widen --allow-net."""
    file = config('allow_net = ["127.0.0.0/8"]')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MXSWEEP_CONFIG", file)
    assert parse().allow_net == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prot = 25", "no option is called 'prot'"),
        ("config = 'x'", "no option is called 'config'"),
        ("[audit]\nport = 25", "no option is called 'audit'"),
        ("port = '25'", "port must be a whole number"),
        ("port = 25.5", "port must be a whole number"),
        ("port = true", "port must be a whole number"),
        ("per-target = 0", "per-target must be at least 1"),
        ("concurrency = 100000000000000000000", "concurrency must be at most 1000000"),
        ("rate = nan", "rate must be a number"),
        ("rate = inf", "rate must be a number"),
        ("connect_timeout = 0", "connect_timeout must be at least 0.001"),
        ("connect_timeout = 2026-11-25", "connect_timeout must be a number"),
        ("quiet = 1", "quiet must be true or false"),
        ("helo = 25", "helo must be a string"),
        ("helo = []", "helo must be a string"),
        ("exclude = 1", "exclude must be a string or a list of strings"),
        ("exclude = ['192.0.2.1', 1]", "exclude must be a string or a list of strings"),
        ("starttls = 'always'", "starttls must be one of when-required, when-offered, never"),
        ("progress = ['json']", "progress must be one of auto, plain, json, none"),
        ("port = ", "Invalid value (at "),
        ("port = 25\nport = 26", "Cannot overwrite a value"),
    ],
)
def test_what_a_file_cannot_mean_is_two_and_names_file_and_key(
    text: str, fault: str, config: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = config(text)
    assert run_command_line(["audit", "--config", file, "partner.example", "--dry-run", "--helo", "a.example"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"mxsweep: --config {file}: {fault}")


def test_a_file_that_is_no_text_is_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mxsweep.toml"
    file.write_bytes(b"helo = '\xff'")
    assert run_command_line(["audit", "--config", str(file), "partner.example"]) == 2
    assert f"--config {file}: " in capsys.readouterr().err


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0", "-1", "1e999", "x", ""])
def test_a_time_out_is_a_finite_number_above_zero(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["audit", "partner.example", f"--connect-timeout={value}"]) == 2
    assert "--connect-timeout" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "100000000000000000000", "x", ""])
def test_a_number_of_connections_is_a_whole_one_within_reason(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["audit", "partner.example", f"--per-target={value}"]) == 2
    assert "--per-target" in capsys.readouterr().err
