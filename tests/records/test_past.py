"""What an output holds of an earlier part of its run, and what is left of the file when it goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from scanner.records.facts import RunFacts, StartFacts
from scanner.records.output import open_output
from scanner.records.past import Past, past_of
from scanner.records.record import encode_group, encode_run, encode_start
from scanner.records.tally import Tally
from scanner.terms import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.records.facts import DomainFacts, ProbeFacts

RUN = "0123456789abcdef"
PAGE = 4096
START = encode_start(RUN, StartFacts("0.1.0", 1_795_560_628.1239, "audit", {"port": 25}, ["said before"]))


@pytest.fixture
def groups(acceptance: ProbeFacts, refusal: ProbeFacts, domain: DomainFacts) -> list[bytes]:
    """Sixteen real groups, in an order that is none."""
    return [
        encode_group(RUN, [probe._replace(seq=seq) for probe in (acceptance, refusal)], domain._replace(seq=seq)).data
        for seq in (5, 0, 9, 1, 15, 3, 2, 14, 4, 7, 6, 13, 8, 10, 12, 11)
    ]


def resumed(path: Path, command: str = "audit") -> tuple[Past, list[int]]:
    """A file read and cut as a resumed run does it, and the items found."""
    output = open_output(str(path), force=False, resume=True)
    seen: list[int] = []
    try:
        past = past_of(output, command, lambda group: seen.append(group.seq))
        assert past is not None
        for _ in past.read():
            pass
        output.keep(past.kept)
        os.write(output.fd, b"")  # where the next group would go:
        assert os.lseek(output.fd, 0, os.SEEK_CUR) == path.stat().st_size
    finally:
        output.close()
    return past, seen


def test_a_whole_file_stays_as_it_is_but_for_its_run_line(tmp_path: Path, groups: list[bytes]) -> None:
    path = tmp_path / "out.jsonl"
    facts = RunFacts(0.0, 1.0, interrupted=True, warnings=["said before", "said later"])
    path.write_bytes(START + b"".join(groups) + encode_run(RUN, facts, Tally()))
    past, seen = resumed(path)
    assert path.read_bytes() == START + b"".join(groups)
    assert seen == [5, 0, 9, 1, 15, 3, 2, 14, 4, 7, 6, 13, 8, 10, 12, 11]
    assert (past.done.count, past.done.end, past.damaged_bytes) == (16, 16, 0)
    assert (past.run, past.warnings) == (RUN, ["said before", "said later"])
    assert abs(past.started - 1_795_560_628.123) < 0.001


def test_cut_at_any_byte_of_the_last_groups_it_goes_back_to_the_last_whole_one(
    tmp_path: Path, groups: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 KB of cuts, the ends of groups among them."""
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    path = tmp_path / "out.jsonl"
    data = START + b"".join(groups)
    ends = [len(START) + sum(map(len, groups[: number + 1])) for number in range(len(groups))]
    for cut in range(len(data) - PAGE, len(data)):
        path.write_bytes(data[:cut])
        past, seen = resumed(path)
        whole = sum(end <= cut for end in ends)
        assert path.read_bytes() == START + b"".join(groups[:whole])
        assert len(seen) == past.done.count == whole
        assert past.damaged_bytes == cut - path.stat().st_size


def test_any_zeroed_page_costs_the_groups_in_it_and_no_other(tmp_path: Path, groups: list[bytes]) -> None:
    """Pages reach the disk in any order: a hole need not be the end. What lies behind it is kept, in order."""
    path = tmp_path / "out.jsonl"
    data = START + b"".join(groups)
    for page in range(PAGE, len(data), PAGE):
        end = min(page + PAGE, len(data))
        path.write_bytes(data[:page] + bytes(end - page) + data[end:])
        kept, at = [], len(START)
        for group in groups:
            if at >= end or at + len(group) <= page:
                kept.append(group)
            at += len(group)
        past, _ = resumed(path)
        assert path.read_bytes() == START + b"".join(kept)
        assert past.done.count == len(kept)
        assert resumed(path)[0].damaged_bytes == 0, "it is whole now"


def test_an_item_that_stands_there_twice_is_kept_once(tmp_path: Path, groups: list[bytes]) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(START + groups[0] + groups[1] + groups[0] + groups[2])
    past, seen = resumed(path)
    assert path.read_bytes() == START + b"".join(groups[:3])
    assert (seen, past.done.count) == ([5, 0, 9], 3)


def test_json_that_is_no_record_of_ours_is_no_item(tmp_path: Path, groups: list[bytes]) -> None:
    path = tmp_path / "out.jsonl"
    odd = b'{"kind":"domain","run":"%b","seq":3,"probes":0}\n' % RUN.encode()
    huge = groups[1].replace(b'"seq":0', b'"seq":%d' % 2**60)
    path.write_bytes(START + groups[0] + odd + huge + groups[2])
    past, _ = resumed(path)
    assert path.read_bytes() == START + groups[0] + groups[2]
    assert past.done.count == 2


def test_what_the_records_say_of_some_items_can_be_read_again(tmp_path: Path, groups: list[bytes]) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(START + b"".join(groups))
    output = open_output(str(path), force=False, resume=True)
    try:
        past = past_of(output, "audit", lambda _group: None)
        assert past is not None
        list(past.read())
        found = past.said_between(3, 5)
    finally:
        output.close()
    assert sorted(found) == [3, 4, 5]
    assert found[3].who == ("example.org", orjson.dumps({"ticket": 4711}))
    assert found[3].recipient == "postmaster@example.org"


@pytest.mark.parametrize("content", [b"", START[:1], START[:14], START[:-1], bytes(PAGE), b"\0"])
def test_a_file_without_a_whole_first_record_is_a_new_run(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(content)
    output = open_output(str(path), force=False, resume=True)
    try:
        assert past_of(output, "audit", lambda _group: None) is None
    finally:
        output.close()


def changed(**more: Any) -> bytes:
    return orjson.dumps(orjson.loads(START) | more) + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        b"my notes\n",
        b"my notes",
        b"\n",
        b'{"kind":"probe"}\n',
        b"[]\n" + START,
        bytes(PAGE) + b"\n" + START,
        changed(schema=2),
        changed(settings=None),
        changed(started="yesterday"),
        changed(run=None),
        START[:40] + b"\n",
    ],
)
def test_what_is_no_output_of_ours_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="does not begin with a start record"):
        resumed(path)
    assert path.read_bytes() == content


def test_the_output_of_another_command_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(START)
    with pytest.raises(UsageError, match="is an output of 'audit', not of sweep"):
        resumed(path, "sweep")
    assert path.read_bytes() == START
