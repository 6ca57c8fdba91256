"""How far a run is: counts as they are now, the rate of the last minute, and from both the time that is left."""

from __future__ import annotations

import time
from collections import deque
from heapq import nlargest
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from scanner.pool.host import TargetState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sized

    from scanner.cli.source import Source
    from scanner.pool.pool import Pool
    from scanner.records.tally import Tally
    from scanner.run.retries import Retries

SAMPLE_S = 5.0
"""How often the counts are noted for the rate."""
RECENT_S = 60.0
"""What the rate is about: longer than the pauses of a run, short enough to follow it."""
EARLY_S = 4.0
"""Before that, no rate says anything about the time left."""
TARGETS_TOLD = 5
"""How many of the busiest and of the slowest targets are told."""


class InMemory(Protocol):
    """What a run holds: probes in memory, items parked on disk, and at which addresses."""

    @property
    def used(self) -> int:
        """Probes in memory."""

    @property
    def parked(self) -> int:
        """Items on disk."""

    def parked_at(self) -> Iterable[tuple[str, int]]:
        """Address and items that wait for it, of those with any."""


class Work(Protocol):
    """A run as the gauge reads it: what is under way, and what waits to be asked again."""

    @property
    def pending(self) -> Sized:
        """Items under way."""

    @property
    def window(self) -> InMemory:
        """What it holds."""

    @property
    def retries(self) -> Retries | None:
        """What waits for its second time."""


class TargetStatus(NamedTuple):
    """One address: probes that wait in memory, items parked on disk for it, open sessions, answers, their mean time."""

    address: str
    waiting: int
    parked: int
    sessions: int
    answered: int
    mean_ms: float


class Status(NamedTuple):
    """Where a run is.

    `items`: domains done. `in_progress`: those in flight. `probes`: in memory. `parked`: domains on disk that wait for
    a full target, `retrying`: those that wait to be asked again. `paused`: targets in back-off. `verdicts` and
    `probe_verdicts`: how many of each, the most frequent first. `rate`: domains a second in the last minute,
    `mean_rate`: since the start. `total`: how many domains there will be, an estimate unless `total_exact`; None where
    nobody knows. `left_s`: until the end; None where it cannot be told. `what`: domains, or the targets of a sweep.
    """

    items: int
    in_progress: int
    sessions: int
    elapsed_s: float
    verdicts: dict[str, int]
    probe_verdicts: dict[str, int]
    rate: float = 0.0
    mean_rate: float = 0.0
    probes: int = 0
    parked: int = 0
    retrying: int = 0
    paused: int = 0
    total: int | None = None
    total_exact: bool = False
    left_s: float | None = None
    busiest: tuple[TargetStatus, ...] = ()
    slowest: tuple[TargetStatus, ...] = ()
    what: str = "domains"


class Counts(NamedTuple):
    """What audit and pool say at one moment."""

    in_progress: int = 0
    sessions: int = 0
    probes: int = 0
    parked: int = 0
    retrying: int = 0
    paused: int = 0


class Sample(NamedTuple):
    """What was done at a time.

    `items`: with their verdict; `asked`: also those that wait to be asked again. `answered`: probes, by hot target.
    """

    at: float
    items: int
    asked: int
    answered: dict[str, int]


def counts_of(audit: Work, pool: Pool) -> Counts:
    """Read both."""
    return Counts(
        in_progress=len(audit.pending),
        sessions=pool.open_sessions,
        probes=audit.window.used,
        parked=audit.window.parked,
        retrying=0 if audit.retries is None else len(audit.retries),
        paused=pool.paused_targets(),
    )


def hot_targets(audit: Work, pool: Pool) -> list[tuple[TargetState, int]]:
    """The targets at which most items are parked, and how many."""
    most = nlargest(TARGETS_TOLD, audit.window.parked_at(), key=itemgetter(1))
    return [(state_of(address, pool), parked) for address, parked in most if parked]


def state_of(address: str, pool: Pool) -> TargetState:
    """A target's state, whatever it is busy with."""
    host = pool.hosts.get(address)
    return TargetState(address, 0, 0, 0, 0.0) if host is None else host.state(address)


def targets_of(audit: Work, pool: Pool) -> tuple[tuple[TargetStatus, ...], tuple[TargetStatus, ...]]:
    """The busiest targets, by what waits for them in memory and on disk, and the slowest ones."""
    parked = dict(audit.window.parked_at())

    def told(state: TargetState) -> TargetStatus:
        waits = state.waiting, parked.get(state.address, 0)
        return TargetStatus(state.address, *waits, state.sessions, state.answered, round(state.mean_ms, 1))

    # All full targets hold the same number of probes: the busiest of them are those for which most is parked.
    states = {state.address: state for state in pool.busiest(TARGETS_TOLD)}
    states |= {state.address: state for state, _ in hot_targets(audit, pool)}
    busiest = nlargest(TARGETS_TOLD, map(told, states.values()), key=by_work)
    return tuple(busiest), tuple(map(told, pool.slowest(TARGETS_TOLD)))


