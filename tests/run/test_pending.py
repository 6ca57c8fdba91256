from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.pool.probe import Answer
from scanner.run import pending as module
from scanner.run.pending import Grounds, Pending
from scanner.smtp.outcome import Outcome
from scanner.smtp.reply import Reply
from scanner.terms import (
    DomainRoute,
    DomainVerdict,
    Exchange,
    ExchangeRoute,
    Item,
    ProbeVerdict,
    Role,
    ServerFacts,
    SessionUse,
    Stage,
    TlsFacts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ITEM = Item(7, "partner.example")
GREY = Answer(
    Outcome(Stage.RCPT, Reply(450, (b"4.2.0 Greylisted",)), sender_said=True, recipient_said=True),
    1000.5, 12.25, ServerFacts("probe.example", "mx", None, ("PIPELINING",), TlsFacts(error="no")), "192.0.2.9",
    SessionUse.REUSED, 2, ("no CRLF",),
)  # fmt: skip
ACCEPTED = Answer(Outcome(Stage.RCPT, Reply(250, (b"ok",)), sender_said=True, recipient_said=True), 1001.0)


def route(*addresses: str, dead_end: bool = False) -> DomainRoute:
    """One exchange with these addresses, and one whose addresses could not be looked up."""
    exchanges = [ExchangeRoute(Exchange("mx1.example", 10, Role.PRIMARY), addresses)]
    if dead_end:
        second = Exchange("mx2.example", 20, Role.SECONDARY)
        exchanges.append(ExchangeRoute(second, (), trouble=ProbeVerdict.DNS_FAILED, error="SERVFAIL"))
    return DomainRoute(None, tuple(exchanges), len(exchanges), notes=("mx is a cname",))


def grounds(missing_for: Callable[[str], str | None] = lambda _address: None) -> Grounds:
    return Grounds(missing_for, lambda _name: False, 2525)


def pending(*addresses: str, dead_end: bool = False, item: Item = ITEM) -> Pending:
    return Pending(item, grounds().of(route(*addresses, dead_end=dead_end)))


# -- grounds ---------------------------------------------------------------------------------------------------------


def test_a_route_that_comes_again_is_planned_and_written_once() -> None:
    known = grounds()
    same = route("192.0.2.1")
    assert known.of(same) is known.of(same)
    assert known.of(same).written is known.of(same).written
    assert known.of(route("192.0.2.2")) is not known.of(same)


def test_two_routes_are_never_taken_for_each_other_though_the_first_is_gone() -> None:
    """Routes are known by identity, and the next object may be where the last one was."""
    known = grounds()
    for number in range(2000):
        assert known.of(route(f"192.0.2.{number % 250}")).addresses == [f"192.0.2.{number % 250}"]


def test_no_more_grounds_are_kept_than_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUNDS_KEPT", 10)
    known = grounds()
    for number in range(100):
        known.of(route(f"192.0.2.{number}"))
        assert len(known.known) <= 10


def test_its_addresses_are_those_that_are_dialled_and_its_notes_those_of_route_and_plan() -> None:
    v4_only = grounds(lambda address: "no route for IPv6" if ":" in address else None)
    ground = v4_only.of(route("192.0.2.1", "2001:db8::1", "192.0.2.2", dead_end=True))
    assert ground.addresses == ["192.0.2.1", "192.0.2.2"]
    assert ground.notes == ("mx is a cname", "ipv6 not asked: 1")
    assert len(ground.plan.probes) == 3


def test_it_tells_for_each_probe_who_is_asked_or_that_nobody_is() -> None:
    named = Exchange("mx.new.example", None, Role.DIRECT)
    found = DomainRoute(None, (*route("192.0.2.1", dead_end=True).exchanges, ExchangeRoute(named, ("192.0.2.9",))), 3)
    ground = grounds().of(found)
    assert ground.dialled == [
        (0, ("192.0.2.1", 2525), "mx1.example", False),
        (2, ("192.0.2.9", 2525), "mx.new.example", True),
    ]
    assert ground.settled == [(1, ground.plan.probes[1])]


# -- answers ---------------------------------------------------------------------------------------------------------


def test_it_holds_a_place_for_each_probe_and_is_done_with_the_last_answer() -> None:
    item = pending("192.0.2.1", "192.0.2.2", dead_end=True)
    assert (item.size, item.left, list(item.addresses)) == (3, 3, ["192.0.2.1", "192.0.2.2"])
    for left, number in ((2, 1), (1, 2), (0, 0)):
        item.put(number, ACCEPTED)
        assert (item.left, item.size) == (left, 3)
    assert item.answers == [ACCEPTED] * 3


def test_asked_again_it_waits_for_those_only_and_counts_what_they_took_before() -> None:
    item = pending("192.0.2.1", "192.0.2.2", "192.0.2.3")
    for number, answer in enumerate([GREY, ACCEPTED, GREY]):
        item.put(number, answer)
    item.ask_again([0, 2], 5000.0)
    assert (item.left, item.asked_before, item.answers) == (2, 5000.0, [None, ACCEPTED, None])
    assert list(item.addresses) == ["192.0.2.1", "192.0.2.3"]
    item.put(0, ACCEPTED)
    item.put(2, GREY._replace(attempts=3))
    assert item.left == 0
    assert [answer.attempts for answer in item.answers if answer is not None] == [2 + 1, 1, 2 + 3]


def test_an_answer_that_is_shared_the_second_time_is_no_attempt() -> None:
    item = pending("192.0.2.1")
    item.put(0, GREY)
    item.ask_again([0], 5000.0)
    item.put(0, ACCEPTED._replace(session=SessionUse.SHARED, attempts=0))
    assert item.answers[0] is not None
    assert item.answers[0].attempts == 0


# -- on disk ---------------------------------------------------------------------------------------------------------

TAGS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def facts(item: Pending) -> tuple[Any, ...]:
    return (
        item.item, item.ground.route, item.ground.plan, item.ground.dialled, item.ground.settled, item.ground.notes,
        item.answers, item.size, item.left, item.asked_before, item.attempts, list(item.addresses),
    )  # fmt: skip


@given(
    st.integers(0, 2**63), st.text(min_size=1), st.none() | st.text(), TAGS,
    st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), unique=True), st.booleans(),
)  # fmt: skip
def test_what_was_put_down_comes_back_as_it_went(  # noqa: PLR0917 - an item's five facts
    seq: int,
    domain: str,
    recipient: str | None,
    tag: Any,
    addresses: list[str],
    dead_end: bool,  # noqa: FBT001
) -> None:
    item = pending(*addresses, dead_end=dead_end, item=Item(seq, domain, recipient, tag))
    assert facts(Pending.decode(item.encode())) == facts(item)


