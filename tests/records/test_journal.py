from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scanner.records import journal as journal_module
from scanner.records.journal import BATCH_BYTES, PENDING_LIMIT_BYTES, Journal, open_journal
from scanner.records.output import Output, ReaderGone
from scanner.terms import LocalFault, UsageError
from tests.pool.servers import until

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = b'{"kind":"probe"}\n{"kind":"domain"}\n'


class Fifo:
    """A pipe with a name: the journal's end is opened by path, ours reads when told."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self.reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self.reading, True)

    async def read(self, size: int) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(None, os.read, self.reading, size)

    def close(self) -> None:
        if self.reading >= 0:
            os.close(self.reading)
        self.reading = -1


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path / "fifo")
    yield fifo
    fifo.close()


async def test_all_that_was_handed_over_is_in_the_file_in_order_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    groups = [b"%d\n" % number for number in range(10_000)]
    async with open_journal(str(path)) as journal:
        for number, group in enumerate(groups):
            journal.write(group)
            if number % 1000 == 0:
                await asyncio.sleep(0)
    assert path.read_bytes() == b"".join(groups)


async def test_an_output_that_cannot_be_used_is_known_before_the_block(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"")
    entered = False
    with pytest.raises(UsageError):
        async with open_journal(str(path)):
            entered = True
    assert not entered
    async with open_journal(str(path), force=True) as journal:
        journal.write(GROUP)
    assert path.read_bytes() == GROUP


async def test_the_first_group_is_written_at_once_not_at_the_end(fifo: Fifo) -> None:
    async with open_journal(fifo.path) as journal:
        journal.write(GROUP)
        assert await fifo.read(1000) == GROUP
        journal.write(GROUP)  # less than an interval later: by the timer
        assert await fifo.read(1000) == GROUP


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[bytes]]:
    """What each call to the output's write was given."""
    seen: list[list[bytes]] = []
    real = Output.write

    def write(self: Output, groups: list[bytes]) -> None:
        seen.append(list(groups))
        real(self, groups)

    monkeypatch.setattr(Output, "write", write)
    return seen


async def test_batches_are_whole_groups_and_few(
    tmp_path: Path, batches: list[list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "BATCH_INTERVAL_S", 3600)
    path = tmp_path / "out.jsonl"
    count = 40 * BATCH_BYTES // len(GROUP)
    async with open_journal(str(path)) as journal:
        for number in range(count):
            journal.write(GROUP)
            if number % 10 == 0:
                await asyncio.sleep(0)
    assert [group for batch in batches for group in batch] == [GROUP] * count
    sizes = [sum(map(len, batch)) for batch in batches]
    assert min(sizes[1:-1]) >= BATCH_BYTES  # the first goes at once, the last is the rest
    assert path.read_bytes() == GROUP * count


async def test_a_slow_reader_stops_whoever_waits_for_room(fifo: Fifo) -> None:
    """What is pending stays within the limit and one group; all of it arrives once it is read."""
    group = b"x" * 99_999 + b"\n"
    count = 3 * PENDING_LIMIT_BYTES // len(group)
    most_pending = 0
    waiting = asyncio.Event()

    async def produce(journal: Journal) -> None:
        nonlocal most_pending
        for _ in range(count):
            if journal.pending_bytes + journal.leaving_bytes > PENDING_LIMIT_BYTES:
                waiting.set()
            await journal.room()
            journal.write(group)
            most_pending = max(most_pending, journal.pending_bytes + journal.leaving_bytes)

    got = 0

    async def consume() -> None:
        nonlocal got
        await waiting.wait()
        while got < count * len(group):
            got += len(await fifo.read(1 << 20))

    async with open_journal(fifo.path) as journal, asyncio.TaskGroup() as tasks:
        tasks.create_task(produce(journal))
        tasks.create_task(consume())
    assert got == count * len(group)
    assert most_pending <= PENDING_LIMIT_BYTES + len(group)


async def test_a_reader_that_goes_away_stops_the_block_at_once(fifo: Fifo) -> None:
    stopped = False

    async def block() -> None:
        nonlocal stopped
        async with open_journal(fifo.path) as journal:
            journal.write(GROUP)
            await fifo.read(1000)
            fifo.close()
            journal.write(GROUP)
            try:
                await asyncio.Event().wait()  # nothing else would ever wake it
            except asyncio.CancelledError:
                stopped = True
                raise

    with pytest.raises(ReaderGone):
        await block()
    assert stopped
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def write_and_wait(path: str) -> None:
    async with open_journal(path) as journal:
        journal.write(GROUP)
        await asyncio.Event().wait()


async def test_a_full_disk_stops_the_block_and_is_what_comes_out_of_it() -> None:
    with pytest.raises(LocalFault, match="ENOSPC"):
        await write_and_wait("/dev/full")


async def test_groups_handed_over_together_are_kept_apart(batches: list[list[bytes]]) -> None:
    """So that a full disk takes back what is torn and no more."""
    async with open_journal("/dev/null") as journal:
        journal.write(b"1\n", b"2\n")
        journal.write(b"3\n")
    assert [group for batch in batches for group in batch] == [b"1\n", b"2\n", b"3\n"]


async def test_it_is_full_from_the_limit_until_the_reader_has_taken_enough(fifo: Fifo) -> None:
    async with open_journal(fifo.path) as journal:
        half = b"x" * (PENDING_LIMIT_BYTES // 2)
        journal.write(half, half)
        assert not journal.is_full
        journal.write(b"x")
        assert journal.is_full
        left = PENDING_LIMIT_BYTES + 1
        while left:
            left -= len(await fifo.read(1 << 20))
        await journal.room()
        assert not journal.is_full


async def test_after_a_failure_neither_write_nor_room_pretends() -> None:
    async def block() -> None:
        async with open_journal("/dev/full") as journal:
            journal.write(GROUP)
            try:
                await asyncio.Event().wait()
            finally:
                with pytest.raises(LocalFault):
                    journal.write(GROUP)
                assert journal.is_full
                with pytest.raises(LocalFault):
                    await journal.room()

    with pytest.raises(LocalFault, match="ENOSPC"):
        await block()


async def test_whoever_waits_for_room_outside_the_block_is_told_of_the_failure(fifo: Fifo) -> None:
    async def wait_for_room(journal: Journal) -> None:
        with pytest.raises(ReaderGone):
            await journal.room()

    async def block(tasks: asyncio.TaskGroup) -> None:
        async with open_journal(fifo.path) as journal:
            journal.write(b"x" * (PENDING_LIMIT_BYTES + 1))
            waiting = tasks.create_task(wait_for_room(journal))
            await fifo.read(1)
            assert not waiting.done()
            fifo.close()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        with pytest.raises(ReaderGone):
            await block(tasks)


async def test_a_failure_while_the_rest_is_written_at_the_end_comes_out_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fsync)
    with pytest.raises(LocalFault, match="EIO"):
        await write_one(tmp_path / "out.jsonl")


async def write_one(path: Path) -> None:
    async with open_journal(str(path)) as journal:
        journal.write(GROUP)


async def test_a_cancelled_block_still_writes_what_was_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    started = asyncio.Event()

    async def block() -> None:
        async with open_journal(str(path)) as journal:
            for _ in range(1000):
                journal.write(GROUP)
            started.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(block())
        await started.wait()
        task.cancel()
    assert task.cancelled()
    assert path.read_bytes() == GROUP * 1000


async def test_a_block_that_fails_still_writes_and_fails_with_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"

    async def block() -> None:
        async with open_journal(str(path)) as journal:
            journal.write(GROUP)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block()
    assert path.read_bytes() == GROUP


async def test_a_second_cancellation_gives_a_stalled_reader_up(fifo: Fifo) -> None:
    handed_over = asyncio.Event()

    async def block() -> None:
        async with open_journal(fifo.path) as journal:
            journal.write(b"x" * 1_000_000)
            handed_over.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(block())
        await handed_over.wait()
        task.cancel()
        await fifo.read(1)  # the thread is at it, and will be stuck
        task.cancel()
    assert task.cancelled()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("journal")]