def by_work(target: TargetStatus) -> tuple[int, int]:
    """What waits for it, then what it has answered."""
    return target.waiting + target.parked, target.answered


class Gauge:
    """Reads how far a run is, whenever asked, from its first moment to its last.

    Args:
        tally: what is done.
        source: what is known of the total.
        clock: seconds.
        what: is counted.
    """

    def __init__(
        self, tally: Tally, source: Source[Any], clock: Callable[[], float] = time.monotonic, what: str = "domains"
    ) -> None:
        self.tally = tally
        self.what = what
        self.source = source
        self.clock = clock
        self.began = clock()
        self.items_before = 0
        self.rooms: tuple[Work, Pool] | None = None
        self.retry_delay_s = 0.0
        self.retrying = 0
        self.retrying_grew = self.began
        self.samples = deque([Sample(self.began, 0, 0, {})], maxlen=int(RECENT_S / SAMPLE_S))

    def begin(self, audit: Work, pool: Pool) -> None:
        """The rooms are set up; before that all counts are 0."""
        self.rooms = audit, pool
        self.retry_delay_s = 0.0 if audit.retries is None else audit.retries.delay_s
        self.began = self.clock()
        self.items_before = self.tally.items  # by earlier parts of a resumed run
        self.samples.clear()
        self.samples.append(Sample(self.began, self.tally.items, self.tally.items, {}))

    def counts(self) -> Counts:
        """Those of now; notes whether more wait for a retry than before."""
        if self.rooms is None:
            return Counts()
        counts = counts_of(*self.rooms)
        if counts.retrying > self.retrying:
            self.retrying_grew = self.clock()
        self.retrying = counts.retrying
        return counts

    def sample(self) -> None:
        """Note the counts for the rate; to be called every `SAMPLE_S`."""
        items, hot = self.tally.items, self.hot()
        answered = {state.address: state.answered for state, _ in hot}
        self.samples.append(Sample(self.clock(), items, items + self.counts().retrying, answered))

    def hot(self) -> list[tuple[TargetState, int]]:
        """The targets at which most is parked."""
        return [] if self.rooms is None else hot_targets(*self.rooms)

    def status(self, *, targets: bool = True) -> Status:
        """All there is to know. `targets`: the busiest and slowest too, which costs a look at each address."""
        counts, now, items = self.counts(), self.clock(), self.tally.items
        verdicts = self.tally.verdicts()
        elapsed_s = now - self.began
        known = None if self.source.stopped else self.source.total()
        busiest, slowest = targets_of(*self.rooms) if targets and self.rooms is not None else ((), ())
        return Status(
            items,
            counts.in_progress,
            counts.sessions,
            elapsed_s,
            verdicts["domain"] if self.what == "domains" else verdicts["probe"],
            verdicts["probe"],
            rate=self.rates(now, items, counts.retrying)[0],
            mean_rate=per_second(items - self.items_before, elapsed_s),
            probes=counts.probes,
            parked=counts.parked,
            retrying=counts.retrying,
            paused=counts.paused,
            total=known.items if known else None,
            total_exact=known is not None and known.exact,
            left_s=self.left_s(now, items, counts.retrying, known.items) if known else None,
            busiest=busiest,
            slowest=slowest,
            what=self.what,
        )

    def rates(self, now: float, items: int, retrying: int) -> tuple[float, float]:
        """Items a second in the last minute: done, and asked for the first time."""
        since = self.samples[0]
        passed_s = now - since.at
        return per_second(items - since.items, passed_s), per_second(items + retrying - since.asked, passed_s)

    def left_s(self, now: float, items: int, retrying: int, total: int) -> float | None:
        """Until the end: what was not asked yet at the recent rate, then the wait of the last retry."""
        if now - self.began < EARLY_S:
            return None
        unasked = max(0, total - items - retrying)
        wait_s = max(0.0, self.retrying_grew + self.retry_delay_s - now) if retrying else 0.0
        if not unasked:
            return wait_s
        rate = max(self.rates(now, items, retrying))
        return max(unasked / rate, self.hottest_s(now)) + wait_s if rate > 0 else None

    def hottest_s(self, now: float) -> float:
        """Until the last of the hot targets has answered what waits for it now: the others may be done long before."""
        longest_s = 0.0
        for state, parked in self.hot():
            for sample in self.samples:
                if (before := sample.answered.get(state.address)) is not None:
                    rate = per_second(state.answered - before, now - sample.at)
                    longest_s = max(longest_s, (state.waiting + parked) / rate if rate else 0.0)
                    break
        return longest_s


def per_second(number: int, passed_s: float) -> float:
    """A rate; 0 where no time has passed."""
    return number / passed_s if passed_s > 0 else 0.0