@pytest.mark.parametrize("again", [[0], [1], [0, 1]])
@pytest.mark.parametrize("dead_end", [False, True])
def test_what_waits_for_its_second_time_keeps_its_other_answers(again: list[int], dead_end: bool) -> None:  # noqa: FBT001
    item = pending("192.0.2.1", "192.0.2.2", dead_end=dead_end)
    for number in range(item.size):
        item.put(number, GREY)
    item.ask_again(again, 5000.0)
    back = Pending.decode(item.encode())
    assert facts(back) == facts(item)
    for number in again:
        back.put(number, ACCEPTED)
    assert back.left == 0


def test_a_domain_without_a_route_comes_back_too() -> None:
    item = Pending(ITEM, grounds().of(DomainRoute(DomainVerdict.NO_MAIL, error="null MX")))
    assert facts(Pending.decode(item.encode())) == facts(item)


def test_items_of_one_route_share_their_ground_when_they_come_back() -> None:
    known = grounds()
    same = route("192.0.2.1")
    first, second = (Pending(Item(seq, f"d{seq}.example"), known.of(same)).encode() for seq in range(2))
    assert Pending.decode(first).ground is Pending.decode(second).ground


def test_an_item_that_came_back_is_put_down_again_for_nothing_but_its_own_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What DNS said is not encoded anew for each of ten thousand domains of a host."""
    module.decoded_ground.cache_clear()
    data = pending("192.0.2.1").encode()
    back = Pending.decode(data)

    def too_dear(_value: object) -> bytes:
        raise AssertionError("encoded anew")

    monkeypatch.setattr(module.pickle, "dumps", too_dear)
    assert back.encode() == data
