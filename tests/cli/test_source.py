from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from scanner.cli.source import BLOCK_BYTES, Source, Total
from scanner.intake.lines import Intake
from scanner.terms import UsageError
from tests.pool.servers import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scanner.intake.lines import BadLine
    from scanner.terms import Item


class Read:
    """What a source gave: domains and bad lines, as they came."""

    def __init__(self, source: Source[Item]) -> None:
        self.source = source
        self.domains: list[str] = []
        self.bad: list[int] = []

    def on_bad_line(self, bad: BadLine) -> None:
        self.bad.append(bad.number)

    async def all(self) -> list[str]:
        async for item in self.source.items(self.on_bad_line):
            self.domains.append(item.domain)
        return self.domains


@contextmanager
def pipe_as_stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Standard input is a pipe; its writing end, which the block may close."""
    reading, writing = os.pipe()
    stdin = SimpleNamespace(closed=False, isatty=lambda: False, fileno=lambda: reading)
    monkeypatch.setattr(sys, "stdin", stdin)
    try:
        yield writing
    finally:
        os.close(reading)


async def test_arguments_are_items_in_their_order() -> None:
    read = Read(Source(["b.example", "a b", "a.example"], "-", Intake()))
    assert (await read.all(), read.bad) == (["b.example", "a.example"], [2])


async def test_an_argument_that_is_no_unicode_is_a_bad_line() -> None:
    read = Read(Source(["\udcff.example", "a.example"], "-", Intake()))
    assert (await read.all(), read.bad) == (["a.example"], [1])


async def test_a_file_is_read_to_its_last_line_with_or_without_its_end(tmp_path: Path) -> None:
    number = 2 * BLOCK_BYTES // len("d00000.example\n")
    lines = [f"d{each:05}.example" for each in range(number)]
    file = tmp_path / "list"
    file.write_text("\n".join(lines))
    assert await Read(Source([], str(file), Intake())).all() == lines


async def test_a_pipe_gives_items_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_as_stdin(monkeypatch) as writing:
        read = Read(Source([], "-", Intake()))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read.all())
            os.write(writing, b"a.example\nb.exa")
            await until(lambda: read.domains == ["a.example"])
            os.write(writing, b"mple\nc.example")
            await until(lambda: read.domains == ["a.example", "b.example"])
            os.close(writing)
        assert read.domains == ["a.example", "b.example", "c.example"]


async def test_stopping_ends_the_wait_for_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_as_stdin(monkeypatch) as writing:
        read = Read(Source([], "-", Intake()))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read.all())
            os.write(writing, b"a.example\nhalf.exa")
            await until(lambda: read.domains == ["a.example"])
            read.source.stop()
        os.close(writing)
        assert read.domains == ["a.example"]


async def test_stopping_ends_the_items_of_a_block_that_was_read(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("a.example\nb.example\nc.example\n")
    read = Read(Source([], str(file), Intake()))
    async for item in read.source.items(read.on_bad_line):
        read.domains.append(item.domain)
        if item.domain == "b.example":
            read.source.stop()
    assert read.domains == ["a.example", "b.example"]


async def test_a_device_that_cannot_be_watched_is_read_all_the_same() -> None:
    assert await Read(Source([], "/dev/null", Intake())).all() == []


@pytest.mark.parametrize(
    ("arguments", "path", "fault"),
    [
        (["a.example"], "list", "items as arguments or -i FILE, not both"),
        ([], "gone.txt", "gone.txt: No such file or directory"),
        ([], ".", r"\.: is a directory"),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_asked(arguments: list[str], path: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        Source(arguments, path, Intake())


@pytest.mark.parametrize(
    ("stdin", "fault"),
    [
        (None, "standard input is closed"),
        (SimpleNamespace(closed=True), "standard input is closed"),
        (SimpleNamespace(closed=False, isatty=lambda: True), "nothing to do"),
    ],
)
def test_no_input_at_all_is_said_not_waited_for(stdin: object, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(UsageError, match=fault):
        Source([], "-", Intake())


async def test_an_input_that_breaks_off_is_an_error_not_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_fd: int, _size: int) -> bytes:
        raise OSError(5, "Input/output error")

    source = Source([], "/dev/null", Intake())
    monkeypatch.setattr(os, "read", broken)
    with pytest.raises(UsageError, match="input: Input/output error"):
        await Read(source).all()


async def test_the_total_of_arguments_is_known_from_the_first_one_on() -> None:
    read = Read(Source(["a.example", "a b", "b.example", "# none", "c.example"], "-", Intake()))
    assert read.source.total() is None
    async for _ in read.source.items(read.on_bad_line):
        assert read.source.total() == Total(3, exact=True)
    assert read.source.total() == Total(3, exact=True)


async def test_arguments_of_which_none_is_good_are_a_total_of_nought() -> None:
    read = Read(Source(["a b"], "-", Intake()))
    assert await read.all() == []
    assert read.source.total() == Total(0, exact=True)


@pytest.mark.parametrize("ending", ["\n", ""])
@pytest.mark.parametrize("blocks", [0.01, 3.5])
async def test_the_total_of_a_file_is_an_estimate_until_it_is_read_to_its_end(
    blocks: float, ending: str, tmp_path: Path
) -> None:
    """Lines of one length: the estimate is exact in its number, yet called an estimate."""
    number = int(blocks * BLOCK_BYTES / len("d00000.example\n"))
    file = tmp_path / "list"
    file.write_text("\n".join(f"d{each:05}.example" for each in range(number)) + ending)
    read = Read(Source([], str(file), Intake()))
    seen: list[Total | None] = []
    async for item in read.source.items(read.on_bad_line):
        seen.append(read.source.total())
        assert item.seq < number
    assert seen[0] == Total(number, exact=False)
    assert {total.items for total in seen if total} == {number}
    assert read.source.total() == Total(number, exact=True)


async def test_bad_lines_and_comments_are_estimated_with_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("a.example\n#........\nb b.examp\nd.example\n" * 10_000)
    read = Read(Source([], str(file), Intake()))
    async for _ in read.source.items(read.on_bad_line):
        total = read.source.total()
        assert total is not None
        assert abs(total.items - 20_000) < 20
    assert read.source.total() == Total(20_000, exact=True)


async def test_a_file_that_is_begun_in_its_middle_counts_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`{ read -r header; mxsweep audit; } < list`."""
    file = tmp_path / "list"
    file.write_text("a.example\n" * 10_000)
    with file.open() as begun:
        os.lseek(begun.fileno(), 50_000, os.SEEK_SET)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(closed=False, isatty=lambda: False, fileno=begun.fileno))
        read = Read(Source([], "-", Intake()))
        items = read.source.items(read.on_bad_line)
        await anext(items)
        assert read.source.total() == Total(5_000, exact=False)


