from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scanner.records.timestamp import epoch_of, rfc3339


def test_a_time_is_rfc_3339_in_utc_to_the_millisecond() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_795_560_628.1239) == "2026-11-24T22:50:28.123Z"


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_any_millisecond_of_the_century_reads_back_as_itself(milliseconds: int) -> None:
    text = rfc3339(milliseconds / 1000 + 0.0001)
    assert text.endswith("Z")
    read = datetime.fromisoformat(text)
    assert read - datetime(1970, 1, 1, tzinfo=UTC) == timedelta(milliseconds=milliseconds)
    assert rfc3339(epoch_of(text)) == text
