from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.escape import safe_text
from scanner.intake.names import (
    COMMON_NAME,
    BadName,
    Mailbox,
    is_address,
    label_fault,
    parse_domain,
    parse_helo,
    parse_literal,
    parse_mailbox,
    parse_sender,
)
from scanner.terms import UsageError

# RFC 5321 4.1.2 `Domain` in lower case, written down independently of the code.
DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")

LONGEST = ".".join(["a" * 63] * 3 + ["a" * 61])


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        (" \texample.com \t", "example.com"),
        ("example.com\r", "example.com"),
        ("\ufeffexample.com", "example.com"),
        ("com", "com"),
        ("1und1.de", "1und1.de"),
        ("0.0.0.0.in-addr.arpa", "0.0.0.0.in-addr.arpa"),
        ("a--b.example", "a--b.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example.", "xn--bcher-kva.example"),
        ("straße.de", "xn--strae-oqa.de"),
        ("日本。jp", "xn--wgv71a.jp"),
        ("\uff45\uff58ample\uff0ecom", "example.com"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        (LONGEST, LONGEST),
        (LONGEST + ".", LONGEST),
    ],
)
def test_a_domain_is_forgiven_its_clothes(text: str, domain: str) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (".", "empty"),
        (" ", "empty"),
        ("..", "label is empty"),
        ("a..example", "label is empty"),
        (".example", "label is empty"),
        ("example..", "label is empty"),
        ("a" * 64 + ".example", "longer than 63"),
        (LONGEST + "a", "longer than 253"),
        (LONGEST + "..", "longer than 253"),
        ("a." * 200 + "a", "longer than 253"),
        ("a\0b.example", "letters, digits"),
        ("example.com\n", "letters, digits"),
        ("a b.example", "letters, digits"),
        ("a_b.example", "letters, digits"),
        ("-a.example", "letters, digits"),
        ("a-.example", "letters, digits"),
        ("*.example", "letters, digits"),
        ("a@example", "letters, digits"),
        ("https://example.com", "letters, digits"),
        ("a,b.example", "letters, digits"),
        ("\x1b[31mred.example", "letters, digits"),
        ("192.0.2.1", "address"),
        ("[192.0.2.1]", "address"),
        ("2001:db8::1", "address"),
        ("①.②.③.④", "address"),
        ("12345", "number"),
        ("127.1", "number"),
        ("example.25", "number"),
        ("☃.example", "international"),
        ("a\u202eb.example", "international"),
        ("a\u00a0b.example", "international"),
        ("ü_.example", "international"),
        ("ü..example", "international"),
        ("ü" * 70 + ".example", "international"),
        ("ü" * 1000, "longer than 253"),
        ("xn--ü.example", "international"),
        ("\ud800.example", "international"),
    ],
)
def test_a_bad_domain_is_refused_with_the_reason_and_its_name_made_safe(text: str, reason: str) -> None:
    with pytest.raises(BadName, match=reason) as caught:
        parse_domain(text)
    assert safe_text(str(caught.value)) == str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_bad_name_is_a_usage_error_and_a_value_error() -> None:
    assert issubclass(BadName, UsageError)
    assert issubclass(BadName, ValueError)


@given(st.one_of(st.text(), st.from_regex(r"\A[A-Za-z0-9.-]{1,80}\Z"), st.from_regex(DOMAIN, fullmatch=True)))
def test_every_text_becomes_a_domain_or_a_bad_name(text: str) -> None:
    try:
        domain = parse_domain(text)
    except BadName:
        return
    assert DOMAIN.fullmatch(domain)
    assert not domain.rpartition(".")[2].isdigit()
    assert parse_domain(domain) == domain


@given(st.from_regex(DOMAIN, fullmatch=True))
def test_every_domain_of_the_grammar_is_taken_unless_it_ends_in_a_number(name: str) -> None:
    if name.rpartition(".")[2].isdigit():
        with pytest.raises(BadName):
            parse_domain(name)
    else:
        assert parse_domain(f" {name.upper()}.") == name


