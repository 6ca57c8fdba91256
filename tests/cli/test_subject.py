from __future__ import annotations

import pytest

from scanner.cli.subject import parse_subject
from scanner.run.look import Subject
from scanner.terms import UsageError


@pytest.mark.parametrize(
    ("typed", "subject"),
    [
        ("partner.example", Subject("partner.example")),
        (" Partner.Example. ", Subject("partner.example")),
        ("straße.example", Subject("xn--strae-oqa.example")),
        ("localhost", Subject("localhost")),
        ("info@Partner.example", Subject("partner.example", None, "info@partner.example")),
        ("192.0.2.1", Subject("[192.0.2.1]", "192.0.2.1")),
        ("[192.0.2.1]", Subject("[192.0.2.1]", "192.0.2.1")),
        ("2001:DB8:0::1", Subject("[IPv6:2001:db8::1]", "2001:db8::1")),
        ("[IPv6:2001:db8::1]", Subject("[IPv6:2001:db8::1]", "2001:db8::1")),
        ("[2001:db8::1]", Subject("[IPv6:2001:db8::1]", "2001:db8::1")),
        ("info@[192.0.2.1]", Subject("[192.0.2.1]", "192.0.2.1", "info@[192.0.2.1]")),
        ("info@[IPv6:2001:db8::1]", Subject("[IPv6:2001:db8::1]", "2001:db8::1", "info@[IPv6:2001:db8::1]")),
    ],
)
def test_a_target_is_a_domain_or_host_a_mailbox_or_an_address(typed: str, subject: Subject) -> None:
    assert parse_subject(typed) == subject


@pytest.mark.parametrize("typed", ["mx.example:25", "192.0.2.1:25", "[2001:db8::1]:25"])
def test_a_port_behind_the_target_is_refused_with_the_option_that_takes_it(typed: str) -> None:
    with pytest.raises(UsageError, match="--port"):
        parse_subject(typed)


@pytest.mark.parametrize(
    "typed", ["", "127.1", "192.0.2.0/24", "a b.example", "[192.0.2]", "@x.example", "fe80::1%eth0", "x\x1b[1m.example"]
)
def test_what_is_none_of_these_is_refused_and_quoted_safely(typed: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_subject(typed)
    assert "\x1b" not in str(refusal.value)
