"""What waits on disk is all there, costs no more of the disk than what lives, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import subprocess
import sys
from array import array
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.run import spool as module
from scanner.run.spool import BLOCK_BYTES, LENGTH_MASK, Queue, Spool
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path) as spool:
        yield spool


def record(number: int) -> bytes:
    return b"%d:" % number + bytes([number % 251]) * (100 + number * 37 % 500)


def file_bytes(spool: Spool) -> int:
    return os.fstat(spool.descriptor).st_size


def test_what_was_put_is_taken_in_any_order(spool: Spool) -> None:
    references = array("Q", [spool.put(record(number)) for number in range(3000)])
    assert file_bytes(spool) > 10 * BLOCK_BYTES
    for number in [*range(2999, 0, -2), *range(0, 3000, 2)]:
        assert spool.take(references[number]) == record(number)


def test_a_record_that_is_read_stays_until_it_is_dropped(spool: Spool) -> None:
    references = [spool.put(record(number)) for number in range(500)]
    for reference in (references[0], references[-1]):
        assert spool.read(reference) == spool.read(reference) == spool.take(reference)


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES, 5_000_000])
def test_a_record_of_any_size_comes_back_whole_between_its_neighbours(spool: Spool, size: int) -> None:
    records = [record(1), os.urandom(size), record(2), os.urandom(size), *[record(number) for number in range(300)]]
    references = [spool.put(data) for data in records]
    assert [spool.take(reference) for reference in references] == records


def test_a_record_that_no_reference_can_describe_is_a_bug_of_the_caller(spool: Spool) -> None:
    with pytest.raises(ValueError, match="16777216 bytes"):
        spool.put(bytes(LENGTH_MASK + 1))


@given(st.lists(st.tuples(st.sampled_from(["put", "put", "take", "drop"]), st.integers(0, 10**6)), max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_mixture_of_sizes_and_orders_gives_back_what_was_put(steps: list[tuple[str, int]]) -> None:
    """Sizes are mostly of a quarter of a block, so that blocks are emptied and filled again all the time."""
    alive: list[tuple[int, bytes]] = []
    with Spool() as spool:
        for what, number in steps:
            if what == "put" or not alive:
                data = number.to_bytes(4, "big") * (number % (3 * BLOCK_BYTES if number % 7 == 0 else BLOCK_BYTES) // 8)
                alive.append((spool.put(data), data))
            else:
                reference, data = alive.pop(number % len(alive))
                if what == "take":
                    assert spool.take(reference) == data
                else:
                    spool.drop(reference)
            for reference, data in alive:
                assert spool.read(reference) == data
        assert sum(spool.living) == len(alive)


def test_nothing_is_written_and_no_file_made_for_what_never_fills_a_block(spool: Spool) -> None:
    for number in range(2000):
        assert spool.take(spool.put(record(number))) == record(number)
    assert spool.file is None


def test_the_disk_is_given_back_when_nothing_lives(spool: Spool) -> None:
    for _ in range(3):
        references = [spool.put(record(number)) for number in range(2000)]
        references += [spool.put(b""), spool.put(bytes(5 * BLOCK_BYTES)), spool.put(record(0))]
        assert file_bytes(spool) > 10 * BLOCK_BYTES
        for reference in references:
            spool.drop(reference)
        assert file_bytes(spool) == 0


def test_the_file_grows_with_what_lives_and_not_with_what_passed_through(spool: Spool) -> None:
    """A hot target's items wait long, so in a long run the file is never empty."""
    long = [spool.put(record(number)) for number in range(10)]
    spool.drop(spool.put(bytes(5 * BLOCK_BYTES)))
    passing = deque(spool.put(record(number)) for number in range(1000))
    for number in range(1000, 20_000):
        assert spool.take(passing.popleft()) == record(number - 1000)
        passing.append(spool.put(record(number)))
    assert file_bytes(spool) < 10 * BLOCK_BYTES
    assert [spool.take(reference) for reference in long] == [record(number) for number in range(10)]


def test_the_file_has_no_name(spool: Spool, tmp_path: Path) -> None:
    for number in range(1000):
        spool.put(record(number))
    assert list(tmp_path.iterdir()) == []
    assert "(deleted)" in str(Path(f"/proc/self/fd/{spool.descriptor}").readlink())
    assert not os.get_inheritable(spool.descriptor)
    assert os.fstat(spool.descriptor).st_mode & 0o777 == 0o600