def test_ascii_names_do_not_load_the_tables_of_idna() -> None:
    """They cost 15 ms at start; Python's own codec is never loaded."""
    program = (
        "import sys\n"
        "from scanner.intake.names import parse_domain, parse_mailbox\n"
        "parse_mailbox('User@Example.COM.'); parse_domain('xn--bcher-kva.example')\n"
        "assert 'idna' not in sys.modules\n"
        "parse_domain('b\\u00fccher.example')\n"
        "assert 'idna' in sys.modules and 'encodings.idna' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("postmaster@example.com", Mailbox("postmaster", "example.com")),
        (" Post.Master+x@EXAMPLE.com.\r", Mailbox("Post.Master+x", "example.com")),
        ("!#$%&'*+-/=?^_`{|}~@example.com", Mailbox("!#$%&'*+-/=?^_`{|}~", "example.com")),
        ('"a b"@example.com', Mailbox('"a b"', "example.com")),
        ('"a@b>c"@example.com', Mailbox('"a@b>c"', "example.com")),
        (r'"a\"\\b"@example.com', Mailbox(r'"a\"\\b"', "example.com")),
        ('""@example.com', Mailbox('""', "example.com")),
        ("a@bücher.example", Mailbox("a", "xn--bcher-kva.example")),
        ("a" * 64 + "@example.com", Mailbox("a" * 64, "example.com")),
    ],
)
def test_a_mailbox_is_taken_as_rfc_5321_has_it(text: str, mailbox: Mailbox) -> None:
    assert parse_mailbox(text) == mailbox
    assert str(mailbox) == f"{mailbox.local}@{mailbox.domain}"


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "example.com", "@example.com", "a@", "a@@example.com", "a@b@example.com", ".a@example.com",
        "a.@example.com", "a..b@example.com", "a b@example.com", "<a@example.com>", "a>@example.com", "a,b@example.com",
        '"a@example.com', 'a"b"@example.com', '"a"b@example.com', '"a"b"@example.com', '"a\\"@example.com',
        "a\r\nRCPT TO:<b@example.com>@example.com", '"a\r\nb"@example.com', '"a\0b"@example.com', "a\0@example.com",
        "a@ example.com", "a @example.com", "a@exa mple.com", "a@example.com\n", "a@192.0.2.1", "a@[192.0.2.1]",
        "a@-example.com", "a" * 65 + "@example.com", "a" * 10 + "@" + LONGEST, '"ä"@example.com', "a\x7f@example.com",
    ],
)  # fmt: skip
def test_a_bad_mailbox_is_refused_with_its_name_made_safe(text: str) -> None:
    with pytest.raises(BadName) as caught:
        parse_mailbox(text)
    assert safe_text(str(caught.value)) == str(caught.value)


def test_a_local_part_beyond_ascii_is_refused_by_name_of_the_extension() -> None:
    with pytest.raises(BadName, match="SMTPUTF8"):
        parse_mailbox("jürgen@example.com")


def test_a_mailbox_has_at_most_254_octets() -> None:
    name = ".".join(["a" * 63] * 3 + ["a" * 55])
    assert len(str(parse_mailbox(f"ab@{name[:-7]}"))) <= 254
    assert len(str(parse_mailbox(f"{'a' * (253 - len(name))}@{name}"))) == 254
    with pytest.raises(BadName, match="254"):
        parse_mailbox(f"{'a' * (254 - len(name))}@{name}")


@given(st.one_of(st.text(), st.builds("{}@{}".format, st.text(max_size=12), st.just("example.com"))))
def test_a_mailbox_that_is_taken_can_be_said_in_a_command(text: str) -> None:
    try:
        mailbox = str(parse_mailbox(text, literal=True))
    except BadName:
        return
    assert mailbox.isascii()
    assert mailbox.isprintable()
    bare = re.sub(r'^"(\\.|[^"\\])*"', "", mailbox)
    assert not set(bare) & set(' <>"')


@pytest.mark.parametrize(
    ("text", "helo"),
    [
        ("mx.example", "mx.example"),
        (" MX.Example. ", "mx.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[ipv6:2001:DB8::0:1]", "[IPv6:2001:db8::1]"),
        ("mäil.example", "xn--mil-qla.example"),
    ],
)
def test_a_helo_name_is_a_dotted_host_name_or_a_literal(text: str, helo: str) -> None:
    assert parse_helo(text) == helo


@pytest.mark.parametrize(
    "text",
    [
        "", "localhost", "192.0.2.1", "[192.0.2]", "[192.0.2.1", "192.0.2.1]", "[2001:db8::1]", "[IPv6:192.0.2.1]",
        "[IPv6:fe80::1%eth0]", "[]", "[IPv6:]", "[mx.example]", "mx example", "mx.example\r\nMAIL", "a_b.example",
    ],
)  # fmt: skip
def test_a_bad_helo_name_is_refused(text: str) -> None:
    with pytest.raises(BadName) as caught:
        parse_helo(text)
    assert safe_text(str(caught.value)) == str(caught.value)


def test_a_literal_that_is_no_literal_gets_examples() -> None:
    with pytest.raises(BadName, match=re.escape("[IPv6:2001:db8::1]")):
        parse_literal("[2001:db8::1]")


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("<>", ""),
        ("", ""),
        (" <> ", ""),
        ("me@Example.com", "me@example.com"),
        ("<me@example.com>", "me@example.com"),
        ("postmaster@[192.0.2.1]", "postmaster@[192.0.2.1]"),
        ("postmaster@[ipv6:2001:db8::1]", "postmaster@[IPv6:2001:db8::1]"),
    ],
)
def test_a_sender_is_a_mailbox_or_nothing(text: str, sender: str) -> None:
    assert parse_sender(text) == sender


@pytest.mark.parametrize(
    "text", ["me", "<me@example.com", "me@example.com>", "<<>>", "me@[1.2.3]", "Me <me@example.com>"]
)
def test_a_bad_sender_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        parse_sender(text)


@given(st.from_regex(COMMON_NAME, fullmatch=True))
@example("a.b--c.example")
@example("1.a1")
@example("127.0.0.a1")
@example("0x7f.a0")
@example("a" * 63 + ".example")
def test_a_common_name_has_none_of_the_faults_that_are_not_looked_for_in_it(name: str) -> None:
    labels = name.split(".")
    assert not is_address(name)
    assert not any(map(label_fault, labels))
    assert not labels[-1].isdigit()
