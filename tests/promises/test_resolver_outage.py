"""The resolver is away for a while in mid-run: the run waits for it and goes on, and no verdict tells of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from scanner.lab.nameserver import NameServer, Response
from tests.pool.servers import POLITE
from tests.promises.process import Ran, ended, started
from tests.promises.world import world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    import dns.message

SERVED, REFUSED = "127.30.3.1", "127.30.3.2"
SCRIPTS = {SERVED: POLITE, REFUSED: {"RCPT": b"554 5.7.1 Relay access denied\r\n"}}
EXCHANGES = f"mx.served.example. 60 A {SERVED}\nmx.refused.example. 60 A {REFUSED}\n"
RECORDS = {
    "served": "MX 10 mx.served.example.",
    "refused": "MX 10 mx.refused.example.",
    "null": "MX 0 .",
    "bare": 'TXT "no mail, no address"',
    "missing": "",
    "lost-dns": "",  # the zone answers SERVFAIL
}
BEFORE, LATER, AFTER = 60, 300, 60
"""How many domains are asked before the outage, begun in it (fifty failures in a row make one), and asked after it."""


def domains(first: int, count: int) -> list[str]:
    """So many domains of all kinds in turn."""
    kinds = list(RECORDS)
    return [f"d{number}.{kinds[number % len(kinds)]}.example" for number in range(first, first + count)]


def zone() -> str:
    """The records of those that have one."""
    of_domains = [(domain, RECORDS[domain.split(".")[1]]) for domain in domains(0, BEFORE + LATER + AFTER)]
    return EXCHANGES + "".join(f"{domain}. 60 {record}\n" for domain, record in of_domains if record)


@contextlib.asynccontextmanager
async def dead(names: NameServer) -> AsyncIterator[None]:
    """Nothing listens: refused at once. Afterwards another one is in its place."""
    await names.__aexit__(None, None, None)
    yield
    await names.__aenter__()


@contextlib.asynccontextmanager
async def frozen(names: NameServer) -> AsyncIterator[None]:
    """It takes every question and answers none: time-outs, as of a host that is gone."""

    def silence(_query: dns.message.Message, /, *, tcp: bool) -> Response:
        del tcp
        return Response()

    answer, names.answer = names.answer, silence
    yield
    names.answer = answer


async def audited(away: Callable[[NameServer], AbstractAsyncContextManager[None]] | None) -> Ran:
    """A run over all domains, with the resolver away until the run has said that it waits for it."""
    async with world(zone(), SCRIPTS) as playing:
        pipe = asyncio.subprocess.PIPE
        async with started("audit", *playing.options, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            stdout, stderr = b"", ""
            process.stdin.write(lines(domains(0, BEFORE)))
            while stdout.count(b'"kind":"domain"') < BEFORE:
                stdout += await process.stdout.readline()
            async with away(playing.names) if away is not None else contextlib.nullcontext():
                process.stdin.write(lines(domains(BEFORE, LATER)))
                while away is not None and "does not answer: look-ups wait for it" not in stderr:
                    stderr += (await process.stderr.readline()).decode()
            rest = await ended(process, lines(domains(BEFORE + LATER, AFTER)))
    return Ran(rest.code, stdout + rest.stdout, stderr + rest.stderr)


def lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def verdicts(ran: Ran) -> dict[str, list[tuple[Any, ...]]]:
    """All that the run found out about each domain, its own verdict last."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    fields = ("verdict", "exchange", "address", "stage", "code", "enhanced", "error")
    for record in ran.records[1:-1]:
        found.setdefault(record["domain"], []).append(tuple(record.get(field) for field in fields))
    return found


async def test_a_resolver_that_is_away_in_mid_run_is_waited_for_and_no_verdict_differs() -> None:
    """The three side by side: until time-outs have shown that it is away takes half a minute."""
    undisturbed, *disturbed = await asyncio.gather(audited(None), audited(dead), audited(frozen))
    expected = verdicts(undisturbed)
    each = (BEFORE + LATER + AFTER) // len(RECORDS)
    kinds = ("ok", "primary_rejects_relay", "no_mail", "no_route", "no_domain", "dns_failed")
    assert Counter(groups[-1][0] for groups in expected.values()) == dict.fromkeys(kinds, each)
    for ran in disturbed:
        assert verdicts(ran) == expected
        assert (ran.code, ran.run["items"], ran.run["interrupted"]) == (1, BEFORE + LATER + AFTER, False)
        assert ran.stderr.count("does not answer") == ran.stderr.count("the resolver answers again") == 1
        assert any("does not answer" in warning for warning in ran.run["warnings"])
