"""The file, pipe or terminal that records go to: opened, locked, written in whole groups, put on disk.

Blocking calls only; `scanner.records.journal` makes them from a thread of its own. Out of it come `UsageError` (this
output cannot be used; nothing was written), `LocalFault` (disk full, I/O error: what was written before stands) and
`ReaderGone`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.records.reading import Extent
from scanner.terms import LocalFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

STDOUT = "-"
STDOUT_FD = 1

MODE = 0o600
"""Records say who refuses whom and from where: nobody else's business."""

COPY_BYTES = 1024 * 1024

POLL_MS = 100
"""How often a write that waits for its reader looks whether the run was abandoned."""

READER_GONE = frozenset({errno.EPIPE, errno.ECONNRESET})
NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
"""File systems without locks (some network mounts) are written all the same."""


class ReaderGone(Exception):  # noqa: N818 - not an error of anyone: `| head` has seen enough
    """Whoever read our records went away; the run stops quietly. Exit code 3."""


class Output:
    """One open output.

    Attributes:
        name: the path, or `stdout`, for messages.
        abandoned: set from another thread, it ends a write that waits for a slow reader.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self.name = name
        self.abandoned = False
        self.is_regular = stat.S_ISREG(os.fstat(fd).st_mode)

    def write(self, groups: Sequence[bytes]) -> None:
        """Append whole groups, in one write where the output is a file.

        A file that takes only a part (disk full, quota, size limit) is cut back to its last whole group.

        Raises:
            ReaderGone: the reading end is closed.
            LocalFault: anything else that kept them from being written.
        """
        data = memoryview(b"".join(groups))
        written = 0
        try:
            while written < len(data):
                # A full disk takes a part first and says ENOSPC only to the rest.
                written += os.write(self.fd, data[written:]) if self.is_regular else self.write_slice(data[written:])
        except OSError as error:
            if error.errno in READER_GONE:
                raise ReaderGone(f"{self.name}: the reader is gone") from error
            kept = self.cut_back(groups, written)
            raise LocalFault(f"{self.name}: {error.strerror} ({errno_name(error)}){kept}") from error

    def write_slice(self, data: memoryview) -> int:
        """Some bytes to a pipe, terminal or socket; how many.

        It waits for the reader in short steps, so that it can be abandoned. What poll() calls writable takes PIPE_BUF
        without blocking (POSIX), whether the pipe blocks or not (one inherited from a Node.js parent does not).
        """
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        while not poll.poll(POLL_MS):  # an error condition counts as ready; the write then names it
            if self.abandoned:
                raise LocalFault(f"{self.name}: stopped while its reader was not reading")
        try:
            return os.write(self.fd, data[: select.PIPE_BUF])
        except BlockingIOError:
            return 0

    def cut_back(self, groups: Sequence[bytes], written: int) -> str:
        """Take a torn group off the end of a file; says so if it could not be done.

        Only where our bytes are still its last: a log may share the file (`> all.txt 2>&1`). The position goes back
        too, or whoever writes next would leave a hole of NULs.
        """
        torn = torn_bytes(groups, written)
        if not torn or not self.is_regular:
            return ""
        try:
            end = os.lseek(self.fd, 0, os.SEEK_CUR)
            if end != os.fstat(self.fd).st_size:
                return f"; its last {torn} bytes are a torn record"
            os.ftruncate(self.fd, end - torn)
            os.lseek(self.fd, end - torn, os.SEEK_SET)
        except OSError as error:
            return f"; its last {torn} bytes are a torn record ({error.strerror})"
        return ""

    def keep(self, extents: Sequence[Extent]) -> None:
        """Cut a file back to these parts of it and go on behind them; the first begins the file. None: to nothing.

        Later parts are set aside first: at every moment the file holds whole groups, each once, whatever becomes of us.

        Raises:
            LocalFault: a disk did not take it; what is lost is asked again.
        """
        first, *others = extents or [Extent(0, 0)]
        try:
            with ExitStack() as stack:
                aside = stack.enter_context(tempfile.TemporaryFile()).fileno() if others else -1
                for start, end in others:
                    copy(self.fd, range(start, end), aside)
                os.ftruncate(self.fd, first.end)
                os.fsync(self.fd)
                os.lseek(self.fd, first.end, os.SEEK_SET)
                copy(aside, range(sum(end - start for start, end in others)), self.fd)
        except OSError as error:
            raise LocalFault(f"{self.name}: {error.strerror} ({errno_name(error)})") from error
        self.sync()

    def sync(self) -> None:
        """Have a file's records on disk.

        Raises:
            LocalFault: the disk did not take them. Not tried again: a second fsync can report success for pages that
                the kernel has dropped (what PostgreSQL found out in 2018).
        """
        if not self.is_regular:
            return
        try:
            os.fdatasync(self.fd)
        except OSError as error:
            raise LocalFault(f"{self.name}: {error.strerror} ({errno_name(error)})") from error

    def close(self) -> None:
        """Let go of it, with its lock; standard output stays open, it is not ours."""
        if self.fd != STDOUT_FD:
            os.close(self.fd)
        elif self.is_regular:
            fcntl.flock(self.fd, fcntl.LOCK_UN)


def errno_name(error: OSError) -> str:
    """`ENOSPC` and the like."""
    return errno.errorcode.get(error.errno or 0, str(error.errno))


def torn_bytes(groups: Sequence[bytes], written: int) -> int:
    """How many of the bytes written belong to a group that is not whole."""
    for group in groups:
        if written < len(group):
            break
        written -= len(group)
    return written


def copy(source: int, places: range, target: int) -> None:
    """Append these bytes of one file to another."""
    for start in range(places.start, places.stop, COPY_BYTES):
        data = memoryview(os.pread(source, min(COPY_BYTES, places.stop - start), start))
        while data:
            data = data[os.write(target, data) :]


def open_output(path: str, *, force: bool, resume: bool = False) -> Output:
    """Open and lock a new file for records, or take standard output (`-`).

    Args:
        path: a file that does not exist yet; a device or a pipe may exist, nothing is lost there.
        force: replace an existing file.
        resume: leave an existing file as it is, to be read and continued; a missing one is made.

    Raises:
        UsageError: it exists, cannot be written, or another run writes to it. Nothing was changed.
    """
    if path == STDOUT:
        return open_stdout()
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE)
        sync_name(path)
    except FileExistsError:
        fd = open_existing(path, force=force, resume=resume)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    try:
        output = Output(fd, path)
        claim(output, resume=resume)
    except OSError as error:
        os.close(fd)
        raise UsageError(f"{path}: {error.strerror}") from error
    except UsageError:
        os.close(fd)
        raise
    return output


def claim(output: Output, *, resume: bool) -> None:
    """Make a file ours, and empty unless its run goes on.

    Raises:
        UsageError: another run writes to it, or there can be nothing to go on with.
    """
    if not output.is_regular:
        if resume:
            raise UsageError(f"--resume: {output.name} is no regular file")
        return
    lock(output.fd, output.name)
    os.fchmod(output.fd, MODE)  # before a byte is in it; also where the umask took more
    if not resume:
        os.ftruncate(output.fd, 0)  # after the lock: the file may be another run's


def sync_name(path: str) -> None:
    """Have a new file's name on disk, where its directory lets us: a power failure would take file and records."""
    with suppress(OSError):
        directory = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def open_existing(path: str, *, force: bool, resume: bool) -> int:
    """A descriptor of something that exists; its content is untouched."""
    try:
        if not force and not resume and Path(path).is_file():
            raise UsageError(
                f"{path} exists: give another name, --resume to go on with its run, or --force to replace it"
            )
        return os.open(path, os.O_RDWR if resume else os.O_WRONLY)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def open_stdout() -> Output:
    """Standard output, locked where it is a file (`>> results.jsonl` of two runs would mix them)."""
    try:
        output = Output(STDOUT_FD, "stdout")
    except OSError as error:
        raise UsageError(f"stdout: {error.strerror}") from error
    if output.is_regular:
        lock(STDOUT_FD, "stdout")
    return output


def lock(fd: int, name: str) -> None:
    """Claim a file for this run, or say that another has it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"{name}: another run is writing to it") from error
    except OSError as error:
        if error.errno not in NO_LOCKS_HERE:
            raise
