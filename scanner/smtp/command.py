"""Commands to bytes: the one encoder, where injection ends (RFC 5321 4.1, 4.5.3.1.4).

Whatever the input said, what leaves here is one line of at most 512 octets: printable ASCII, and inside a path no
space, `<` or `>` outside a quoted string. Odd paths of relay tests (`<user%domain@host>`, `<domain!user>`) are within
that.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

LINE_LIMIT_BYTES = 512
PLAIN_PATH = re.compile(r"[!#-;=?-~]{0,320}")
"""A path as nearly all are: no quoted string, no longer than addresses get (RFC 5321 4.5.3.1); a line holds it."""
PATH = re.compile(r'(?:[!#-;=?-~]|"(?:[ !#-\[\]-~]|\\[ -~])*")*')
NAME = re.compile(r"[!-~]+")


class Command(StrEnum):
    """What we say; OPEN is the connection itself, which the greeting answers."""

    OPEN = "OPEN"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    RSET = "RSET"
    QUIT = "QUIT"


OPEN, EHLO, HELO, STARTTLS = Command.OPEN, Command.EHLO, Command.HELO, Command.STARTTLS
MAIL, RCPT, DATA, RSET, QUIT = Command.MAIL, Command.RCPT, Command.DATA, Command.RSET, Command.QUIT
"""For where each reply comes by: a look-up through the class takes 70 ns, that of a name 10."""


class UnsafeArgument(ValueError):  # noqa: N818 - says what it is, not that it is one
    """An argument that would not stay one argument on the wire; nothing was sent."""


BARE = {command: f"{command}\r\n".encode() for command in (STARTTLS, DATA, RSET, QUIT)}


@lru_cache(maxsize=8)
def lines(our_name: str) -> dict[Command, bytes]:
    """The lines of the commands that are the same in all sessions.

    Raises:
        UnsafeArgument: the name is not one printable ASCII word.
    """
    return {**BARE, Command.EHLO: hello(Command.EHLO, our_name), Command.HELO: hello(Command.HELO, our_name)}


def hello(command: Command, name: str) -> bytes:
    """EHLO or HELO with our name (a dotted host name or an address literal).

    Raises:
        UnsafeArgument: the name is not one printable ASCII word.
    """
    if not NAME.fullmatch(name):
        raise UnsafeArgument(f"no host name: {name!r}")
    return line(f"{command} {name}")


@lru_cache(maxsize=1024)
def mail(sender: str) -> bytes:
    """MAIL FROM with a reverse-path without its brackets; empty is the null sender.

    Raises:
        UnsafeArgument: the path would break the line or its brackets.
    """
    return line(f"MAIL FROM:<{path(sender)}>")


def rcpt(recipient: str) -> bytes:
    """RCPT TO with a forward-path without its brackets.

    Raises:
        UnsafeArgument: the path would break the line or its brackets.
    """
    if PLAIN_PATH.fullmatch(recipient):
        return f"RCPT TO:<{recipient}>\r\n".encode()
    return line(f"RCPT TO:<{path(recipient)}>")


def bare_rcpt(recipient: str) -> bytes:
    """RCPT TO without the brackets that RFC 5321 4.1.1.3 demands: what a lenient server takes all the same.

    Raises:
        UnsafeArgument: the path would not stay one word.
    """
    if not NAME.fullmatch(recipient):
        raise UnsafeArgument(f"no single word: {recipient!r}")
    return line(f"RCPT TO:{recipient}")


def path(text: str) -> str:
    """The path, unchanged, if it can stand between brackets."""
    if not PATH.fullmatch(text):
        raise UnsafeArgument(f"no path of RFC 5321: {text!r}")
    return text


def line(text: str) -> bytes:
    """One command line."""
    encoded = f"{text}\r\n".encode("ascii")
    if len(encoded) > LINE_LIMIT_BYTES:
        raise UnsafeArgument(f"a command of {len(encoded)} octets, {LINE_LIMIT_BYTES} are allowed: {text[:80]!r}…")
    return encoded
