"""Courses played against a server that is a function from a question to a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.relay.patterns import BY_NAME, PATTERNS, Names
from scanner.run.verdict import judge
from scanner.smtp.outcome import Outcome
from scanner.smtp.reply import Reply
from scanner.terms import ProbeVerdict, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.relay.course import Course
    from scanner.relay.patterns import Pattern
    from scanner.smtp.outcome import Question

NAMES = Names("me", "canary.example", "probe.example", "[192.0.2.1]", "mx.target.example", "nobody7")


def reply(code: int, words: str) -> Reply:
    return Reply(code, tuple(line.encode() for line in words.split("\n")), False, ())


def at(stage: Stage, code: int, words: str) -> Outcome:
    said = stage not in {Stage.CONNECT, Stage.BANNER, Stage.HELO, Stage.STARTTLS}
    return Outcome(stage, reply(code, words), sender_said=said, recipient_said=said and stage is not Stage.MAIL)


ACCEPTED = at(Stage.RCPT, 250, "2.1.5 Ok")
DENIED = at(Stage.RCPT, 554, "5.7.1 Relay access denied")
GO_AHEAD = at(Stage.DATA, 354, "go ahead")
SILENT = Outcome(
    Stage.RCPT, trouble=ProbeVerdict.REPLY_TIMEOUT, error="no reply", sender_said=True, recipient_said=True
)

Server = "Callable[[Question], Outcome]"


def named(*names: str) -> Sequence[Pattern]:
    return [pattern for pattern in PATTERNS if pattern.name in names] if names else PATTERNS


def played(course: Course, server: Callable[[Question], Outcome]) -> list[Question]:
    """All questions that were asked, in order."""
    asked: list[Question] = []
    while (question := course.next()) is not None:
        asked.append(question)
        outcome = server(question)
        course.take(outcome, judge(outcome))
    return asked


def taking(*recipients: str, names: Names = NAMES) -> Callable[[Question], Outcome]:
    """A server that takes the recipients of these tests only, at RCPT and at DATA."""
    taken = {BY_NAME[name].question(names)[:2] for name in recipients}
    return lambda question: (GO_AHEAD if question.data else ACCEPTED) if question[:2] in taken else DENIED
