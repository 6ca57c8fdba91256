"""A --config file is read only where nobody else can change it, or read its secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scanner.cli import config_file
from scanner.cli.config_file import config_of, is_secret, keys_of
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = 'helo = "probe.example"\n'
SECRET = PLAIN + 'smarthost-password = "hunter2"\n'


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str, int], str]:
    """Makes a file with a text and a mode, whatever the umask."""

    def make(text: str, mode: int) -> str:
        path = tmp_path / "mxsweep.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    return make


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o604, 0o640, 0o644, 0o660, 0o664, 0o755])
def test_a_file_that_only_its_owner_or_group_can_write_is_read(config: Callable[[str, int], str], mode: int) -> None:
    assert config_of(config(PLAIN, mode)) == {"helo": "probe.example"}


@pytest.mark.parametrize("mode", [0o602, 0o622, 0o666, 0o777])
def test_a_file_that_others_can_write_is_refused(config: Callable[[str, int], str], mode: int) -> None:
    path = config(PLAIN, mode)
    with pytest.raises(UsageError, match=f"{re.escape(path)}: mode 0{mode:o} .*chmod go-w {re.escape(path)}$"):
        config_of(path)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_secret_that_nobody_else_can_read_is_taken(config: Callable[[str, int], str], mode: int) -> None:
    assert config_of(config(SECRET, mode))["smarthost-password"] == "hunter2"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o610, 0o601, 0o444])
def test_a_secret_that_others_can_reach_is_refused_and_not_told(config: Callable[[str, int], str], mode: int) -> None:
    path = config(SECRET, mode)
    with pytest.raises(UsageError) as refused:
        config_of(path)
    assert str(refused.value) == (
        f"--config {path}: holds 'smarthost-password', and its mode 0{mode:o} is open to others: chmod 600 {path}"
    )
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ['[mail]\npassword = "x"', '[[known]]\ntoken = "x"', 'a = [{ b = { api_token = "x" } }]', 'PASSWORD = "x"']
)
def test_a_secret_at_any_depth_counts(config: Callable[[str, int], str], text: str) -> None:
    with pytest.raises(UsageError, match="chmod 600"):
        config_of(config(text, 0o644))


def test_what_holds_a_secret_is_known_by_its_name() -> None:
    secret = ["password", "smarthost-password", "smarthost_password", "client_secret", "token", "Key-Passphrase"]
    assert [name for name in secret if not is_secret(name)] == []
    assert [
        name for name in ("helo", "tokens-per-second", "password-file", "allow-net", "secretary") if is_secret(name)
    ] == []


def test_keys_are_found_in_tables_and_lists() -> None:
    assert list(keys_of({"a": [{"b": 1}, [{"c": {"d": []}}]], "e": "f"})) == ["a", "b", "c", "d", "e"]


def test_a_file_of_another_user_is_refused_and_root_s_is_not(
    config: Callable[[str, int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(PLAIN, 0o644)
    owner = Path(path).stat().st_uid
    monkeypatch.setattr(config_file.os, "geteuid", lambda: owner + 1)
    if owner != 0:
        with pytest.raises(UsageError, match=f"belongs to user {owner}, neither to this one"):
            config_of(path)
        return
    assert config_of(path)
    os.chown(path, 12345, -1)
    with pytest.raises(UsageError, match="belongs to user 12345, neither to this one"):
        config_of(path)


def test_a_pipe_has_no_mode_to_ask_for() -> None:
    reading, writing = os.pipe()
    os.write(writing, SECRET.encode())
    os.close(writing)
    os.fchmod(reading, 0o666)
    try:
        assert config_of(f"/dev/fd/{reading}")["helo"] == "probe.example"
    finally:
        os.close(reading)


def test_what_was_checked_is_what_is_read(config: Callable[[str, int], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is used once: a file that takes its place between check and reading is not read."""
    path = config(PLAIN, 0o600)
    real = os.fstat

    def swapped(fd: int) -> os.stat_result:
        Path(path).unlink()
        Path(path).write_text('helo = "evil.example"\n')
        return real(fd)

    monkeypatch.setattr(config_file.os, "fstat", swapped)
    assert config_of(path) == {"helo": "probe.example"}


@pytest.mark.parametrize(
    ("data", "fault"),
    [(b"helo = ", "Invalid value"), (b'helo = "\xff"', "codec can't decode"), (b"a=1\na=2", "overwrite")],
)
def test_what_is_no_toml_is_said_with_the_file(tmp_path: Path, data: bytes, fault: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(UsageError, match=f"^--config {re.escape(str(path))}: .*{fault}"):
        config_of(str(path))


def test_what_cannot_be_opened_is_said_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        config_of(str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="Is a directory"):
        config_of(str(tmp_path))
