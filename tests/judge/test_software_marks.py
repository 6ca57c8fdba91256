"""The table of marks: each row names its source, is met by its own example, and stands in nobody else's way."""

from __future__ import annotations

import pytest

from scanner.judge.software import OUTSPOKEN, WORDS, claimed_by, shown_by, software_of
from scanner.judge.software_marks import GREETINGS, MANNERS, Greeting, Manner

each_greeting = pytest.mark.parametrize("mark", GREETINGS, ids=lambda mark: f"{mark.name}-{mark.word or mark.hosts[0]}")
each_manner = pytest.mark.parametrize("mark", MANNERS, ids=lambda mark: mark.name)

NEAR = {
    "Microsoft 365": {"Microsoft Exchange"},
    "Proofpoint Essentials": {"Proofpoint"},
}
"""Services made of a server, whose words they keep: their hosts tell them apart."""


@each_greeting
def test_a_greeting_is_named_by_its_own_row_and_by_no_other(mark: Greeting) -> None:
    claimed = claimed_by(mark.example)
    assert claimed is not None
    assert claimed[0] == mark.name
    lines = [" ".join(line.split()) for line in mark.example.split("\n")]
    fitting = {
        other.name
        for other in GREETINGS
        for line in lines
        if (other.word in line.split() if other.word else line.split()[0].lower().endswith(other.hosts))
        and other.pattern.match(line)
    }
    assert fitting - NEAR.get(mark.name, set()) == {mark.name}


@each_greeting
def test_the_version_is_told_where_the_row_looks_for_it(mark: Greeting) -> None:
    told = software_of(mark.example, None, ())
    optional = mark.name in {"Postfix", "Exim", "Apache James"}  # not all of their greetings say it
    assert told is not None
    assert (told != mark.name) == ("version" in mark.pattern.groupindex) or optional


@each_greeting
def test_a_word_is_found_within_as_many_as_are_looked_at(mark: Greeting) -> None:
    assert bool(mark.word) != bool(mark.hosts)
    if mark.word:
        places = [line.split().index(mark.word) for line in mark.example.split("\n") if mark.word in line.split()]
        assert places
        assert min(places) < WORDS


@each_greeting
def test_neither_a_host_nor_a_word_elsewhere_is_enough(mark: Greeting) -> None:
    """A customer's host may bear any name, and a notice may mention any product."""
    word = mark.word or mark.hosts[0]
    assert software_of(f"{word}.partner.example ESMTP", None, ()) is None
    assert software_of(f"mx.partner.example ESMTP in front of {word} or so", None, ()) is None
    assert software_of(f"{word.lower()}-fan.example", None, ()) is None


@each_manner
def test_the_form_of_an_answer_to_ehlo_is_named_by_its_own_row_and_by_no_other(mark: Manner) -> None:
    hello, *offered = mark.example
    assert shown_by(hello, tuple(offered)) == mark.name
    keywords = " ".join(line.split()[0].upper() for line in offered)
    fitting = {
        other.name
        for other in MANNERS
        if other.hello.fullmatch(hello) and (other.offers is None or other.offers.fullmatch(keywords))
    }
    assert fitting == {mark.name}


@each_manner
def test_the_first_line_alone_is_enough_only_where_the_row_says_so(mark: Manner) -> None:
    hello, *offered = mark.example
    assert (shown_by(hello, ()) == mark.name) == (mark.offers is None)
    if mark.offers is not None:
        assert shown_by("Hello there!", tuple(offered)) in {None, "Courier"}


def test_every_row_says_who_says_so() -> None:
    assert all(len(mark.source) > 3 for mark in (*GREETINGS, *MANNERS))
    assert len({(mark.name, mark.word, mark.hosts, mark.pattern.pattern) for mark in GREETINGS}) == len(GREETINGS)


def test_the_servers_and_services_that_handle_most_mail_are_among_them() -> None:
    assert {mark.name for mark in GREETINGS} >= {
        "Google", "Microsoft 365", "Microsoft Exchange", "Yahoo", "Apple iCloud", "Proofpoint", "Mimecast", "Barracuda",
        "Broadcom Email Security", "Cisco Secure Email", "Amazon SES", "Cloudflare Email Routing", "Fastmail", "Zoho",
        "Yandex", "Mail.ru", "QQ Mail", "Coremail", "1&1 Nemesis", "Postfix", "Exim", "Sendmail", "OpenSMTPD", "Haraka",
        "PowerMTA", "MDaemon", "HCL Domino",
    }  # fmt: skip
    assert {mark.name for mark in GREETINGS} >= OUTSPOKEN <= {mark.name for mark in MANNERS}