async def test_a_group_after_the_end_is_a_bug_and_looks_like_one(tmp_path: Path) -> None:
    async with open_journal(str(tmp_path / "out.jsonl")) as journal:
        pass
    with pytest.raises(RuntimeError, match="after the end"):
        journal.write(GROUP)


def held() -> tuple[int, int, int]:
    """Tasks, threads, descriptors."""
    return len(asyncio.all_tasks()), threading.active_count(), sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_no_task_thread_or_descriptor_is_left_behind(tmp_path: Path) -> None:
    before = held()
    await write_one(tmp_path / "out.jsonl")
    with pytest.raises(LocalFault):
        await write_and_wait("/dev/full")
    assert held() == before


ENDLESS = """
import asyncio
from scanner.records.journal import open_journal
from scanner.records.output import ReaderGone
async def endless():
    async with open_journal("-") as journal:
        while True:
            journal.write(b"line\\n")
            await journal.room()
            await asyncio.sleep(0)
try:
    asyncio.run(endless())
except ReaderGone:
    raise SystemExit(3)
"""


def test_a_reader_of_standard_output_that_saw_enough_ends_the_run_without_a_word() -> None:
    """`mxsweep … | head -1`."""
    with subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == b"line\n"
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 3


async def test_an_idle_journal_does_not_wake_up(
    tmp_path: Path, batches: list[list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "BATCH_INTERVAL_S", 0.0)
    async with open_journal(str(tmp_path / "out.jsonl")) as journal:
        for _ in range(100):
            await asyncio.sleep(0)
        assert batches == []
        assert journal.timer is None


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much of a file was in it each time it was put on disk."""
    sizes: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: sizes.append(os.fstat(fd).st_size))
    return sizes


async def test_what_was_written_is_on_disk_after_a_while_also_when_nothing_more_comes(
    tmp_path: Path, synced: list[int]
) -> None:
    """The start record at once; then all of a while together, without another write to come by."""
    async with open_journal(str(tmp_path / "out.jsonl"), sync_every_s=0.3) as journal:
        journal.write(GROUP)
        await until(lambda: synced == [len(GROUP)])
        for _ in range(5):
            journal.write(GROUP)
            await asyncio.sleep(0)
        await until(lambda: synced[-1] == 6 * len(GROUP))
        number = len(synced)
        assert number <= 3
    assert synced[number:] == [6 * len(GROUP)], "and once more at the end"


async def test_with_a_while_of_nought_each_batch_is_on_disk_at_once(tmp_path: Path, synced: list[int]) -> None:
    async with open_journal(str(tmp_path / "out.jsonl"), sync_every_s=0) as journal:
        for number in range(1, 4):
            journal.write(GROUP)
            await until(lambda number=number: synced[-1:] == [number * len(GROUP)])  # type: ignore[misc]


async def test_what_is_not_written_is_not_put_on_disk_again_and_again(tmp_path: Path, synced: list[int]) -> None:
    async with open_journal(str(tmp_path / "out.jsonl"), sync_every_s=0) as journal:
        journal.write(GROUP)
        await until(lambda: bool(synced))
        for _ in range(3):
            journal.due.set()
            await until(lambda: not journal.due.is_set())
    assert synced == [len(GROUP)] * 2


async def test_a_disk_that_fails_while_the_run_goes_on_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(LocalFault, match="EIO"):
        await write_and_wait(str(tmp_path / "out.jsonl"))
