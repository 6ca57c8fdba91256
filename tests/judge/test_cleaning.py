"""What is left of a text for rules to look at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.judge.cleaning import Detail, clean, subject_detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<user@a.example>: Relay access denied", "relay access denied"),
        ("5.1.1 user@a.example No such user", "no such user"),
        ("mx.example Service unavailable", "service unavailable"),
        ("blocked, [192.0.2.1] and 192.0.2.2", "blocked, and"),
        ("550 5.1.1 twice coded", "twice coded"),
        ("sorry, no mailbox here (#5.1.1 - chkusr)", "sorry, no mailbox here"),
        ("5.1.1 does not\n5.1.1 exist", "does not exist"),
        ("(user@a.example:blocked)", "( :blocked)"),
        ("E-Mail  refused", "email refused"),
        ("mailbox full.Please delete", "mailbox full. please delete"),
        ("can\u2019t relay", "can't relay"),
    ],
)
def test_codes_and_echoed_names_are_gone_and_the_servers_words_stay(text: str, words: str) -> None:
    assert clean(text).words == words


def test_names_that_are_reasons_stay() -> None:
    assert clean("listed at zen.spamhaus.org").words == "listed at zen.spamhaus.org"
    assert clean("RESOLVER.ADR.RecipNotFound; not found").words.startswith("resolver.adr.recipnotfound")
    assert clean("[TSS04] deferred").words == "tss04 deferred"


def test_links_stand_apart_without_what_they_echo() -> None:
    cleaned = clean("Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1&d=relay-denied.example now")
    assert cleaned.words == "blocked - see now"
    assert cleaned.links == "https://ipcheck.proofpoint.com/?ip=192.0.2.1"


@pytest.mark.parametrize("text", ["Boîte pleine", r"Bo\xeete pleine", "Boite pleine"])
def test_accents_make_no_difference(text: str) -> None:
    assert clean(text).words == "boite pleine"


@given(st.text(max_size=300))
def test_cleaning_takes_any_text_and_leaves_one_trimmed_line(text: str) -> None:
    words = clean(text).words
    assert "\n" not in words
    assert words == words.strip(" .:;,-")


@pytest.mark.parametrize(
    ("enhanced", "text", "detail"),
    [
        ("5.7.1", "", Detail(7, 1)),
        ("4.7.500", "", Detail(7, 500)),
        ("2.1.5", "5.1.1 x", None),
        ("nonsense", "5.1.1 x", None),
        (None, "x\n5.1.1 y", Detail(1, 1)),
        (None, "x (#5.1.1)", Detail(1, 1)),
        (None, "x 5.1.1", None),
        (None, "", None),
    ],
)
def test_the_enhanced_code_that_counts(enhanced: str | None, text: str, detail: Detail | None) -> None:
    assert subject_detail(enhanced, text) == detail
