"""A domain's probes together: one verdict, made of what each probe means for the domain (its standing), never of codes.

The rows are tried in order and the first that applies decides. A relay refusal outranks all: that a secondary was never
told about the domain stays true, and stays unnoticed, while the primary is up, down or greylisting.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from scanner.terms import About, DomainVerdict, ProbeVerdict, Role, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

REMEMBERED_DOMAINS = 4096
"""Distinct sets of results kept; some 2 MB."""

PASSING = frozenset({ProbeVerdict.GREYLISTED, ProbeVerdict.RATE_LIMITED})
"""Refusals about us that waiting cures: alone they leave the question open."""
OUR_OWN_DOING = frozenset({ProbeVerdict.EXCLUDED, ProbeVerdict.LOCAL_ERROR})
"""About us, but no server said so."""


class ProbeResult(NamedTuple):
    """What the domain's verdict needs of one probe; `address` is None where the exchange has none."""

    exchange: str | None
    preference: int | None
    role: Role | None
    address: str | None
    verdict: ProbeVerdict
    standing: Standing
    about: About

    @property
    def secondary(self) -> bool:
        """Only a higher preference is; implicit and direct exchanges count as primary."""
        return self.role is Role.SECONDARY

    @property
    def level(self) -> Hashable:
        """Probes on one level may stand in for each other: equal preference (RFC 5321 5.1), or all primaries."""
        return self.preference if self.secondary else None

    @property
    def broken(self) -> bool:
        """The domain's mail is not taken here."""
        return self.standing is Standing.BROKEN

    @property
    def serves(self) -> bool:
        """The domain's mail is taken here."""
        return self.standing is Standing.SERVES


def judge_domain(results: Sequence[ProbeResult]) -> DomainVerdict:
    """The domain's verdict from all its probes; where there is none, nothing was asked and nothing is known."""
    if not results:
        return DomainVerdict.INCONCLUSIVE
    if all(result.verdict is ProbeVerdict.ACCEPTED for result in results):
        return DomainVerdict.OK  # no row applies; nearly every domain ends here
    return by_rows(tuple(results))


@lru_cache(maxsize=REMEMBERED_DOMAINS)
def by_rows(results: tuple[ProbeResult, ...]) -> DomainVerdict:
    """The first row that applies; a host that refuses one domain refuses a thousand others in the same way."""
    return next((verdict for verdict, applies in ROWS if applies(results)), DomainVerdict.OK)


def refuses_relay(result: ProbeResult) -> bool:
    """A relay refusal that counts: one that is no guess."""
    return result.verdict is ProbeVerdict.RELAY_DENIED and result.broken


def refuses_us(result: ProbeResult) -> bool:
    """A server's refusal that is our matter: our address, name, sender or session."""
    return result.about is About.US and result.standing is Standing.UNDECIDED and result.verdict not in OUR_OWN_DOING


def all_broken(results: Iterable[ProbeResult]) -> bool:
    """Whether there is one, and none is anything else."""
    broken = [result.broken for result in results]
    return bool(broken) and all(broken)


def primary_rejects_relay(results: Sequence[ProbeResult]) -> bool:
    """A primary was never told about its domain."""
    return any(refuses_relay(result) and not result.secondary for result in results)


def secondary_rejects_relay(results: Sequence[ProbeResult]) -> bool:
    """A secondary was never told, and no primary says the same."""
    refused = any(refuses_relay(result) and result.secondary for result in results)
    return refused and not primary_rejects_relay(results)


def all_refuse_us(results: Sequence[ProbeResult]) -> bool:
    """All refuse us, and one for more than having come too soon or too often."""
    return all(refuses_us(result) for result in results) and any(result.verdict not in PASSING for result in results)


def primary_broken(results: Sequence[ProbeResult]) -> bool:
    """Every probe of every exchange of the lowest preference."""
    return all_broken(result for result in results if not result.secondary)


def secondary_broken(results: Sequence[ProbeResult]) -> bool:
    """Every probe of one secondary."""
    names = {result.exchange for result in results if result.secondary}
    return any(all_broken(each for each in results if each.secondary and each.exchange == name) for name in names)


def address_broken(results: Sequence[ProbeResult]) -> bool:
    """One node differs from others that serve: of the same exchange, or of one that is asked just as well."""
    serving = [result for result in results if result.serves]
    exchanges = {result.exchange for result in serving if result.exchange is not None}
    levels = {result.level for result in serving}
    return any(result.broken and (result.exchange in exchanges or result.level in levels) for result in results)


def recipient_refused(results: Sequence[ProbeResult]) -> bool:
    """Reached when every probe serves: the domain is fine, the recipient asked is not.

    Not all such refusals are about the recipient: one about us is known to serve where the postmaster was accepted.
    """
    return any(result.verdict is not ProbeVerdict.ACCEPTED for result in results)


ROWS: tuple[tuple[DomainVerdict, Callable[[Sequence[ProbeResult]], bool]], ...] = (
    (DomainVerdict.SECONDARY_REJECTS_RELAY, secondary_rejects_relay),
    (DomainVerdict.PRIMARY_REJECTS_RELAY, primary_rejects_relay),
    (DomainVerdict.REFUSES_US, all_refuse_us),
    (DomainVerdict.UNDELIVERABLE, all_broken),
    (DomainVerdict.PRIMARY_BROKEN, primary_broken),
    (DomainVerdict.SECONDARY_BROKEN, secondary_broken),
    (DomainVerdict.ADDRESS_BROKEN, address_broken),
    (DomainVerdict.INCONCLUSIVE, lambda results: any(result.standing is Standing.UNDECIDED for result in results)),
    (DomainVerdict.RECIPIENT_REFUSED, recipient_refused),
)
"""In the order in which they are tried; where none applies every probe serves the domain: `ok`."""
