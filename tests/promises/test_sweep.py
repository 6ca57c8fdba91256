"""`mxsweep sweep` as a process against scripted servers: verdicts, traps of other testers, politeness, exit codes."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson
import pytest

from scanner.records.schema import schema_text
from tests.pool.servers import OFFERS, Server, Visit, hang_up, last_words, silence, until
from tests.promises.process import Ran, ended, mxsweep, started
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pool.servers import Script, Step

SCHEMA = jsonschema_rs.validator_for(orjson.loads(schema_text()))
CANARY = "me@canary.example"
OK, DENIED = b"250 2.1.5 Ok\r\n", b"554 5.7.1 <me@canary.example>: Relay access denied\r\n"
ZONE = mail_of("canary.example", "127.30.15.250")
HERE = "127.30.15."


def rcpt(takes: Callable[[str], bool]) -> Step:
    """Take some recipients, by the line that asks for them; deny the others."""
    return lambda visit: visit.say(OK if takes(visit.lines[-1]) else DENIED)


def options(playing: World) -> list[str]:
    """Those of `world`, and a canary."""
    return [*playing.options, "--canary", CANARY, "--connect-timeout", "2", "--reply-timeout", "2"]


async def swept(playing: World, *more: str, stdin: bytes = b"") -> Ran:
    ran = await mxsweep("sweep", *options(playing), *more, stdin=stdin)
    for record in ran.records:
        SCHEMA.validate(record)
    return ran


async def one(script: Script, *more: str) -> tuple[dict[str, Any], World]:
    """The record of one server."""
    async with world(ZONE, {f"{HERE}1": script}) as playing:
        ran = await swept(playing, f"{HERE}1", *more)
        [record] = ran.of_kind("probe")
        return record, playing


def verdict(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["verdict"], record["stage"], record["code"], record["confidence"]


def verdicts_of(record: dict[str, Any]) -> dict[str, str]:
    return {test["name"]: test["verdict"] for test in record["tests"]}


def later_refused(visit: Visit) -> None:
    """The twin at DATA of a server that takes every recipient."""
    visit.say(b"554 5.7.1 no relaying here\r\n")


IN_TWO_SEGMENTS = b"250-mx.example\r\n"


def ehlo_in_two_segments(visit: Visit) -> None:
    visit.say(IN_TWO_SEGMENTS)
    visit.loop.call_later(0.05, visit.say, b"250 SIZE 1000\r\n")


TRAPS: dict[str, tuple[Script, tuple[Any, ...]]] = {
    "closed": ({"EHLO": OFFERS, "RCPT": DENIED}, ("closed", "rcpt", 554, "high")),
    "open": ({"EHLO": OFFERS, "RCPT": OK}, ("open_relay_suspected", "rcpt", 250, "high")),
    "an EHLO reply in two segments": (
        {"EHLO": ehlo_in_two_segments, "RCPT": DENIED}, ("closed", "rcpt", 554, "high")
    ),
    "530 inside a queue id": (
        {"RCPT": b"550 5.7.1 relay denied (id 4F530A250)\r\n"}, ("closed", "rcpt", 550, "high")
    ),
    "EHLO is not known": (
        {"EHLO": b"502 5.5.2 not implemented\r\n", "RCPT": DENIED}, ("closed", "rcpt", 554, "high")
    ),
    "greylisting": ({"RCPT": b"450 4.2.0 Greylisted\r\n"}, ("greylisted", "rcpt", 450, "high")),
    "a deferred relay refusal": ({"RCPT": b"454 4.7.1 Relay access denied\r\n"}, ("closed", "rcpt", 454, "high")),
    "a blocked client": (
        {"OPEN": last_words(b"554 5.7.1 you are on our blocklist\r\n")}, ("client_blocked", "banner", 554, "high")
    ),
    "a refused sender": (
        {"MAIL": b"553 5.1.8 Domain of sender address does not exist\r\n"}, ("sender_rejected", "mail", 553, "high")
    ),
    "silent": ({"RCPT": silence}, ("reply_timeout", "rcpt", None, "high")),
    "gone": ({"OPEN": hang_up}, ("disconnected", "banner", None, "high")),
    "a local catch-all": (
        {"EHLO": OFFERS, "RCPT": rcpt(lambda line: "canary.example>" not in line)}, ("closed", "rcpt", 554, "high")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAPS)
async def test_each_server_gets_its_verdict_whatever_shape_its_answers_have(name: str) -> None:
    script, expected = TRAPS[name]
    record, _ = await one(script, "--tests", "plain,sender-null,route-ip,percent-host,bang")
    assert verdict(record) == expected
    assert (record["standing"], record["domain"], record["port"]) == (None, None, record["port"])


@pytest.mark.parametrize("banner", [b"220 ESMTP ready\r\n", b"220-\xe2\x80\xa6\r\n220 go ahead\r\n"])
async def test_a_greeting_that_names_nobody_is_no_host_name(banner: bytes) -> None:
    record, playing = await one({"OPEN": banner, "RCPT": DENIED})
    [lines] = playing.servers[f"{HERE}1"].lines
    assert not any(word in line for line in lines for word in ("@ESMTP", "@go", "@ready"))
    assert verdicts_of(record)["sender-host"] == "skipped"
    assert record["notes"] == ["no host name: tests that need one skipped"]


async def test_reverse_dns_names_who_does_not_name_himself() -> None:
    pointer = "1.15.30.127.in-addr.arpa. 60 PTR rev.target.example.\n"
    async with world(ZONE + pointer, {f"{HERE}1": {"OPEN": b"220 ESMTP\r\n", "RCPT": DENIED}}) as playing:
        await swept(playing, f"{HERE}1")
        lines = [line for visit in playing.servers[f"{HERE}1"].lines for line in visit]
    assert "MAIL FROM:<me@rev.target.example>" in lines


async def test_sixteen_accepted_recipients_and_no_message_are_closed_when_data_is_asked() -> None:
    record, playing = await one({"EHLO": OFFERS, "DATA": later_refused}, "--evidence", "data", "--tests", "all")
    assert verdict(record)[:3] == ("closed", "data", 554)
    assert not any(line == "." for visit in playing.servers[f"{HERE}1"].lines for line in visit)


async def test_at_354_the_connection_is_dropped_and_only_one_is_provoked() -> None:
    script: Script = {"EHLO": OFFERS, "DATA": b"354 go ahead\r\n"}
    record, playing = await one(script, "--evidence", "data", "--tests", "all")
    assert verdict(record) == ("open_relay_likely", "data", 354, "high")
    said = [line for visit in playing.servers[f"{HERE}1"].lines for line in visit]
    assert said.count("DATA") == 1
    first = playing.servers[f"{HERE}1"].lines[0]
    assert first[-1] == "DATA", "not a byte of a message, nor QUIT"


async def test_a_weak_hit_is_of_low_confidence_and_its_control_was_refused() -> None:
    record, playing = await one({"EHLO": OFFERS, "RCPT": rcpt(lambda line: "%" in line)})
    assert verdict(record) == ("open_relay_suspected", "rcpt", 250, "low")
    assert verdicts_of(record)["percent-host"] == "accepted"
    control = playing.servers[f"{HERE}1"].lines[-1][-3]
    assert control.startswith("RCPT TO:<")
    assert control.endswith("@mx.example>")
    assert "%" not in control


async def test_a_421_in_mid_session_costs_a_session_and_no_verdict() -> None:
    def tired(visit: Visit) -> None:
        rcpts = sum(line.startswith("RCPT") for line in visit.lines)
        (last_words(b"421 4.3.2 closing\r\n") if rcpts == 3 else lambda each: each.say(DENIED))(visit)

    record, playing = await one({"RCPT": tired}, "--tests", "all")
    assert verdict(record)[0] == "closed"
    assert set(verdicts_of(record).values()) == {"relay_denied"}
    assert len(playing.servers[f"{HERE}1"].dials) > 1


async def test_the_tests_of_a_host_spread_over_sessions_within_their_limits() -> None:
    record, playing = await one({"EHLO": OFFERS, "RCPT": DENIED}, "--tests", "all")
    sessions = playing.servers[f"{HERE}1"].lines
    for lines in sessions:
        assert sum(line.startswith("RCPT") for line in lines) <= 8
        assert lines.count("RSET") <= 10
        assert lines[-1] == "QUIT"
    assert len(sessions) <= 5
    assert len(verdicts_of(record)) == 26


@pytest.mark.parametrize("words", [b"554 5.7.1 go away\r\n", b"421 4.3.2 too busy\r\n"])
async def test_a_host_that_refuses_at_its_door_is_dialled_once(words: bytes) -> None:
    record, playing = await one({"OPEN": last_words(words)}, "--backoff", "0", "--tests", "all")
    assert len(playing.servers[f"{HERE}1"].dials) == 1
    assert list(verdicts_of(record).values())[1:] == ["skipped"] * 25


SCRIPTS: dict[str, Script] = {f"{HERE}{number}": {"EHLO": OFFERS, "RCPT": DENIED} for number in range(1, 5)}


async def test_ranges_files_hosts_and_masscan_s_lists_are_targets(tmp_path: Any) -> None:
    async with world(ZONE + f"mx.target.example. A {HERE}4\n", SCRIPTS) as playing:
        listed = tmp_path / "ranges.txt"
        listed.write_text(
            f"# ours\n{HERE}1-{HERE}2\r\nopen tcp {playing.port} {HERE}3 0\nmx.target.example\nnonsense!\n"
        )
        ran = await swept(playing, "-i", str(listed))
    records = ran.of_kind("probe")
    assert sorted(record["address"] for record in records) == list(SCRIPTS)
    assert {record["exchange"] for record in records} == {None, "mx.target.example"}
    assert (ran.code, ran.run["bad_lines"], ran.run["items"]) == (0, 1, 4)
    assert "line 5" in ran.stderr


async def test_shards_ask_each_target_once_in_all() -> None:
    async with world(ZONE, SCRIPTS) as playing:
        for number in (1, 2, 3):
            shard = ("--shuffle", "--seed", "7", "--shard", f"{number}/3")
            await swept(playing, f"{HERE}1-{HERE}4", *shard, "--tests", "plain")
        assert [len(server.dials) for server in playing.servers.values()] == [1, 1, 1, 1]


async def test_what_is_excluded_is_never_dialled_and_counted_in_the_run() -> None:
    async with world(ZONE, SCRIPTS) as playing:
        ran = await swept(playing, f"{HERE}1-{HERE}4", "224.0.0.1", "--exclude", f"{HERE}2-{HERE}3")
        assert [len(server.dials) for server in playing.servers.values()] == [1, 0, 0, 1]
    assert ran.run["verdicts"]["probe"] == {"closed": 2, "excluded": 3}
    assert (ran.run["records"]["probe"], ran.run["items"]) == (2, 2)


@pytest.mark.parametrize("piped", [False, True])
async def test_who_handles_the_canary_s_mail_is_no_target(*, piped: bool) -> None:
    async with world(mail_of("canary.example", f"{HERE}3"), SCRIPTS) as playing:
        targets = f"{HERE}1-{HERE}4"
        ran = await (swept(playing, stdin=targets.encode()) if piped else swept(playing, targets))
        assert len(playing.servers[f"{HERE}3"].dials) == 0
    assert ran.code == 2
    assert f"[{HERE}3] is among the targets" in ran.stderr


async def test_without_a_canary_nothing_is_asked() -> None:
    async with world(ZONE, SCRIPTS) as playing:
        ran = await mxsweep("sweep", *playing.options, f"{HERE}1")
        assert (ran.code, playing.dials) == (2, 0)
    assert "--canary ADDRESS is required" in ran.stderr


async def test_a_dry_run_asks_nobody() -> None:
    async with world(ZONE, SCRIPTS) as playing:
        ran = await swept(playing, "127.0.0.0/8", "mx.target.example", "--dry-run")
        assert (ran.code, ran.stdout, playing.dials) == (0, b"", 0)
        assert not playing.names.asked
    assert "16777216 targets and 1 host names" in ran.stderr


async def test_open_relays_are_findings_and_others_are_not() -> None:
    scripts: dict[str, Script] = {f"{HERE}1": {"RCPT": DENIED}, f"{HERE}2": {"RCPT": OK}}
    async with world(ZONE, scripts) as playing:
        assert (await swept(playing, f"{HERE}1")).code == 0
        assert (await swept(playing, f"{HERE}2")).code == 1
        assert (await swept(playing, f"{HERE}2", "--fail-on", "none")).code == 0
        assert (await swept(playing, f"{HERE}1", "--fail-on", "closed")).code == 1


async def test_a_signal_writes_what_is_final_and_the_run_s_line() -> None:
    late: list[Visit] = []
    scripts: dict[str, Script] = {f"{HERE}1": {"RCPT": DENIED}, f"{HERE}2": {"RCPT": late.append}}
    async with world(ZONE, scripts) as playing:
        command = ("sweep", *options(playing), f"{HERE}1-{HERE}2", "--tests", "plain", "--reply-timeout", "30")
        async with started(*command) as process:
            await until(lambda: bool(late), within_s=20)
            process.send_signal(signal.SIGINT)
            late[0].say(DENIED)
            ran = await ended(process)
    assert (ran.code, ran.run["interrupted"]) == (3, True)
    assert sorted(record["address"] for record in ran.of_kind("probe")) == [f"{HERE}1", f"{HERE}2"]


async def test_it_touches_what_was_named_less_what_is_excluded_and_nobody_else() -> None:
    """Counted at listeners on every address of a /24, and of its neighbours."""
    script: Script = {"EHLO": OFFERS, "RCPT": DENIED}
    async with world(ZONE) as playing:
        addresses = tuple(f"127.30.{third}.{last}" for third in (16, 17, 18) for last in range(256))
        async with Server(script, addresses) as server:
            playing.port = server.port
            command = [option if option != "25" else str(server.port) for option in options(playing)]
            excluded = ("--exclude", "127.30.17.64/26", "--exclude", "127.30.17.200")
            ran = await mxsweep("sweep", *command, "127.30.17.0/24", *excluded, "--tests", "plain", "--shuffle")
            dialled = sorted(dial.address for dial in server.dials)
    assert dialled == sorted(f"127.30.17.{last}" for last in range(256) if last // 64 != 1 and last != 200)
    assert ran.run["verdicts"]["probe"] == {"closed": 191, "excluded": 65}
