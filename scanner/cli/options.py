"""Settings to click options, and the `--config` file under them.

Order of precedence: command line, `MXSWEEP_…` variables, `--config` file, default.
"""

from __future__ import annotations

from dataclasses import Field, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, get_type_hints

import click

from scanner.cli.config_file import config_of
from scanner.cli.durations import seconds_of
from scanner.records.known import Known, parse_known
from scanner.records.tally import KNOWN_VERDICTS
from scanner.settings import Settings, option_name, option_of, settings_of
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENT_PREFIX = "MXSWEEP_"
KNOWN = "scanner.known"
"""Where a file's `[[known]]` tables wait in click's context: they are no option."""
MOST = 1_000_000
"""Of anything that is counted; what is more is a slip of the finger."""
LAST_PORT = 65_535
SECONDS = "s"
TYPES: dict[Any, click.ParamType[Any]] = {
    str: click.STRING,
    str | None: click.STRING,
    int: click.INT,
    float: click.FLOAT,
}


class FiniteFloat(click.FloatRange):
    """A number from a least one up; `nan` and `inf`, which Python takes for numbers, are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """The number, or click's error."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


class Duration(FiniteFloat):
    """Seconds, or a number with its unit: `90`, `90s`, `10m`, `1h30m`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """The seconds, or click's error."""
        try:
            seconds = seconds_of(value) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value!r} is no length of time: 90, 90s, 10m, 1h30m.", param, ctx)
        return super().convert(seconds, param, ctx)


def takes_settings(command: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a click command all settings of its name, as options, and `--config`."""

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        for setting in reversed(settings_of(command)):
            function = as_click(setting)(function)
        return click.option(
            "--config",
            metavar="FILE",
            is_eager=True,
            expose_value=False,
            callback=lambda ctx, _param, value: read_config(ctx, value, command),
            help="TOML with the same names as the options.",
        )(function)

    return decorate


def as_click(setting: Field[Any]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """One setting as a click option."""
    option, name = option_of(setting), option_name(setting)
    kind = get_type_hints(Settings)[setting.name]
    names = [option.short] if option.flag_only_short else [*filter(None, [option.short]), f"--{name}"]
    unit = f" ({option.unit})" if option.unit else ""
    more: dict[str, Any] = {}
    if kind is bool:
        more["is_flag"] = True
    elif option.choices:
        more["type"] = click.Choice(option.choices)
    elif kind == tuple[str, ...]:
        more["multiple"] = True
    elif kind == tuple[int, ...]:
        more |= {"multiple": True, "type": click.IntRange(1, LAST_PORT)}
    elif option.least is not None:
        most = LAST_PORT if name == "port" else MOST
        of_float = Duration if option.unit == SECONDS else FiniteFloat
        more["type"] = click.IntRange(int(option.least), most) if kind is int else of_float(option.least)
    else:
        more["type"] = TYPES[kind]
    return click.option(
        *names,
        setting.name,
        default=setting.default,
        show_default=kind is not bool and setting.default not in (None, (), "-"),
        metavar=option.metavar,
        envvar=ENVIRONMENT_PREFIX + key_of(setting).upper(),
        help=option.help + unit,
        **more,
    )


def key_of(setting: Field[Any]) -> str:
    """What a file's key and, in capitals, the environment variable's tail come to: underscores for dashes."""
    return option_name(setting).replace("-", "_")


def read_config(ctx: click.Context, path: str | None, command: str) -> None:
    """Make a file's values the defaults below the command line and the environment.

    Raises:
        UsageError: unreadable or open to others (`config_of`), no TOML, or a name or value that no option has; names
            file and key.
    """
    if path is None:
        return
    found = config_of(path)
    known = {key_of(setting): setting for setting in [*fields(Settings), *settings_of(command)]}  # its own win
    own = {setting.name for setting in settings_of(command)}
    ctx.meta[KNOWN] = with_path(path, found.pop("known", []))
    values = {}
    for key, value in found.items():
        setting = known.get(key.replace("-", "_"))
        if setting is None:
            raise UsageError(f"--config {path}: no option is called {key!r}")
        if (wanted := fault_of(value, setting)) is not None:
            raise UsageError(f"--config {path}: {key} must be {wanted}")
        several = isinstance(setting.default, tuple) and not isinstance(value, list)
        values[setting.name] = [value] if several else value
    ctx.default_map = {name: value for name, value in values.items() if name in own}  # below the environment


def with_path(path: str, tables: object) -> tuple[Known, ...]:
    """A file's known findings.

    Raises:
        UsageError: names the file, the entry and the key.
    """
    try:
        return parse_known(tables, KNOWN_VERDICTS)
    except UsageError as error:
        raise UsageError(f"--config {path}: {error}") from None


def known_findings() -> tuple[Known, ...]:
    """Those of the command's --config; none without one."""
    context = click.get_current_context(silent=True)
    return () if context is None else context.meta.get(KNOWN, ())


def fault_of(value: object, setting: Field[Any]) -> str | None:
    """What a file's value should be and is not; None where it can be used."""
    kind, option = get_type_hints(Settings)[setting.name], option_of(setting)
    if kind == tuple[str, ...]:
        values = value if isinstance(value, list) else [value]
        return None if all(isinstance(entry, str) for entry in values) else "a string or a list of strings"
    if kind == tuple[int, ...]:
        values = value if isinstance(value, list) else [value]
        return None if all(fault_of_number(entry, int, 1) is None for entry in values) else "a number or a list of them"
    if kind is bool:
        return None if isinstance(value, bool) else "true or false"
    if option.unit == SECONDS and isinstance(value, str):
        value = number_of(value)
    if kind in (int, float, float | None):
        return fault_of_number(value, kind, option.least)
    if option.choices:
        return None if value in option.choices else f"one of {', '.join(option.choices)}"
    return None if isinstance(value, str) else "a string"


def number_of(text: str) -> float | None:
    """The seconds that a text says, if it says any."""
    try:
        return seconds_of(text)
    except ValueError:
        return None


def fault_of_number(value: object, kind: object, least: float | None) -> str | None:
    """The same of a number."""
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float) or not isfinite(value):
        return "a whole number" if kind is int else "a number"
    if least is not None and value < least:
        return f"at least {least:g}"
    return f"at most {MOST}" if kind is int and value > MOST else None
