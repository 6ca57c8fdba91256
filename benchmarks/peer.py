"""The peer: what one would write in an afternoon with the libraries, aiodns and aiosmtplib, on uvloop.

One task a domain behind a semaphore: MX, the exchange's address, connect, EHLO, MAIL, RCPT, QUIT, one result each.
`python -m benchmarks.peer DOMAINS --resolver H:P --port P` (one domain a line) prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import aiodns
import aiosmtplib
import uvloop

from benchmarks.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

HELO = "probe.bench"
SENDER = f"postmaster@{HELO}"
REPLY_LIMIT_S = 30.0


async def look_up(resolver: aiodns.DNSResolver, domain: str) -> str:
    """The first address of the domain's best exchange."""
    answer = await resolver.query_dns(domain, "MX")
    best = min(answer.answer, key=lambda record: record.data.priority)
    addresses = await resolver.query_dns(best.data.exchange, "A")
    return str(addresses.answer[0].data.addr)


async def audit(resolver: aiodns.DNSResolver, port: int, domain: str) -> tuple[str, int, str]:
    """The domain, and the code and text that its exchange has for its postmaster."""
    address = await look_up(resolver, domain)
    client = aiosmtplib.SMTP(
        hostname=address, port=port, local_hostname=HELO, timeout=REPLY_LIMIT_S, start_tls=False, use_tls=False
    )
    await client.connect()
    await client.ehlo()
    await client.mail(SENDER)
    reply = await client.rcpt(f"postmaster@{domain}")
    await client.quit()
    return domain, reply.code, reply.message


async def audit_all(domains: Sequence[str], resolver: tuple[str, int], port: int, concurrency: int) -> int:
    """Audit all, at most `concurrency` at once; returns how many were accepted."""
    places = asyncio.Semaphore(concurrency)
    host, dns_port = resolver

    async with aiodns.DNSResolver(nameservers=[host], udp_port=dns_port, tcp_port=dns_port) as asking:

        async def in_turn(domain: str) -> tuple[str, int, str]:
            async with places:
                return await audit(asking, port, domain)

        results = await asyncio.gather(*(in_turn(domain) for domain in domains))
    return sum(code == 250 for _, code, _ in results)


def main() -> None:
    """Read the list, audit it, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domains", type=Path)
    parser.add_argument("--resolver", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=200)
    options = parser.parse_args()
    domains = options.domains.read_text().split()
    host, _, dns_port = options.resolver.rpartition(":")
    usage = Usage.start()
    accepted = uvloop.run(audit_all(domains, (host, int(dns_port)), options.port, options.concurrency))
    print(usage.line(len(domains)))
    assert accepted == len(domains), f"only {accepted} of {len(domains)} were accepted"


if __name__ == "__main__":
    main()
