from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.intake.exclusions import DomainSet, domains_from, exclude_domains, exclude_networks, networks_from
from scanner.terms import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_networks_come_from_values_and_files_alike(tmp_path: Path) -> None:
    listed = tmp_path / "no-go.txt"
    listed.write_bytes(
        b"\xef\xbb\xbf# never these\r\n192.0.2.0/24 # ours\r\n\r\n 198.51.100.7 \n10.0.0.1 - 10.0.0.3\n::1\t#x"
    )
    networks = exclude_networks(["203.0.113.0/24", str(listed), "2001:db8::/32"])
    inside = ["203.0.113.9", "192.0.2.255", "198.51.100.7", "10.0.0.3", "::1", "2001:db8::5"]
    outside = ["203.0.114.0", "192.0.3.0", "198.51.100.8", "10.0.0.4", "::2", "2001:db9::"]
    assert [ip_address(address) in networks for address in inside + outside] == [True] * 6 + [False] * 6


@pytest.mark.parametrize("values", [[], [""], [" "]])
def test_nothing_excluded_is_an_empty_set_and_an_empty_value_an_error(values: list[str]) -> None:
    if values:
        with pytest.raises(UsageError):
            exclude_networks(values)
        with pytest.raises(UsageError):
            exclude_domains(values)
    else:
        assert not exclude_networks(values)
        assert not exclude_domains(values).matches("a.example")


@pytest.mark.parametrize("bad", ["10.0.0.0/33", "10.0.0.1/8", "mx.example", "fe80::1%eth0", "1.2.3", "\x1b[2J", "a\0"])
def test_a_bad_line_names_file_and_line(tmp_path: Path, bad: str) -> None:
    listed = tmp_path / "list"
    listed.write_bytes(b"10.0.0.0/8\n\n" + bad.encode() + b"\n11.0.0.0/8\n")
    with pytest.raises(UsageError, match=f"^{listed} line 3: ") as caught:
        exclude_networks([str(listed)])
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"\xff\n", "10.0.0.0/8\n".encode("utf-16"), b"1" * 70_000])
def test_a_file_that_is_no_text_stops_too(tmp_path: Path, content: bytes) -> None:
    listed = tmp_path / "list"
    listed.write_bytes(content)
    for read in (exclude_networks, exclude_domains):
        with pytest.raises(UsageError, match=" line 1: "):
            read([str(listed)])


@pytest.mark.parametrize("value", ["missing", "missing.txt", "./missing", "/nonexistent/10.0.0.0", "~/x", "a\0b"])
def test_an_exclude_file_that_cannot_be_read_stops(value: str) -> None:
    with pytest.raises(UsageError, match="--exclude: cannot read"):
        exclude_networks([value])


def test_a_folder_is_no_exclude_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read.*directory"):
        exclude_networks([str(tmp_path)])
    with pytest.raises(UsageError, match=r"cannot read.*directory"):
        exclude_domains([str(tmp_path)])


@pytest.mark.parametrize("value", ["10.0.0.0/33", "10.0.0.1/8", "127.1", "fe80::/129", "::1%lo"])
def test_a_slip_in_a_cidr_is_not_called_a_missing_file(value: str) -> None:
    with pytest.raises(UsageError, match=f"^--exclude: '{value}'"):
        exclude_networks([value])


def test_domains_come_from_values_and_files_alike(tmp_path: Path) -> None:
    listed = tmp_path / "partners"
    listed.write_bytes("\ufeff# asked not to\r\nX.example. # by mail\r\n\r\nbücher.example".encode())
    found = exclude_domains(["Y.example", str(listed)])
    assert found.names == {"y.example", "x.example", "xn--bcher-kva.example"}


def test_an_existing_file_is_read_even_where_its_name_is_a_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.example").write_text("x.example")
    (tmp_path / "folder.example").mkdir()
    assert exclude_domains(["list.example", "folder.example"]).names == {"x.example", "folder.example"}


@pytest.mark.parametrize("value", ["skip.txt", "SKIP.TXT", "lists/skip", "./skip", "/nonexistent/skip", "skip.csv"])
def test_a_missing_file_of_domains_stops_and_is_not_taken_for_a_domain(value: str) -> None:
    with pytest.raises(UsageError, match="--exclude-domain: cannot read"):
        exclude_domains([value])


@pytest.mark.parametrize("bad", ["*.example.com", ".example.com", "a_b.example", "a@b.example", "192.0.2.1", "a b"])
def test_what_is_no_domain_is_not_excluded_in_silence(tmp_path: Path, bad: str) -> None:
    with pytest.raises(UsageError, match=r"^--exclude-domain: '"):
        exclude_domains([bad])
    listed = tmp_path / "list"
    listed.write_text(f"a.example\n{bad}\n")
    with pytest.raises(UsageError, match=f"^{listed} line 2: '"):
        exclude_domains([str(listed)])


@pytest.mark.parametrize("value", ["*.example.com", ".example.com"])
def test_other_programs_signs_for_and_below_are_answered_with_what_to_write(value: str) -> None:
    with pytest.raises(UsageError, match="lies below a domain is excluded with it"):
        exclude_domains([value])


def test_readers_take_blocks_of_any_size() -> None:
    content = b"10.0.0.0/8\n\n192.0.2.1"
    whole = list(networks_from([content], "x"))
    assert len(whole) == 2
    assert list(networks_from([content[at : at + 1] for at in range(len(content))], "x")) == whole
    assert list(domains_from([b"a.exa", b"mple\nb.example"], "x")) == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("name", "excluded"),
    [
        ("x.example", True),
        ("a.x.example", True),
        ("a.b.c.x.example", True),
        ("ax.example", False),
        ("example", False),
        ("x.example.com", False),
        ("test", True),
        ("a.test", True),
        ("", False),
    ],
)
def test_a_domain_excludes_what_lies_below_it_and_nothing_else(name: str, *, excluded: bool) -> None:
    assert DomainSet(["x.example", "test"]).matches(name) is excluded


names = st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(".".join)


@given(st.lists(names, max_size=5), names)
def test_matching_is_by_whole_labels_from_the_end(members: list[str], name: str) -> None:
    naive = any(name == member or name.endswith(f".{member}") for member in members)
    assert DomainSet(members).matches(name) is naive
