"""What is read from files that others wrote: logs and bounces for `explain`, outputs for `diff`, lists for `audit`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.compare.records import of_domain, probe, written
from tests.promises.process import mxsweep
from tests.promises.world import mail_of, world
from tests.security.harmless import OUR_COLOURS, check, check_records, nothing_was_run, terminal
from tests.security.payloads import MARK, PAYLOADS, as_argument

if TYPE_CHECKING:
    from pathlib import Path

QUOTATIONS = (
    b"554 5.7.1 %s\n",
    b"550-5.1.1 %s\n550 5.1.1 %s\n",
    (
        b"Nov 25 mx postfix/smtp[1]: A1: to=<%s@b.example>, relay=%s[192.0.2.1]:25, dsn=5.7.1, status=bounced (host"
        b" %s[192.0.2.1] said: 554 5.7.1 %s (in reply to RCPT TO command))\n"
    ),
    (
        b"2026-01-01 10:00:00 1a-b-c ** x@b.example R=%s T=%s H=%s [192.0.2.1]: SMTP error from remote mail server"
        b" after RCPT TO:<%s>: 550 %s\n"
    ),
    (
        b"Final-Recipient: rfc822; %s@b.example\nAction: failed\nStatus: 5.7.1\nRemote-MTA: dns; %s\n"
        b"Diagnostic-Code: smtp; 554 5.7.1 %s\n"
    ),
    b"Connected to %s.\n220 %s\nEHLO x\n250 %s\nMAIL FROM:<%s>\n250 ok\nRCPT TO:<%s@b.example>\n554 %s\n",
)


def filled(quotation: bytes, payload: bytes) -> bytes:
    return quotation.replace(b"%s", payload)


@pytest.mark.parametrize("quotation", QUOTATIONS, ids=range(len(QUOTATIONS)))
async def test_a_quotation_explained_to_people(quotation: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(filled(quotation, payload) for payload in PAYLOADS.values()))
    code, text = await terminal("explain", "-i", str(path), "--color", "always", cwd=str(tmp_path))
    assert (code, "=> " in text) == (0, True)
    check(text, ours=OUR_COLOURS)
    nothing_was_run(tmp_path)
    ran = await mxsweep("explain", "-i", str(path))
    check(ran.stdout)
    check(ran.stderr)


async def test_each_payload_as_an_argument(tmp_path: Path) -> None:
    replies = [f"554 5.7.1 {as_argument(payload)}" for payload in PAYLOADS.values()]
    code, text = await terminal("explain", *[reply[:20_000] for reply in replies], cwd=str(tmp_path))
    assert code == 0, text
    check(text, ours=OUR_COLOURS)


async def test_json_is_answered_with_json_and_the_operator_s_own_fields_survive() -> None:
    """`text` comes back as it came in; on a terminal the line is harmless, since what is unsafe is an escape."""
    texts = [payload.decode("utf-8", "replace")[:5_000] for payload in PAYLOADS.values()]
    lines = [json.dumps({"code": 554, "enhanced": "5.7.1", "text": each, each[:50]: each}) for each in texts]
    ran = await mxsweep("explain", "-i", "-", stdin="\n".join(lines).encode())
    check(ran.stdout)
    check(ran.stderr)
    answers = [orjson.loads(line) for line in ran.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == texts
    assert answers == [json.loads(line) for line in ran.stdout.splitlines()]


async def test_lines_that_are_no_json_are_told_harmlessly() -> None:
    lines = [b'{"code": 554, "text": "' + payload.replace(b"\n", b"") + b'"' for payload in PAYLOADS.values()]
    good = b'{"code": 554, "text": "no"}\n'
    ran = await mxsweep("explain", "-i", "-", stdin=good + b"\n".join(lines))
    check_records(ran.stdout)
    check(ran.stderr)


FIELDS = ("domain", "exchange", "address", "port", "verdict", "stage", "code", "enhanced", "text", "error", "standing")


@pytest.mark.parametrize("as_json", [False, True])
async def test_outputs_that_others_wrote_are_compared_harmlessly(tmp_path: Path, *, as_json: bool) -> None:
    texts = [payload.decode("utf-8", "replace") for payload in PAYLOADS.values()]
    numbers = [(number, field, text) for number, text in enumerate(texts) for field in FIELDS]
    old = [of_domain(f"d{number}-{field}.example", "192.0.2.1", "accepted", "serves") for number, field, _ in numbers]
    new = [{**record, field: text} for record, (_, field, text) in zip(old, numbers, strict=True)]
    settings = {"helo": texts, "sender": "".join(texts)}
    first = written(tmp_path / "old\x1b[2J", *old, command="audit", settings={"helo": "x"})
    second = written(tmp_path / f"new\n{MARK}", *new, command="audit", settings=settings, complete=None)
    options = ("--json",) if as_json else ("--color", "always")
    ran = await mxsweep("diff", str(first), str(second), "--anyway", *options)
    assert ran.code == 0, ran.stderr
    check(ran.stdout, ours=None if as_json else OUR_COLOURS)
    assert b"changed" in ran.stdout
    if as_json:
        check_records(ran.stdout)
    check(ran.stderr)
    _, text = await terminal("diff", str(second), str(first), "--anyway", *options)
    check(text, ours=OUR_COLOURS)


async def test_files_that_are_no_outputs_are_refused_harmlessly(tmp_path: Path) -> None:
    good = written(tmp_path / "good", probe("192.0.2.1"))
    for number, payload in enumerate(PAYLOADS.values()):
        for lines in (payload, good.read_bytes() + payload + b"\n"):
            path = tmp_path / f"bad{number}\x1b[2J"
            path.write_bytes(lines)
            ran = await mxsweep("diff", str(path), str(good))
            assert ran.code in (0, 2), ran.stderr  # 0: only the first part of the table is a torn last line
            check(ran.stdout)
            check(ran.stderr)


async def test_lists_that_others_wrote(tmp_path: Path) -> None:
    """Bad lines are told by number and reason; a tag is passed through, as escapes."""
    tagged = [
        json.dumps({"domain": "good.example", "tag": {payload.decode("utf-8", "replace")[:500]: [payload[:500].hex()]}})
        for payload in PAYLOADS.values()
    ]
    keys = [json.dumps({payload.decode("utf-8", "replace"): "x"}) for payload in PAYLOADS.values()]
    lines = [*PAYLOADS.values(), *(each.encode() for each in [*tagged, *keys])]
    async with world(mail_of("good.example", "127.42.1.1"), {"127.42.1.1": {}}) as playing:
        path = tmp_path / "list"
        path.write_bytes(b"\n".join(lines) + b"\n")
        out = tmp_path / "out"
        arguments = ("audit", *playing.options, "-i", str(path), "-o", str(out))
        code, text = await terminal(*arguments, "--progress", "plain", cwd=str(tmp_path))
        assert code in (0, 1), text
        check(text, ours=OUR_COLOURS)
        records = check_records(out.read_bytes())
        assert records[-1]["bad_lines"] > len(PAYLOADS)
        sweep = ("sweep", *playing.options, "--canary", "me@canary.example", "-i", str(path), "--dry-run")
        _, text = await terminal(*sweep, cwd=str(tmp_path))
        check(text)
    nothing_was_run(tmp_path)
