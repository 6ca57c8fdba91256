"""Findings that the operator knows of: `[[known]]` tables of the configuration, each with a reason and an expiry.

They are counted aloud and make no exit code 1; one that has expired does again, and the run warns of it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.addresses import Networks
from scanner.escape import quoted
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYS = frozenset({"address", "port", "domain", "exchange", "verdict", "reason", "expires"})
SELECTING = ("address", "domain", "exchange")


class Known(NamedTuple):
    """One entry: which findings, why they are known, and until when. What is None is not asked about.

    `verdicts`: those that it covers; empty: any.
    """

    reason: str
    expires: dt.date
    addresses: Networks | None = None
    port: int | None = None
    domain: str | None = None
    exchange: str | None = None
    verdicts: frozenset[str] = frozenset()

    def covers(
        self, verdict: str, domain: str | None, exchange: str | None, address: str | None, port: int | None
    ) -> bool:
        """Whether a finding is this one."""
        if self.verdicts and verdict not in self.verdicts:
            return False
        if self.addresses is not None and (address is None or ip_address(address) not in self.addresses):
            return False
        asked = ((self.port, port), (self.domain, domain), (self.exchange, exchange))
        return all(wanted is None or wanted == found for wanted, found in asked)


def parse_known(tables: object, vocabulary: frozenset[str]) -> tuple[Known, ...]:
    """The entries of a configuration.

    Args:
        tables: what stands under `known`, as TOML reads it.
        vocabulary: the verdicts that there are.

    Raises:
        UsageError: names the entry and the key.
    """
    if not isinstance(tables, list):
        raise UsageError("known must be tables: [[known]]")
    return tuple(parse_entry(table, number, vocabulary) for number, table in enumerate(tables, 1))


def parse_entry(table: object, number: int, vocabulary: frozenset[str]) -> Known:
    """One of them."""
    where = f"[[known]] {number}"
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table")
    if unknown := sorted(table.keys() - KEYS):
        raise UsageError(f"{where}: no key is called {quoted(unknown[0])}")
    for name in ("reason", "address", "domain", "exchange"):
        if name in table and not (isinstance(table[name], str) and table[name].strip()):
            raise UsageError(f"{where}: {name} must be a string")
    if "reason" not in table:
        raise UsageError(f"{where}: a reason is required")
    expires = table.get("expires")
    if not isinstance(expires, dt.date) or isinstance(expires, dt.datetime):
        raise UsageError(f"{where}: expires is required, a date: 2027-01-31")
    if not any(name in table for name in SELECTING):
        raise UsageError(f"{where}: names no {', '.join(SELECTING)}: it would cover everything")
    port = table.get("port")
    if port is not None and (not isinstance(port, int) or isinstance(port, bool)):
        raise UsageError(f"{where}: port must be a number")
    try:
        addresses = Networks.from_text([table["address"]]) if "address" in table else None
    except UsageError as error:
        raise UsageError(f"{where}: address: {error}") from None
    domain, exchange = (table.get(name) and table[name].lower().rstrip(".") for name in ("domain", "exchange"))
    verdicts = verdicts_of(table, where, vocabulary)
    return Known(table["reason"].strip(), expires, addresses, port, domain, exchange, verdicts)


def verdicts_of(table: dict[str, Any], where: str, vocabulary: frozenset[str]) -> frozenset[str]:
    """The verdicts that an entry covers: one, or a list."""
    named = table.get("verdict", [])
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{where}: verdict must be a string or a list of strings")
    if unknown := sorted(set(names) - vocabulary):
        raise UsageError(f"{where}: no verdict is called {quoted(unknown[0])}")
    return frozenset(names)


class Found(NamedTuple):
    """What a record says, as far as an entry asks."""

    verdict: str
    domain: str | None
    exchange: str | None
    address: str | None
    port: int | None


class KnownFindings:
    """The entries of a run, and how often each one was met.

    Args:
        entries: of the configuration.
        today: entries that expired before it cover nothing.
    """

    def __init__(self, entries: Iterable[Known], today: dt.date) -> None:
        entries = list(entries)
        self.valid = [entry for entry in entries if entry.expires >= today]
        self.expired = [entry for entry in entries if entry.expires < today]
        self.met: Counter[Known] = Counter()

    def __bool__(self) -> bool:
        return bool(self.valid)

    def take(self, found: Iterable[Found], findings: frozenset[str]) -> int:
        """Count those findings among what records say that are known, and say how many those are."""
        return sum(self.meet(*each) for each in found if each.verdict in findings)

    def meet(
        self, verdict: str, domain: str | None, exchange: str | None, address: str | None, port: int | None
    ) -> bool:
        """Whether an entry covers a finding; the first that does is credited with it."""
        for entry in self.valid:
            if entry.covers(verdict, domain, exchange, address, port):
                self.met[entry] += 1
                return True
        return False

    def told(self) -> list[str]:
        """For the summary: each entry that was met, with its reason and its expiry."""
        return [
            f"known: {number} finding{'s' if number > 1 else ''}: {entry.reason} (until {entry.expires})"
            for entry, number in self.met.items()
        ]

    def warnings(self) -> list[str]:
        """For each entry that has expired."""
        return [f"known finding expired on {entry.expires}: {entry.reason}" for entry in self.expired]
