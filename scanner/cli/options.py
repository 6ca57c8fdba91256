"""Settings to click options, and the `--config` file under them.

Order of precedence: command line, `MXSWEEP_…` variables, `--config` file, default.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import click

from scanner.settings import Settings, option_name, option_of, settings_of
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field

ENVIRONMENT_PREFIX = "MXSWEEP_"
TYPES: dict[Any, click.ParamType[Any]] = {
    str: click.STRING,
    str | None: click.STRING,
    int: click.INT,
    float: click.FLOAT,
}


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
    elif option.least is not None:
        more["type"] = click.IntRange(int(option.least)) if kind is int else click.FloatRange(option.least)
    else:
        more["type"] = TYPES[kind]
    return click.option(
        *names,
        setting.name,
        default=setting.default,
        show_default=kind is not bool and setting.default not in (None, (), "-"),
        metavar=option.metavar,
        envvar=ENVIRONMENT_PREFIX + setting.name.upper(),
        help=option.help + unit,
        **more,
    )


def read_config(ctx: click.Context, path: str | None, command: str) -> None:
    """Make a file's values the defaults below the command line and the environment.

    Raises:
        UsageError: unreadable, no TOML, or a name or value that no option has; names file and key.
    """
    if path is None:
        return
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path}: {error}") from error
    hints = get_type_hints(Settings)
    own = {setting.name for setting in settings_of(command)}
    values = {}
    for key, value in found.items():
        name = key.replace("-", "_")
        if name not in hints:
            raise UsageError(f"--config {path}: no option is called {key!r}")
        values[name] = checked(path, key, value, hints[name])
    ctx.default_map = {name: value for name, value in values.items() if name in own}


def checked(path: str, key: str, value: object, kind: object) -> object:
    """A file's value, if it is of the option's type.

    Raises:
        UsageError: it is not; names file and key.
    """
    if kind == tuple[str, ...]:
        values = value if isinstance(value, list) else [value]
        if all(isinstance(entry, str) for entry in values):
            return tuple(values)
        expected = "a string or a list of strings"
    elif kind is bool:
        if isinstance(value, bool):
            return value
        expected = "true or false"
    elif kind in (int, float):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        expected = "a number"
    else:
        if isinstance(value, str):
            return value
        expected = "a string"
    raise UsageError(f"--config {path}: {key} must be {expected}")
