r"""A reply's text made ready for rules: what the server says, without what it only repeats.

Addresses, address literals, host names and local marks are taken out, because a server echoes them and a domain may be
called `greylist-agency.example`. Links are kept apart, since their paths name reasons but their queries echo input.
Codes inside the text are never looked for: an address (192.5.7.8), a size (535 KB) and a quoted upstream reply all look
like codes. An enhanced code counts only at the start of a line or as qmail writes it, `(#5.1.1)`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from scanner.escape import TEXT_LIMIT_CHARS


class Cleaned(NamedTuple):
    """What rules look at. `words`: one line, lower case, ASCII where Latin. `links`: URLs, lower case, no query."""

    words: str
    links: str


class Detail(NamedTuple):
    """An enhanced code without its class (RFC 3463 section 2): the class repeats the basic code, or contradicts it."""

    subject: int
    detail: int


ENHANCED = re.compile(r"([2-5])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
LEADING_CODES = re.compile(r"\s*(?:[2-5]\d\d[ -])?\s*#?(?:[245]\.\d{1,3}\.\d{1,3}(?!\.?\d))?[ :-]*")
LEADING_ENHANCED = re.compile(r"#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
QMAIL_ENHANCED = re.compile(r"\(#([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")

# Possessive quantifiers and the look-behinds keep every pattern linear in the length of what a stranger sent.
ESCAPED_LATIN = re.compile(r"\\x([a-f][0-9a-f])")
QMAIL_MARK = re.compile(r"\(#\d\.\d{1,3}\.\d{1,3}[^()]*\)")
LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"',;()\[\]]++")
ANGLE = re.compile(r"<[^<>]*>")
VENDOR_MARK = re.compile(r"\[([a-z]{1,5}\d{2,6}|[a-z]{3,16})\]")
SQUARE = re.compile(r"\[[^\[\]]*\]")
MAILBOX = re.compile(r"(?<![^\s<>()\"',;:=])[^\s<>()\"',;:=@]++@[^\s<>()\"',;:=]*+")
HOST = re.compile(r"(?<![\w.-])[\w-]++(?:\.[\w-]++)+")

KEPT_HOSTS = re.compile(
    r"^(?:resolver|storedrv|smtpsend|routing|queue|rejectmessage)\."  # Exchange's reason tokens look like host names
    r"|spamhaus|spamcop|sorbs|barracuda|abuseat|uceprotect|surriel|senderbase|senderscore|cloudmark|mimecast|proofpoint"
    r"|junkemailfilter|backscatterer|mailspike|invaluement|truncate|gbudb|dnswl|rfc-ignorant|njabl|dnsbl|[ux]ribl|surbl"
)
SENTENCE_START = frozenset(
    {"access", "contact", "error", "for", "go", "if", "is", "it", "mail", "message", "more", "no", "please", "rejected"}
    | {"relay", "sender", "see", "sorry", "the", "this", "to", "try", "user", "visit", "we", "you", "your"}
)
"""A last label that is rather the next sentence, written without a blank: `mailbox full.please delete something`."""


def subject_detail(enhanced: str | None, text: str) -> Detail | None:
    """The enhanced code that counts, from the parsed field or from the places in the text where one may stand.

    A code of class 2 in a refusal (550 2.1.5) contradicts itself and is ignored.
    """
    if enhanced is None:
        last = text.rpartition("\n")[2]
        found = LEADING_ENHANCED.match(last) or LEADING_ENHANCED.match(text) or QMAIL_ENHANCED.search(text)
        enhanced = found.group(1) if found else None
    parsed = ENHANCED.fullmatch(enhanced) if enhanced else None
    if parsed is None or parsed.group(1) == "2":
        return None
    return Detail(int(parsed.group(2)), int(parsed.group(3)))


def clean(text: str) -> Cleaned:
    """The text for matching: lines joined, codes and echoed input gone. Linear in its first 1,000 characters."""
    lines = [LEADING_CODES.sub("", line, count=1) for line in text[:TEXT_LIMIT_CHARS].split("\n")]
    words = plain_latin(" ".join(lines).lower()).replace("e-mail", "email")
    words = QMAIL_MARK.sub(" ", words)
    links: list[str] = []
    if "http" in words or "www." in words:
        links = LINK.findall(words)
        words = LINK.sub(" ", words)
    if "<" in words:
        words = ANGLE.sub(" ", words)
    if "[" in words:
        words = SQUARE.sub(" ", VENDOR_MARK.sub(r" \1 ", words))
    if "@" in words:
        words = MAILBOX.sub(" ", words)
    if "." in words:
        words = HOST.sub(host_name, words)
    return Cleaned(" ".join(words.split()).strip(" .:;,-"), " ".join(link.partition("&")[0] for link in links))


def host_name(match: re.Match[str]) -> str:
    """A dotted name or address: gone, unless it names a blocklist, an Exchange reason or two sentences."""
    token = match.group()
    if KEPT_HOSTS.search(token):
        return token
    first, _, last = token.rpartition(".")
    return f"{first}. {last}" if last in SENTENCE_START and "." not in first and "-" not in first else " "


def plain_latin(words: str) -> str:
    r"""Accents off, so that `boîte`, `bo\xeete` (Latin-1 as we escape it) and `boite` are one word."""
    if "\\x" in words:
        words = ESCAPED_LATIN.sub(lambda match: chr(int(match.group(1), 16)), words)
    if words.isascii():
        return words
    words = words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return "".join(char for char in unicodedata.normalize("NFKD", words) if not unicodedata.combining(char))
