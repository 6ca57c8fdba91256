"""Is what we say of ourselves true? Looked up before the first dial; what is not is said, never a reason to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scanner.terms import LocalFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.resolve.resolver import Resolver

WAIT_S = 0.4
"""How long the first dial waits for these answers; later ones are said when they come."""


def domain_of(sender: str) -> str | None:
    """The domain of a reverse-path; None for the null sender and for an address literal."""
    domain = sender.rpartition("@")[2].lower()
    return domain if domain and not domain.startswith("[") else None


async def check_names(resolver: Resolver, helo: str, sender: str, warn: Callable[[str], None]) -> None:
    """Look up the HELO name and the sender's domain, and warn of what does not resolve."""
    sender_domain = domain_of(sender)
    names = {} if helo.startswith("[") else {helo: f"the HELO name {helo} does not resolve: many servers refuse it"}
    if sender_domain is not None and sender_domain not in names:
        names[sender_domain] = f"the sender's domain {sender_domain} does not resolve: many servers refuse it"
    for name, sentence in names.items():
        try:
            known = await resolver.exists(name)
        except LocalFault:
            return  # the run meets it too, and says it
        if known is False:
            warn(sentence)
        elif known is None:
            warn(f"cannot tell whether {name} resolves: DNS gave no answer")


async def in_time(check: asyncio.Task[None]) -> None:
    """Wait for the checks, but not for long."""
    await asyncio.wait([check], timeout=WAIT_S)
