"""No address, no name and no answer of DNS becomes a command: a server counts what it hears, line by line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.promises.process import mxsweep
from tests.promises.world import HELO, World, mail_of, world
from tests.security.harmless import check, check_records
from tests.security.payloads import BLEND, PAYLOADS, as_argument, as_label

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = "127.43.1.1"
ZONE = mail_of("partner.example", HERE) + mail_of("canary.example", "127.43.9.9")
GOOD = "partner.example"
EXPECTED = [f"EHLO {HELO}", f"MAIL FROM:<postmaster@{HELO}>", f"RCPT TO:<postmaster@{GOOD}>", "RSET", "QUIT"]
"""One question; the session waits a moment for another, and there is none."""
PATH = r'<(?:[!#-;=?-~]|"(?:[ !#-\[\]-~]|\\[ -~])*")*>'
COMMAND = re.compile(
    rf"EHLO [!-~]+|HELO [!-~]+|MAIL FROM:{PATH}(?: [!-~]+)?|RCPT TO:(?:{PATH}|[!-~]+)|STARTTLS|DATA|RSET|QUIT"
)
"""What RFC 5321 lets a client say, and no byte more."""

BREAKS = {
    "CR": "\r", "LF": "\n", "CRLF": "\r\n", "NUL": "\0", "SP": " ", "TAB": "\t", "quote": '"', "angle": ">",
    "ESC": "\x1b", "DEL": "\x7f", "8-bit": "\xfc", "bytes": "\udcff", "NEL": "\x85", "U+2028": "\u2028",
    "backslash": "\\",
}  # fmt: skip
QUOTABLE = ("SP", "angle", "backslash")
"""Between quotation marks these are part of a local part (RFC 5321 4.1.2)."""
COMMANDS = "RCPT TO:<victim@evil.example>"
LOCAL_PARTS = {name: f"a{mark}{COMMANDS}{mark}b" for name, mark in BREAKS.items()}
MAILBOXES = {name: f"{local}@{GOOD}" for name, local in LOCAL_PARTS.items()}
MAILBOXES |= {f"{name} in the domain": f"a@{GOOD}{mark}{COMMANDS}" for name, mark in BREAKS.items()}
MAILBOXES |= {f"{name} quoted": f'"a{mark}b"@{GOOD}' for name, mark in BREAKS.items() if name not in QUOTABLE}
MAILBOXES |= {"two": f"a@{GOOD}>,<b@evil.example", "parameter": f"a@{GOOD}> NOTIFY=SUCCESS", "route": f"@x:a@{GOOD}>"}


def heard(playing: World) -> list[list[str]]:
    """What each connection said, all of it commands, each whole, nothing behind the last."""
    server = playing.servers[HERE]
    for visit in server.visits:
        assert visit.unread == b""
        assert b"".join(visit.writes) == "".join(f"{line}\r\n" for line in visit.lines).encode("latin-1")
        assert [line for line in visit.lines if not COMMAND.fullmatch(line)] == []
        assert "DATA" not in visit.lines
    return server.lines


def nothing_asked(playing: World) -> bool:
    """No connection, and no question of DNS about anything."""
    return not playing.dials and not playing.names.asked


def as_line(text: str) -> bytes:
    """A plain line of the input; what would end it begins another, which is bad too."""
    return text.encode("utf-8", "surrogateescape") + b"\n"


def as_object(text: str) -> bytes:
    """A JSON line, which can carry every character."""
    return json.dumps({"domain": GOOD, "recipient": text}).encode() + b"\n"


async def test_bad_mailboxes_in_a_json_input_are_bad_lines_and_nothing_is_said_of_them() -> None:
    lines = b"".join(map(as_object, MAILBOXES.values()))
    marks = [mark for name, mark in BREAKS.items() if name != "8-bit"]  # of which an international name is made
    names = b"".join(json.dumps({"domain": f"{GOOD}{mark}x"}).encode() + b"\n" for mark in marks)
    async with world(ZONE, {HERE: {}}) as playing:
        ran = await mxsweep("audit", *playing.options, stdin=lines + names + GOOD.encode())
        assert heard(playing) == [EXPECTED]
    assert (ran.run["bad_lines"], ran.run["items"]) == (len(MAILBOXES) + len(marks), 1), ran.stderr
    check(ran.stderr)


async def test_bad_mailboxes_in_a_plain_input_are_too() -> None:
    """LF ends a line: both halves are bad, or are lines that mean what they say."""
    listed = [text for name, text in MAILBOXES.items() if "LF" not in name]
    async with world(ZONE, {HERE: {}}) as playing:
        ran = await mxsweep("audit", *playing.options, stdin=b"".join(map(as_line, listed)) + GOOD.encode())
        assert heard(playing) == [EXPECTED]
    assert (ran.run["bad_lines"], ran.run["items"]) == (len(listed), 1)
    check(ran.stderr)


async def test_and_as_arguments() -> None:
    listed = [text for name, text in MAILBOXES.items() if "LF" not in name and "\0" not in text]
    async with world(ZONE, {HERE: {}}) as playing:
        ran = await mxsweep("audit", *playing.options, *listed, GOOD)
        assert heard(playing) == [EXPECTED]
    assert (ran.run["bad_lines"], ran.run["items"]) == (len(listed), 1)


async def test_a_line_feed_in_an_argument_does_not_make_an_item_of_its_second_half() -> None:
    """Whoever passes on one name by a script has passed on one."""
    async with world(ZONE + mail_of("other.example", HERE), {HERE: {}}) as playing:
        ran = await mxsweep("audit", *playing.options, "bad name\nother.example", GOOD)
    assert ran.run["items"] == 1


async def test_a_local_part_that_the_standard_allows_is_one_path_on_one_line() -> None:
    locals_ = ['"a b"', '"a\\"b"', '"a>b"', '"RCPT TO:<x@y>"', '"; rm -rf ~"', '"$(touch owned)"', "`x`", "a'b", "{0}"]
    zone = "".join(mail_of(f"d{number}.example", HERE) for number in range(len(locals_)))
    said = [f"{local}@d{number}.example" for number, local in enumerate(locals_)]
    async with world(zone, {HERE: {}}) as playing:
        options = [*playing.options, "--per-target", "1"]
        ran = await mxsweep(
            "audit",
            *options,
            stdin="".join(
                json.dumps({"domain": each.rpartition("@")[2], "recipient": each}) + "\n" for each in said
            ).encode(),
        )
        lines = [line for visit in heard(playing) for line in visit if line.startswith("RCPT")]
    assert (ran.run["bad_lines"], lines) == (0, [f"RCPT TO:<{each}>" for each in said])


OPTIONS = {
    "--helo": [f"{HELO}{mark}{COMMANDS}" for mark in BREAKS.values()],
    "--sender": [text for name, text in MAILBOXES.items() if "quoted" not in name],
    "--recipient": [f"{local}@{{domain}}" for local in LOCAL_PARTS.values()],
    "--via": [f"{HERE}{mark}{COMMANDS}" for mark in BREAKS.values()],
}
SOME = {"argument": 1, "environment": 4, "configuration": 4}
"""Every which value goes that way; each costs a process, and behind the three ways stands one check."""


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("way", ["argument", "environment", "configuration"])
async def test_an_option_that_cannot_be_said_ends_the_run_before_anything_is_asked(
    option: str, way: str, tmp_path: Path
) -> None:
    async with world(ZONE, {HERE: {}}) as playing:
        rest = [each for each in playing.options if each not in ("--helo", HELO)]
        known = [] if option == "--helo" else ["--helo", HELO]
        for value in filter(can_go(way), OPTIONS[option][:: SOME[way]]):
            given, env = by(way, option, value, tmp_path / "mxsweep.toml")
            ran = await mxsweep("audit", *rest, *known, *given, GOOD, env=env)
            assert ran.code == 2, (value, ran.stderr)
            check(ran.stderr)
        assert nothing_asked(playing)


def can_go(way: str) -> Callable[[str], bool]:
    """No NUL in an argument or a variable, no byte that is no UTF-8 in TOML."""
    return lambda value: ("\udcff" if way == "configuration" else "\0") not in value


def by(way: str, option: str, value: str, config: Path) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment that give an option its value."""
    if way == "argument":
        return [option, value], {}
    if way == "environment":
        return [], {f"MXSWEEP_{option[2:].upper()}": value}
    config.write_text(f"{option[2:]} = {toml_of(value)}\n", "utf-8")
    config.chmod(0o600)
    return ["--config", str(config)], {}


