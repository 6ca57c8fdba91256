"""The relay tests: the table that users script against, and what is said to a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.addresses import literal_of, parse_address
from scanner.relay.patterns import BASIC, BY_NAME, PATTERNS, Strength, host_of
from scanner.smtp.command import bare_rcpt, mail, rcpt
from tests.relay.asking import NAMES

SAID = {
    "plain": ("me@canary.example", "me@canary.example"),
    "sender-null": ("", "me@canary.example"),
    "sender-bare": ("me", "me@canary.example"),
    "sender-localhost": ("me@localhost", "me@canary.example"),
    "sender-third": ("me@probe.example", "me@canary.example"),
    "sender-host": ("me@mx.target.example", "me@canary.example"),
    "sender-ip": ("me@[192.0.2.1]", "me@canary.example"),
    "sender-postmaster": ("postmaster@mx.target.example", "me@canary.example"),
    "sender-bang": ("probe.example!me", "me@canary.example"),
    "rcpt-nobrackets": ("me@canary.example", "me@canary.example"),
    "route-host": ("me@canary.example", "@mx.target.example:me@canary.example"),
    "route-ip": ("me@canary.example", "@[192.0.2.1]:me@canary.example"),
    "percent-host": ("me@canary.example", "me%canary.example@mx.target.example"),
    "percent-ip": ("me@canary.example", "me%canary.example@[192.0.2.1]"),
    "quoted": ("me@canary.example", '"me@canary.example"'),
    "quoted-percent": ("me@canary.example", '"me%canary.example"'),
    "quoted-doubleat": ("me@canary.example", '"me@canary.example@mx.target.example"'),
    "quotedat-host": ("me@canary.example", '"me@canary.example"@mx.target.example'),
    "quotedat-ip": ("me@canary.example", '"me@canary.example"@[192.0.2.1]'),
    "doubleat-host": ("me@canary.example", "me@canary.example@mx.target.example"),
    "doubleat-ip": ("me@canary.example", "me@canary.example@[192.0.2.1]"),
    "bang": ("me@canary.example", "canary.example!me"),
    "bang-host": ("me@canary.example", "canary.example!me@mx.target.example"),
    "bang-ip": ("me@canary.example", "canary.example!me@[192.0.2.1]"),
    "trailing-at": ("me@canary.example", "me@canary.example@"),
    "percent-trailing": ("me@canary.example", "me%canary.example@"),
}
STRONG = list(SAID)[:12]


def test_each_name_stands_for_its_shape_in_list_order() -> None:
    assert {pattern.name: pattern.question(NAMES)[:2] for pattern in PATTERNS} == SAID
    assert [pattern.name for pattern in PATTERNS] == list(SAID)


def test_strong_ones_come_first_and_weak_ones_have_a_control() -> None:
    assert [pattern.name for pattern in PATTERNS if pattern.strength is Strength.STRONG] == STRONG
    assert all((pattern.control_question(NAMES) is None) == (pattern.name in STRONG) for pattern in PATTERNS)


def test_basic_is_what_it_says() -> None:
    assert set(BASIC) == {"plain", "sender-null", "sender-host", "percent-host", "route-host"}


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("percent-host", "nobody7@mx.target.example"),
        ("percent-ip", "nobody7@[192.0.2.1]"),
        ("quoted", '"nobody7"'),
        ("quotedat-host", '"nobody7"@mx.target.example'),
        ("bang", "nobody7"),
        ("trailing-at", "nobody7@"),
    ],
)
def test_a_control_is_a_random_local_part_in_the_same_shape(name: str, control: str) -> None:
    question = BY_NAME[name].control_question(NAMES)
    assert question is not None
    assert question.recipient == control
    assert question.sender == BY_NAME[name].question(NAMES).sender


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_each_can_be_said_on_the_wire(pattern: object) -> None:
    six = NAMES._replace(literal=literal_of(parse_address("2001:db8::1")))
    for names in (NAMES, six):
        question = pattern.question(names)  # type: ignore[attr-defined]
        assert mail(question.sender).endswith(b">\r\n")
        said = (bare_rcpt if question.bare else rcpt)(question.recipient)
        assert said.removeprefix(b"RCPT TO:").strip(b"<>\r\n").decode() == question.recipient


def test_only_one_is_said_without_brackets() -> None:
    assert [pattern.name for pattern in PATTERNS if pattern.question(NAMES).bare] == ["rcpt-nobrackets"]


@pytest.mark.parametrize(
    ("sender_domain", "unsaid"),
    [("probe.example", set()), ("canary.example", {"sender-third"}), (None, {"sender-third", "sender-bang"})],
)
def test_what_would_be_another_test_again_is_not_said(sender_domain: str | None, unsaid: set[str]) -> None:
    names = NAMES._replace(sender_domain=sender_domain)
    assert {pattern.name for pattern in PATTERNS if not pattern.may_be_said(names)} == unsaid


@pytest.mark.parametrize(
    ("banner", "host"),
    [
        ("mx1.target.example ESMTP Postfix", "mx1.target.example"),
        ("MX1.Target.Example ESMTP", "mx1.target.example"),
        ("mx1.target.example.", "mx1.target.example"),
        ("mx1.target.example, ready", "mx1.target.example"),
        ("ESMTP ready", None),
        ("go ahead", None),
        ("…\ngo ahead", None),
        ("Welcome\nmx1.target.example ESMTP", None),
        ("192.0.2.1 ESMTP", None),
        ("[192.0.2.1] ESMTP", None),
        ("***********", None),
        ("a..b ESMTP", None),
        ("", None),
        (None, None),
    ],
)
def test_a_server_s_name_is_the_first_word_of_its_greeting_if_it_is_one(banner: str | None, host: str | None) -> None:
    """RFC 5321 4.3.1; other testers took `ESMTP` or `go` for a host name."""
    assert host_of(banner) == host


def test_the_documentation_says_what_each_one_catches() -> None:
    page = (Path(__file__).parents[2] / "docs/sweep.md").read_text(encoding="utf-8")
    for pattern in PATTERNS:
        assert f"| `{pattern.name}` |" in page
        assert f"| {pattern.catches} |" in page
