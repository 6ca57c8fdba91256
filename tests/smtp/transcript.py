"""Conversations in the notation of RFC 5321 appendix D, played against a dialogue without a network.

`S:` lines that follow each other arrive as one segment; `C:` lines that follow each other must leave in one write.
`S: <eof>` closes, `C: <handshake>` expects that TLS was agreed, after which `S: <secured>` or `S: <handshake failed>`
goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Ended, Outcome, Question, StartTls, TlsAgreed

if TYPE_CHECKING:
    from scanner.smtp.reply import Reply
    from scanner.terms import Stage

QUESTION = Question("postmaster@probe.example", "postmaster@partner.example")


def demands_starttls(_stage: Stage, reply: Reply) -> bool:
    return b"STARTTLS" in reply.lines[-1]


class Played:
    """A dialogue after a transcript; `outcome` of the question, where it has ended."""

    def __init__(
        self,
        *,
        last: bool = True,
        starttls: StartTls = StartTls.WHEN_REQUIRED,
        pipelining: bool = True,
        question: Question = QUESTION,
    ) -> None:
        self.dialogue = Dialogue(
            "probe.example", starttls=starttls, demands_tls=demands_starttls, pipelining=pipelining
        )
        self.dialogue.ask(question, last=last)
        self.outcomes: list[Outcome] = []
        self.handshakes = 0

    @property
    def outcome(self) -> Outcome:
        assert len(self.outcomes) == 1, self.outcomes
        return self.outcomes[0]

    def collect(self) -> None:
        for event in self.dialogue.events():
            match event:
                case Ended(outcome):
                    self.outcomes.append(outcome)
                case TlsAgreed():
                    self.handshakes += 1

    def server(self, lines: list[str]) -> None:
        match lines:
            case ["<eof>"]:
                self.dialogue.receive_eof()
            case ["<secured>"]:
                self.dialogue.secured()
            case ["<handshake failed>"]:
                self.dialogue.tls_failed("handshake failed")
            case _:
                self.dialogue.receive_data("".join(f"{line}\r\n" for line in lines).encode("latin-1"))
        self.collect()

    def client(self, lines: list[str]) -> None:
        sent = self.dialogue.data_to_send().decode()
        if lines == ["<handshake>"]:
            assert (sent, self.handshakes) == ("", 1)
            self.handshakes = 0
        else:
            assert sent == "".join(f"{line}\r\n" for line in lines)


def play(transcript: str, played: Played) -> Played:
    """Play it; at the end nothing is left unsaid."""
    turns: list[tuple[str, list[str]]] = []
    for line in filter(None, map(str.strip, transcript.splitlines())):
        who, text = line[0], line[3:]
        if turns and turns[-1][0] == who and not text.startswith("<"):
            turns[-1][1].append(text)
        else:
            turns.append((who, [text]))
    for who, lines in turns:
        (played.server if who == "S" else played.client)(lines)
    assert played.dialogue.data_to_send() == b""
    return played


def plays(
    transcript: str,
    *,
    last: bool = True,
    starttls: str = "when-required",
    pipelining: bool = True,
    question: Question = QUESTION,
) -> Played:
    """Play a transcript of a new session that asks one question."""
    played = Played(last=last, starttls=StartTls(starttls), pipelining=pipelining, question=question)
    return play(transcript, played)
