"""A swept target's record: a probe's, with its relay tests behind it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import orjson

from scanner.escape import safe_text
from scanner.records.facts import Group
from scanner.records.record import encode_probe, unencodable_probe
from scanner.smtp.reply import enhanced_of, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.records.facts import ProbeFacts
    from scanner.records.shapes import RelayTest
    from scanner.smtp.reply import Reply

TESTS_REMEMBERED = 1024
"""Tests as encoded: servers say the same to the same shapes, but for what they echo."""


class RelayTestFacts(NamedTuple):
    """One relay test and its end. `sender` to `reply` are None where it was not run, or no reply decided."""

    name: str
    strength: str
    verdict: str
    sender: str | None = None
    recipient: str | None = None
    stage: str | None = None
    reply: Reply | None = None


def encode_swept(run: str, facts: ProbeFacts, tests: Sequence[RelayTestFacts]) -> Group:
    """A target's record, the only one of its group."""
    unencodable = 0
    try:
        line = encode_probe(run, facts)
    except TypeError as error:
        facts = unencodable_probe(facts, f"the record could not be encoded: {error}")
        line = encode_probe(run, facts)
        unencodable = 1
    return Group(b'%b,"tests":[%b]}\n' % (line[:-2], b",".join(map(encode_test, tests))), (facts,), None, unencodable)


@lru_cache(maxsize=TESTS_REMEMBERED)
def encode_test(test: RelayTestFacts) -> bytes:
    """One test's object."""
    reply = test.reply
    part: RelayTest = {
        "name": test.name,
        "sender": test.sender if test.sender is None else safe_text(test.sender),
        "recipient": test.recipient if test.recipient is None else safe_text(test.recipient),
        "strength": test.strength,
        "verdict": test.verdict,
        "stage": test.stage,
        "code": reply and reply.code,
        "enhanced": reply and enhanced_of(reply),
        "text": reply and text_of(reply),
    }
    return orjson.dumps(part)
