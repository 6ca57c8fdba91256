"""DNS alone: what the audit's own look-ups cost, with nothing after them.

The items of a list are routed by `scanner.resolve` as the audit does it, so many at once.
`python -m benchmarks.dns DOMAINS --resolver H:P` (one domain a line) prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import uvloop

from benchmarks.usage import Usage
from scanner.cli.memory import settled_memory
from scanner.resolve.channel import parse_resolver
from scanner.resolve.resolver import Resolver
from scanner.terms import DomainRoute

LOOKUPS_AT_ONCE = 200
"""As many as the audit has under way."""


async def route_all(domains: list[str], server: tuple[str, int]) -> int:
    """Look all up; returns for how many an address was found."""
    found = under_way = 0
    landed = asyncio.Event()

    def told(route: DomainRoute | Exception | None) -> None:
        nonlocal found, under_way
        if isinstance(route, DomainRoute):
            found += any(exchange.addresses for exchange in route.exchanges)
        under_way -= 1
        landed.set()

    async with Resolver([server]) as resolver:
        for domain in domains:
            resolver.begin_route(domain, told)
            under_way += 1
            while under_way >= LOOKUPS_AT_ONCE:
                landed.clear()
                await landed.wait()
        while under_way:
            landed.clear()
            await landed.wait()
    return found


def main() -> None:
    """Read the list, look it up, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domains", type=Path)
    parser.add_argument("--resolver", required=True, type=parse_resolver)
    options = parser.parse_args()
    domains = options.domains.read_text().split()
    usage = Usage.start()
    with settled_memory():
        found = uvloop.run(route_all(domains, options.resolver))
    print(usage.line(len(domains)))
    assert found == len(domains), f"only {found} of {len(domains)} have an address"


if __name__ == "__main__":
    main()