async def test_a_line_longer_than_a_block_spoils_no_estimate(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("a.example\n" * 1000 + "#" * 3 * BLOCK_BYTES + "\n" + "b.example\n" * 1000)
    read = Read(Source([], str(file), Intake()))
    async for item in read.source.items(read.on_bad_line):
        total = read.source.total()
        assert total is not None
        if item.domain == "b.example":
            assert abs(total.items - 2000) < 20
    assert read.source.total() == Total(2000, exact=True)


async def test_the_total_of_a_pipe_is_known_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe_as_stdin(monkeypatch) as writing:
        read = Read(Source([], "-", Intake()))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read.all())
            os.write(writing, b"a.example\nb.example\nc.exam")
            await until(lambda: len(read.domains) == 2)
            assert read.source.total() is None
            os.write(writing, b"ple")
            os.close(writing)
        assert read.source.total() == Total(3, exact=True)


async def test_a_file_is_let_go_of_once(tmp_path: Path) -> None:
    """A run in a process that goes on leaves no descriptor behind."""
    path = tmp_path / "in.txt"
    path.write_text("a.example\n")
    source = Source((), str(path), Intake())
    held = source.fd
    assert [item.domain async for item in source.items(lambda _: None)] == ["a.example"]
    source.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)
    source.close()


async def test_an_argument_with_a_line_feed_is_one_bad_line_and_not_two_items() -> None:
    bad: list[BadLine] = []
    source = Source(["a.example\nb.example", "c.example"], "-", Intake())
    assert [item.domain async for item in source.items(bad.append)] == ["c.example"]
    assert [each.number for each in bad] == [1]
