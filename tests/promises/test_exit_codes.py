"""0 nothing found, 1 findings and nothing else ever, 2 usage, 3 not completed."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest

from scanner.cli import means
from scanner.cli.exits import run_command_line
from tests.pool.servers import POLITE
from tests.promises.process import in_shell, mxsweep
from tests.promises.world import HELO, mail_of, one_partner, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pool.servers import Script

REFUSES_RELAY: Script = {"RCPT": b"554 5.7.1 <x@y.example>: Relay access denied\r\n"}
KNOWS_NOBODY: Script = {"RCPT": b"550 5.1.1 <x@y.example>: Recipient address rejected: User unknown\r\n"}
OFFLINE = ("--helo", HELO, "--resolver", "127.0.0.1:1", "--dry-run")
"""Options of a run that asks nothing: what is wrong with the others is said before."""


async def test_nothing_found_is_zero() -> None:
    async with one_partner() as playing:
        ran = await mxsweep("audit", "partner.example", *playing.options)
    assert (ran.code, ran.verdicts) == (0, {"partner.example": "ok"})


async def test_a_finding_is_one() -> None:
    async with one_partner(REFUSES_RELAY) as playing:
        ran = await mxsweep("audit", "partner.example", *playing.options)
    assert (ran.code, ran.verdicts) == (1, {"partner.example": "primary_rejects_relay"})


async def test_an_empty_list_is_done_and_nothing_found() -> None:
    async with world() as playing:
        ran = await mxsweep("audit", *playing.options, stdin=b"# nobody today\n\n")
    assert (ran.code, ran.run["items"]) == (0, 0)


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [
        ("none", 0),
        ("relay_denied", 1),
        ("primary_rejects_relay", 1),
        ("no_domain, relay_denied", 1),
        ("refused,undeliverable", 0),
    ],
)
async def test_fail_on_names_what_counts(fail_on: str, code: int) -> None:
    async with one_partner(REFUSES_RELAY) as playing:
        ran = await mxsweep("audit", "partner.example", "--fail-on", fail_on, *playing.options)
    assert (ran.code, ran.verdicts) == (code, {"partner.example": "primary_rejects_relay"})


async def test_a_refused_recipient_is_a_finding_only_where_the_operator_named_one() -> None:
    async with one_partner(KNOWS_NOBODY) as playing:
        unnamed, in_input, in_option, in_json = await asyncio.gather(
            mxsweep("audit", "partner.example", *playing.options),
            mxsweep("audit", "someone@partner.example", *playing.options),
            mxsweep("audit", "partner.example", "--recipient", "info@{domain}", *playing.options),
            mxsweep("audit", *playing.options, stdin=b'{"domain": "partner.example", "recipient": "someone"}\n'),
        )
    assert {ran.verdicts["partner.example"] for ran in (unnamed, in_input, in_option, in_json)} == {"recipient_refused"}
    assert [ran.code for ran in (unnamed, in_input, in_option, in_json)] == [0, 1, 1, 1]


WRONG = {
    "an option that does not exist": (["--hello", "x"], "--hello"),
    "a HELO name without a dot": (["--helo", "localhost"], "--helo: 'localhost'"),
    "a HELO name that could smuggle a command": (["--helo", "a.example\r\nRSET"], "--helo:"),
    "a sender that is no mailbox": (["--sender", "nobody"], "--sender:"),
    "a recipient that is no mailbox": (["--recipient", "{domain}"], "--recipient:"),
    "a port that is none": (["--port", "70000"], "'--port': 70000 is not"),
    "port zero": (["--port", "0"], "--port"),
    "a resolver that is a name": (["--resolver", "dns.example"], "--resolver:"),
    "a source that is not ours": (["--source", "192.0.2.7"], "--source: 192.0.2.7"),
    "a source that is no address": (["--source", "lo"], "--source: 'lo'"),
    "a network with bits behind its prefix": (["--allow-net", "10.0.0.1/8"], "--allow-net: '10.0.0.1/8'"),
    "an exclusion that is mistyped": (["--exclude", "10.0.0.1/8"], "--exclude:"),
    "an exclusion list that is not there": (["--exclude", "gone.txt"], "--exclude: cannot read 'gone.txt'"),
    "a list of domains that is not there": (["--exclude-domain", "gone.txt"], "--exclude-domain: cannot read"),
    "both families only": (["-4", "-6"], "-4 and -6"),
    "a time-out of zero": (["--connect-timeout", "0"], "--connect-timeout"),
    "a time-out that is no number": (["--reply-timeout", "nan"], "--reply-timeout"),
    "a rate without end": (["--rate", "inf"], "--rate"),
    "no connection at all": (["--concurrency", "0"], "--concurrency"),
    "a way of STARTTLS that there is not": (["--starttls", "always"], "--starttls"),
    "a verdict that does not exist": (["--fail-on", "relay_denied,grelisted"], "--fail-on: no verdict is called 'grel"),
    "an input file that is not there": (["-i", "gone.txt"], "gone.txt: No such file"),
    "a folder as input": (["-i", "."], ".: is a directory"),
    "arguments and a file": (["-i", "gone.txt", "partner.example"], "not both"),
    "a configuration that is not there": (["--config", "gone.toml"], "--config gone.toml: No such file"),
}


@pytest.mark.parametrize(("wrong", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_two_and_named(wrong: list[str], words: str, capfd: pytest.CaptureFixture[str]) -> None:
    items = [] if {"-i", "partner.example"} & set(wrong) else ["partner.example"]
    assert run_command_line(["audit", *items, *OFFLINE, *wrong]) == 2
    said = capfd.readouterr()
    assert (said.out, words in said.err, "Traceback" in said.err) == ("", True, False), said.err


async def test_a_usage_error_ends_the_process_with_two() -> None:
    ran = await mxsweep("audit", "partner.example", *OFFLINE, "--helo", "localhost")
    assert (ran.code, ran.stdout) == (2, b"")
    assert (
        ran.stderr
        == "mxsweep: --helo: 'localhost' is no name to greet with: it has no dot; the host's full name is wanted\n"
    )


async def test_the_command_line_counts_before_the_environment_before_the_file_before_the_default(
    tmp_path: Path,
) -> None:
    """Each of the three says less than the one before it; what none says keeps its default."""
    file = tmp_path / "mxsweep.toml"
    file.write_text('reply-timeout = 21\nconnect_timeout = 11\nprobe_timeout = 91\nallow-net = "127.0.0.0/8"\n')
    env = {"MXSWEEP_REPLY_TIMEOUT": "22", "MXSWEEP_CONNECT_TIMEOUT": "12"}
    async with one_partner() as playing:
        ran = await mxsweep(
            "audit", "partner.example", "--config", str(file), "--reply-timeout", "23", *playing.unfenced, env=env
        )
    settings = ran.records[0]["settings"]
    found = [settings[f"{name}_timeout"] for name in ("reply", "connect", "probe")]
    assert (found, settings["per_target"], settings["allow_net"]) == ([23, 12, 91], 2, ["127.0.0.0/8"])
    assert ran.verdicts == {"partner.example": "ok"}


async def test_without_a_command_or_with_an_unknown_one_it_is_two() -> None:
    bare, unknown = await asyncio.gather(mxsweep(), mxsweep("audti"))
    assert (bare.code, unknown.code) == (2, 2)
    assert "audti" in unknown.stderr


async def test_help_and_version_are_zero() -> None:
    for ran in await asyncio.gather(mxsweep("--help"), mxsweep("audit", "--help"), mxsweep("--version")):
        assert (ran.code, ran.stderr) == (0, "")
        assert ran.stdout


def test_a_host_without_a_dotted_name_has_to_be_told_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = os.uname()
    renamed = os.uname_result((here.sysname, "laptop", here.release, here.version, here.machine))
    monkeypatch.setattr(os, "uname", lambda: renamed)
    monkeypatch.setattr(means, "HOSTS_FILE", means.HOSTS_FILE.with_name("no-such-hosts"))
    assert run_command_line(["audit", "partner.example", "--dry-run"]) == 2
    assert "'laptop' has no domain: say --helo NAME" in capsys.readouterr().err


async def test_an_existing_output_file_is_kept_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text("last month's\n")
    async with one_partner() as playing:
        refused = await mxsweep("audit", "partner.example", "-o", str(file), *playing.options)
        assert (refused.code, file.read_text(), playing.dials) == (2, "last month's\n", 0)
        assert f"{file} exists" in refused.stderr
        forced = await mxsweep("audit", "partner.example", "-o", str(file), "--force", *playing.options)
    assert (forced.code, file.read_text().count("\n")) == (0, 4)


async def test_an_output_folder_that_is_not_there_is_two() -> None:
    async with one_partner() as playing:
        ran = await mxsweep("audit", "partner.example", "-o", "/nowhere/results.jsonl", *playing.options)
        assert (ran.code, playing.dials) == (2, 0)


async def test_an_unreadable_exclusion_list_stops_before_anything_is_dialled(tmp_path: Path) -> None:
    """Half an exclusion list is none: its third line is no network."""
    listed = tmp_path / "opted-out.txt"
    listed.write_text("# asked us\n192.0.2.0/24\n192.0.2.0/33\n")
    async with one_partner() as playing:
        ran = await mxsweep("audit", "partner.example", "--exclude", str(listed), *playing.options)
        assert (ran.code, ran.stdout, playing.dials) == (2, b"", 0)
    assert f"{listed} line 3" in ran.stderr


async def test_dns_failing_for_every_item_is_three_and_for_one_of_two_is_not() -> None:
    async with world(mail_of("partner.example", "127.30.1.1"), {"127.30.1.1": POLITE}) as playing:
        all_failed, one_failed = await asyncio.gather(
            mxsweep("audit", "lost-dns.example", "a.lost-dns.example", *playing.options),
            mxsweep("audit", "lost-dns.example", "partner.example", *playing.options),
        )
    assert (all_failed.code, set(all_failed.verdicts.values())) == (3, {"dns_failed"})
    assert "every look-up failed" in all_failed.stderr
    assert (one_failed.code, one_failed.verdicts) == (0, {"lost-dns.example": "dns_failed", "partner.example": "ok"})


MANY = "".join(f"d{number}.excluded.example\n" for number in range(3000))


async def test_a_reader_that_has_seen_enough_ends_the_run_quietly_with_three(tmp_path: Path) -> None:
    listed = tmp_path / "many.txt"
    listed.write_text(MANY)
    line = '$MXSWEEP audit -i "$0" "$@" --exclude-domain excluded.example | head -1; echo "code ${PIPESTATUS[0]}"'
    async with world() as playing:
        ran = await in_shell(line.replace('"$0"', f"'{listed}'"), *playing.options)
    first, code = ran.stdout.decode().splitlines()
    assert (first[:15], code) == ('{"kind":"start"', "code 3")
    assert ran.stderr == ""


async def test_a_reader_that_is_gone_from_the_start_is_three_too() -> None:
    line = '$MXSWEEP audit partner.example "$@" | true; echo "${PIPESTATUS[0]}"'
    line += '; $MXSWEEP schema | true; echo "${PIPESTATUS[0]}"'
    async with one_partner() as playing:
        ran = await in_shell(line, *playing.options)
    assert (ran.stdout.split(), ran.stderr) == ([b"3", b"3"], "")


async def test_a_full_disk_is_three_and_says_so() -> None:
    async with one_partner() as playing:
        run, to_file, schema, listing = await asyncio.gather(
            in_shell('$MXSWEEP audit partner.example "$@" > /dev/full', *playing.options),
            mxsweep("audit", "partner.example", "-o", "/dev/full", *playing.options),
            in_shell("$MXSWEEP schema > /dev/full"),
            in_shell("$MXSWEEP --help > /dev/full"),
        )
    for ran in (run, to_file, schema, listing):
        assert ran.code == 3
        assert "No space left on device" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert "Exception ignored" not in ran.stderr


async def test_a_closed_standard_output_is_named_and_nothing_is_asked() -> None:
    async with one_partner() as playing:
        ran = await in_shell('$MXSWEEP audit partner.example "$@" >&-', *playing.options)
        assert (ran.code, playing.dials) == (2, 0)
    assert "stdout" in ran.stderr


async def test_a_closed_standard_input_is_named() -> None:
    ran = await in_shell('$MXSWEEP audit "$@" <&-', *OFFLINE)
    assert ran.code == 2
    assert "standard input is closed" in ran.stderr


async def test_nobody_listening_to_standard_error_changes_nothing() -> None:
    """A pipe behind `2>` that closes early must cost neither a record nor the exit code."""
    line = '$MXSWEEP audit partner.example "a b" "$@" 2> >(true)'
    async with one_partner(REFUSES_RELAY) as playing:
        piped, closed = await asyncio.gather(
            in_shell(line, *playing.options),
            in_shell('$MXSWEEP audit partner.example "a b" "$@" 2>&-', *playing.options),
        )
    for ran in (piped, closed):
        assert (ran.code, ran.verdicts) == (1, {"partner.example": "primary_rejects_relay"})
        assert ran.run["bad_lines"] == 1


async def test_a_resolver_that_is_not_there_is_three() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        held.close()
        ran = await mxsweep("audit", "partner.example", "--helo", HELO, "--resolver", f"127.0.0.1:{port}")
    assert ran.code == 3
    assert ran.verdicts == {"partner.example": "dns_failed"}
