from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from scanner.records import output as output_module
from scanner.records.output import Output, ReaderGone, open_output, torn_bytes
from scanner.records.reading import Extent
from scanner.terms import LocalFault, UsageError

if TYPE_CHECKING:
    from pathlib import Path

LINE = b'{"kind":"probe"}\n'


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_a_new_file_is_readable_by_its_owner_only_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "out.jsonl"
    before = os.umask(umask)
    try:
        output = open_output(str(path), force=False)
    finally:
        os.umask(before)
    output.close()
    assert mode_of(path) == 0o600


def test_groups_stand_in_the_file_in_order(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    output = open_output(str(path), force=False)
    output.write([b"a\n", b"b\nc\n"])
    output.write([])
    output.write([b"d\n"])
    output.sync()
    output.close()
    assert path.read_bytes() == b"a\nb\nc\nd\n"


def test_an_existing_file_is_refused_untouched_and_the_ways_out_are_named(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"precious\n")
    path.chmod(0o644)
    with pytest.raises(UsageError, match=r"out\.jsonl exists: give another name, --resume .* or --force"):
        open_output(str(path), force=False)
    assert path.read_bytes() == b"precious\n"
    assert mode_of(path) == 0o644


def test_forced_an_existing_file_is_replaced_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old and long\n" * 100)
    path.chmod(0o644)
    output = open_output(str(path), force=True)
    output.write([LINE])
    output.close()
    assert path.read_bytes() == LINE
    assert mode_of(path) == 0o600


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", [".", "missing/out.jsonl", "x" * 300])
def test_what_cannot_be_a_file_is_refused_by_name(tmp_path: Path, name: str, *, force: bool) -> None:
    with pytest.raises(UsageError) as refused:
        open_output(str(tmp_path / name), force=force)
    assert str(refused.value).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_another_run_writes_is_refused_untouched(tmp_path: Path, *, force: bool) -> None:
    path = tmp_path / "out.jsonl"
    first = open_output(str(path), force=False)
    first.write([LINE])
    with pytest.raises(UsageError, match=r"out\.jsonl"):
        open_output(str(path), force=force)
    first.write([LINE])
    first.close()
    assert path.read_bytes() == LINE * 2
    open_output(str(path), force=True).close()


def test_a_forced_second_run_says_that_there_is_a_first(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    first = open_output(str(path), force=False)
    with pytest.raises(UsageError, match="another run is writing to it"):
        open_output(str(path), force=True)
    first.close()


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    output = open_output(str(tmp_path / "out.jsonl"), force=False)
    output.close()


def test_a_full_device_is_a_fault_of_ours_that_names_it() -> None:
    output = open_output("/dev/full", force=False)
    with pytest.raises(LocalFault, match=r"/dev/full: No space left on device \(ENOSPC\)"):
        output.write([LINE])
    output.close()


SIZE_LIMIT = """
import resource, sys
from scanner.records.output import open_output
from scanner.terms import LocalFault
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
output = open_output(sys.argv[1], force=False)
output.write([b"a" * 29 + b"\\n"])
try:
    output.write([b"b" * 29 + b"\\n", b"c" * 29 + b"\\n", b"d" * 29 + b"\\n"])
except LocalFault as fault:
    print(fault)
"""


def test_a_file_that_takes_only_a_part_is_cut_back_to_its_last_whole_group(tmp_path: Path) -> None:
    """A write is short first; the error comes with the rest."""
    path = tmp_path / "out.jsonl"
    done = subprocess.run([sys.executable, "-c", SIZE_LIMIT, path], capture_output=True, text=True, check=True)
    assert done.stdout == f"{path}: File too large (EFBIG)\n"
    assert path.read_bytes() == b"a" * 29 + b"\n" + b"b" * 29 + b"\n" + b"c" * 29 + b"\n"


def short_of(output: Output, monkeypatch: pytest.MonkeyPatch, takes: int) -> None:
    """Let the output's next write take so many bytes, and the one after none: a disk that fills up."""
    real = os.write
    left = [takes]

    def write(fd: int, data: Any) -> int:
        if fd != output.fd:
            return real(fd, data)
        if not left:
            raise OSError(28, "No space left on device")
        return real(fd, data[: left.pop()])

    monkeypatch.setattr(os, "write", write)


def test_whoever_writes_next_to_a_shared_file_leaves_no_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mxsweep … > all.txt 2>&1`: the descriptor's position is shared with stderr."""
    path = tmp_path / "all.txt"
    with path.open("wb", buffering=0) as shared:
        output = Output(os.dup(shared.fileno()), "stdout")
        short_of(output, monkeypatch, len(LINE) + 3)
        with pytest.raises(LocalFault, match="ENOSPC"):
            output.write([LINE, LINE])
        shared.write(b"said on stderr\n")
        output.close()
    assert path.read_bytes() == LINE + b"said on stderr\n"


def test_a_torn_record_that_others_wrote_behind_is_not_cut_but_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.jsonl"
    output = open_output(str(path), force=False)
    real = os.fstat
    short_of(output, monkeypatch, 3)

    def fstat(fd: int) -> os.stat_result:
        with path.open("ab") as other:
            other.write(b"theirs\n")
        return real(fd)

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(LocalFault, match="its last 3 bytes are a torn record"):
        output.write([LINE])
    output.close()
    assert path.read_bytes() == LINE[:3] + b"theirs\n"


def test_a_failing_fsync_is_a_fault_and_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = open_output(str(tmp_path / "out.jsonl"), force=False)
    calls = []

    def fsync(fd: int) -> None:
        calls.append(fd)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fsync)
    with pytest.raises(LocalFault, match="EIO"):
        output.sync()
    output.close()
    assert len(calls) == 1


def pipe_output(*, blocking: bool = True) -> tuple[int, Output]:
    reading, writing = os.pipe()
    os.set_blocking(writing, blocking)
    return reading, Output(writing, "stdout")


def test_a_reader_that_went_away_is_no_fault() -> None:
    reading, output = pipe_output()
    os.close(reading)
    with pytest.raises(ReaderGone):
        output.write([LINE])
    output.close()


@pytest.mark.parametrize("blocking", [True, False])
def test_a_slow_reader_gets_every_byte_also_through_a_non_blocking_pipe(*, blocking: bool) -> None:
    reading, output = pipe_output(blocking=blocking)
    groups = [b"%06d" % number + b"x" * 93 + b"\n" for number in range(20_000)]
    got = bytearray()

    def read() -> None:
        while data := os.read(reading, 10_000):
            got.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    output.write(groups)
    output.sync()  # nothing to do for a pipe
    output.close()
    reader.join()
    os.close(reading)
    assert got == b"".join(groups)


def test_a_pipe_that_takes_nothing_after_all_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """EAGAIN though poll() called it writable: another writer was faster."""
    reading, output = pipe_output(blocking=False)
    real = os.write
    refusals = [BlockingIOError(11, "Resource temporarily unavailable")]

    def write(fd: int, data: Any) -> int:
        if fd == output.fd and refusals:
            raise refusals.pop()
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    output.write([LINE])
    assert os.read(reading, 1000) == LINE
    output.close()
    os.close(reading)


def test_a_write_to_a_stalled_reader_ends_when_the_run_is_abandoned() -> None:
    reading, output = pipe_output()
    output.abandoned = True
    with pytest.raises(LocalFault, match="not reading"):
        output.write([b"x" * 1_000_000])
    output.close()
    os.close(reading)


@pytest.mark.parametrize(("written", "torn"), [(0, 0), (1, 1), (2, 2), (3, 0), (4, 1), (7, 4), (8, 0), (10, 2)])
def test_bytes_of_a_group_that_is_not_whole_are_counted(written: int, torn: int) -> None:
    assert torn_bytes([b"aa\n", b"bb\nc\n", b"ddddd\n"], written) == torn


CLOSED_STDOUT = """
import os
from scanner.records.output import open_output
from scanner.terms import UsageError
os.close(1)
try:
    open_output("-", force=False)
except UsageError as error:
    raise SystemExit(str(error))
"""


def test_a_closed_standard_output_is_refused() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED_STDOUT], capture_output=True, text=True, check=False)
    assert done.stderr == "stdout: Bad file descriptor\n"


APPEND_TO_STDOUT = """
import sys
from scanner.records.output import open_output
from scanner.terms import UsageError
try:
    output = open_output("-", force=False)
except UsageError as error:
    raise SystemExit(str(error))
output.write([b"line\\n"])
output.close()
"""


def test_two_runs_that_append_to_one_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    command = [sys.executable, "-c", APPEND_TO_STDOUT]
    with path.open("ab") as mine, path.open("ab") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        refused = subprocess.run(command, stdout=mine, stderr=subprocess.PIPE, text=True, check=False)
        assert refused.stderr == "stdout: another run is writing to it\n"
        fcntl.flock(theirs, fcntl.LOCK_UN)
        for _ in range(2):
            subprocess.run(command, stdout=mine, check=True)
    assert path.read_bytes() == b"line\n" * 2


KILLED_WITH_A_CHILD = """
import subprocess, sys
from scanner.records.output import open_output
output = open_output(sys.argv[1], force=False)
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=sys.stdin)
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_child_that_outlives_the_run_does_not_keep_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WITH_A_CHILD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert run.stdin is not None
        run.stdout.readline()
        run.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
        open_output(str(path), force=True).close()
        run.stdin.close()  # ends the child


def test_an_output_that_is_to_go_on_is_left_as_it_is_and_locked(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"before\n")
    path.chmod(0o644)
    output = open_output(str(path), force=False, resume=True)
    try:
        assert path.read_bytes() == b"before\n"
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(UsageError, match="another run is writing to it"):
            open_output(str(path), force=False, resume=True)
    finally:
        output.close()


def test_a_missing_output_is_made_where_it_was_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    open_output(str(path), force=False, resume=True).close()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"", 0o600)


def test_a_pipe_cannot_go_on() -> None:
    with pytest.raises(UsageError, match="--resume: /dev/null is no regular file"):
        open_output("/dev/null", force=False, resume=True)


@pytest.mark.parametrize(
    ("extents", "left"),
    [
        ([], b""),
        ([Extent(0, 10)], b"0123456789"),
        ([Extent(0, 4)], b"0123"),
        ([Extent(0, 2), Extent(4, 6), Extent(9, 10)], b"01459"),
        ([Extent(0, 1), Extent(2, 10)], b"023456789"),
    ],
)
def test_a_file_is_cut_back_to_the_parts_that_are_kept(tmp_path: Path, extents: list[Extent], left: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"0123456789")
    output = open_output(str(path), force=False, resume=True)
    try:
        output.keep(extents)
        assert path.read_bytes() == left
        output.write([b"more"])
        assert path.read_bytes() == left + b"more"
    finally:
        output.close()


def test_at_every_moment_of_it_the_file_holds_whole_parts_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large parts of which a second copy may not stand in the file: killed in between, it must not be there twice."""
    path = tmp_path / "out.jsonl"
    parts = [bytes([number + 65]) * 7 + b"\n" for number in range(20)]
    path.write_bytes(b"".join(parts))
    kept = [Extent(start, start + 8) for start in range(0, 160, 16)]
    seen: list[bytes] = []
    for name in ("write", "ftruncate", "fsync", "fdatasync"):
        real = getattr(os, name)

        def watched(*arguments: Any, real: Any = real) -> Any:
            seen.append(path.read_bytes())
            return real(*arguments)

        monkeypatch.setattr(os, name, watched)
    monkeypatch.setattr(output_module, "COPY_BYTES", 16)
    output = open_output(str(path), force=False, resume=True)
    try:
        output.keep(kept)
    finally:
        output.close()
    assert path.read_bytes() == b"".join(parts[::2])
    for content in seen:
        whole = [line + b"\n" for line in content.split(b"\n")[:-1]]
        assert len(set(whole)) == len(whole)
        assert set(whole) <= set(parts)
    assert parts[0] in seen


def test_a_disk_that_is_full_while_parts_are_set_aside_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"0123456789")

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    output = open_output(str(path), force=False, resume=True)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(LocalFault, match="No space left on device"):
                output.keep([Extent(0, 2), Extent(4, 6)])
        assert path.read_bytes() == b"0123456789"
    finally:
        output.close()
