from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from scanner.records.record import encode_probe
from scanner.terms import ServerFacts, TlsFacts

if TYPE_CHECKING:
    from scanner.records.facts import ProbeFacts


def met(server: ServerFacts, facts: ProbeFacts) -> bytes:
    """The record of a probe that met this server."""
    return encode_probe("r", facts._replace(answer=facts.answer._replace(server=server)))


def server_of(line: bytes) -> Any:
    return orjson.loads(line)["server"]


def test_what_a_server_says_of_itself_stands_in_each_record_of_its_session(refusal: ProbeFacts) -> None:
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
    assert server_of(met(ServerFacts(), refusal)) == {
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
        {"extensions": ("a\nb",)},
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
    line = met(ServerFacts(banner="a\nb")._replace(**said), refusal)
    contract.validate(orjson.loads(line))
    assert server_of(line)["banner"] == "a\nb"
    assert b"a\\\\x0ab" in line


def test_what_a_server_says_of_itself_is_safe_and_cut(contract: Any, refusal: ProbeFacts) -> None:
    hostile = "\x1b]0;owned\x07\x9b\u202e\udcff"
    server = ServerFacts(
        "probe.example", hostile + "x\n" * 2000, hostile, (hostile,), TlsFacts(error=hostile + "x" * 2000)
    )
    record = orjson.loads(met(server, refusal))
    contract.validate(record)
    assert record["server"]["software"] == "\\x1b]0;owned\\x07\\x9b\\u202e\\udcff"
    assert len(record["server"]["banner"]) == len(record["server"]["tls"]["error"]) == 1000
