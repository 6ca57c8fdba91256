from __future__ import annotations

import re
import tracemalloc

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.escape import TEXT_LIMIT_CHARS, safe_text
from scanner.intake.blocks import LINE_LIMIT_BYTES
from scanner.intake.lines import COMMON_LINE, BadLine, Intake
from scanner.intake.names import BadName, parse_domain
from scanner.terms import Item

DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def read(stream: bytes | str, size: int | None = None) -> list[Item | BadLine]:
    """All that a stream says, fed in blocks of `size` bytes."""
    stream = stream.encode() if isinstance(stream, str) else stream
    intake = Intake()
    found: list[Item | BadLine] = []
    for at in range(0, len(stream), size or len(stream) or 1):
        found += intake.feed(stream[at : at + (size or len(stream))])
    return found + intake.finish()


def one(line: bytes | str) -> Item | BadLine | None:
    """What one line says as the first of an input."""
    return Intake().parse(1, line.encode() if isinstance(line, str) else line)


def fault(line: bytes | str) -> str:
    """The reason why a line is bad."""
    found = one(line)
    assert isinstance(found, BadLine), found
    return found.reason


@pytest.mark.parametrize(
    ("line", "domain"),
    [
        ("example.com", "example.com"),
        ("Example.COM.", "example.com"),
        ("  example.com\t", "example.com"),
        ("example.com\r", "example.com"),
        ("\ufeffexample.com", "example.com"),
        ("com", "com"),
        ("example.com # partner", "example.com"),
        ("example.com\t#partner", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a.xn--p1ai", "a.xn--p1ai"),
    ],
)
def test_a_line_with_a_domain_is_an_item(line: str, domain: str) -> None:
    assert one(line) == Item(0, domain, None, None, 1)


@pytest.mark.parametrize("line", ["", " ", "\t\r", "#", "# all of them", "  # x", "\ufeff# x", "#{", "#\0"])
def test_comments_and_blank_lines_say_nothing(line: str) -> None:
    assert one(line) is None


@pytest.mark.parametrize(
    ("line", "domain", "recipient"),
    [
        ("Info@Example.COM", "example.com", "Info@example.com"),
        ("info@bücher.example # x", "xn--bcher-kva.example", "info@xn--bcher-kva.example"),
        ('"a #b@c"@example.com #d', "example.com", '"a #b@c"@example.com'),
    ],
)
def test_a_mailbox_names_the_recipient(line: str, domain: str, recipient: str) -> None:
    assert one(line) == Item(0, domain, recipient, None, 1)


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ('{"domain": "Example.com"}', Item(0, "example.com", None, None, 1)),
        ('\ufeff {"domain": "example.com", "recipient": null, "tag": null}\r', Item(0, "example.com", None, None, 1)),
        ('{"domain": "example.com", "tag": {"id": 7}}', Item(0, "example.com", None, {"id": 7}, 1)),
        ('{"domain": "example.com", "tag": "a # b"}', Item(0, "example.com", None, "a # b", 1)),
        ('{"recipient": "a@Example.com"}', Item(0, "example.com", "a@example.com", None, 1)),
        ('{"domain": "x.example", "recipient": "a@y.example"}', Item(0, "x.example", "a@y.example", None, 1)),
        ('{"domain": "x.example", "recipient": " info "}', Item(0, "x.example", "info@x.example", None, 1)),
        ('{"domain": "b\\u00fccher.example"}', Item(0, "xn--bcher-kva.example", None, None, 1)),
        ('{"tag": false, "domain": "x.example"}', Item(0, "x.example", None, False, 1)),
    ],
)
def test_a_json_object_gives_domain_recipient_and_tag(line: str, item: Item) -> None:
    assert one(line) == item


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{}", "neither domain nor recipient"),
        ('{"tag": 1}', "neither domain nor recipient"),
        ('{"domain": null, "recipient": null}', "neither"),
        ('{"domain": "x.example", "recipent": "a@x.example"}', "unknown key 'recipent'"),
        ('{"domain": "x.example", "\\u001b[2J": 1}', r"unknown key '\\x1b\[2J'"),
        ('{"domain": 1}', "domain is not a string"),
        ('{"domain": ["x.example"]}', "domain is not a string"),
        ('{"domain": "x.example", "recipient": false}', "recipient is not a string"),
        ('{"domain": "a@x.example"}', "no domain"),
        ('{"domain": "a\\u0000b.example"}', "no domain"),
        ('{"domain": "x.example", "recipient": "a b@x.example"}', "no mailbox"),
        ('{"domain": "x.example", "recipient": "a\\r\\nQUIT"}', "no mailbox"),
        ('{"domain": "x.example", "recipient": ""}', "no mailbox"),
        ('{"recipient": "a"}', "no mailbox"),
        ('{"domain": "x.example"', "not JSON"),
        ('{"domain": "x.example"} # x', "not JSON"),
        ('{"domain": "x.example", "tag": 18446744073709551616}', "64 bits"),
        ('{"domain": "x.example", "tag": "' + "x" * 4095 + '"}', "4096 bytes"),
        ('{"domain": "x.example", "tag": ' + "[" * 33 + "]" * 33 + "}", "deeper than 32"),
        ('["x.example"]', "no domain"),
        ("a b.example", "no domain"),
        ("a.example,b.example", "no domain"),
        ("a.example\rb.example", "no domain"),
        ("192.0.2.1", "address"),
        ("a@192.0.2.1", "address"),
        ("<a@b.example>", "no mailbox"),
        ("jürgen@b.example", "SMTPUTF8"),
        ("a" * 64 + ".example", "longer than 63"),
        ("a." * 126 + "aa", "longer than 253"),
        ("127.0.0.1.", "address"),
        ("x.25", "number"),
        (b"a\0b.example", "no domain"),
        (b"\xff.example", "not UTF-8"),
        (b"x.example # \xe9t\xe9", "not UTF-8"),
        (b"\xed\xa0\x80.example", "not UTF-8"),
    ],
)
def test_a_bad_line_says_why(line: bytes | str, reason: str) -> None:
    assert re.search(reason, fault(line))


