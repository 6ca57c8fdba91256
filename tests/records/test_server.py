from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from scanner.records.record import encode_probe
from scanner.records.server import NO_SERVER, encode_server
from scanner.terms import TlsFacts

if TYPE_CHECKING:
    from scanner.records.facts import ProbeFacts


def server_of(line: bytes) -> Any:
    return orjson.loads(line)["server"]


def test_a_session_is_spliced_into_its_records_as_it_was_encoded(refusal: ProbeFacts) -> None:
    assert server_of(encode_probe("r", refusal)) == {
        "helo": "probe.example",
        "banner": "mx2.isp.example ESMTP Postfix",
        "software": "Postfix",
        "extensions": ["PIPELINING", "SIZE 10240000", "STARTTLS"],
        "tls": {
            "version": "TLSv1.3",
            "cipher": "TLS_AES_256_GCM_SHA384",
            "verified": False,
            "error": "self-signed certificate",
        },
    }


def test_a_server_never_met_is_an_object_too(refusal: ProbeFacts) -> None:
    assert server_of(encode_probe("r", refusal._replace(server=NO_SERVER))) == {
        "helo": None,
        "banner": None,
        "software": None,
        "extensions": [],
        "tls": None,
    }


@pytest.mark.parametrize(
    "said",
    [
        {"helo": "a\nb"},
        {"software": "a\nb"},
        {"extensions": ["a\nb"]},
        {"tls": TlsFacts(version="a\nb")},
        {"tls": TlsFacts(cipher="a\nb")},
        {"tls": TlsFacts(error="a\nb")},
    ],
    ids=str,
)
def test_a_line_feed_outside_the_banner_is_made_visible_like_any_control(
    contract: Any, refusal: ProbeFacts, said: dict[str, Any]
) -> None:
    """One field at a time: a second unsafe one would have all of them looked at again."""
    facts = {"helo": None, "banner": "a\nb", "software": None, "extensions": (), "tls": None} | said
    line = encode_probe("r", refusal._replace(server=encode_server(**facts)))
    contract.validate(orjson.loads(line))
    assert server_of(line)["banner"] == "a\nb"
    assert b"a\\\\x0ab" in line


def test_what_a_server_says_of_itself_is_safe_and_cut(contract: Any, refusal: ProbeFacts) -> None:
    hostile = "\x1b]0;owned\x07\x9b\u202e\udcff"
    server = encode_server(
        "probe.example", hostile + "x\n" * 2000, hostile, [hostile], TlsFacts(error=hostile + "x" * 2000)
    )
    record = orjson.loads(encode_probe("r", refusal._replace(server=server)))
    contract.validate(record)
    assert record["server"]["software"] == "\\x1b]0;owned\\x07\\x9b\\u202e\\udcff"
    assert len(record["server"]["banner"]) == len(record["server"]["tls"]["error"]) == 1000
