r"""Any text that quotes replies, line by line: a list of replies, a log, a bounce, a session, or some of each.

A line begins something (a record of a log, a reply, a field, a recipient's paragraph, a command) or goes on with what
the line before began: folded by a header's rules, wrapped by a mail client, cut by a terminal. What is whole is read
and given back; little is kept of it, to know the same when a bounce says it in another form.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from scanner.quotations.encoding import Encoding
from scanner.quotations.fields import FIELDS, read_fields
from scanner.quotations.judgement import UNKNOWN_RULE, judge_quoted
from scanner.quotations.quoted import Quoted, made_safe
from scanner.quotations.records import HEADED, last_error, read_record, without_reply
from scanner.quotations.reply import ENHANCED, begins_reply, goes_on, joined, read_reply
from scanner.quotations.sessions import CLOSED, COMMAND, CONNECTED, REPLY, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

LINES_AT_MOST = 64
LINE_LIMIT_CHARS = 8192
PIECE_LIMIT_CHARS = 16_384
"""Of one piece; what is longer is no reply."""
UNREAD_AT_MOST = 1000
"""Lines kept that told nothing, for the case that nothing in the text does."""

MAIL_QUOTE = re.compile(r"(?:> ?){1,5}(?=[^\s>])(?!-)")
LOG = re.compile(
    r"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|@4[0-9a-f]{15})"
    r"|postfix(?:-\w+)?/[\w/-]+\[\d+\]:|[0-9A-Za-z]{6,20}: (?:to=<|host |from=<)|NOQUEUE: |(?:\*\*|==) \S+@\S+ "
    r"|delivery \d+: |[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} "
)
FIELD = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9-]{1,60}):(?P<value>\s.*|$)")
NOT_FOR_US = re.compile(
    r"(?:received|subject|from|to|cc|bcc|date|message-id|return-path|mime-version|content-.*|reply-to|in-reply-to|references"
    r"|dkim-.*|arc-.*|authentication-results|received-spf|auto-submitted|precedence|list-.*|thread-.*|user-agent"
    r"|delivered-to|x-.*|reporting-mta|received-from-mta|arrival-date|importance|feedback-id|errors-to)$"
)
REASONED = re.compile(r"<?(?P<to>[^\s<>:()]+@[^\s<>:()@]+)>?(?::|\.\.\.) +(?=\S)")
"""A recipient, and words right behind it."""
RETURNED = re.compile(r"Remote server (?:at .{1,200} )?returned '", re.IGNORECASE)
HOST = re.compile(r"(?:[\w-]+\.[\w.-]+)?")
"""What may stand below a recipient and tells nothing yet."""
SEVERAL = "several"
"""Whom a paragraph is about that stands below a list of recipients."""
UNFINISHED = re.compile(r"(?:^|[\s:;'])(?P<code>[245]\d\d)-")
NOT_WORDS = re.compile(r"[245]\d\d[ -]|[245]\.\d{1,3}\.\d{1,3}|[^a-z]+")
SAME_CHARS = 60


class Piece:
    """What a line began, with the lines that go on with it."""

    def __init__(self, kind: str, line: str) -> None:
        self.kind = kind
        self.lines = [line]
        self.indent = indent_of(line)
        self.size = len(line)

    def add(self, line: str) -> None:
        """One more line, within the limits."""
        if len(self.lines) < LINES_AT_MOST and self.size < PIECE_LIMIT_CHARS:
            self.lines.append(line)
            self.size += len(line)

    @property
    def last(self) -> str:
        """The last line, without blanks around."""
        return self.lines[-1].strip()

    @property
    def is_diagnostic(self) -> bool:
        """The field whose value is a reply: pasted, it loses the indentation of its further lines."""
        return self.lines[0].lower().startswith("diagnostic-code:")

    @property
    def words(self) -> str:
        """All of it on one line."""
        return joined(self.lines).strip()


class QuotationReader:
    """Reads one text from its first line to its last.

    Attributes:
        told: how many replies and failures it told of so far.
    """

    def __init__(self) -> None:
        self.told = 0
        self.piece: Piece | None = None
        self.fields: dict[str, str] = {}
        self.session = Session()
        self.accepted: Quoted | None = None
        self.refused = False
        self.said: deque[tuple[str, str | None]] = deque(maxlen=32)
        self.unread: list[str] = []
        self.encoding = Encoding()
        self.headed: str | None = None
        self.found: list[Quoted] = []

    def feed(self, line: str) -> list[Quoted]:
        """What is whole with this line."""
        decoded = self.encoding.decode(line[:LINE_LIMIT_CHARS].rstrip("\r\n"))
        if decoded is not None:
            self.take(decoded)
        return self.give()

    def finish(self) -> list[Quoted]:
        """What is whole at the end of the text.

        Of what was accepted on the way the last is told, if nothing was refused. A text in which nothing has the form
        of a reply is taken for replies without codes, one a line, as far as they are understood.
        """
        self.close()
        self.close_fields()
        if self.accepted is not None and not self.refused:
            self.tell(self.accepted)
        if not self.told and not self.found:
            guesses = map(without_reply, self.unread)
            self.found = [guess for guess in guesses if judge_quoted(guess).rule != UNKNOWN_RULE]
        return self.give()

    def give(self) -> list[Quoted]:
        """What was found since, safe to show."""
        found, self.found = self.found, []
        self.told += len(found)
        return [made_safe(each) for each in found]

    # -- lines to pieces ---------------------------------------------------------------------------------------------

    def take(self, line: str) -> None:
        """One line, without its end."""
        text = line.strip()
        if not text:
            self.blank()
        elif not self.of_session(text):
            if mark := MAIL_QUOTE.match(text):
                line = text = text[mark.end() :]
            self.of_text(line, text)

    def blank(self) -> None:
        """An empty line: a paragraph and a recipient's block end, unless what was announced has yet to come."""
        piece = self.piece
        if piece is not None and (piece.kind == "paragraph" and piece.last.endswith(":")):
            return
        if piece is not None and begins_reply(piece.last) and goes_on(piece.last):
            return
        self.close()
        self.close_fields()

    def of_session(self, text: str) -> bool:
        """Whether the line is a session's, and what follows from that."""
        if command := COMMAND.fullmatch(text):
            self.close()
            self.session.say(command)
        elif reply := REPLY.fullmatch(text):
            self.session.begun = True
            self.of_reply(reply.group("reply"))
        elif connected := CONNECTED.search(text):
            self.close()
            self.session.begin(connected)
        elif self.session.begun and CLOSED.search(text):
            self.close()
            if (closed := self.session.close()) is not None:
                self.tell(closed)
        else:
            return False
        return True

    def of_text(self, line: str, text: str) -> None:
        """A line that is no session's."""
        piece = self.piece
        if LOG.match(text) and (piece is None or indent_of(line) <= piece.indent):
            self.headed = None
            self.open("record", line)
        elif RETURNED.match(text):
            self.open("paragraph", line)
        elif begins_reply(text):
            if piece is not None and self.awaits(piece, text, indented=indent_of(line) > piece.indent):
                piece.add(line)
            else:
                self.of_reply(text)
        elif line.startswith("(") and text.endswith(")"):  # mailq
            self.open("paragraph", text[1:-1])
            self.close()
        elif piece is not None and indent_of(line) > piece.indent and not begins_paragraph(piece, text):
            piece.add(line)
        elif field := FIELD.fullmatch(text):
            self.of_field(field, line)
        elif HEADED.match(text) or ENHANCED.match(text):
            self.open("paragraph", line)
        elif piece is not None and (piece.kind != "field" or piece.is_diagnostic):
            piece.add(line)
        else:
            self.open("paragraph", line)

    def of_reply(self, text: str) -> None:
        """A line that begins with a code."""
        piece = self.piece
        if piece is not None and piece.kind == "reply" and goes_on(piece.last) and text[:3] == piece.last[:3]:
            piece.add(text)
        else:
            self.open("reply", text)

    def of_field(self, field: re.Match[str], line: str) -> None:
        """A header field, of a notification or of a mail."""
        name = field.group("name").lower()
        self.open("field", line)
        if name in FIELDS:
            self.headed = None
        if name in self.fields:
            self.close_fields()

    def awaits(self, piece: Piece, text: str, *, indented: bool) -> bool:
        """Whether a line with a code goes on with a piece instead of beginning a reply of its own."""
        if piece.kind == "reply":
            return False
        if piece.kind in ("field", "record") and indented:
            return True
        if piece.kind == "paragraph" and (piece.last.endswith(":") or HEADED.fullmatch(piece.words) or indented):
            return True
        begun = UNFINISHED.search(piece.words)
        return begun is not None and text.startswith(begun.group("code"))

    def open(self, kind: str, line: str) -> None:
        """End what went before and begin anew."""
        self.close()
        self.piece = Piece(kind, line)

    # -- pieces to replies -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Read the piece that is whole."""
        piece, self.piece = self.piece, None
        if piece is None:
            return
        if piece.kind == "reply":
            answered = self.session.answer(last_error(read_reply(piece.lines)))
            if answered is not None:
                self.weigh(answered, held=self.session.begun, once=self.session.refused)
        elif piece.kind == "field":
            self.close_field(piece)
        else:
            self.close_words(piece)

    def close_words(self, piece: Piece) -> None:
        """A record or a paragraph."""
        words = piece.words
        if (headed := HEADED.match(words)) and HOST.fullmatch(words, headed.end()):
            recipient = headed.group("to") or headed.group("bare")
            self.headed = recipient if self.headed in {None, recipient} else SEVERAL
            return
        found = read_record(words, log=piece.kind == "record")
        if not found and piece.kind == "paragraph" and (reasoned := REASONED.match(words)):
            found = [without_reply(words)._replace(recipient=reasoned.group("to"))]
        for each in found:
            self.weigh(each, held=True, once=piece.kind == "paragraph")
        if not found and len(self.unread) < UNREAD_AT_MOST and not self.told:
            self.unread += [line.strip() for line in piece.lines]

    def close_field(self, piece: Piece) -> None:
        """A field: one of a recipient's block is kept for that; of others a reply in them is told."""
        name, _, value = "\n".join(piece.lines).partition(":")
        name = name.strip().lower()
        self.encoding.see(name, value.strip().lower())
        if name in FIELDS:
            self.fields[name] = value.strip()
        elif not NOT_FOR_US.match(name):
            for each in read_record(piece.words):
                self.weigh(each, held=True, once=True)

    def close_fields(self) -> None:
        """The end of a recipient's block."""
        fields, self.fields = self.fields, {}
        if fields and (quoted := read_fields(fields)) is not None:
            self.weigh(quoted, held=True, once=True)

    def weigh(self, quoted: Quoted, *, held: bool, once: bool) -> None:
        """Tell it, or keep it back.

        Args:
            quoted: what was read.
            held: where it was accepted, it is told only if nothing was refused.
            once: a bounce says it in several forms: what was just told is not told again.
        """
        if quoted.code is not None and quoted.code < 400 and held:
            self.accepted = quoted
            return
        if quoted.recipient is None and once and self.headed != SEVERAL:
            quoted = quoted._replace(recipient=self.headed)
        key = NOT_WORDS.sub("", quoted.text.lower())[:SAME_CHARS]
        told = (
            any(key == words and (whom is None or quoted.recipient in (None, whom)) for words, whom in self.said)
            if once
            else False
        )
        if not told or not key:
            self.said.append((key, quoted.recipient))
            self.tell(quoted)

    def tell(self, quoted: Quoted) -> None:
        """It is an answer."""
        self.refused = True
        self.unread = []
        self.found.append(quoted)


def begins_paragraph(piece: Piece, text: str) -> bool:
    """Whether an indented line is the next recipient of a bounce, and not what goes on with a folded line."""
    return piece.kind == "paragraph" and HEADED.fullmatch(text) is not None


def indent_of(line: str) -> int:
    """How many blanks a line begins with."""
    return len(line) - len(line.lstrip())


def read_quotation(text: str) -> list[Quoted]:
    """What a text of some lines tells of; one without any known form is one reply without a code."""
    reader = QuotationReader()
    lines = text.split("\n")
    found = [each for line in lines for each in reader.feed(line)]
    told = reader.told
    found += reader.finish()
    if reader.unread and not told:
        return [made_safe(without_reply(joined(lines)))]
    return found


def quoted_in(lines: Iterable[str]) -> list[Quoted]:
    """All that a text tells of."""
    reader = QuotationReader()
    return [each for line in lines for each in reader.feed(line)] + reader.finish()