def toml_of(text: str) -> str:
    """A basic string of TOML, every character an escape."""
    return '"' + "".join(f"\\u{ord(each):04x}" for each in text) + '"'


@pytest.mark.parametrize("name", ["CRLF", "quote", "8-bit", "SP", "LF in the domain", "two", "parameter"])
async def test_a_canary_that_cannot_be_said_neither(name: str) -> None:
    async with world(ZONE, {HERE: {}}) as playing:
        ran = await mxsweep("sweep", *playing.options, "--canary", MAILBOXES[name], HERE)
        assert (ran.code, nothing_asked(playing)) == (2, True), ran.stderr
    check(ran.stderr)


async def test_a_reverse_name_is_said_only_where_it_is_one() -> None:
    """Relay tests say the target's own name; whoever owns its address space writes that name."""
    labels = [as_label(payload) for payload in PAYLOADS.values()]
    labels += [as_label(f"a{mark}{COMMANDS}".encode("utf-8", "surrogateescape")) for mark in BREAKS.values()]
    places = [f"127.43.2.{number}" for number in range(1, len(labels) + 1)]
    zone = "".join(
        f"{number}.2.43.127.in-addr.arpa. 60 PTR {label}.evil.example.\n" for number, label in enumerate(labels, 1)
    )
    async with world(ZONE + zone, {key: {"RCPT": b"554 5.7.1 no\r\n"} for key in places}) as playing:
        options = [*playing.options, "--canary", "me@canary.example", "--tests", "all", "--errors-per-session", "100"]
        ran = await mxsweep("sweep", *options, "--backoff", "0", stdin="\n".join(places).encode())
        said = [line for server in playing.servers.values() for visit in server.visits for line in visit.lines]
        portions = b"".join(
            write for server in playing.servers.values() for visit in server.visits for write in visit.writes
        )
    assert len([record for record in check_records(ran.stdout) if record["kind"] == "probe"]) == len(places)
    assert any("RCPT" in line for line in said)
    assert [line for line in said if not COMMAND.fullmatch(line)] == []
    assert portions.count(b"\r\n") == portions.count(b"\n") == portions.count(b"\r") == len(said)
    assert "DATA" not in said


