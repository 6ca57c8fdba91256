"""What one line of a sweep's input names: addresses, with a port of its own or without, or a host.

Besides addresses, CIDRs, `FIRST-LAST` and host names: lists of masscan as they are, `-oL` (`open tcp 25 192.0.2.1
1390380064`) and `-oJ` (an array, an object a line). nmap's and zmap's output is lines of addresses after a short cut.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import orjson

from scanner.addresses import Range, parse_address, parse_range
from scanner.escape import quoted
from scanner.intake.names import BadName, parse_domain
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

RANGE = re.compile(r"[0-9a-fA-F.:]*[0-9a-fA-F:]+(?:\s*[-/]\s*[0-9a-fA-F.:]+)?")
MASSCAN_LIST = re.compile(r"(?:open|banner|closed) (?P<proto>[a-z]+) (?P<port>\d{1,20}) (?P<address>\S+)(?: .*)?")
"""A port of thousands of digits is none: Python makes no number of them, but an error."""
OTHER_PROTOCOL = "udp"


class Entry(NamedTuple):
    """Addresses, or a host by its name. `port`: of its own; None: those of --port."""

    addresses: Range | None
    name: str | None = None
    port: int | None = None


def parse_entry(text: str) -> list[Entry]:
    """What a line names; nothing where it is one of a list's own frame.

    Args:
        text: without blanks around and comments.

    Raises:
        UsageError: it names nobody that can be asked; says what it is.
    """
    if text.startswith("{"):
        return list(masscan_json(text))
    if found := MASSCAN_LIST.fullmatch(text):
        return masscan_list(found)
    if text in {"[", "]", ","}:
        return []
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1].removeprefix("IPv6:")
    if looks_like_addresses(text):
        return [Entry(parse_range(text))]
    try:
        return [Entry(None, parse_domain(text))]
    except BadName as error:
        raise UsageError(str(error)) from None


def looks_like_addresses(text: str) -> bool:
    """Whether it cannot be a host name: then a slip in it must be called that."""
    return ":" in text or "/" in text or (RANGE.fullmatch(text) is not None and text[:1].isdigit() and "." in text)


def masscan_list(found: re.Match[str]) -> list[Entry]:
    """A line of `masscan -oL`; only open TCP ports are of use, and a banner says no more than that."""
    text = found.group()
    if not text.startswith("open ") or found["proto"] == OTHER_PROTOCOL:
        return []
    return [Entry(only(found["address"]), None, port_of(int(found["port"]), text))]


def masscan_json(text: str) -> Iterator[Entry]:
    """A line of `masscan -oJ`: an object with a comma behind it."""
    if text.startswith("{finished"):  # the last line of some versions, which is no JSON
        return
    try:
        said = orjson.loads(text.rstrip(", "))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"no JSON: {error}") from None
    address, ports = said.get("ip"), said.get("ports")
    if not isinstance(address, str) or not isinstance(ports, list):
        raise UsageError('no object of masscan: it has no "ip" and "ports"')
    for each in ports:
        port = each.get("port") if isinstance(each, dict) else None
        if not isinstance(port, int) or isinstance(port, bool):
            raise UsageError('no object of masscan: a port without "port"')
        if each.get("status", "open") == "open" and each.get("proto") != OTHER_PROTOCOL:
            yield Entry(only(address), None, port_of(port, text))


def only(text: str) -> Range:
    """The range of one address."""
    address = parse_address(text)
    return Range(address.version, int(address), int(address))


def port_of(number: int, text: str) -> int:
    """A port that a line names."""
    if not 0 < number < 65536:
        raise UsageError(f"{quoted(text)}: {number} is no TCP port")
    return number
