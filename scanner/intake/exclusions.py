"""Whom the operator does not want asked: `--exclude` and `--exclude-domain`, each value a name or a file of them.

A file is read once, before anything is dialled, and the first fault in it stops the run (exit 2): half an exclusion
list is none. One CIDR, address, range or domain a line; `#` comments and blank lines are ignored, CRLF and a byte order
mark forgiven. Both readers raise `UsageError` with file and line number.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from scanner.addresses import Networks, Range, parse_range
from scanner.escape import quoted, safe_text
from scanner.intake.blocks import BadText, line_text, read_lines, without_comment
from scanner.intake.names import parse_domain
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

FILE_ENDINGS = (".txt", ".lst", ".list", ".csv", ".conf", ".cfg", ".dat")
"""No top-level domains: a value that ends so is a file, and where it is missing the run stops, not excludes nothing."""


class DomainSet:
    """Domains together with all that lies below them."""

    __slots__ = ("names",)

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = frozenset(names)

    def matches(self, name: str) -> bool:
        """Whether the name (lower case, A-labels, no final dot) is one of the domains or below one."""
        while self.names:
            if name in self.names:
                return True
            _, dot, name = name.partition(".")
            if not dot:
                break
        return False


def exclude_networks(values: Iterable[str]) -> Networks:
    """The values of `--exclude`: a CIDR, an address, a range or the path of a file of them, each.

    Raises:
        UsageError: a value that is none of these, an unreadable file or a bad line in it.
    """
    return Networks.merged(found for value in values for found in ranges_of(value))


def ranges_of(value: str) -> Iterable[Range]:
    """One value of `--exclude`."""
    try:
        return [parse_range(value.strip())]
    except UsageError as error:
        path = Path(value)
        # A slip in a CIDR must be called that, not a missing file: 10.0.0.1/8.
        if not is_file(path) and (value[:1].isdigit() or ":" in value):
            raise UsageError(f"--exclude: {error}") from None
        return networks_from(read_blocks(path, "--exclude"), value)


def exclude_domains(values: Iterable[str]) -> DomainSet:
    """The values of `--exclude-domain`: a domain or the path of a file of them, each; a file that exists is read.

    Raises:
        UsageError: a value that is neither, an unreadable file or a bad line in it.
    """
    return DomainSet(name for value in values for name in domains_of(value))


def domains_of(value: str) -> Iterable[str]:
    """One value of `--exclude-domain`."""
    path = Path(value)
    if "/" in value or value.lower().endswith(FILE_ENDINGS) or is_file(path):
        return domains_from(read_blocks(path, "--exclude-domain"), value)
    try:
        return [excluded_domain(value)]
    except UsageError as error:
        raise UsageError(f"--exclude-domain: {error}") from None


def is_file(path: Path) -> bool:
    """Whether something lies there; a text that can be no path is none (too long, a NUL in it)."""
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


def excluded_domain(text: str) -> str:
    """A domain to exclude; other programs' signs for "and below" are answered with what to write.

    Raises:
        UsageError: no domain.
    """
    if text.startswith(("*.", ".")):
        raise UsageError(f"{quoted(text)}: without the beginning, please; what lies below a domain is excluded with it")
    return parse_domain(text)


def read_blocks(path: Path, option: str) -> Iterator[bytes]:
    """A file in blocks of 64 KB.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            while block := file.read(65_536):
                yield block
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{option}: cannot read {quoted(str(path))}: {reason}") from None


def networks_from(blocks: Iterable[bytes], source: str) -> Iterator[Range]:
    """The ranges that a file lists; `source` names it in errors."""
    return parsed_from(blocks, source, parse_range)


def domains_from(blocks: Iterable[bytes], source: str) -> Iterator[str]:
    """The domains that a file lists; `source` names it in errors."""
    return parsed_from(blocks, source, excluded_domain)


def parsed_from(blocks: Iterable[bytes], source: str, parse: Callable[[str], T]) -> Iterator[T]:
    """Each line's content by `parse`, whose UsageError gets the file and the line's number."""
    for number, line in read_lines(blocks):
        try:
            text = without_comment(line_text(line))
            if text:
                yield parse(text)
        except (BadText, UsageError) as error:
            raise UsageError(f"{safe_text(source)} line {number}: {error}") from None
