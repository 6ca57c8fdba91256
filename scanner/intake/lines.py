"""Lines of the input to items, streamed: a domain, USER@DOMAIN, or a JSON object a line.

The JSON object has the keys `domain`, `recipient` and `tag`. `recipient` is a mailbox, or a local part at `domain`; its
domain may be another than `domain` (then the question is whether the domain's exchangers relay). Without `domain` the
recipient's is asked. An unknown key is a bad line: a misspelt `recipient` must not be dropped in silence.

`#` begins a comment at the start of a line or after a blank, save in JSON and in a quoted local part. A line that
cannot be used is a value too, `BadLine`: the caller counts, reports or stops. No exception leaves `Intake`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from scanner.escape import cut, quoted
from scanner.intake.blocks import BadText, LineReader, line_text, without_comment
from scanner.intake.names import BLANKS, COMMON_NAME, NAME_LIMIT_OCTETS, BadName, Mailbox, parse_domain, parse_mailbox
from scanner.intake.recipients import RECIPIENTS_PER_DOMAIN, RecipientCount
from scanner.intake.tags import BadJson, Json, bounded_tag, parse_object
from scanner.terms import Item

COMMON_LINE = re.compile(COMMON_NAME.pattern.encode())
"""Nearly every line: a domain already as `parse_domain` would write it. The rest takes the long way."""

QUOTED_BEGINNING = re.compile(r'"(?:[^"\\]|\\.)*"')

KEYS = {"domain", "recipient", "tag"}


class BadLine(NamedTuple):
    """A line that cannot be used: its number and why, safe to print."""

    number: int
    reason: str


class Intake:
    """One input from its first block to its last; keeps the numbers and the count of recipients, never the lines."""

    def __init__(self) -> None:
        self.lines = LineReader()
        self.recipients = RecipientCount()
        self.seq = 0

    def feed(self, block: bytes) -> list[Item | BadLine]:
        """What the lines that end in this block say, in order."""
        return self.parse_all(self.lines.feed(block))

    def finish(self) -> list[Item | BadLine]:
        """What the last line says, where no LF ended it."""
        return self.parse_all(self.lines.finish())

    def parse_all(self, lines: list[tuple[int, bytes | None]]) -> list[Item | BadLine]:
        """What numbered lines say, without those that say nothing."""
        said: list[Item | BadLine] = []
        is_common = COMMON_LINE.fullmatch
        for number, line in lines:
            if line is not None and len(line) <= NAME_LIMIT_OCTETS and is_common(line):
                said.append(Item(self.seq, line.decode("ascii"), None, None, number))
                self.seq += 1
            elif (parsed := self.parse(number, line)) is not None:
                said.append(parsed)
        return said

    def parse(self, number: int, line: bytes | None) -> Item | BadLine | None:
        """What any line says; None for a blank line or a comment. A `line` of None was too long."""
        try:
            text = line_text(line)
            if text.startswith("{"):
                return self.parse_json(number, text)
            return self.parse_plain(number, text) if without_comment(text) else None
        except (BadText, BadName, BadJson) as error:
            return BadLine(number, cut(str(error)))

    def parse_plain(self, number: int, text: str) -> Item | BadLine:
        """A domain or a mailbox."""
        head = QUOTED_BEGINNING.match(text)
        text = without_comment(text, head.end() if head else 0)
        if "@" not in text:
            return self.item(parse_domain(text), None, None, number)
        mailbox = parse_mailbox(text)
        return self.asked(number, mailbox.domain, mailbox, None)

    def parse_json(self, number: int, text: str) -> Item | BadLine:
        """An object with `domain`, `recipient` and `tag`; null is as good as absent."""
        found = parse_object(text)
        unknown = found.keys() - KEYS
        if unknown:
            raise BadJson(f"unknown key {quoted(min(unknown))}; known are domain, recipient and tag")
        tag = bounded_tag(found.get("tag"))
        domain, recipient = text_of(found, "domain"), text_of(found, "recipient")
        if recipient is None:
            if domain is None:
                raise BadJson("the object has neither domain nor recipient")
            return self.item(parse_domain(domain), None, tag, number)
        if domain is None:
            mailbox = parse_mailbox(recipient)
            return self.asked(number, mailbox.domain, mailbox, tag)
        name = parse_domain(domain)
        recipient = recipient.strip(BLANKS)
        return self.asked(number, name, parse_mailbox(recipient if "@" in recipient else f"{recipient}@{name}"), tag)

    def asked(self, number: int, domain: str, mailbox: Mailbox, tag: Json) -> Item | BadLine:
        """An item with a named recipient, within what one domain may have of them.

        Counted for the recipient's domain too: its mailboxes could be searched by way of other names.
        """
        if self.recipients.admit({domain, mailbox.domain}):
            return self.item(domain, str(mailbox), tag, number)
        limit = f"no more than {RECIPIENTS_PER_DOMAIN} named recipients for one domain"
        return BadLine(number, f"{quoted(str(mailbox))} not asked: {limit}")

    def item(self, domain: str, recipient: str | None, tag: Json, number: int) -> Item:
        """The next item."""
        item = Item(self.seq, domain, recipient, tag, number)
        self.seq += 1
        return item


def text_of(found: dict[str, Json], key: str) -> str | None:
    """The text under a key; None where there is none.

    Raises:
        BadJson: something else than a text.
    """
    value = found.get(key)
    if value is None or isinstance(value, str):
        return value
    raise BadJson(f"{key} is not a string")
