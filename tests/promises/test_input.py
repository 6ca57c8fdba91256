"""What the audit takes for input, and what it says about lines that it cannot use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

from tests.pool.servers import POLITE, until
from tests.promises.process import COMMAND, Ran, bytes_in, ended, environment, mxsweep, started
from tests.promises.world import HELO, World, mail_of, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

A_LABELS = "xn--bcher-kva.example"


@contextlib.asynccontextmanager
async def partners() -> AsyncIterator[World]:
    zone = mail_of("partner.example", "127.30.3.1") + mail_of("other.example", "127.30.3.1")
    async with world(zone + mail_of(A_LABELS, "127.30.3.1"), {"127.30.3.1": POLITE}) as playing:
        yield playing


def asked(ran: Ran) -> list[tuple[int, str, str]]:
    """(seq, domain, recipient) of each probe, by seq."""
    return sorted((probe["seq"], probe["domain"], probe["recipient"]) for probe in ran.of_kind("probe"))


BOTH = [(0, "partner.example", "postmaster@partner.example"), (1, "other.example", "postmaster@other.example")]


async def test_arguments_a_file_a_pipe_and_a_dash_say_the_same(tmp_path: Path) -> None:
    listed = tmp_path / "partners.txt"
    listed.write_text("partner.example\nother.example\n")
    async with partners() as playing:
        all_ran = await asyncio.gather(
            mxsweep("audit", "partner.example", "other.example", *playing.options),
            mxsweep("audit", "-i", str(listed), *playing.options),
            mxsweep("audit", *playing.options, stdin=listed.read_bytes()),
            mxsweep("audit", "-i", "-", *playing.options, stdin=listed.read_bytes()),
        )
    assert [asked(ran) for ran in all_ran] == [BOTH] * 4


FORGIVEN = "\ufeff# partners of spring\r\n\r\n  PARTNER.Example.  # since 2019\r\nother.example"


async def test_a_list_from_a_spreadsheet_is_taken_as_meant() -> None:
    """Byte order mark, CRLF, blanks, capitals, a final dot, comments, no line end at the end."""
    async with partners() as playing:
        ran = await mxsweep("audit", *playing.options, stdin=FORGIVEN.encode())
    assert (asked(ran), ran.run["bad_lines"], ran.code) == (BOTH, 0, 0)


async def test_an_international_name_is_asked_by_its_a_labels() -> None:
    async with partners() as playing:
        ran = await mxsweep("audit", "Bücher.example", *playing.options)
    assert asked(ran) == [(0, A_LABELS, f"postmaster@{A_LABELS}")]


async def test_a_mailbox_names_the_recipient_and_keeps_the_case_of_its_local_part() -> None:
    async with partners() as playing:
        ran = await mxsweep("audit", "Sales@Partner.example", *playing.options)
    assert asked(ran) == [(0, "partner.example", "Sales@partner.example")]


TAG = {"ticket": 4711, "who": ["é", None, True, 0.5], "deep": {"er": {}}}
OBJECTS = """\
{"domain": "partner.example", "tag": {"ticket": 4711, "who": ["é", null, true, 0.5], "deep": {"er": {}}}}
{"domain": "other.example", "recipient": "info", "tag": "x"}
{"recipient": "boss@partner.example"}
"""


async def test_json_lines_carry_a_recipient_and_a_tag_that_comes_back_in_every_record() -> None:
    async with partners() as playing:
        ran = await mxsweep("audit", *playing.options, stdin=OBJECTS.encode())
    assert asked(ran) == [
        (0, "partner.example", "postmaster@partner.example"),
        (1, "other.example", "info@other.example"),
        (2, "partner.example", "boss@partner.example"),
    ]
    for kind in ("probe", "domain"):
        assert {record["seq"]: record["tag"] for record in ran.of_kind(kind)} == {0: TAG, 1: "x", 2: None}


BAD = b"""\
partner.example
not a domain
# a comment
192.0.2.1
\xff\xfe.example
{"domain": "partner.example", "recipent": "x"}
other.example
"""


async def test_bad_lines_are_told_by_number_counted_and_skipped() -> None:
    async with partners() as playing:
        ran = await mxsweep("audit", *playing.options, stdin=BAD)
    assert (asked(ran), ran.run["bad_lines"], ran.code) == (BOTH, 4, 0)
    for number in (2, 4, 5, 6):
        assert f"mxsweep: line {number}: " in ran.stderr
    assert ran.stderr.count("; skipped") == 4
    assert "4 bad lines skipped" in ran.stderr


async def test_strict_stops_at_the_first_bad_line_with_two_and_whole_records() -> None:
    async with partners() as playing:
        ran = await mxsweep("audit", "--strict", *playing.options, stdin=BAD)
    assert ran.code == 2
    assert asked(ran) == BOTH[:1]
    assert ran.run["interrupted"] is True
    assert ran.stderr.startswith("mxsweep: line 2: ")
    assert len(ran.stderr.splitlines()) == 1


async def test_no_more_than_three_recipients_of_one_domain_are_asked() -> None:
    """Many named mailboxes of one domain are a search for users, whichever way they are spelt."""
    lines = [f"user{number}@partner.example\n" for number in range(4)]
    lines += ['{"domain": "PARTNER.example", "recipient": "user4"}\n', "partner.example\n"]
    async with partners() as playing:
        ran = await mxsweep("audit", *playing.options, stdin="".join(lines).encode())
    recipients = [recipient for _, _, recipient in asked(ran)]
    assert recipients == [f"user{number}@partner.example" for number in range(3)] + ["postmaster@partner.example"]
    assert ran.run["bad_lines"] == 2
    assert "line 4: 'user3@partner.example' not asked" in ran.stderr


async def test_a_named_pipe_and_an_empty_device_are_inputs_too(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writing = os.open(fifo, os.O_RDWR)  # as reader and writer it need not wait for the other
    os.write(writing, b"partner.example\n")
    async with partners() as playing:
        async with started("audit", "-i", str(fifo), *playing.options) as process:
            await until(lambda: playing.dials == 1, within_s=20)
            os.close(writing)
            ran = await ended(process)
        nothing = await mxsweep("audit", "-i", "/dev/null", *playing.options)
    assert asked(ran) == BOTH[:1]
    assert (nothing.code, nothing.run["items"]) == (0, 0)


async def test_an_item_is_asked_when_it_is_read_not_when_the_pipe_ends() -> None:
    async with partners() as playing, started("audit", *playing.options) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"partner.example\n")
        await process.stdin.drain()
        lines = [await process.stdout.readline() for _ in range(3)]
        assert b'"verdict":"ok"' in lines[2]
        rest = await ended(process, b"other.example\n")
    assert list(rest.verdicts) == ["other.example"]


def peak_kb(number: int) -> int:
    """The most memory that a run over so many items of an excluded domain ever had."""
    arguments = ["audit", "--helo", HELO, "--resolver", "127.0.0.1:1", "--exclude-domain", "excluded.example"]
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(
            [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.DEVNULL, env=environment()
        ) as process:
            assert process.stdin is not None
            for each in range(number):
                process.stdin.write(b"d%06d.with-a-name-of-usual-length.excluded.example\n" % each)
            process.stdin.close()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        assert sum(1 for _ in output) == 2 * number + 2
    assert process.returncode == 0
    return usage.ru_maxrss


def test_a_long_input_does_not_stay_in_memory() -> None:
    """Twenty thousand items leave 35 MB of records; kept, their lines alone would be 3 MB."""
    assert peak_kb(20_000) - peak_kb(2000) < 3_000


async def test_a_reader_that_does_not_read_stops_the_input_instead_of_filling_the_memory() -> None:
    """Of 1.4 MB of items a part is taken; then their records wait for room, and so does the rest."""
    lines = b"".join(b"d%06d.with-a-name-of-usual-length.excluded.example\n" % each for each in range(30_000))
    arguments = ["audit", "--helo", HELO, "--resolver", "127.0.0.1:1", "--exclude-domain", "excluded.example"]
    reading, writing = os.pipe()
    try:
        async with started(*arguments, stdout=writing) as process:
            os.close(writing)
            assert process.stdin is not None
            offered = process.stdin.transport
            offered.write(lines)
            await until(lambda: bytes_in(reading) > 60_000, within_s=20)
            left, before = offered.get_write_buffer_size(), -1
            while left != before:
                await asyncio.sleep(1)
                left, before = offered.get_write_buffer_size(), left
            assert left > len(lines) // 2
            process.kill()
    finally:
        os.close(reading)
