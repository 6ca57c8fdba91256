from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from benchmarks.records import accepted, most_at_once

if TYPE_CHECKING:
    from pathlib import Path


def written(path: Path, *records: dict[str, object]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return path


def probe(second: int, ms: float = 0.0, session: str = "new", verdict: str = "accepted") -> dict[str, object]:
    started = f"2025-01-01T00:00:{second:02}.000Z"
    return {"kind": "probe", "verdict": verdict, "session": session, "started": started, "elapsed_ms": ms}


OK = {"kind": "domain", "verdict": "ok"}


def test_sessions_are_counted_by_the_dials(tmp_path: Path) -> None:
    output = written(tmp_path / "out", {"kind": "start"}, probe(1), OK, probe(2, session="reused"), OK, probe(3), OK)
    counted = accepted(output, 3, 3)
    assert (counted.probes, counted.sessions, counted.probes_a_session) == (3, 2, 1.5)


@pytest.mark.parametrize("others", [(probe(2, verdict="reply_timeout"), {**OK, "verdict": "undeliverable"}), ()])
def test_a_fast_wrong_answer_is_none(tmp_path: Path, others: tuple[dict[str, object], ...]) -> None:
    with pytest.raises(RuntimeError, match="1 of 2 probes"):
        accepted(written(tmp_path / "out", probe(1), OK, *others), 2, 2)


def test_conversations_at_once_are_those_that_overlap(tmp_path: Path) -> None:
    """From 1 s to 4, from 2 to 3, from 3 to 5: where one ends and one begins, one is open."""
    output = written(tmp_path / "out", probe(3, 2000), probe(1, 3000), probe(2, 1000), {"kind": "run"})
    assert most_at_once(output) == 2
