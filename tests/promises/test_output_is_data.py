"""Nothing that a server, DNS or the input says can break a line, steer a terminal or end the run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING

import orjson
import pexpect
import pytest

from scanner.escape import UNSAFE
from tests.pool.servers import hang_up, silence
from tests.promises.process import COMMAND, ROOT, Ran, environment, mxsweep, texts_of
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.pool.servers import Script, Visit

NASTY = (
    b"\x1b]0;owned\x07\x1b[2J\x1b[31m",  # a terminal's title, its screen, its colour
    b"over\rwritten \x00 \x08\x7f",
    "\x9b2J \u202eevil\u202c \u2028\u2029 \u061c\u200f".encode(),  # C1, bidi, line separators
    b"\xff\xfe \xc0\xaf \xed\xa0\x80",  # no UTF-8: a bare byte, an overlong form, a surrogate
    b'"}\\n{"kind":"run","schema":1} \\u001b[2J',
    b"<script>alert(1)</script> [red]rich[/red] %s {0}",
)


def reply(code: bytes, *lines: bytes) -> bytes:
    *first, last = lines
    return b"".join(code + b"-" + line + b"\r\n" for line in first) + code + b" " + last + b"\r\n"


def garbage(visit: Visit) -> None:
    visit.say(b"\x1b[2J\x00\xff not a reply\r\n")


SCRIPTS: dict[str, Script] = {
    "127.30.4.1": {
        "OPEN": reply(b"220", *NASTY),
        "EHLO": reply(b"250", b"mx", *NASTY),
        "RCPT": reply(b"554", b"5.7.1 Relay access denied", *NASTY),
    },
    "127.30.4.2": {"OPEN": reply(b"554", *NASTY), "QUIT": hang_up},
    "127.30.4.3": {"OPEN": garbage},
}
EVIL = r"\027\0912J\013\010\"\226\128\174.mx"  # a label with ESC [ 2 J, CR LF, a quotation mark and U+202E
ZONE = (
    mail_of("partner.example", *SCRIPTS)
    + f"named.example. 60 MX 10 {EVIL}.named.example.\n{EVIL}.named.example. 60 A 127.30.4.1\n"
    + mail_of("mute.example", "127.30.4.4")
    + f"alias.example. 60 MX 10 mx.alias.example.\nmx.alias.example. 60 CNAME {EVIL}.named.example.\n"
)
TAG = {"\x1b[2J": "\x1b]0;x\x07\x9b\u202e\u2028\x7f", "plain": 'a "quote"'}
INPUT = (
    orjson.dumps({"domain": "partner.example", "tag": TAG})
    + b'\nnamed.example\nalias.example\n\x1b[2Jbad.example\nb\xc2\x9b\xe2\x80\xaea d\n{"dom\x1b": 1}\n'
)
OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.asynccontextmanager
async def hostile() -> AsyncIterator[World]:
    async with world(ZONE, {**SCRIPTS, "127.30.4.4": {"OPEN": silence}}) as playing:
        yield playing


@pytest.fixture(scope="module")
def ran() -> Ran:
    async def audit() -> Ran:
        async with hostile() as playing:
            return await mxsweep("audit", *playing.options, stdin=INPUT)

    with asyncio.Runner() as runner:
        return runner.run(audit())


def test_every_item_has_its_verdict_all_the_same(ran: Ran) -> None:
    assert ran.code == 1
    assert set(ran.verdicts) == {"partner.example", "named.example", "alias.example"}
    by_address = {(probe["domain"], probe["address"]): probe["verdict"] for probe in ran.of_kind("probe")}
    assert by_address["partner.example", "127.30.4.1"] == "relay_denied"
    assert by_address["partner.example", "127.30.4.3"] == "not_smtp"
    assert ran.run["bad_lines"] == 3


def test_a_line_holds_no_control_character_but_its_end(ran: Ran) -> None:
    *lines, nothing = ran.stdout.decode().split("\n")
    assert (nothing, [line for line in lines if UNSAFE.search(line)]) == ("", [])


def test_every_line_is_the_same_json_to_two_parsers(ran: Ran) -> None:
    lines = ran.stdout.splitlines()
    assert [orjson.loads(line) for line in lines] == [json.loads(line) for line in lines]
    assert [record["kind"] for record in ran.records].count("run") == 1


def test_what_was_said_is_harmless_also_when_the_json_is_undone(ran: Ran) -> None:
    """`jq -r .text` writes it to a terminal. LF joins the lines of a reply; a tag is the operator's own."""
    for record in ran.records:
        for name, value in record.items():
            if name != "tag":
                found = [text for text in texts_of(value) if UNSAFE.search(text.replace("\n", ""))]
                assert not found, (name, found)


def test_what_was_said_is_still_there_to_read(ran: Ran) -> None:
    [probe] = [each for each in ran.of_kind("probe") if (each["seq"], each["role"]) == (0, "primary")]
    assert r"\x1b]0;owned\x07\x1b[2J" in probe["text"]
    assert r"over\x0dwritten \x00" in probe["text"]
    assert r"\u202eevil\u202c" in probe["server"]["banner"]
    assert r"\xff\xfe" in probe["text"]
    assert '"}' in probe["text"]
    assert any(r"\x1b" in keyword for keyword in probe["server"]["extensions"])


def test_a_tag_comes_back_as_it_was(ran: Ran) -> None:
    records = [record for record in ran.records if record.get("domain") == "partner.example"]
    assert [record["tag"] for record in records] == [TAG] * (len(SCRIPTS) + 1)


def test_standard_error_holds_no_control_character_but_line_ends(ran: Ran) -> None:
    assert not UNSAFE.search(ran.stderr.replace("\n", ""))
    assert "Relay access denied" in ran.stderr
    assert "Traceback" not in ran.stderr


async def test_with_colours_the_only_escapes_are_ours() -> None:
    async with hostile() as playing:
        ran = await mxsweep("audit", "--color", "always", *playing.options, stdin=INPUT)
    assert "\x1b[31m" in ran.stderr
    assert not UNSAFE.search(OUR_COLOURS.sub("", ran.stderr).replace("\n", ""))
    assert "[2J" not in OUR_COLOURS.sub("", ran.stderr).replace(r"\x1b[2J", "").replace(r"\x9b2J", "")


PROGRESS = re.compile(r"\x1b\[(?:\?25[lh]|2K|\d*A|[0-9;]*m)|\r")
"""How the living line is written over: hidden cursor, erased line, one up, colours."""


async def test_on_a_terminal_only_the_progress_line_moves_the_cursor(tmp_path: Path) -> None:
    """It lives while one server is silent; of the peers' escapes none arrives beside it."""
    listed = tmp_path / "partners.txt"
    listed.write_bytes(INPUT + b"mute.example\n")
    async with hostile() as playing:
        arguments = ["-m", "scanner", "audit", "-i", str(listed), "-o", str(tmp_path / "out"), *playing.options]
        text = await asyncio.to_thread(seen_on_a_terminal, [*arguments, "--reply-timeout", "0.4"])
    assert "3 of 4 domains" in text
    assert "\x1b[2K" in text
    assert "Relay access denied" in text
    assert not UNSAFE.search(PROGRESS.sub("", text).replace("\n", ""))


def seen_on_a_terminal(arguments: list[str]) -> str:
    """All that a terminal gets of a command, until it ends."""
    child = pexpect.spawn(COMMAND[0], arguments, env=environment(), cwd=str(ROOT), timeout=30, dimensions=(24, 300))
    child.expect(pexpect.EOF)
    child.wait()
    return str(child.before.decode())
