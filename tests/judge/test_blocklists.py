from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.judge.blocklists import BLOCKLISTS, lists_named


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org", "Spamhaus"),
        ("550 see https://www.spamhaus.org/query/ip/192.0.2.1", "Spamhaus"),
        ("Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "Proofpoint"),
        ("listed at bl.spamcop.net", "SpamCop"),
        ("http://www.barracudacentral.org/reputation?pr=1", "Barracuda"),
        ("Blacklisted by dnsbl.partner.example, see there", "dnsbl.partner.example"),
        ("client blocked using bl.partner.example; reason", "bl.partner.example"),
    ],
)
def test_the_list_is_named_as_people_know_it_or_as_the_server_names_it(text: str, name: str) -> None:
    found = lists_named(text)
    assert found is not None
    assert found[0] == name


@pytest.mark.parametrize("text", ["", "Your address is blocked", "listed in our database", "relay access denied"])
def test_where_none_is_named_none_is(text: str) -> None:
    assert lists_named(text) is None


def test_pages_are_links() -> None:
    assert all(each.page is None or each.page.startswith("https://") for each in BLOCKLISTS)
    assert len({each.name for each in BLOCKLISTS}) == len(BLOCKLISTS)


@given(st.text(max_size=200))
def test_whatever_is_said_nothing_breaks(text: str) -> None:
    lists_named(text)
