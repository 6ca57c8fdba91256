"""What is done, and whether the input still says so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.records.done import BLOCK_ITEMS, Bits, Comparison, Done, Said

ITEMS = 3 * BLOCK_ITEMS + 7


def said(seq: int, recipient: str | None = "postmaster@example.org") -> Said:
    return Said((f"d{seq}.example", b"null"), recipient)


def done_of(numbers: list[int]) -> Done:
    done = Done()
    for number in numbers:
        done.add(number, said(number, None if number % 3 == 0 else f"x@d{number}.example"))
    return done


def first_difference(done: Done, change: dict[int, Said]) -> int | None:
    """The last item of the first block that differs."""
    comparison = Comparison(done)
    for seq in range(done.end):
        if comparison.take(seq, change.get(seq, said(seq, f"x@d{seq}.example"))):
            return seq
    return None


@given(st.sets(st.integers(0, 5000)))
def test_bits_hold_what_was_added_and_nothing_else(numbers: set[int]) -> None:
    bits = Bits()
    for number in numbers:
        bits.add(number)
    assert {number for number in range(5100) if number in bits} == numbers
    assert len(bits.bytes) <= max(numbers, default=0) // 8 + 1


def test_two_bits_an_item_and_eight_bytes_a_block() -> None:
    done = Done()
    for seq in range(200_000):
        done.add(seq, Said("x", "y"))
    held = len(done.items.bytes) + len(done.with_recipient.bytes) + 8 * len(done.sums)
    assert held <= 200_000 / 4 + 8 * (200_000 / BLOCK_ITEMS + 1)
    assert (done.count, done.end) == (200_000, 200_000)


@given(st.permutations([0, 1, 5, BLOCK_ITEMS - 1, BLOCK_ITEMS, 2 * BLOCK_ITEMS + 3, ITEMS]))
def test_the_same_input_does_not_differ_in_whatever_order_it_was_done(numbers: list[int]) -> None:
    """Of items without a recipient in their records, nothing can be said about it."""
    done = done_of(numbers)
    assert first_difference(done, {}) is None
    assert (done.count, done.end) == (7, ITEMS + 1)


@given(st.sets(st.integers(0, ITEMS), min_size=1), st.data())
def test_one_changed_item_is_found_in_its_block_if_it_is_done(numbers: set[int], data: st.DataObject) -> None:
    done = done_of(sorted(numbers))
    changed = data.draw(st.sampled_from(sorted(numbers)))
    end_of_block = min((changed // BLOCK_ITEMS + 1) * BLOCK_ITEMS, done.end) - 1
    assert first_difference(done, {changed: Said(("other.example", b"null"), f"x@d{changed}.example")}) == end_of_block
    recipient = first_difference(done, {changed: said(changed, "other@example.org")})
    assert recipient == (None if changed % 3 == 0 else end_of_block)


def test_what_is_not_done_may_have_changed() -> None:
    assert first_difference(done_of([1, 5]), {2: said(77), 3: said(78)}) is None


def test_items_that_changed_places_differ() -> None:
    """The same sentences in another order are another input: the numbers are part of the sums, and mixed well."""
    for one in range(1, 1000, 3):
        other = one + 1
        swapped = {one: said(other, f"x@d{other}.example"), other: said(one, f"x@d{one}.example")}
        assert first_difference(done_of([one, other]), swapped) is not None
