"""Which server or service answers, by its greeting and its answer to EHLO: a guess, or nothing.

A banner is a claim and cheap to forge, and many sites put another in its place. So a word counts only where that server
writes it, never as a part of a host's name, and what two servers share names neither. A greeting that names one server
above the manners of another names nobody.
"""

from __future__ import annotations

from functools import lru_cache

from scanner.judge.software_marks import GREETINGS, MANNERS

REMEMBERED = 1024
"""Servers of one provider greet alike but for their name and the time; the others are cheap to read again."""

WORDS = 24
"""How far into a line its words are looked up: the longest greeting that is known has 23."""

BY_WORD = {word: tuple(mark for mark in GREETINGS if mark.word == word) for mark in GREETINGS if (word := mark.word)}
BY_HOST = {host: tuple(mark for mark in GREETINGS if host in mark.hosts) for mark in GREETINGS for host in mark.hosts}

OUTSPOKEN = frozenset({"Postfix", "Exim", "Sendmail", "OpenSMTPD", "Microsoft Exchange"})
"""Those that are known by either: of these only one can be true. Others are built of them, or stand before them."""


@lru_cache(maxsize=REMEMBERED)
def software_of(banner: str | None, hello: str | None, extensions: tuple[str, ...]) -> str | None:
    """What answers: a product's name, with its version behind a blank where the greeting says it; or None.

    Args:
        banner: the greeting's lines without codes, joined by line feeds; that of a refusal counts too.
        hello: the first line of the reply to EHLO; None where it was not reached.
        extensions: as offered.
    """
    claimed = None if banner is None else claimed_by(banner)
    shown = None if hello is None else shown_by(hello, extensions)
    if claimed is None:
        return shown
    name, version = claimed
    if shown is not None and shown != name and {name, shown} <= OUTSPOKEN:
        return None
    return name if version is None else f"{name} {version}"


def claimed_by(banner: str) -> tuple[str, str | None] | None:
    """The name and version in a greeting's first or last line.

    Hosting panels add a notice below Exim's own line; postscreen says one line before it looks and another after.
    """
    first, _, rest = banner.partition("\n")
    claimed = claimed_in(first)
    return claimed if claimed is not None or not rest else claimed_in(rest.rpartition("\n")[2])


def claimed_in(line: str) -> tuple[str, str | None] | None:
    """The same of one line: by the domain of its host, then by its words from the left."""
    words = line.split()
    if not words:
        return None
    said = " ".join(words)
    domain = ".".join(words[0].lower().rsplit(".", 2)[-2:])
    for marks in (BY_HOST.get(domain), *map(BY_WORD.get, words[:WORDS])):
        for mark in marks or ():
            if (found := mark.pattern.match(said)) is not None:
                return mark.name, found.groupdict().get("version")
    return None


@lru_cache(maxsize=REMEMBERED)
def shown_by(hello: str, extensions: tuple[str, ...]) -> str | None:
    """The name that the form of an answer to EHLO tells."""
    keywords = " ".join([line.split(maxsplit=1)[0].upper() for line in extensions if line.strip()])
    for mark in MANNERS:
        if mark.hello.fullmatch(hello) and (mark.offers is None or mark.offers.fullmatch(keywords)):
            return mark.name
    return None
