from __future__ import annotations

import asyncio
import itertools

import dns.message
import dns.rrset

from scanner.lab.nameserver import NameServer, Response
from scanner.resolve.resolver import Resolver
from scanner.terms import DomainVerdict

DELAYS_S = (1, 2, 4, 6)


def answer(query: dns.message.Message, /, *, tcp: bool) -> Response:
    """A null MX for everybody; `slow4.example` gets it after 4 s, each time it is asked."""
    del tcp
    name = query.question[0].name
    message = dns.message.make_response(query)
    message.answer.append(dns.rrset.from_text(name, 300, "IN", "MX", "0 ."))
    first = name[0].decode()
    return Response(message, float(first.removeprefix("slow")) if first.startswith("slow") else 0)


async def verdict_of_slow(server: NameServer, fast_answers: int, delay_s: int) -> DomainVerdict | None:
    """A resolver of its own, that has seen so many fast answers, asks for one slow one."""
    async with Resolver([(server.address, server.port)]) as resolver:
        for number in range(fast_answers):
            assert (await resolver.route(f"d{number}.example")).verdict is DomainVerdict.NO_MAIL
        return (await resolver.route(f"slow{delay_s}.example")).verdict


async def test_a_resolver_that_turns_slow_after_many_fast_answers_is_waited_for() -> None:
    """c-ares shrinks its time-outs to five times the mean latency and then ignores late answers to earlier tries."""
    async with NameServer(answer) as server, asyncio.TaskGroup() as tasks:
        slow = {
            (fast_answers, delay_s, again): tasks.create_task(verdict_of_slow(server, fast_answers, delay_s))
            for fast_answers, delay_s, again in itertools.product((0, 200), DELAYS_S, range(4))
        }
    assert {case for case, verdict in slow.items() if verdict.result() is not DomainVerdict.NO_MAIL} == set()
