from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

import pytest

from scanner.addresses import Fence, Networks
from scanner.cli.source import Source
from scanner.cli.targets import Reading, relay_tests
from scanner.relay.patterns import BASIC, PATTERNS
from scanner.settings import Settings
from scanner.targets.intake import TargetIntake
from scanner.terms import Exchange, ExchangeRoute, ProbeVerdict, Role, UsageError

if TYPE_CHECKING:
    from scanner.intake.lines import BadLine


class Names:
    """A resolver of host names."""

    async def addresses(self, name: str) -> ExchangeRoute:
        exchange = Exchange(name, None, Role.DIRECT)
        if name == "nowhere.example":
            return ExchangeRoute(exchange, (), ProbeVerdict.NO_ADDRESS, "no such name")
        return ExchangeRoute(exchange, ("192.0.2.7", "192.0.2.8"))


class Read:
    """What a reading gave: targets in order, and what was said on the way."""

    def __init__(self, *arguments: str, exclude: tuple[str, ...] = (), own: tuple[str, ...] = (), **more: Any) -> None:
        self.bad: list[int] = []
        self.warned: list[str] = []
        fence = Fence(Networks(), Networks.from_text(exclude), frozenset(map(ip_address, own)))
        source = Source(arguments, "-", TargetIntake(), "targets")
        self.reading = Reading(Settings(**more), source, fence, self.on_bad_line, self.warned.append)

    def on_bad_line(self, bad: BadLine) -> None:
        self.bad.append(bad.number)

    async def targets(self) -> list[tuple[str, int]]:
        await self.reading.begin(cast("Any", Names()))
        return [place.target async for place in self.reading.targets()]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("basic", set(BASIC)),
        ("all", {pattern.name for pattern in PATTERNS}),
        ("bang, plain", {"bang", "plain"}),
        ("basic,bang", {*BASIC, "bang"}),
    ],
)
def test_tests_are_named_or_called_basic_or_all_and_come_in_list_order(text: str, names: set[str]) -> None:
    found = relay_tests(text)
    assert {pattern.name for pattern in found} == names
    assert list(found) == [pattern for pattern in PATTERNS if pattern.name in names]


@pytest.mark.parametrize(("text", "fault"), [("plian", "'plian'"), ("", "names no test"), ("plain,x", "'x'")])
def test_what_is_no_test_is_named(text: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        relay_tests(text)


async def test_ranges_hosts_and_ports_are_read_in_their_order() -> None:
    read = Read("192.0.2.1-192.0.2.2", "mx.example", ports=(25, 587))
    assert await read.targets() == [
        ("192.0.2.1", 25), ("192.0.2.1", 587), ("192.0.2.2", 25), ("192.0.2.2", 587),
        ("192.0.2.7", 25), ("192.0.2.7", 587), ("192.0.2.8", 25), ("192.0.2.8", 587),
    ]  # fmt: skip
    assert read.reading.source.total() == (8, True)


async def test_a_list_s_own_ports_stand_and_bad_lines_are_numbered() -> None:
    read = Read("open tcp 2525 192.0.2.1 0", "nonsense here", "192.0.2.2")
    assert await read.targets() == [("192.0.2.1", 2525), ("192.0.2.2", 25)]
    assert read.bad == [2]


async def test_what_is_excluded_is_counted_and_said() -> None:
    read = Read(
        "192.0.2.0/29",
        "224.0.0.0/30",
        "bad.partner.example",
        exclude=("192.0.2.4/30",),
        exclude_domain=("partner.example",),
    )
    assert len(await read.targets()) == 4
    assert read.reading.taken_out == 4 + 4 + 1
    read.reading.say_what_was_taken_out()
    assert read.warned == [
        "4 addresses not asked: excluded by --exclude",
        "4 addresses not asked: multicast or reserved, never dialled",
        "1 addresses not asked: --exclude-domain",
    ]


async def test_a_host_without_an_address_is_told_of() -> None:
    read = Read("nowhere.example", "192.0.2.1")
    assert await read.targets() == [("192.0.2.1", 25)]
    assert read.warned == ["nowhere.example: no such name: not asked"]


async def test_who_handles_the_canary_s_mail_must_not_be_among_them() -> None:
    read = Read("192.0.2.0/24")
    read.reading.watch_for({ip_address("192.0.2.9"): "mx.canary.example"}, "canary.example")
    with pytest.raises(UsageError, match=r"mx\.canary\.example \[192\.0\.2\.9\] is among the targets"):
        await read.targets()
    excluded = Read("192.0.2.0/24", exclude=("192.0.2.9",))
    excluded.reading.watch_for({ip_address("192.0.2.9"): "mx.canary.example"}, "canary.example")
    assert len(await excluded.targets()) == 255


async def test_our_own_address_among_them_is_warned_of_once() -> None:
    read = Read("192.0.2.0/25", "192.0.2.128/25", own=("192.0.2.200", "192.0.2.1"))
    await read.targets()
    assert ["from inside, everything looks open" in text for text in read.warned] == [True]


@pytest.mark.parametrize("shuffle", [False, True])
async def test_shards_share_the_targets(*, shuffle: bool) -> None:
    parts = [
        await Read("192.0.2.0/28", "mx.example", shuffle=shuffle, shard=f"{number}/3").targets() for number in (1, 2, 3)
    ]
    whole = await Read("192.0.2.0/28", "mx.example").targets()
    assert sorted(target for part in parts for target in part) == sorted(whole)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


async def test_without_a_resolver_host_names_are_counted() -> None:
    read = Read("192.0.2.0/28", "mx.example")
    await read.reading.begin(None)
    assert read.reading.counted() == (16, 1)


async def test_after_a_stop_no_target_is_given_out() -> None:
    read = Read("192.0.2.0/24")
    await read.reading.begin(None)
    seen = []
    async for place in read.reading.targets():
        seen.append(place)
        read.reading.stop()
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ("10.0.0.0/7", r"holds 33554432 addresses: more than 2\^24 need --yes"),
        ("2001:db8::/64", "need --yes"),
        ("0.0.0.0/0", "is all of IPv4"),
        ("::/0", "is all of IPv6"),
    ],
)
async def test_a_range_that_may_be_a_slip_is_refused_and_named(named: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        await Read(named).reading.begin(None)


async def test_with_yes_a_large_range_is_meant_and_everybody_still_is_not() -> None:
    read = Read("10.0.0.0/7", yes=True)
    await read.reading.begin(None)
    assert read.reading.counted() == (2**25, 0)
    with pytest.raises(UsageError, match="is all of IPv4"):
        await Read("0.0.0.0/0", yes=True).reading.begin(None)


async def test_an_exclusion_of_everything_is_said() -> None:
    read = Read("192.0.2.0/24", exclude=("192.0.0.0/16",))
    assert await read.targets() == []
    assert read.warned == ["nothing is left to ask: all 256 addresses that were named are taken out"]


async def test_a_family_that_is_not_wanted_is_left_out_and_said() -> None:
    read = Read("2001:db8::/126", "192.0.2.1", ipv4=True)
    assert await read.targets() == [("192.0.2.1", 25)]
    read.reading.say_what_was_taken_out()
    assert read.warned == ["4 addresses not asked: -4 asks IPv4 only"]
