"""The nightly script: the first night finds a relay, the second tells that it is closed, the third is silent."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from tests.promises.process import Ran, in_shell, mxsweep
from tests.promises.world import World, world

if TYPE_CHECKING:
    from tests.pool.servers import Script, Visit

DOCS = Path(__file__).parents[2] / "docs/nightly"
SCRIPT = DOCS / "mxsweep-nightly"
RELAY, CLOSED, GONE = "127.30.14.1", "127.30.14.2", "127.30.14.3"
DENIED = b"554 5.7.1 Relay access denied\r\n"
nights = {"open": True}


def relaying(visit: Visit) -> None:
    """Open until it is mended."""
    visit.say(b"250 2.1.5 Ok\r\n" if nights["open"] else DENIED)


SCRIPTS: dict[str, Script] = {RELAY: {"RCPT": relaying}, CLOSED: {"RCPT": DENIED}}


def config(path: Path, playing: World, more: str = "") -> Path:
    path.write_text(
        f'canary = "me@canary.example"\nhelo = "probe.example"\nresolver = "127.0.0.1:{playing.names.port}"\n'
        f"port = {playing.port}\nrate = 0\ntarget-rate = 0\nconnect-timeout = 1\n{more}"
    )
    return path


async def night(path: Path, directory: Path) -> Ran:
    return await in_shell(f'{SCRIPT} "$@"', str(path), str(directory), f"{RELAY}-{GONE}")


async def test_the_first_night_finds_it_the_second_says_it_is_fixed_the_third_is_silent(tmp_path: Path) -> None:
    nights["open"] = True
    async with world("", SCRIPTS) as playing:
        path = config(tmp_path / "mxsweep.toml", playing)
        first = await night(path, tmp_path)
        assert (first.code, first.stdout) == (1, b"")
        nights["open"] = False
        second = await night(path, tmp_path)
        [line] = second.stdout.decode().splitlines()
        assert second.code == 0
        assert line.startswith(f"better    {RELAY}:{playing.port}  open_relay_suspected at rcpt (250 2.1.5) -> closed")
        third = await night(path, tmp_path)
        assert (third.code, third.stdout) == (0, b"")
        nights["open"] = True
        fourth = await night(path, tmp_path)
        assert fourth.code == 1
        assert fourth.stdout.startswith(b"worse     ")
    assert sorted(os.listdir(tmp_path)) == ["last.jsonl", "mxsweep.toml"]  # noqa: PTH208 - nothing else waits


async def test_a_night_that_fails_says_so_and_keeps_the_last_one(tmp_path: Path) -> None:
    nights["open"] = False
    async with world("", SCRIPTS) as playing:
        path = config(tmp_path / "mxsweep.toml", playing)
        await night(path, tmp_path)
        kept = (tmp_path / "last.jsonl").read_bytes()
        path.write_text(path.read_text().replace("canary =", "canry ="))
        failed = await night(path, tmp_path)
    assert failed.code == 2
    assert "no option is called 'canry'" in failed.stderr
    assert (tmp_path / "last.jsonl").read_bytes() == kept


async def sweep(path: Path, *options: str) -> Ran:
    return await mxsweep("sweep", "--config", str(path), f"{RELAY}-{CLOSED}", *options)


KNOWN = f'[[known]]\naddress = "{RELAY}"\nverdict = "open_relay_suspected"\nreason = "the printers"\nexpires = '


async def test_a_known_finding_is_counted_aloud_and_makes_no_exit_code_1(tmp_path: Path) -> None:
    nights["open"] = True
    async with world("", SCRIPTS) as playing:
        ran = await sweep(config(tmp_path / "a.toml", playing, KNOWN + "2999-12-31\n"))
    assert (ran.code, ran.run["verdicts"]["probe"]["open_relay_suspected"]) == (0, 1)
    assert "known: 1 finding: the printers (until 2999-12-31)" in ran.stderr


async def test_a_known_finding_that_has_expired_counts_again_and_is_warned_of(tmp_path: Path) -> None:
    nights["open"] = True
    async with world("", SCRIPTS) as playing:
        ran = await sweep(config(tmp_path / "a.toml", playing, KNOWN + "2026-01-31\n"))
    assert ran.code == 1
    assert "known finding expired on 2026-01-31: the printers" in ran.stderr
    assert "known finding expired on 2026-01-31: the printers" in ran.run["warnings"]


async def test_another_finding_beside_a_known_one_is_news(tmp_path: Path) -> None:
    nights["open"] = True
    async with world("", SCRIPTS) as playing:
        ran = await sweep(
            config(tmp_path / "a.toml", playing, KNOWN + "2999-12-31\n"), "--fail-on", "closed,open_relay_suspected"
        )
    assert ran.code == 1


def test_the_example_configuration_and_the_units_are_what_their_programs_read() -> None:
    known = tomllib.loads((DOCS / "mxsweep.toml").read_text())["known"]
    assert known[0]["reason"]
    assert os.access(SCRIPT, os.X_OK)
    assert "SuccessExitStatus=1\n" in (DOCS / "mxsweep-nightly.service").read_text()
    subprocess.run(["sh", "-n", str(SCRIPT)], check=True)


async def test_the_example_configuration_passes_a_dry_run() -> None:
    ran = await mxsweep("sweep", "--config", str(DOCS / "mxsweep.toml"), "192.0.2.0/24", "--dry-run")
    assert ran.code == 0, ran.stderr
    assert "245 targets" in ran.stderr
