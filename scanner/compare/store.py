"""Two runs side by side in a temporary file, so that a million unsorted records are joined in flat memory.

SQLite makes the file where `TMPDIR` says, without a name, and it is gone with the process.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple, Self

import orjson

from scanner.compare.change import State
from scanner.compare.output import Target
from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from scanner.compare.output import Seen

OLD, NEW = 0, 1
CACHE_KB = 16_000

TABLE = "CREATE TABLE seen (side INTEGER, target BLOB, seq INTEGER, state BLOB)"
NUMBERED = """
CREATE TEMP VIEW numbered AS
SELECT side, target, seq, state, row_number() OVER (PARTITION BY side, target ORDER BY seq) AS turn FROM seen
"""
PAIRED = """
SELECT target, max(CASE side WHEN 0 THEN state END), max(CASE side WHEN 1 THEN state END)
FROM numbered GROUP BY target, turn ORDER BY min(seq), target
"""
"""A domain may stand in the input twice: the first time is compared with the first, the second with the second."""


class Pair(NamedTuple):
    """A target with what each run found there; None: nothing."""

    target: Target
    old: State | None
    new: State | None


class Store:
    """A context: what is put in comes out in pairs.

    Raises:
        LocalFault: the temporary file cannot be written.
    """

    def __init__(self) -> None:
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self.database.execute("PRAGMA temp_store = FILE")
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute("PRAGMA synchronous = OFF")
        self.database.execute(TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()

    def put(self, side: int, seen: Iterable[Seen]) -> None:
        """All of one run."""
        rows = ((side, orjson.dumps(tuple(each.target)), each.seq, orjson.dumps(tuple(each.state))) for each in seen)
        try:
            self.database.execute("BEGIN")
            self.database.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", rows)
            self.database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise LocalFault(f"the comparison's temporary file: {error}") from error

    def pairs(self) -> Iterator[Pair]:
        """Each target once, in the order of the runs' items."""
        try:
            self.database.execute(NUMBERED)
            with closing(self.database.execute(PAIRED)) as rows:
                for target, old, new in rows:
                    yield Pair(Target(*orjson.loads(target)), state_of(old), state_of(new))
        except sqlite3.OperationalError as error:
            raise LocalFault(f"the comparison's temporary file: {error}") from error


def state_of(data: bytes | None) -> State | None:
    """What was put in."""
    return None if data is None else State(*orjson.loads(data))
