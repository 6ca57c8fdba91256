from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from scanner.cli.startup import WAIT_S, check_names, domain_of, in_time
from scanner.terms import LocalFault


@pytest.mark.parametrize(
    ("sender", "domain"),
    [("me@Partner.example", "partner.example"), ("", None), ("me@[192.0.2.1]", None), ('"a@b"@c.example', "c.example")],
)
def test_the_senders_domain_is_what_dns_could_know(sender: str, domain: str | None) -> None:
    assert domain_of(sender) == domain


class FakeResolver:
    """Knows some names, of others that they are not there; of the rest nothing."""

    def __init__(self, **known: bool) -> None:
        self.known = {name.replace("_", "."): there for name, there in known.items()}
        self.asked: list[str] = []

    async def exists(self, name: str) -> bool | None:
        self.asked.append(name)
        return self.known.get(name)


async def said_of(helo: str, sender: str, **known: bool) -> tuple[list[str], list[str]]:
    """The warnings, and the names asked."""
    resolver, said = FakeResolver(**known), list[str]()
    await check_names(cast("Any", resolver), helo, sender, said.append)
    return said, resolver.asked


async def test_names_that_resolve_are_asked_once_each_and_not_mentioned() -> None:
    assert await said_of("a.example", "me@b.example", a_example=True, b_example=True) == (
        [],
        ["a.example", "b.example"],
    )
    assert await said_of("a.example", "me@a.example", a_example=True) == ([], ["a.example"])


async def test_each_name_that_does_not_resolve_is_told_by_what_it_is() -> None:
    said, _ = await said_of("a.example", "me@b.example", a_example=False, b_example=False)
    assert [sentence.split(" does")[0] for sentence in said] == [
        "the HELO name a.example",
        "the sender's domain b.example",
    ]


async def test_a_dns_failure_is_not_taken_for_absence() -> None:
    said, _ = await said_of("a.example", "")
    assert said == ["cannot tell whether a.example resolves: DNS gave no answer"]


async def test_address_literals_and_the_null_sender_are_not_looked_up() -> None:
    assert await said_of("[192.0.2.1]", "") == ([], [])


async def test_a_resolver_that_is_gone_is_left_to_the_run() -> None:
    class Gone(FakeResolver):
        async def exists(self, _name: str) -> bool | None:
            raise LocalFault("no resolver answers")

    said: list[str] = []
    await check_names(cast("Any", Gone()), "a.example", "me@b.example", said.append)
    assert said == []


async def test_the_run_does_not_wait_long_for_a_slow_answer_nor_lose_it() -> None:
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        check = tasks.create_task(cast("Any", answered.wait()))
        began = loop.time()
        async with asyncio.timeout(WAIT_S + 10):
            await in_time(check)
        assert loop.time() - began >= WAIT_S * 0.9
        assert not check.done()
        answered.set()
    assert check.result()
