from __future__ import annotations

from scanner.smtp.extensions import Extensions, read_extensions


def test_the_first_line_is_a_name_and_the_others_are_offered() -> None:
    assert read_extensions((b"STARTTLS", b"pipelining", b"SIZE 1000")) == Extensions(
        ("pipelining", "SIZE 1000"), pipelining=True, hello="STARTTLS"
    )
    assert read_extensions((b"mx.example", b"StartTLS")).starttls


def test_a_keyword_inside_a_parameter_is_not_offered() -> None:
    offered = read_extensions((b"mx", b"X-NOTE PIPELINING", b"XSTARTTLS", b"", b"  "))
    assert (offered.pipelining, offered.starttls) == (False, False)


def test_of_ten_thousand_extensions_64_are_kept_and_the_rest_counted() -> None:
    offered = read_extensions((b"mx", *(b"X-%d" % n for n in range(10_000)), b"PIPELINING"))
    assert (len(offered.offered), offered.surplus, offered.pipelining) == (64, 10_001 - 64, False)


def test_what_is_offered_is_safe_text() -> None:
    assert read_extensions((b"mx", b"\x1b]0;owned\x07")).offered == ("\\x1b]0;owned\\x07",)