def test_a_bad_line_of_any_size_has_a_short_safe_reason() -> None:
    for content in (
        "\x1b[2J\u202e" * 5000,
        '{"' + "\x1b" * 9000,
        "a" * 60_000,
        "ü" * 30_000,
        "x@" * 30_000,
        "x@" + "\u202e" * 200,
    ):
        reason = fault(content)
        assert len(reason) <= TEXT_LIMIT_CHARS
        assert safe_text(reason) == reason


def test_items_are_numbered_by_what_is_valid_and_lines_by_what_is_there() -> None:
    assert read("# list\na.example\n\nbad domain\nb@b.example\n{}\nc.example") == [
        Item(0, "a.example", None, None, 2),
        BadLine(4, "'bad domain' is no domain: 'bad domain' is not made of letters, digits and inner hyphens"),
        Item(1, "b.example", "b@b.example", None, 5),
        BadLine(6, "the object has neither domain nor recipient"),
        Item(2, "c.example", None, None, 7),
    ]


def test_a_domain_may_come_again_without_a_named_recipient() -> None:
    assert len([item for item in read("a.example\n" * 10) if isinstance(item, Item)]) == 10


def test_a_fourth_named_recipient_of_a_domain_is_a_bad_line_in_every_form() -> None:
    found = read(
        "a@x.example\nb@X.example.\n"
        '{"domain": "x.example", "recipient": "c"}\n'
        'd@x.example\n{"domain": "x.example", "recipient": "e@y.example"}\n'
        '{"domain": "other.example", "recipient": "f@x.example"}\n'
        "x.example\ng@y.example\n"
    )
    assert [isinstance(each, Item) for each in found] == [True, True, True, False, False, False, True, True]
    assert found[3] == BadLine(4, "'d@x.example' not asked: no more than 3 named recipients for one domain")
    assert [each.seq for each in found if isinstance(each, Item)] == [0, 1, 2, 3, 4]


