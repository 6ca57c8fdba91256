"""A session as telnet, swaks, Sendmail or `mxsweep probe` shows it: commands, and the replies owed to them."""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from scanner.quotations.quoted import Quoted
from scanner.terms import ProbeVerdict, Stage

COMMAND = re.compile(
    r"(?:\d+\.\d+ )?(?:>>> ?|[-~=]{1,2}> {0,2}|> ?|[CS]: ?)?"
    r"(?:(?P<verb>(?:EHLO|HELO|LHLO|NOOP|VRFY|EXPN)(?= \S+$|$)|AUTH(?= (?:PLAIN|LOGIN|CRAM-|DIGEST-|XOAUTH|SCRAM-))"
    r"|BDAT(?= \d)|XCLIENT(?= \S+=)).*"
    r"|(?P<path>MAIL FROM|RCPT TO): *<?(?P<address>[^<> ]*).*|(?P<alone>DATA|STARTTLS|RSET|QUIT|\.))",
    re.IGNORECASE,
)
"""What is typed, and no line of a folded text: `Helo command rejected: …` is none."""
REPLY = re.compile(r"(?:\d+\.\d+ )?(?:<<<|<[-~*]{0,3}|S:) *(?P<reply>[2-5]\d\d(?:[ -].*)?)")
CONNECTED = re.compile(
    r"(?:=== |\* ?)?Connected to (?P<host>\S+?)\.?$|\d+\.\d+ \* connected from \S+$"
    r"|(?P<later>CONNECTED\([0-9A-F]+\)$|\.\.\. while talking to (?P<talking>\S+?)\.?:$)"
)
"""A connection stands; `later`: what was said first is not shown (s_client, Sendmail's transcript)."""
CLOSED = re.compile(
    r"Connection closed by foreign host|Remote host closed connection|(?:^|\* )closed by the server", re.IGNORECASE
)
STAGES = {
    "EHLO": Stage.HELO,
    "HELO": Stage.HELO,
    "LHLO": Stage.HELO,
    "MAIL FROM": Stage.MAIL,
    "RCPT TO": Stage.RCPT,
    "DATA": Stage.DATA,
    "BDAT": Stage.MESSAGE,
    ".": Stage.MESSAGE,
    "STARTTLS": Stage.STARTTLS,
}
"""Of other verbs there is none: what QUIT or RSET is answered with judges nothing."""
OWED_AT_MOST = 100


class Owed(NamedTuple):
    """A command that waits for its reply."""

    verb: str
    address: str | None = None


class Session:
    """Which command a reply answers. A text need not show a session at all: then it answers none.

    Attributes:
        begun: a command, a greeting or a connection was seen.
        greeting_due: a connection was seen, and nothing after it.
    """

    def __init__(self) -> None:
        self.forget(None)
        self.begun = False
        self.greeting_due = False

    def begin(self, connected: re.Match[str]) -> None:
        """A connection stands."""
        self.forget(connected.group("host") or connected.group("talking"))
        self.begun = True
        self.greeting_due = connected.group("later") is None

    def forget(self, host: str | None) -> None:
        """What an earlier session left."""
        self.host = host
        self.owed: deque[Owed] = deque(maxlen=OWED_AT_MOST)
        self.refused = False
        self.recipient: str | None = None
        self.sender: str | None = None

    def say(self, command: re.Match[str]) -> None:
        """A command of ours."""
        verb = (command.group("verb") or command.group("path") or command.group("alone")).upper()
        self.begun = True
        self.greeting_due = False
        self.owed.append(Owed(verb, command.group("address")))

    def answer(self, quoted: Quoted) -> Quoted | None:
        """A reply with its stage and whom it is about; None where it judges nothing."""
        if not self.begun and quoted.code != 220:
            return quoted
        greeting = self.greeting_due or (quoted.code == 220 and not self.owed)
        self.begun, self.greeting_due = True, False
        verb, address = self.owed.popleft() if self.owed else (None, None)
        refused = quoted.code is not None and quoted.code >= 400
        if verb == "MAIL FROM":
            self.sender, self.recipient = address, None
        elif verb == "RCPT TO":
            self.recipient = address
        if (not refused and verb not in STAGES and not greeting) or (quoted.code == 503 and self.refused):
            return None  # `need RCPT`, where that was refused, is no news
        self.refused |= refused
        stage = Stage.BANNER if greeting else STAGES.get(verb or "")
        return quoted._replace(stage=stage, host=self.host, sender=self.sender, recipient=self.recipient)

    def close(self) -> Quoted | None:
        """The server hung up: an outcome where it still owed a reply."""
        unanswered = next((owed for owed in self.owed if owed.verb in STAGES), None)
        if unanswered is None and not self.greeting_due:
            return None
        self.owed.clear()
        self.greeting_due = False
        stage, recipient = Stage.BANNER, None
        if unanswered is not None:
            stage = STAGES[unanswered.verb]
            recipient = unanswered.address if stage is Stage.RCPT else self.recipient
        verdict = ProbeVerdict.DISCONNECTED
        return Quoted(None, None, "connection closed", stage, verdict, host=self.host, recipient=recipient)
