"""JSON of the input, bounded so that what comes in can go out again.

orjson reads a depth of 1,024 and writes 254, and reads an integer over 64 bits as a float (measured with 3.13): a tag
within these bounds is written as it was read. Numbers with a fraction keep the precision of a double, no more.
"""

from __future__ import annotations

import json
import re
from typing import TypeAlias

import orjson

TAG_LIMIT_BYTES = 4096
TAG_LIMIT_DEPTH = 32

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

LONG_NUMBER = re.compile(r"\d{19}")
"""What an integer of more than 64 bits contains; 2^63 has 19 digits."""


class BadJson(ValueError):  # noqa: N818 - reads like its siblings
    """A line that is no JSON object of ours; the sentence says why."""


def parse_object(text: str) -> dict[str, Json]:
    """A JSON object whose integers are exact; of a repeated key the last counts, as in jq.

    Raises:
        BadJson: no JSON object, a value deeper than TAG_LIMIT_DEPTH, or an integer beyond 64 bits.
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadJson(f"not JSON: {error.msg} at {error.pos + 1}") from None
    if not isinstance(found, dict):
        raise BadJson("not a JSON object")
    # Before the next look at it, which recurses. Nothing lies deeper than lists and objects are begun.
    allowed = TAG_LIMIT_DEPTH + 1
    if text.count("[") + text.count("{") > allowed and depth(found) > allowed:
        raise BadJson(f"the tag is deeper than {TAG_LIMIT_DEPTH}")
    if LONG_NUMBER.search(text) and not is_exact(text):
        raise BadJson("an integer is beyond 64 bits; as a string it would be kept")
    return found


def is_exact(text: str) -> bool:
    """Whether every integer of the JSON text fits into 64 bits, signed or not; orjson does not tell.

    The text has passed orjson: no integer in it is longer than a double's 309 digits.
    """

    def bounded(digits: str) -> int:
        if not -(1 << 63) <= int(digits) < 1 << 64:
            raise OverflowError
        return 0

    try:
        json.loads(text, parse_int=bounded)
    except OverflowError:
        return False
    return True


def bounded_tag(tag: Json) -> Json:
    """The tag itself, where it is short enough to be passed through.

    Raises:
        BadJson: it is not; what counts is its length as it would be written, not as it was read.
    """
    if len(orjson.dumps(tag)) > TAG_LIMIT_BYTES:
        raise BadJson(f"the tag is longer than {TAG_LIMIT_BYTES} bytes")
    return tag


def depth(value: Json) -> int:
    """How many lists and objects stand in one another; without recursion, whose limit is not ours to choose."""
    levels = 0
    level = [value]
    while level := [each for each in level if isinstance(each, (list, dict))]:
        levels += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return levels
