from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.intake.tags import TAG_LIMIT_BYTES, TAG_LIMIT_DEPTH, BadJson, Json, bounded_tag, depth, parse_object

numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_a_tag_comes_out_as_it_went_in(tag: Json) -> None:
    text = orjson.dumps({"tag": tag}).decode()
    assert orjson.dumps(bounded_tag(parse_object(text)["tag"])) == orjson.dumps(tag)


@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808", "18446744073709551615", "1e300"])
def test_integers_of_64_bits_are_exact(number: str) -> None:
    found = parse_object('{"tag": [' + number + "]}")["tag"]
    assert found == [float(number) if "e" in number else int(number)]


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "1" + "0" * 5000, "-" + "9" * 300])
def test_integers_beyond_64_bits_are_refused_not_rounded(number: str) -> None:
    with pytest.raises(BadJson, match=r"not JSON|64 bits"):
        parse_object('{"tag": {"deep": [' + number + "]}}")


def test_digits_in_a_string_or_fraction_are_no_integer() -> None:
    text = '{"tag": ["18446744073709551616", 0.12345678901234567890123]}'
    assert parse_object(text) == {"tag": ["18446744073709551616", 0.12345678901234568]}


@pytest.mark.parametrize("levels", [TAG_LIMIT_DEPTH + 1, 200, 900, 1020, 2000, 20_000])
def test_a_deep_tag_is_refused_whatever_the_depth(levels: int) -> None:
    """1,000 is Python's recursion limit, 1,024 what orjson reads, 254 what it writes."""
    for leaf in ("1", "18446744073709551616"):
        with pytest.raises(BadJson, match=r"deeper|not JSON"):
            parse_object('{"tag": ' + "[" * levels + leaf + "]" * levels + "}")


def test_a_tag_at_the_limit_of_depth_is_taken() -> None:
    found = parse_object('{"tag": ' + '{"a":' * TAG_LIMIT_DEPTH + "1" + "}" * TAG_LIMIT_DEPTH + "}")
    assert depth(found["tag"]) == TAG_LIMIT_DEPTH


@pytest.mark.parametrize(("value", "levels"), [(1, 0), ("[[", 0), ([], 1), ({"a": [1, {}]}, 3), ([[], [[]]], 3)])
def test_depth_counts_what_stands_in_one_another(value: Json, levels: int) -> None:
    assert depth(value) == levels


def test_a_tag_is_as_long_as_it_would_be_written() -> None:
    longest = "x" * (TAG_LIMIT_BYTES - 2)
    assert bounded_tag(longest) == longest
    for tag in (longest + "x", "é" * (TAG_LIMIT_BYTES // 2), [longest], "\x01" * 1000):
        with pytest.raises(BadJson, match=r"4096 bytes"):
            bounded_tag(tag)


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "1", '"a"', "null", "{}{}", "{'a': 1}", '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}', '{"a": 01}',
        '{"a": "\\ud800"}', '{"a": "\n"}', '{"a": 1,}', "", "{} # x",
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(BadJson, match=r"not JSON|not a JSON object"):
        parse_object(text)