def test_bad_lines_do_not_use_up_the_recipients_of_a_domain() -> None:
    found = read("a b@x.example\n" * 5 + '{"domain": "x.example", "recipient": "a", "more": 1}\n' * 5 + "a@x.example")
    assert isinstance(found[-1], Item)


def test_an_overlong_line_is_one_bad_line_and_the_next_is_read() -> None:
    found = read(b"a.example\n" + b"x" * (LINE_LIMIT_BYTES + 1) + b"\nb.example\n", 1000)
    assert found == [
        Item(0, "a.example", None, None, 1),
        BadLine(2, "longer than 65536 bytes"),
        Item(1, "b.example", None, None, 3),
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_of_a_utf16_file_every_line_is_bad_and_the_first_says_how_to_convert_it(encoding: str) -> None:
    found = read("\ufeff# x\r\na.example\r\nb@b.example\r\n".encode(encoding))
    assert all(isinstance(each, BadLine) for each in found)
    assert len(found) >= 3
    assert [number for number, each in enumerate(found) if "iconv" in each[1]] == [0]  # type: ignore[operator]


PIECES = [
    b"\n", b"\n", b"\r\n", b"a.example", b"A.example", b"u@a.example", b'{"domain":"a.example"}', b"#", b" ", b"\xff",
    b"\xc3\xbc.example", b"\xef\xbb\xbf", b"\0", b"{", b'"', b"@", b".", b"127.1",
]  # fmt: skip


@given(st.one_of(st.binary(), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)), st.integers(1, 40))
def test_any_bytes_are_items_bad_lines_or_nothing_in_blocks_of_any_size(stream: bytes, size: int) -> None:
    found = read(stream)
    assert found == read(stream, size)
    items = [each for each in found if isinstance(each, Item)]
    assert [item.seq for item in items] == list(range(len(items)))
    assert all(DOMAIN.fullmatch(item.domain) for item in items)
    numbers = [each.line if isinstance(each, Item) else each.number for each in found]
    assert numbers == sorted(set(numbers))
    lines = stream.split(b"\n")
    said = {number for number, line in enumerate(lines, 1) if line.strip(b" \t\r") and b"#" not in line}
    assert said - {n for n, line in enumerate(lines, 1) if b"\xef\xbb\xbf" in line} <= set(numbers)
    assert all(safe_text(each.reason) == each.reason for each in found if isinstance(each, BadLine))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["domain", "recipient", "tag", "x"]), json_values))
def test_any_json_object_is_an_item_that_can_be_written_or_a_bad_line(found: dict[str, object]) -> None:
    try:
        line = orjson.dumps(found)
    except (TypeError, orjson.JSONEncodeError):
        return
    item = one(line)
    assert isinstance(item, (Item, BadLine))
    if isinstance(item, Item):
        assert orjson.loads(orjson.dumps(item.tag)) == found.get("tag")


@given(st.from_regex(COMMON_LINE, fullmatch=True))
@example(b"127.1")
@example(b"a.b--c.example")
@example(b"1.a1")
@example(b"a" * 63 + b".example")
def test_the_short_way_of_a_line_agrees_with_the_long_one(line: bytes) -> None:
    try:
        domain = parse_domain(line.decode())
    except BadName:
        assert isinstance(one(line), BadLine)
    else:
        assert one(line) == Item(0, domain, None, None, 1)


def test_nearly_every_domain_goes_the_short_way() -> None:
    for line in (b"example.com", b"a-b.c1.co.uk", b"1und1.de", b"xn--bcher-kva.example", b"x.xn--p1ai"):
        assert COMMON_LINE.fullmatch(line)
    for line in (
        b"com",
        b"127.1",
        b"a.example\n",
        b"a.example\r",
        b"A.example",
        b"a_b.example",
        b"a-.example",
        b"a..b",
    ):
        assert not COMMON_LINE.fullmatch(line)


def test_reading_keeps_nothing_of_the_lines() -> None:
    intake = Intake()
    block = b"a.example\n" * 5000
    tracemalloc.start()
    try:
        intake.feed(block)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(40):
            assert len(intake.feed(block)) == 5000
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()
