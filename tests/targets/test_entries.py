from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.targets.entries import Entry, parse_entry
from scanner.terms import UsageError


def said(text: str) -> list[tuple[str, int | None]]:
    """Each entry in words, with its port."""
    words = []
    for entry in parse_entry(text):
        part = entry.addresses
        ends = None if part is None else [str(ip_address(part.first)), str(ip_address(part.last))]
        words.append((entry.name or "-".join(dict.fromkeys(ends or [])), entry.port))
    return words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.0/24", "192.0.2.0-192.0.2.255"),
        ("192.0.2.0/32", "192.0.2.0"),
        ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8::/126", "2001:db8::-2001:db8::3"),
        ("2001:db8::1-2001:db8::9", "2001:db8::1-2001:db8::9"),
        ("[192.0.2.1]", "192.0.2.1"),
        ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("MX1.Example.", "mx1.example"),
        ("mx-1.example", "mx-1.example"),
        ("1.example", "1.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_line_names_addresses_or_a_host(text: str, words: str) -> None:
    assert said(text) == [(words, None)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("192.0.2.256", "192.0.2.256"),
        ("192.0.2.1/24", "bits set behind its prefix"),
        ("192.0.2.9-192.0.2.1", "above the last"),
        ("192.0.2.0/33", "prefix length"),
        ("192.0.2.1:25", "192.0.2.1:25"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("192.0.2.1-9", "192.0.2.1-9"),
        ("a b", "a b"),
        ("-x.example", "-x.example"),
        ('{"ip": "192.0.2.1"}', "no object of masscan"),
        ('{"ip": "192.0.2.1", "ports": [{"proto": "tcp"}]}', "without"),
        ("{nonsense", "no JSON"),
        ("open tcp 99999 192.0.2.1 1390380064", "99999 is no TCP port"),
        pytest.param(f"open tcp {'9' * 5000} 192.0.2.1 1390380064", "open tcp 99", id="a port of 5000 digits"),
        ('{"ip": "192.0.2.1", "ports": [{"port": true}]}', "without"),
        ("open tcp 25 mx.example 1390380064", "mx.example"),
    ],
)
def test_what_names_nobody_is_named(text: str, fault: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_entry(text)
    assert fault in str(error.value)


def test_masscan_s_list_is_read_as_it_is() -> None:
    assert said("open tcp 25 192.0.2.1 1390380064") == [("192.0.2.1", 25)]
    assert said("open tcp 587 2001:db8::1 1390380064") == [("2001:db8::1", 587)]
    assert said("banner tcp 25 192.0.2.1 1390380064 smtp 220 mx.example ESMTP") == []
    assert said("open udp 53 192.0.2.1 1390380064") == []


@pytest.mark.parametrize("comma", ["", ",", " ,"])
def test_masscan_s_json_is_read_line_by_line(comma: str) -> None:
    line = (
        '{   "ip": "192.0.2.1",   "timestamp": "1390380064", "ports": [ {"port": 25, "proto": "tcp", "status": "open",'
    )
    line += ' "reason": "syn-ack", "ttl": 54}, {"port": 53, "proto": "udp", "status": "open"},'
    line += ' {"port": 587, "proto": "tcp", "status": "open"}, {"port": 24, "proto": "tcp", "status": "closed"} ] }'
    assert said(line + comma) == [("192.0.2.1", 25), ("192.0.2.1", 587)]
    assert [parse_entry(frame) for frame in ("[", "]", ",", "{finished: 1}")] == [[]] * 4


@given(st.text(max_size=60))
def test_whatever_stands_there_it_is_entries_or_an_error_of_usage(text: str) -> None:
    try:
        entries = parse_entry(text.strip())
    except UsageError:
        return
    assert all(isinstance(entry, Entry) and (entry.addresses is None) == (entry.name is not None) for entry in entries)
