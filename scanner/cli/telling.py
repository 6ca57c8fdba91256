"""How far a run is, in words: one sentence for a line, all of it for who asks, an object for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.cli.status import Status, TargetStatus

COLUMNS_AT_MOST = 150
"""A sentence fits a wide terminal, with our name before it."""
VERDICTS_AT_MOST = 5


def sentence_of(status: Status) -> str:
    """The most important first, as a narrow terminal cuts the rest; only what there is of parked and the like."""
    counts = [f"{done(status)} ({rate_of(status.rate)})"]
    if status.left_s is not None:
        counts.append(f"about {duration(status.left_s)} left")
    counts += [f"{status.in_progress} in progress", f"{status.sessions} connections", *waiting(status)]
    sentence = ", ".join(counts)
    for number, (verdict, count) in enumerate(list(status.verdicts.items())[:VERDICTS_AT_MOST]):
        more = f"{', ' if number else ': '}{verdict} {count}"
        if len(sentence) + len(more) > COLUMNS_AT_MOST:
            break
        sentence += more
    return sentence


def done(status: Status) -> str:
    """How many of how many."""
    if status.total is None:
        return f"{status.items} {status.what} done"
    return f"{status.items} of {'' if status.total_exact else 'about '}{status.total} {status.what}"


def waiting(status: Status) -> list[str]:
    """What waits, and for what; nothing of what is 0."""
    numbers = {"parked": status.parked, "to retry": status.retrying, "targets paused": status.paused}
    return [f"{number} {what}" for what, number in numbers.items() if number]


def rate_of(rate: float) -> str:
    """Domains a second; a slow one with a decimal."""
    return f"{rate:.0f}/s" if rate >= 10 or rate == 0 else f"{rate:.1f}/s"


def duration(seconds: float) -> str:
    """A length of time in its two greatest units: `2 h 10 min`."""
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return two(minutes // 60, "h", minutes % 60, "min")
    hours = round(minutes / 60)
    return two(hours // 24, "d", hours % 24, "h")


def two(great: int, unit: str, small: int, small_unit: str) -> str:
    """Two units, the small one where there is some of it."""
    return f"{great} {unit} {small} {small_unit}" if small else f"{great} {unit}"


def report_of(status: Status) -> Iterator[str]:
    """All of it, a subject a line."""
    left = "" if status.left_s is None else f", about {duration(status.left_s)} left"
    yield f"{done(status)} in {duration(status.elapsed_s)}{left}"
    yield f"{rate_of(status.rate)} in the last minute, {rate_of(status.mean_rate)} since the start"
    yield (
        f"{status.in_progress} {status.what} in progress, {status.probes} probes in memory,"
        f" {status.sessions} connections, {status.paused} targets paused"
    )
    yield f"{status.parked} {status.what} parked at busy targets, {status.retrying} wait to be asked again"
    for what, verdicts in {status.what: status.verdicts, "probes": status.probe_verdicts}.items():
        yield f"{what}: {', '.join(f'{name} {number}' for name, number in verdicts.items()) or 'no verdict yet'}"
    for what, targets in ("busiest", status.busiest), ("slowest", status.slowest):
        yield f"{what} targets:{'' if targets else ' none'}"
        yield from (f"  {described(target)}" for target in targets)


def described(target: TargetStatus) -> str:
    """One target: what waits for it and how long it takes."""
    parked = f" and {target.parked} domains parked" if target.parked else ""
    waits = f"{target.waiting} probes waiting{parked}, {target.sessions} connections"
    if not target.answered:
        return f"{target.address}: {waits}, nothing answered yet"
    return f"{target.address}: {waits}, {target.answered} answered in {target.mean_ms / 1000:.2f} s on average"


def fields_of(status: Status) -> dict[str, Any]:
    """For programs; rounded to what is worth reading."""
    fields = status._asdict()
    for name, digits in {"elapsed_s": 1, "rate": 2, "mean_rate": 2, "left_s": 1}.items():
        if fields[name] is not None:
            fields[name] = round(fields[name], digits)
    for name in ("busiest", "slowest"):
        fields[name] = [target._asdict() for target in fields[name]]
    return fields
