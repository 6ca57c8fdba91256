"""`--resume`: whether a run can go on in its output, and with which items.

It can where settings and input still say the same. That is known before anything is asked or changed: the input is
followed up to the last item that is done, and what was left out before it waits on disk until then.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import orjson

from scanner.cli.recording import in_words
from scanner.escape import cut, quoted, safe_text
from scanner.records.done import BLOCK_ITEMS, Comparison
from scanner.run.spool import Queue
from scanner.settings import Settings, option_name
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from scanner.records.done import Said
    from scanner.records.past import Past
    from scanner.run.spool import Spool

MAY_CHANGE = frozenset(
    {
        # where it is read from and written to: what is there is compared
        *("input", "output", "force", "resume", "strict", "dry_run"),
        # how fast, how much at once, until when
        *("concurrency", "per_target", "rate", "target_rate", "window", "sync_every", "max_time", "no_port_check"),
        # what is said of it
        *("fail_on", "verbose", "quiet", "progress", "color"),
        # a resolver that died must not be the end of a run
        "resolver",
        # a slip's guard
        "yes",
    }
)
"""Settings that decide no verdict."""


class HasNumber(Protocol):
    """An item."""

    @property
    def seq(self) -> int:
        """Its number."""


I = TypeVar("I", bound=HasNumber)  # noqa: E741 - an item


def check_settings(past: Past, now: Mapping[str, object]) -> None:
    """Whether a run that goes on with these settings is still the same.

    Raises:
        UsageError: names every option that differs.
    """
    before = past.start["settings"]
    now = orjson.loads(orjson.dumps(now))
    names = {setting.name: (option_name(setting), setting.default) for setting in fields(Settings)}
    different = []
    for name in sorted((now.keys() | before.keys()) - MAY_CHANGE):
        option, default = names.get(name, (name, None))
        was, becomes = before.get(name, default), now.get(name, default)
        if was != becomes:
            different.append(f"--{option} was {setting_in_words(was)}, is {setting_in_words(becomes)}")
    if different:
        raise UsageError(
            f"--resume: {quoted(past.output.name)} was begun with other settings: {'; '.join(different)}"
            " (rate, concurrency, progress and the like may change)"
        )


def setting_in_words(value: Any) -> str:  # noqa: ANN401 - a JSON value
    """A setting's value for a message."""
    return "not given" if value in (None, []) else cut(safe_text(orjson.dumps(value).decode()))


class Resumption(Generic[I]):
    """The items that are left.

    Args:
        past: what the output says.
        said: what an item is about, in the words of its records.
        spool: where items wait that were left out.
        pack: an item for the spool.
        unpack: it back.
    """

    def __init__(
        self,
        past: Past,
        said: Callable[[I], Said],
        spool: Spool,
        pack: Callable[[I], bytes],
        unpack: Callable[[bytes], I],
    ) -> None:
        self.past = past
        self.said = said
        self.spool = spool
        self.pack = pack
        self.unpack = unpack
        self.waiting: Queue[int] = Queue("Q")

    async def compare(self, items: AsyncIterator[I], is_stopped: Callable[[], bool]) -> bool:
        """Follow the input up to the last item that is done; False: it was stopped before.

        Raises:
            UsageError: it says something else than the records; names the first item that differs.
            LocalFault: the spool's disk is full.
        """
        done = self.past.done
        if not done.count:
            return True
        comparison = Comparison(done)
        block: list[I] = []
        async for item in items:
            block.append(item)
            if item.seq not in done:
                self.waiting.push(self.spool.put(self.pack(item)))
            if comparison.take(item.seq, self.said(item)):
                raise self.another_input(self.difference(block) or f"items {block[0].seq} to {item.seq} differ")
            if item.seq + 1 == done.end:
                return True
            if len(block) == BLOCK_ITEMS:
                block.clear()
        if not is_stopped():
            ended = f"it has records of item {done.end - 1}, and the input ends before"
            raise self.another_input((self.difference(block) if block else None) or ended)
        return False

    def another_input(self, how: str) -> UsageError:
        """What there is to say of it."""
        return UsageError(f"--resume: {quoted(self.past.output.name)} is about another input: {how}")

    def difference(self, block: Sequence[I]) -> str | None:
        """The first of these items of which the records say something else."""
        known = self.past.said_between(block[0].seq, block[-1].seq)
        for item in block:
            if (then := known.get(item.seq)) is None:
                continue
            now = self.said(item)
            if then.recipient is None:
                now = now._replace(recipient=None)
            if then != now:
                return f"item {item.seq} was {in_words(then)}, is {in_words(now)}"
        return None

    async def left(self, items: AsyncIterator[I]) -> AsyncIterator[I]:
        """What waited, then the rest of the input, without what is done."""
        while self.waiting:
            yield self.unpack(self.spool.take(self.waiting.pop()))
        async for item in items:
            yield item
