"""`mxsweep explain` from the command line: arguments, text and JSON lines."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.promises.process import Ran, ended, in_shell, mxsweep, started

if TYPE_CHECKING:
    from typing import Any

PAGE = Path(__file__).parents[2] / "docs/explain.md"
DENIED = "554 5.7.1 <a@b.example>: Relay access denied"
LOG = (
    "Nov 25 10:00:00 mail postfix/smtp[9]: 4F1A: to=<u@p.example>, relay=mx.p.example[192.0.2.25]:25, dsn=4.2.0,"
    " status=deferred (host mx.p.example[192.0.2.25] said: 450 4.2.0 <u@p.example>: Recipient address rejected:"
    " Greylisted (in reply to RCPT TO command))\n"
)


async def explain(*arguments: str, stdin: bytes = b"") -> Ran:
    return await mxsweep("explain", *arguments, stdin=stdin)


async def answers(*objects: dict[str, Any], stdin: bytes = b"") -> list[dict[str, Any]]:
    ran = await explain("-i", "-", stdin=stdin or b"".join(orjson.dumps(each) + b"\n" for each in objects))
    assert ran.code == 0, ran.stderr
    return ran.records


def examples() -> list[tuple[str, str]]:
    """The commands of the page with what they print."""
    blocks = re.findall(r"^    \$ (.+)\n((?:    .+\n)+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [(command, re.sub(r"^    ", "", output, flags=re.MULTILINE)) for command, output in blocks]


@pytest.mark.parametrize(("command", "output"), examples(), ids=["for people", "for programs"])
async def test_the_page_s_examples_print_what_it_says(command: str, output: str) -> None:
    ran = await in_shell(command.replace("mxsweep", "$MXSWEEP"))
    assert ran.stdout.decode() == output


async def test_an_argument_is_a_reply_and_many_are_many() -> None:
    ran = await explain(DENIED, "451 4.7.1 Greylisting in action")
    assert ran.code == 0
    said = ran.stdout.decode()
    assert [line for line in said.splitlines() if line.startswith("=>")] == [
        "=> relay_denied, permanent",
        "=> greylisted, temporary: may differ later",
    ]


async def test_a_text_is_read_for_all_replies_in_it() -> None:
    ran = await explain(stdin=(LOG * 2 + "unrelated line\n" + LOG.replace("450 4.2.0", "550 5.1.1")).encode())
    said = ran.stdout.decode()
    assert said.count("=> greylisted at rcpt") == 3
    assert "as of reply 1 above" in said, "advice is not repeated"


async def test_json_lines_are_answered_one_for_one_with_the_input_s_fields() -> None:
    given = [
        {"code": 554, "enhanced": "5.7.1", "text": "Relay access denied", "stage": "rcpt", "id": [1, "x"]},
        {"code": 250, "text": "ok"},
        {"code": 700, "enhanced": None, "text": "?", "stage": None},
        {"text": "421 4.3.2 no", "code": 421},
    ]
    found = await answers(*given)
    assert [{name: each[name] for name in given[number]} for number, each in enumerate(found)] == given
    assert [list(each)[-6:] for each in found] == [
        ["verdict", "standing", "about", "transient", "confidence", "rule"]
    ] * 4
    assert [each["verdict"] for each in found] == ["relay_denied", "accepted", "unclassified", "service_unavailable"]


async def test_a_bad_line_is_numbered_and_skipped_and_strict_ends_there() -> None:
    lines = b'{"code": 250, "text": "ok"}\n{"code": "many"}\nwhat\n\n{"code": 550, "text": "no"}\n'
    ran = await explain("-i", "-", stdin=lines)
    assert (ran.code, len(ran.records)) == (0, 2)
    assert "line 2: " in ran.stderr
    assert "line 3: " in ran.stderr
    strict = await explain("-i", "-", "--strict", stdin=lines)
    assert (strict.code, len(strict.records)) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [([""], b""), ([], b""), ([], b"\n \n"), (["-i", "/nowhere"], b""), (["-i", "-"], b"what\n")],
)
async def test_what_holds_no_reply_is_an_error_of_usage(arguments: list[str], stdin: bytes) -> None:
    ran = await explain(*arguments, stdin=stdin)
    assert (ran.code, ran.stdout) == (2, b"")
    assert ran.stderr


async def test_a_file_is_read_like_standard_input(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)
    (tmp_path / "lines").write_bytes(b'\xef\xbb\xbf{"code": 554, "text": "Relay access denied"}\r\n')
    assert b"=> greylisted at rcpt" in (await explain("-i", str(tmp_path / "log"))).stdout
    [answer] = (await explain("-i", str(tmp_path / "lines"))).records
    assert answer["verdict"] == "relay_denied"


async def test_nothing_of_a_reply_reaches_the_terminal_as_a_control_sequence() -> None:
    ran = await explain("550 5.1.1 \x1b[2J no such\u202e user")
    assert b"\x1b" not in ran.stdout
    assert "\u202e" not in ran.stdout.decode()
    quiet = await explain("-i", "-", stdin='{"code": 550, "text": "\\u001b[2J\u202e"}\n'.encode())
    assert b"\x1b" not in quiet.stdout
    assert "\u202e" not in quiet.stdout.decode()


async def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"code": 554, "text": "Relay access denied"}\n' * 50_000)
    ran = await in_shell(f"$MXSWEEP explain -i {shlex.quote(str(lines))} | head -n 1; exit ${{PIPESTATUS[0]}}")
    assert (ran.stdout.count(b"\n"), ran.stderr, ran.code) == (1, "", 3)
    lines.write_text("554 5.7.1 Relay access denied\n" * 20_000)
    ran = await in_shell(f"$MXSWEEP explain -i {shlex.quote(str(lines))} | head -n 1; exit ${{PIPESTATUS[0]}}")
    assert (ran.stdout.count(b"\n"), ran.stderr, ran.code) == (1, "", 3)


@pytest.mark.parametrize("line", [b'{"code": 554, "text": "Relay access denied"}\n', b"554 no\n554 no\n"])
async def test_what_is_whole_is_answered_while_the_input_goes_on_and_ctrl_c_ends_it_with_three(line: bytes) -> None:
    async with started("explain") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        assert await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdin = None  # stays open: what ends it is the signal
        ran = await ended(process)
    assert (ran.code, ran.stderr) == (3, "")


async def test_what_exchange_says_in_braces_is_a_reply_and_no_json() -> None:
    ran = await explain(stdin=b"{LED=550 5.7.1 Unable to relay};{MSG=};{FQDN=mx.p.example}\n")
    assert b"=> relay_denied" in ran.stdout
    assert b"host mx.p.example" in ran.stdout
