"""The writer: groups of records from the loop to the output, in order, whole, and soon.

The output is the journal. A group is handed over in one piece and leaves in one piece: a batch is whole groups, and
what a full disk cut off is taken back. The loop never waits for the disk; the pipeline waits in `room` once too much is
pending, and so a slow reader (`| pv -L 1k`) stops the sockets instead of filling the memory.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from scanner.records.output import Output, ReaderGone, open_output
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scanner.records.reading import Extent

BATCH_BYTES = 64 * 1024
"""Pending bytes that are written at once, without waiting for more."""

BATCH_INTERVAL_S = 0.2
"""Else at most so often. A group after a pause is written at once: the first line of a run, all of a small one."""

SYNC_EVERY_S = 1.0
"""After so long a file's records are on disk, and survive a power failure."""

PENDING_LIMIT_BYTES = 4 * 1024 * 1024
"""Beyond it `room` waits; some 5,000 probes' records."""


class Journal:
    """The loop's end of an output; made by `open_journal`.

    Attributes:
        failure: why no more is written: `ReaderGone` or `LocalFault`; None while all is well.
        is_full: `room` would wait, or raise the failure.
    """

    def __init__(self, output: Output, sync_every_s: float = SYNC_EVERY_S) -> None:
        self.output = output
        self.sync_every_s = sync_every_s
        self.is_synced = True
        self.failure: ReaderGone | LocalFault | None = None
        self.is_full = False
        self.pending: list[bytes] = []
        self.pending_bytes = 0
        self.leaving_bytes = 0  # in the thread's hands
        self.finishing = False
        self.due = asyncio.Event()  # something is to be written now
        self.written = asyncio.Event()  # set at the end of each batch, and when nothing more will be
        self.loop = asyncio.get_running_loop()
        self.timer: asyncio.TimerHandle | None = None
        self.sync_timer: asyncio.TimerHandle | None = None
        self.last_batch_at = self.loop.time() - BATCH_INTERVAL_S
        self.last_sync_at = self.loop.time() - sync_every_s

    async def keep(self, extents: Sequence[Extent]) -> None:
        """Cut the output back to these parts of it, before the first `write`.

        Raises:
            LocalFault: a disk did not take it.
        """
        await self.loop.run_in_executor(None, self.output.keep, extents)

    def write(self, *groups: bytes) -> None:
        """Hand over groups, each whole lines that belong together; written within `BATCH_INTERVAL_S` unless it stalls.

        Raises:
            ReaderGone, LocalFault: as `failure` says; the groups are dropped.
        """
        if self.failure is not None:
            raise self.failure
        if self.finishing:
            raise RuntimeError("a group after the end of the journal")
        self.pending += groups
        self.pending_bytes += sum(map(len, groups))
        self.measure()
        self.schedule()

    def measure(self) -> None:
        """See whether more is on its way than may be."""
        self.is_full = self.failure is not None or self.pending_bytes + self.leaving_bytes > PENDING_LIMIT_BYTES

    def schedule(self) -> None:
        """See that what is pending becomes due: at once where it is much or the last batch is long ago."""
        if self.finishing or self.pending_bytes >= BATCH_BYTES:
            self.due.set()
        elif self.timer is None:
            self.timer = self.loop.call_at(self.last_batch_at + BATCH_INTERVAL_S, self.due.set)

    async def room(self) -> None:
        """Return once there is room for more groups; to be awaited before new work is taken on.

        Raises:
            ReaderGone, LocalFault: as `failure` says.
        """
        while self.is_full and self.failure is None:
            self.written.clear()
            await self.written.wait()
        if self.failure is not None:
            raise self.failure

    async def drain(self, thread: ThreadPoolExecutor) -> None:
        """Write what is pending whenever it is due, until `finish`; see it to the disk now and then, and at the end."""
        try:
            while not (self.finishing and not self.pending):
                await self.due.wait()
                await self.write_batch(thread)
                if not self.is_synced:
                    await self.sync_in_time(thread)
            await self.loop.run_in_executor(thread, self.output.sync)
        except (ReaderGone, LocalFault) as failure:
            self.failure = failure
            raise
        finally:
            self.finishing = True
            if self.sync_timer is not None:
                self.sync_timer.cancel()
            self.pending.clear()
            self.measure()
            self.written.set()

    async def write_batch(self, thread: ThreadPoolExecutor) -> None:
        """Everything pending, as one batch."""
        self.due.clear()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        batch, self.pending = self.pending, []
        self.leaving_bytes, self.pending_bytes = self.pending_bytes, 0
        self.last_batch_at = self.loop.time()
        if batch:
            await self.loop.run_in_executor(thread, self.output.write, batch)
            self.is_synced = not self.output.is_regular
        self.leaving_bytes = 0
        self.measure()
        self.written.set()
        if self.pending:  # came while the thread was writing
            self.schedule()

    async def sync_in_time(self, thread: ThreadPoolExecutor) -> None:
        """Have on disk what is in the file, if the last time is long enough ago; else come back when it is."""
        due_at = self.last_sync_at + self.sync_every_s
        if self.loop.time() < due_at:
            if self.sync_timer is None:
                self.sync_timer = self.loop.call_at(due_at, self.wake_for_sync)
            return
        if self.sync_timer is not None:
            self.sync_timer.cancel()
            self.sync_timer = None
        self.is_synced = True
        self.last_sync_at = self.loop.time()
        await self.loop.run_in_executor(thread, self.output.sync)

    def wake_for_sync(self) -> None:
        """The time has come, or nearly: a timer's clock is coarser than ours."""
        self.sync_timer = None
        self.due.set()


@asynccontextmanager
async def open_journal(
    path: str, *, force: bool = False, resume: bool = False, sync_every_s: float = SYNC_EVERY_S
) -> AsyncIterator[Journal]:
    """Open an output for the block's records; at its end all that was handed over is written and on disk.

    That holds where the block was cancelled too; a second cancellation while the rest is being written drops it. A
    failure to write cancels the block at once and comes out of it in place of whatever else it ended with.

    Args:
        path: of a new file, created 0600; `-` is standard output.
        force: replace an existing file.
        resume: leave what is in an existing file; nothing may be written before its `keep` was called.
        sync_every_s: how long a file's records may be away from the disk.

    Raises:
        UsageError: this output cannot be used; the block is not entered.
        ReaderGone: the reader went away.
        LocalFault: the output failed; the file ends with a whole group.
    """
    output = open_output(path, force=force, resume=resume)
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
    journal = Journal(output, sync_every_s)
    try:
        async with asyncio.TaskGroup() as tasks:
            drain = tasks.create_task(journal.drain(thread))
            try:
                yield journal
            finally:
                await finish(journal, drain)
    except BaseExceptionGroup as group:
        if journal.failure is not None:
            raise journal.failure from group
        if len(group.exceptions) == 1:  # the block's own: as if there were no task beside it
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise
    finally:
        output.abandoned = True
        thread.shutdown()  # waits for a write under way, 0.1 s at most for one to a stalled reader
        output.close()


async def finish(journal: Journal, drain: asyncio.Task[None]) -> None:
    """Wait until all is written, or the drain has failed."""
    journal.finishing = True
    journal.due.set()
    await asyncio.wait([drain])
