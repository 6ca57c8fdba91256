"""One look: what DNS says of a name, then its exchangers asked one after the other, as an administrator does by hand.

The same plan, pool and judgement as the audit, with one probe at a time and everything told as it happens. A name
without MX is a domain and a host at once (RFC 5321 5.1): it is looked at as the host that was typed, unless a mailbox
of it was.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scanner.escape import cut, safe_text
from scanner.judge.domain import judge_domain
from scanner.pool.probe import Probe
from scanner.run.group import AskedProbe, result_of, undialled, without_postmaster
from scanner.run.plan import Plan, Planned, plan
from scanner.run.verdict import judge_answer
from scanner.terms import (
    DomainRoute,
    DomainVerdict,
    Exchange,
    ExchangeRoute,
    ProbeVerdict,
    Role,
    Standing,
    Target,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.pool.pool import Pool
    from scanner.pool.probe import Answer
    from scanner.resolve.resolver import Resolver
    from scanner.smtp.outcome import Question

TYPED = frozenset({Role.DIRECT, Role.IMPLICIT})
"""The host's own name or address was typed by the operator, so it may be private or loopback."""
NOT_ASKED = frozenset({ProbeVerdict.LOCAL_ERROR, ProbeVerdict.DNS_FAILED})
"""No server was met, by our fault or DNS': the question stays open."""
LOCAL_NAME = "localhost"


class Subject(NamedTuple):
    """What is looked at.

    `name`: a domain or host name in lower case, A-labels, no final dot; for an address its literal as a mailbox has it
    (`[192.0.2.1]`, RFC 5321 4.1.3). `address`: canonical, where one was typed. `recipient`: the mailbox, where one was.
    """

    name: str
    address: str | None = None
    recipient: str | None = None


class Looked(NamedTuple):
    """What a look found.

    `host`: a host was looked at, not a domain. `probes`: those asked, in order. `unasked`: those left out after one
    had taken the mail. `so_far`: a domain's verdict made of the probes asked; final only where `unasked` is empty.
    """

    route: DomainRoute
    host: bool
    probes: tuple[AskedProbe, ...] = ()
    unasked: tuple[Planned, ...] = ()
    so_far: DomainVerdict | None = None
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> DomainVerdict | None:
        """The domain's verdict; None for a host, and where it is not known because not all were asked."""
        return None if self.unasked else self.so_far

    @property
    def completed(self) -> bool:
        """Whether there is an answer at all."""
        if self.so_far is DomainVerdict.DNS_FAILED:
            return False
        return not self.probes or any(probe.judgement.verdict not in NOT_ASKED for probe in self.probes)

    @property
    def broken(self) -> bool:
        """Whether one of those asked does not take the mail."""
        return any(probe.judgement.standing is Standing.BROKEN for probe in self.probes)


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told what, as it happens: the route with its plan, each probe before it is asked, each with its answer."""

    routed: Callable[[DomainRoute, Plan], None] = lambda _route, _plan: None
    begins: Callable[[Planned], None] = lambda _planned: None
    ended: Callable[[AskedProbe], None] = lambda _probe: None


class Look:
    """One look at one subject.

    Args:
        subject: what the operator typed.
        question: what is asked of each exchanger.
        port: of all of them.
        missing_for: why an address is not asked from here, or None.
        excluded: whether a name is taken out.
        telling: who is told.
    """

    def __init__(  # noqa: PLR0913 - what is asked, of whom, within which bounds
        self,
        subject: Subject,
        question: Question,
        port: int,
        *,
        missing_for: Callable[[str], str | None],
        excluded: Callable[[str], bool],
        telling: Telling | None = None,
    ) -> None:
        self.subject = subject
        self.question = question
        self.port = port
        self.missing_for = missing_for
        self.excluded = excluded
        self.telling = telling or Telling()
        self.answer: asyncio.Future[Answer] | None = None

    async def run(self, resolver: Resolver, pool: Pool, *, every: bool) -> Looked:
        """Look up, then ask in order until one takes the mail, or `every` one.

        Raises:
            LocalFault: our resolver is gone, or we are short of something for too long.
        """
        route = await self.route(resolver)
        planned = self.planned(route)
        self.telling.routed(route, planned)
        probes = await self.ask(planned.probes, pool, every=every)
        host = any(each.exchange.role is Role.DIRECT for each in route.exchanges)
        so_far = None if host else route.verdict or judge_domain([result_of(probe) for probe in probes])
        notes = route.notes + planned.notes + (() if host else without_postmaster(probes))
        return Looked(route, host, tuple(probes), planned.probes[len(probes) :], so_far, notes)

    async def route(self, resolver: Resolver) -> DomainRoute:
        """What DNS says; an address needs none, and what is excluded is not asked about."""
        subject = self.subject
        if self.excluded(subject.name):
            return DomainRoute(None)
        if subject.address is not None:
            exchange = Exchange(subject.address, None, Role.DIRECT)
            return DomainRoute(None, (ExchangeRoute(exchange, (subject.address,)),), 1)
        try:
            if subject.name == LOCAL_NAME:
                return DomainRoute(None, (await resolver.addresses(LOCAL_NAME),), 1)
            route = await resolver.route(subject.name)
        except UsageError as error:
            return DomainRoute(DomainVerdict.DNS_FAILED, error=cut(safe_text(str(error))))
        return as_host(route) if subject.recipient is None else route

    def planned(self, route: DomainRoute) -> Plan:
        """The probes; an excluded subject has one that says so."""
        if self.excluded(self.subject.name):
            return Plan((Planned(None, None, ProbeVerdict.EXCLUDED, error="excluded by --exclude-domain"),))
        return plan(route, self.missing_for, self.excluded)

    async def ask(self, planned: Sequence[Planned], pool: Pool, *, every: bool) -> list[AskedProbe]:
        """One after the other."""
        probes: list[AskedProbe] = []
        for each in planned:
            self.telling.begins(each)
            if each.trouble is not None or each.address is None:
                answer = undialled(each)
            else:
                answer = await self.asked(each, each.address, len(probes), pool)
            probes.append(AskedProbe(each, self.question, answer, judge_answer(answer)))
            self.telling.ended(probes[-1])
            if not every and probes[-1].judgement.verdict is ProbeVerdict.ACCEPTED:
                break
        return probes

    async def asked(self, planned: Planned, address: str, number: int, pool: Pool) -> Answer:
        """The pool's answer to one probe."""
        self.answer = asyncio.get_running_loop().create_future()
        host = None if planned.exchange is None else planned.exchange.name
        pool.submit(Probe(0, number, Target(address, self.port), self.question, host, typed(planned)))
        return await self.answer

    def settle(self, _probe: Probe, answer: Answer) -> None:
        """The pool has it."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(answer)


def typed(planned: Planned) -> bool:
    """Whether the operator named the host that this probe asks."""
    return planned.exchange is not None and planned.exchange.role in TYPED


def as_host(route: DomainRoute) -> DomainRoute:
    """A name without MX that has addresses, as the host that it is; any other route as it stands."""
    if len(route.exchanges) != 1 or route.exchanges[0].exchange.role is not Role.IMPLICIT:
        return route
    implicit = route.exchanges[0]
    if not implicit.addresses:
        return route
    host = implicit._replace(exchange=implicit.exchange._replace(role=Role.DIRECT))
    return route._replace(exchanges=(host,))