async def test_an_exchange_s_name_is_asked_of_dns_only_where_it_is_one() -> None:
    """A NUL would cut it in c-ares, a blank or a quote in somebody's log."""
    labels = [as_label(payload) for name, payload in PAYLOADS.items()]
    zone = "".join(
        f"d{number}.example. 60 MX 10 {label}.d{number}.example.\n{label}.d{number}.example. 60 A {HERE}\n"
        for number, label in enumerate(labels)
    )
    async with world(zone, {HERE: {}}) as playing:
        domains = [f"d{number}.example" for number in range(len(labels))]
        ran = await mxsweep("audit", *playing.options, stdin="\n".join(domains).encode())
        heard(playing)
        asked = {name for name, _ in playing.names.asked}
    assert [name for name in asked if not re.fullmatch(r"[a-z0-9._-]+", name)] == []
    assert ran.run["items"] == len(domains)


async def test_explain_s_reply_and_probe_s_target_ask_nothing_of_dns() -> None:
    async with world(ZONE, {HERE: {}}) as playing:
        for target in (as_argument(BLEND), f"{GOOD}\r\n{COMMANDS}", f'"a\n"@{GOOD}', f"{GOOD} x"):
            ran = await mxsweep("probe", target, *playing.options)
            assert ran.code == 2, ran.stdout
            check(ran.stderr)
        assert nothing_asked(playing)
