"""`--resume`: an interrupted run goes on in its output. Kills at random moments are in tests/torture."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson
import pytest

from scanner.records.schema import schema_text
from tests.pool.servers import silence, until
from tests.promises.process import Ran, ended, key_of, mxsweep, read, started
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.pool.servers import Script

SCHEMA = jsonschema_rs.validator_for(orjson.loads(schema_text()))
DOMAINS = 12
DENIED: Script = {"RCPT": b"554 5.7.1 Relay access denied\r\n"}
CANARY = ("--canary", "me@canary.example")


def result(path: Path) -> list[tuple[Any, ...]]:
    """What has to be the same, in the order of the items."""
    records = read(path.read_bytes())
    return sorted(map(key_of, records[1:-1]), key=str)


def asked(playing: World) -> Counter[str]:
    """How often each recipient was asked for, at all servers."""
    lines = (line for server in playing.servers.values() for visit in server.visits for line in visit.lines)
    return Counter(line for line in lines if line.startswith("RCPT"))


@contextlib.asynccontextmanager
async def town() -> AsyncIterator[World]:
    """Twelve domains, each with a good primary and a secondary of two kinds."""
    zone = "".join(
        mail_of(f"d{number}.example", "127.31.1.1", f"127.31.1.{2 + number % 2}") for number in range(DOMAINS)
    )
    async with world(zone, {"127.31.1.1": {}, "127.31.1.2": {}, "127.31.1.3": DENIED}) as playing:
        yield playing


def listed(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines or [f"d{number}.example" for number in range(DOMAINS)]))
    return str(path)


async def audit(playing: World, tmp_path: Path, *more: str, **others: Any) -> Ran:
    return await mxsweep(
        "audit", "-i", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.jsonl"), *playing.options, *more, **others
    )


def keep_groups(path: Path, number: int, tail: bytes = b"") -> set[int]:
    """Leave the start record and so many groups; the items that are done."""
    lines = path.read_bytes().split(b"\n")[:-1]
    ends = [place for place, line in enumerate(lines) if json.loads(line)["kind"] == "domain"]
    kept = lines[: ends[number - 1] + 1]
    path.write_bytes(b"".join(line + b"\n" for line in kept) + tail)
    return {json.loads(line)["seq"] for line in kept[1:]}


async def test_the_result_is_that_of_an_undisturbed_run_and_who_is_done_is_not_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    listed(tmp_path / "in.txt", *[f"d{number}.example" for number in range(DOMAINS)], "no domain at all", "")
    async with town() as playing:
        whole = await audit(playing, tmp_path)
        assert whole.code == 1
        undisturbed, first = result(path), json.loads(path.read_bytes().split(b"\n")[0])
        done = keep_groups(path, 5, b'{"kind":"probe","schema":1,"ru')
        before = asked(playing)
        again = await audit(playing, tmp_path, "--resume")
        assert result(path) == undisturbed
        more = asked(playing) - before
    assert {line.partition("@")[2] for line in more} == {f"d{seq}.example>" for seq in set(range(DOMAINS)) - done}
    records = read(path.read_bytes())
    for record in records:
        SCHEMA.validate(record)
    assert records[0] == first
    assert {record["run"] for record in records} == {first["run"]}
    run = records[-1]
    assert [record["kind"] for record in records].count("run") == 1
    assert (run["items"], run["bad_lines"], run["interrupted"], run["started"]) == (12, 1, False, first["started"])
    assert run["records"] == {"probe": 24, "domain": 12}
    assert run["verdicts"]["domain"] == {"ok": 6, "secondary_rejects_relay": 6}
    assert sum(each["probes"] for each in run["busiest"]) == 24
    assert again.code == 1, "the findings of all parts count"
    assert f"mxsweep: resuming {path}: 5 domains are done, 30 bytes of no use\n" in again.stderr
    assert "12 domains, 24 probes" in again.stderr
    assert again.stderr.count(": secondary_rejects_relay") == 6, "findings of earlier parts are told too"


async def test_a_run_that_is_done_is_done_and_says_so_again(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    listed(tmp_path / "in.txt")
    async with town() as playing:
        await audit(playing, tmp_path)
        undisturbed, dials = result(path), playing.dials
        again = await audit(playing, tmp_path, "--resume")
        assert playing.dials == dials
    assert (again.code, result(path)) == (1, undisturbed)


@pytest.mark.parametrize("content", [None, b"", b'{"kind":"start","schema":1,"run":"0123', bytes(4096)])
async def test_a_run_that_had_not_begun_begins(tmp_path: Path, content: bytes | None) -> None:
    """Killed before its first record was whole: what else would `--resume` in a unit file do the first night."""
    path = tmp_path / "out.jsonl"
    listed(tmp_path / "in.txt")
    if content is not None:
        path.write_bytes(content)
    async with town() as playing:
        ran = await audit(playing, tmp_path, "--resume")
    assert (ran.code, len(result(path))) == (1, 36)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_ctrl_c_then_resume(tmp_path: Path) -> None:
    """What was written stays, the `run` line goes; what was under way is asked again, from a pipe this time."""
    path = tmp_path / "out.jsonl"
    zone = mail_of("quick.example", "127.31.2.1") + mail_of("mute.example", "127.31.2.2")
    lines = b"quick.example\nmute.example\nquick.example\n"
    async with world(zone, {"127.31.2.1": {}, "127.31.2.2": {"OPEN": silence}}) as playing:
        arguments = ["audit", "-o", str(path), *playing.options, "--reply-timeout", "3"]
        async with started(*arguments, stdin=asyncio.subprocess.PIPE) as process:
            assert process.stdin is not None
            process.stdin.write(b"quick.example\nmute.example\n")
            await process.stdin.drain()
            await until(lambda: path.exists() and b'"kind":"domain"' in path.read_bytes(), within_s=20)
            await until(lambda: bool(playing.servers["127.31.2.2"].visits), within_s=20)
            for _ in range(2):
                process.send_signal(signal.SIGINT)
                await asyncio.sleep(0.3)
            stopped = await ended(process)
        assert (stopped.code, read(path.read_bytes())[-1]["interrupted"]) == (3, True)
        asked_before = asked(playing)
        again = await mxsweep(*arguments, "--resume", stdin=lines)
        assert (asked(playing) - asked_before).total() == 1, "the second quick.example, an item of its own"
    assert again.code == 1
    records = read(path.read_bytes())
    verdicts = sorted((record["seq"], record["verdict"]) for record in records if record["kind"] == "domain")
    assert verdicts == [(0, "ok"), (1, "undeliverable"), (2, "ok")]
    assert (records[-1]["items"], records[-1]["interrupted"]) == (3, False)


@pytest.mark.parametrize("order", [(), ("--shuffle", "--seed", "7"), ("--shuffle", "--seed", "7", "--shard", "2/3")])
async def test_a_sweep_too_shuffled_and_sharded(tmp_path: Path, order: tuple[str, ...]) -> None:
    path = tmp_path / "out.jsonl"
    scripts: dict[str, Script] = {f"127.31.3.{number}": DENIED if number % 2 else {} for number in range(1, 9)}
    async with world(mail_of("canary.example", "127.31.9.9"), scripts) as playing:
        arguments = ["sweep", "127.31.3.0/27", "-o", str(path), *playing.options, *CANARY, *order]
        whole = await mxsweep(*arguments, "--connect-timeout", "2")
        assert whole.code == 1
        undisturbed = result(path)
        lines = path.read_bytes().split(b"\n")
        done = [json.loads(line) for line in lines[1:5]]
        path.write_bytes(b"".join(line + b"\n" for line in lines[:5]) + lines[5][:100])
        counts = {address: len(server.dials) for address, server in playing.servers.items()}
        again = await mxsweep(*arguments, "--connect-timeout", "2", "--resume")
        assert again.code == 1
        assert result(path) == undisturbed
        for record in done:
            if record["address"] in counts:
                assert len(playing.servers[record["address"]].dials) == counts[record["address"]]
    share = len(range(1, 32, 3)) if "--shard" in order else 32
    assert read(path.read_bytes())[-1]["items"] == share


async def test_a_shuffled_sweep_that_is_killed_in_its_midst(tmp_path: Path) -> None:
    """A thousand addresses, a server at every eighth; killed twice, each time well within."""
    path = tmp_path / "out.jsonl"
    scripts: dict[str, Script] = {f"127.31.{16 + place // 256}.{place % 256}": DENIED for place in range(1, 1024, 8)}
    async with world(mail_of("canary.example", "127.31.9.9"), scripts) as playing:
        order = ["--shuffle", "--seed", "3", "--shard", "1/2", "--rate", "300"]
        arguments = ["sweep", "127.31.16.0/22", "-o", str(path), *playing.options, *CANARY, *order]
        for least in (100, 300):
            async with started(*arguments, "--resume") as process:
                await until(lambda least=least: path.exists() and path.read_bytes().count(b"\n") > least, within_s=30)  # type: ignore[misc]
                process.kill()
                await process.wait()
        done = [json.loads(line)["address"] for line in path.read_bytes().split(b"\n")[1:-1]]
        counts = {address: len(server.dials) for address, server in playing.servers.items()}
        assert (await mxsweep(*arguments, "--resume")).code == 0
        again = [
            address for address in done if address in counts and len(playing.servers[address].dials) > counts[address]
        ]
        assert again == []
        killed = result(path)
        assert (await mxsweep(*arguments, "--force")).code == 0
    assert killed == result(path)
    assert len(killed) == 512


MAY_NOT_CHANGE = [
    (["--helo", "other.probe.test"], '--helo was "probe.test", is "other.probe.test"; --sender was "postmaster@probe'),
    (["--via", "127.31.1.1"], '--via was not given, is ["127.31.1.1"]'),
    (["--backoff", "1", "--starttls", "never"], "--backoff was 60.0, is 1.0; --starttls was"),
]
"""All of them: tests/cli/test_resumption.py."""


async def test_other_settings_are_refused_by_name_and_nothing_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    listed(tmp_path / "in.txt")
    async with town() as playing:
        await audit(playing, tmp_path)
        keep_groups(path, 5, b"torn")
        content, dials = path.read_bytes(), playing.dials
        for more, difference in MAY_NOT_CHANGE:
            ran = await audit(playing, tmp_path, "--resume", *more)
            assert (ran.code, ran.stdout) == (2, b""), more
            assert f"was begun with other settings: {difference}" in ran.stderr
        assert (path.read_bytes(), playing.dials) == (content, dials)


async def test_what_decides_no_verdict_may_change(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    listed(tmp_path / "in.txt")
    changes = [
        *("--rate", "1000", "--target-rate", "1000", "--concurrency", "3", "--per-target", "1", "--window", "100"),
        *("--progress", "json", "--fail-on", "none", "--no-port-check", "--sync-every", "0", "--max-time", "1h", "-v"),
        *("--color", "never", "--strict"),
    ]
    async with town() as playing:
        await audit(playing, tmp_path)
        undisturbed = result(path)
        keep_groups(path, 5)
        ran = await audit(playing, tmp_path, "--resume", *changes)
    assert ran.code == 0
    assert result(path) == undisturbed


OTHER_INPUTS = [
    (["d1.example", "d0.example"], "item 0 was d0.example for postmaster@d0.example, is d1.example"),
    (["d0.example", "new.example", "d1.example"], "item 1 was d1.example for postmaster@d1.example, is new.example"),
    (["d0.example", "me@d1.example"], "item 1 was d1.example for postmaster@d1.example, is d1.example for me@d1"),
    (['{"domain":"d0.example","tag":1}'], "item 0 was d0.example for postmaster@d0.example, is d0.example for"),
    (["d0.example"], "it has records of item 2, and the input ends before"),
    ([], "it has records of item 2, and the input ends before"),
]


@pytest.mark.parametrize(("lines", "difference"), OTHER_INPUTS)
async def test_another_input_is_refused_with_the_first_difference_and_nothing_is_touched(
    tmp_path: Path, lines: list[str], difference: str
) -> None:
    path = tmp_path / "out.jsonl"
    async with town() as playing:
        listed(tmp_path / "in.txt", "d0.example", "d1.example", "d2.example")
        await audit(playing, tmp_path)
        content, dials = path.read_bytes(), playing.dials
        listed(tmp_path / "in.txt", *lines or ["# nothing"])
        ran = await audit(playing, tmp_path, "--resume")
        assert ran.code == 2
        assert difference in ran.stderr
        assert (path.read_bytes(), playing.dials) == (content, dials)


async def test_an_input_that_grew_at_its_end_is_the_same_and_what_was_not_done_may_differ(tmp_path: Path) -> None:
    async with town() as playing:
        listed(tmp_path / "in.txt", "d0.example", "d1.example")
        await audit(playing, tmp_path)
        listed(tmp_path / "in.txt", "D0.example.", "d1.example", "d2.example")
        ran = await audit(playing, tmp_path, "--resume")
    assert ran.code == 1
    assert read((tmp_path / "out.jsonl").read_bytes())[-1]["items"] == 3


async def test_tags_and_named_recipients_are_part_of_what_is_compared(tmp_path: Path) -> None:
    lines = ['{"domain":"d0.example","tag":{"b":[1.5,null],"a":"\\u001b"}}', '{"recipient":"Me.Too@d1.example"}']
    async with town() as playing:
        listed(tmp_path / "in.txt", *lines, "d2.example")
        await audit(playing, tmp_path)
        undisturbed = result(tmp_path / "out.jsonl")
        again = await audit(playing, tmp_path, "--resume")
        assert (again.code, result(tmp_path / "out.jsonl")) == (1, undisturbed)
        listed(tmp_path / "in.txt", lines[0].replace("1.5", "2.5"), lines[1], "d2.example")
        other = await audit(playing, tmp_path, "--resume")
    assert other.code == 2
    assert 'with tag {"b":[1.5,null],"a":"' in other.stderr


async def test_two_runs_on_one_output_the_second_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    async with world(mail_of("mute.example", "127.31.2.2"), {"127.31.2.2": {"OPEN": silence}}) as playing:
        arguments = ["audit", "mute.example", "-o", str(path), *playing.options]
        async with started(*arguments) as process:
            await until(lambda: bool(playing.servers["127.31.2.2"].visits), within_s=20)
            content = path.read_bytes()
            for more in ("--resume", "--force"):
                second = await mxsweep(*arguments, more)
                assert second.code == 2
                assert "another run is writing to it" in second.stderr
                assert path.read_bytes() == content
            process.kill()
            await process.wait()
        third = await mxsweep(*arguments, "--resume", "--reply-timeout", "30", "--max-time", "0.5")
    assert third.code == 3, "the lock died with its owner"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--resume"], "--resume needs the -o FILE of the run that goes on"),
        (["--resume", "--force", "-o", "out.jsonl"], "one of them"),
        (["--resume", "-o", "/dev/null"], "--resume: /dev/null is no regular file"),
    ],
)
async def test_resume_needs_a_file_to_go_on_in(tmp_path: Path, options: list[str], reason: str) -> None:
    async with town() as playing:
        ran = await mxsweep("audit", "d0.example", *playing.options, *options, cwd=tmp_path)
    assert (ran.code, ran.stdout, playing.dials) == (2, b"", 0)
    assert reason in ran.stderr


async def test_notes_of_the_operators_are_no_output_and_stay(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("my notes\n")
    listed(tmp_path / "in.txt")
    async with town() as playing:
        ran = await audit(playing, tmp_path, "--resume")
    assert ran.code == 2
    assert "does not begin with a start record of mxsweep" in ran.stderr
    assert (tmp_path / "out.jsonl").read_text() == "my notes\n"


async def test_an_output_is_refused_without_a_word_about_resuming_it_or_not(tmp_path: Path) -> None:
    listed(tmp_path / "in.txt")
    async with town() as playing:
        await audit(playing, tmp_path)
        ran = await audit(playing, tmp_path)
    assert ran.code == 2
    assert "--resume to go on with its run, or --force to replace it" in ran.stderr


async def test_max_time_admits_nothing_more_lets_end_what_is_under_way_and_can_be_resumed(tmp_path: Path) -> None:
    """The mute one's reply limit ends within the drain; the last domain was not admitted yet."""
    path = tmp_path / "out.jsonl"
    zone = mail_of("quick.example", "127.31.2.1") + mail_of("mute.example", "127.31.2.2")
    async with world(zone, {"127.31.2.1": {}, "127.31.2.2": {"OPEN": silence}}) as playing:
        arguments = ["audit", "-o", str(path), *playing.options, "--reply-timeout", "1.5"]
        async with started(*arguments, "--max-time", "2s", stdin=asyncio.subprocess.PIPE) as process:
            assert process.stdin is not None
            process.stdin.write(b"quick.example\n")
            await process.stdin.drain()
            await until(lambda: path.exists() and b'"kind":"domain"' in path.read_bytes(), within_s=20)
            process.stdin.write(b"mute.example\n")
            await process.stdin.drain()
            await process.wait()  # its input never ends
            stopped = await ended(process)
        assert stopped.code == 3
        assert "--max-time" in stopped.stderr
        records = read(path.read_bytes())
        assert (records[-1]["interrupted"], records[-1]["verdicts"]["domain"]) == (True, {"ok": 1, "undeliverable": 1})
        again = await mxsweep(*arguments, "--resume", stdin=b"quick.example\nmute.example\nquick.example\n")
    assert again.code == 1
    assert read(path.read_bytes())[-1]["verdicts"]["domain"] == {"ok": 2, "undeliverable": 1}


async def test_a_full_disk_then_resume(tmp_path: Path) -> None:
    """RLIMIT_FSIZE takes a part of a group first; it is taken back, and the run goes on where there is room again."""
    path = tmp_path / "out.jsonl"
    listed(tmp_path / "in.txt")
    async with town() as playing:
        arguments = ["audit", "-i", str(tmp_path / "in.txt"), "-o", str(path), *playing.options]
        async with started(*arguments, before=("prlimit", "--fsize=12000:12000")) as process:
            full = await ended(process)
        assert full.code == 3
        assert "File too large (EFBIG)" in full.stderr
        content = path.read_bytes()
        assert content.endswith(b"\n")
        assert json.loads(content.split(b"\n")[-2])["kind"] == "domain", "whole groups, and no run line"
        before = asked(playing)
        again = await mxsweep(*arguments, "--resume")
        done = content.count(b'"kind":"domain"')
        assert (asked(playing) - before).total() == 2 * (DOMAINS - done)
    assert (again.code, len(result(path))) == (1, 36)