def test_a_killed_process_leaves_nothing_behind(tmp_path: Path) -> None:
    program = (
        "import signal, sys, pathlib\n"
        "from scanner.run.spool import Spool\n"
        "spool = Spool()\n"
        "for _ in range(5000): spool.put(bytes(300))\n"
        "print(spool.directory, flush=True)\n"
        "signal.pause()\n"
    )
    command = [sys.executable, "-c", program]
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == str(tmp_path), "TMPDIR says where"
        process.send_signal(signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_close_gives_the_descriptor_back_and_may_come_twice(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(1000):
        spool.put(record(number))
    descriptor = spool.descriptor
    spool.close()
    spool.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def fill(spool: Spool) -> dict[int, int]:
    """Put until the disk says no; which number lies at which reference."""
    kept: dict[int, int] = {}
    with contextlib.suppress(LocalFault):
        for number in range(100_000):
            kept[spool.put(record(number))] = number
    return kept


def test_a_full_disk_is_a_fault_that_names_the_place_and_loses_nothing_that_was_put(tmp_path: Path) -> None:
    """The limit of a file's size is a full disk that needs no privilege; 10,000 bytes of the last block still fit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Spool(tmp_path) as spool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * BLOCK_BYTES + 10_000, before[1]))
        try:
            kept = fill(spool)
            with pytest.raises(LocalFault) as raised:
                spool.put(bytes(BLOCK_BYTES))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(raised.value) == f"the spool in {tmp_path}: File too large"
        assert len(kept) > 500
        for reference, number in kept.items():
            assert spool.read(reference) == record(number)
        # With room again it goes on, and the block that did not fit is written whole.
        more = {spool.put(record(number)): number for number in range(1000)}
        for reference, number in (kept | more).items():
            assert spool.take(reference) == record(number)


def test_a_short_write_goes_on_where_it_ended(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(module.os, "pwrite", lambda fd, data, offset: whole(fd, data[:1000], offset))
    references = [spool.put(record(number)) for number in range(1000)]
    assert [spool.take(reference) for reference in references] == [record(number) for number in range(1000)]


def test_a_short_read_goes_on_where_it_ended(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pread
    references = [spool.put(record(number)) for number in range(1000)]
    monkeypatch.setattr(module.os, "pread", lambda fd, size, offset: whole(fd, min(size, 100), offset))
    assert [spool.take(reference) for reference in references] == [record(number) for number in range(1000)]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_an_error_of_the_disk_is_a_fault_of_ours(spool: Spool, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    references = [spool.put(record(number)) for number in range(1000)]

    def fails(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    for name in ("pwrite", "pread", "ftruncate"):
        monkeypatch.setattr(module.os, name, fails)
    sentence = f"the spool in {spool.directory}: {os.strerror(code)}"
    with pytest.raises(LocalFault, match=sentence):
        spool.put(bytes(BLOCK_BYTES))
    with pytest.raises(LocalFault, match=sentence):
        spool.read(references[0])
    with pytest.raises(LocalFault, match=sentence):
        deque(map(spool.drop, references))


def test_a_file_that_lost_its_end_is_a_fault_and_no_short_record(spool: Spool) -> None:
    references = [spool.put(record(number)) for number in range(1000)]
    os.ftruncate(spool.descriptor, 100)
    with pytest.raises(LocalFault, match="shorter than what was written"):
        spool.read(references[1])


def test_a_place_that_is_none_is_a_fault_that_names_it(tmp_path: Path) -> None:
    with Spool(tmp_path / "absent") as spool, pytest.raises(LocalFault, match="absent: No such file or directory"):
        spool.put(bytes(BLOCK_BYTES))


def test_no_place_at_all_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(module.tempfile, "gettempdir", nowhere)
    with Spool() as spool, pytest.raises(LocalFault, match="the spool: No usable temporary directory found"):
        spool.put(bytes(BLOCK_BYTES))


@given(st.lists(st.one_of(st.integers(0, 2**64 - 1), st.just("pop")), max_size=400))
def test_a_queue_gives_back_in_the_order_in_which_it_got(steps: list[int | str]) -> None:
    queue: Queue[int] = Queue("Q")
    model: deque[int] = deque()
    for step in steps:
        if isinstance(step, int):
            queue.push(step)
            model.append(step)
        elif model:
            assert queue.first == model[0]
            assert queue.pop() == model.popleft()
        assert (len(queue), bool(queue.items)) == (len(model), bool(model))
    assert [queue.pop() for _ in range(len(queue))] == list(model)


def test_a_queue_keeps_8_bytes_for_each_that_waits_and_nothing_for_those_that_left() -> None:
    queue: Queue[int] = Queue("Q")
    for number in range(100_000):
        queue.push(number)
    for number in range(99_990):
        assert queue.pop() == number
        assert len(queue.items) * queue.items.itemsize <= 8 * (1.07 * len(queue) + 20)


def test_an_empty_queue_has_no_first() -> None:
    queue: Queue[float] = Queue("d")
    with pytest.raises(IndexError):
        queue.pop()
    queue.push(1.5)
    assert (queue.first, queue.pop(), len(queue)) == (1.5, 1.5, 0)
    with pytest.raises(IndexError):
        _ = queue.first
