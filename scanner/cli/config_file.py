"""A --config file: TOML that nobody else can change, and nobody else can read where it holds a secret.

What it says widens the fence (`allow-net`), so a file that a stranger can write is a stranger's. All is asked of the
open descriptor, never of the path: what was checked is what is read. Pipes (`<(…)`, `/dev/stdin`) have no mode that
says anything; whoever made them is the operator.
"""

from __future__ import annotations

import os
import shlex
import stat
import tomllib
from typing import TYPE_CHECKING, Any

from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT_UID = 0
SECRET_ENDINGS = ("password", "passphrase", "secret", "token")
"""A key or option whose name ends so holds a secret; there is no other list of them."""
WRITABLE_BY_OTHERS = stat.S_IWOTH
"""The group may: where each user has one of his own, that is how files are made (umask 002)."""
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_secret(name: str) -> bool:
    """Whether a key or an option holds what nobody else should read."""
    return name.lower().endswith(SECRET_ENDINGS)


def config_of(path: str) -> dict[str, Any]:
    """What the file says.

    Raises:
        UsageError: unreadable, no TOML, others can write it, or it holds a secret that others can read; names the file.
    """
    try:
        with open(path, "rb", opener=no_inheritance) as file:
            status = os.fstat(file.fileno())
            refuse_strangers_words(path, status)
            found = tomllib.loads(file.read().decode("utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path}: {error}") from error
    refuse_open_secrets(path, status, found)
    return found


def no_inheritance(path: str, flags: int) -> int:
    """Open it for this process only, and never as a terminal that can send us signals."""
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOCTTY)


def refuse_strangers_words(path: str, status: os.stat_result) -> None:
    """As ssh does with its own: a file that others can write says what others want.

    Raises:
        UsageError: names the file, its owner or its mode, and the way out.
    """
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_uid not in (ROOT_UID, os.geteuid()):
        raise UsageError(
            f"--config {path}: belongs to user {status.st_uid}, neither to this one ({os.geteuid()}) nor to root, so"
            " others can change what it says: make a copy of your own"
        )
    if status.st_mode & WRITABLE_BY_OTHERS:
        raise UsageError(
            f"--config {path}: mode {mode_of(status)} lets others change what it says: chmod go-w {shlex.quote(path)}"
        )


def refuse_open_secrets(path: str, status: os.stat_result, found: dict[str, Any]) -> None:
    """Say nothing of what the file means before its secrets are safe.

    Raises:
        UsageError: names the file, the key, the mode, and the way out.
    """
    secret = next(filter(is_secret, keys_of(found)), None)
    if secret is None or not stat.S_ISREG(status.st_mode) or not status.st_mode & OPEN_TO_OTHERS:
        return
    raise UsageError(
        f"--config {path}: holds {secret!r}, and its mode {mode_of(status)} is open to others:"
        f" chmod 600 {shlex.quote(path)}"
    )


def keys_of(value: object) -> Iterator[str]:
    """The keys at every depth: a secret in a table is one too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def mode_of(status: os.stat_result) -> str:
    """The mode as chmod has it: `0644`."""
    return f"{stat.S_IMODE(status.st_mode):04o}"
