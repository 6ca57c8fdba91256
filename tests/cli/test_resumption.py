"""Whether a run can go on: settings and input compared, and the items that are left."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from scanner.cli.audit import AuditRun
from scanner.cli.recording import said_of_domain
from scanner.cli.resumption import MAY_CHANGE, Resumption, check_settings
from scanner.cli.source import Source
from scanner.intake.lines import Intake
from scanner.records.done import BLOCK_ITEMS, Done, Said
from scanner.run.spool import Spool
from scanner.settings import AUDIT, RUNS, Settings, option_name, option_of, settings_of
from scanner.smtp.outcome import Question
from scanner.terms import Item, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from scanner.records.past import Past

OTHER: dict[str, Any] = {
    "helo": "other.example",
    "sender": "me@probe.example",
    "recipient": "me@{domain}",
    "port": 26,
    "via": ("mx.example",),
    "source": "127.0.0.2",
    "connect_timeout": 9.0,
    "reply_timeout": 9.0,
    "probe_timeout": 9.0,
    "starttls": "never",
    "errors_per_session": 3,
    "transactions_per_session": 3,
    "target_memory": 0.0,
    "backoff": 1.0,
    "retry_transient": 1.0,
    "ask_postmaster": True,
    "allow_net": ("127.0.0.0/8",),
    "exclude": ("192.0.2.1",),
    "exclude_domain": ("a.example",),
    "ipv4": True,
    "ipv6": True,
}


class FakeOutput:
    name = "out.jsonl"


class FakePast:
    """What `Resumption` asks of a past, without a file."""

    output = FakeOutput()

    def __init__(self, said: dict[int, Said] | None = None, settings: object = None) -> None:
        self.said = said or {}
        self.start = {"settings": settings}
        self.done = Done()
        for seq, what in self.said.items():
            self.done.add(seq, what)

    def said_between(self, first: int, last: int) -> dict[int, Said]:
        return {seq: what for seq, what in self.said.items() if first <= seq <= last}


def effective(settings: Settings) -> dict[str, object]:
    return AuditRun(settings, Source(["a.example"], "-", Intake())).effective_settings()


def checked(before: Settings, now: Settings) -> None:
    recorded = orjson.loads(orjson.dumps(effective(before)))
    check_settings(cast("Past", FakePast(settings=recorded)), effective(now))


BEFORE = Settings(helo="probe.example")


def test_every_setting_may_change_or_is_tried_here() -> None:
    names = {setting.name for setting in settings_of(AUDIT)}
    assert names - MAY_CHANGE == OTHER.keys()
    assert {setting.name for setting in fields(Settings) if set(option_of(setting).commands) & set(RUNS)} >= MAY_CHANGE


@pytest.mark.parametrize("name", OTHER)
def test_what_decides_a_verdict_may_not_change(name: str) -> None:
    changed = replace(BEFORE, **{name: OTHER[name]})
    option = option_name(next(setting for setting in fields(Settings) if setting.name == name))
    for before, now in ((BEFORE, changed), (changed, BEFORE)):
        with pytest.raises(UsageError, match=rf"'out\.jsonl' was begun with other settings: .*--{option} was .*, is "):
            checked(before, now)
    checked(changed, changed)


def test_what_is_said_of_a_run_and_how_fast_it_is_may_change() -> None:
    checked(BEFORE, replace(BEFORE, rate=1.0, concurrency=3, per_target=1, progress="json", fail_on="none", quiet=True))
    checked(
        BEFORE, replace(BEFORE, window=7, sync_every=0.0, max_time=5.0, resolver=("192.0.2.1",), no_port_check=True)
    )


def test_a_setting_that_the_output_does_not_know_had_its_default() -> None:
    """An output of an earlier version goes on as long as nothing new is asked for."""
    recorded = orjson.loads(orjson.dumps(effective(BEFORE)))
    del recorded["ask_postmaster"]
    past = cast("Past", FakePast(settings=recorded))
    check_settings(past, effective(BEFORE))
    with pytest.raises(UsageError, match="--ask-postmaster was false, is true"):
        check_settings(past, effective(replace(BEFORE, ask_postmaster=True)))


def said(item: Item) -> Said:
    return said_of_domain(item, Question("", item.recipient or f"postmaster@{item.domain}"))


async def given(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


def items(count: int) -> list[Item]:
    return [Item(seq, f"d{seq}.example", None, {"n": seq} if seq % 3 else None, seq) for seq in range(count)]


async def left_of(before: list[Item], done: Iterable[int], now: list[Item], *, stopped: bool = False) -> list[Item]:
    past = FakePast({seq: said(before[seq]) for seq in done})
    with Spool() as spool:
        resumption: Resumption[Item] = Resumption(
            cast("Past", past),
            said,
            spool,
            lambda item: orjson.dumps(tuple(item)),
            lambda data: Item(*orjson.loads(data)),
        )
        stream = given(now)
        if not await resumption.compare(stream, lambda: stopped):
            return []
        return [item async for item in resumption.left(stream)]


@pytest.mark.parametrize("done", [[], [0], [4, 2], range(10), [9], range(0, 4000, 7), range(1, 4000, 2)])
async def test_what_is_left_is_all_that_is_not_done_in_order(done: Iterable[int]) -> None:
    everything = items(4000)
    left = await left_of(everything, done, everything)
    assert left == [item for item in everything if item.seq not in set(done)]


@pytest.mark.parametrize("place", [0, 1, BLOCK_ITEMS - 1, BLOCK_ITEMS, 3 * BLOCK_ITEMS + 5])
async def test_the_first_item_that_differs_is_named(place: int) -> None:
    everything = items(4 * BLOCK_ITEMS)
    changed = [*everything]
    changed[place] = changed[place]._replace(domain="other.example")
    with pytest.raises(UsageError, match=rf"item {place} was d{place}\.example .*, is other\.example"):
        await left_of(everything, range(4 * BLOCK_ITEMS), changed)
    assert await left_of(everything, set(range(4 * BLOCK_ITEMS)) - {place}, changed) == [changed[place]]


async def test_a_line_more_in_the_midst_shifts_all_that_follow() -> None:
    everything = items(50)
    shifted = [item._replace(seq=seq) for seq, item in enumerate([*everything[:20], everything[3], *everything[20:]])]
    with pytest.raises(UsageError, match=r"item 20 was d20\.example .*, is d3\.example"):
        await left_of(everything, range(50), shifted)


async def test_an_input_that_ends_early_is_another_one_unless_somebody_stopped_it() -> None:
    everything = items(50)
    with pytest.raises(UsageError, match="it has records of item 49, and the input ends before"):
        await left_of(everything, [49], everything[:30])
    assert await left_of(everything, [49], everything[:30], stopped=True) == []
