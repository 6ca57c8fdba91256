"""A server that says anything at any moment, against the dialogue: what holds of every session."""

from __future__ import annotations

import re

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Ended, Outcome, Question, StartTls, TlsAgreed
from scanner.terms import ProbeVerdict

QUESTION = Question("postmaster@probe.example", "postmaster@partner.example")
COMMAND = re.compile(r"EHLO|HELO|STARTTLS|MAIL FROM|RCPT TO|RSET|QUIT")
FOLLOWS = {
    "": {"EHLO", "QUIT"},
    "EHLO": {"EHLO", "HELO", "STARTTLS", "MAIL FROM", "QUIT"},
    "HELO": {"MAIL FROM", "QUIT"},
    "STARTTLS": {"EHLO", "MAIL FROM", "RSET", "QUIT"},
    "MAIL FROM": {"RCPT TO", "RSET", "QUIT", "STARTTLS", "MAIL FROM"},
    "RCPT TO": {"RSET", "QUIT", "STARTTLS", "MAIL FROM"},
    "RSET": {"MAIL FROM", "QUIT", "STARTTLS"},
    "QUIT": set(),
}
"""What may follow what (RFC 5321 4.1.4), by one question in a session and several."""
REPLIES = st.sampled_from(
    [
        b"220 mx.example ESMTP\r\n",
        b"250 2.0.0 Ok\r\n",
        b"250-mx.example\r\n250 PIPELINING\r\n",
        b"250-mx.example\r\n250-STARTTLS\r\n250 PIPELINING\r\n",
        b"250-mx.example\r\n250 STARTTLS\r\n",
        b"354 go on\r\n",
        b"421 4.3.2 shutting down\r\n",
        b"450 4.2.0 greylisted\r\n",
        b"503 5.5.1 bad sequence\r\n",
        b"530 5.7.0 Must issue a STARTTLS command first\r\n",
        b"550 5.1.1 unknown\r\n",
        b"250-a\r\n550 b\r\n",
        b"221 2.0.0 bye\r\n",
    ]
)
PORTIONS = st.one_of(
    REPLIES,
    st.lists(REPLIES, min_size=2, max_size=5).map(b"".join),
    st.binary(max_size=40),
    st.tuples(REPLIES, st.integers(1, 10)).map(lambda both: both[0][: both[1]]),
    st.just(b"HTTP/1.1 400 Bad Request\r\n"),
)


class AnySession(RuleBasedStateMachine):
    """One session with several questions."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.offered = False
        self.asked = 0
        self.outcomes: list[Outcome] = []
        self.agreed = False
        self.dialogue: Dialogue

    @initialize(starttls=st.sampled_from(StartTls), pipelining=st.booleans(), last=st.booleans())
    def begin(self, starttls: StartTls, *, pipelining: bool, last: bool) -> None:
        self.pipelining = pipelining
        self.dialogue = Dialogue(
            "probe.example",
            starttls=starttls,
            demands_tls=lambda _stage, reply: b"STARTTLS" in reply.lines[-1],
            pipelining=pipelining,
        )
        self.ask(last=last)

    def ask(self, *, last: bool) -> None:
        self.dialogue.ask(QUESTION, last=last)
        self.asked += 1
        self.collect()

    @property
    def is_over(self) -> bool:
        return self.dialogue.state == "over"

    @precondition(lambda self: not self.is_over and not self.agreed)
    @rule(portion=PORTIONS)
    def server_says(self, portion: bytes) -> None:
        """In the clear, or inside TLS once that stands."""
        self.offered |= b"PIPELINING" in portion
        self.dialogue.receive_data(portion)
        self.collect()

    @precondition(lambda self: not self.is_over and not self.agreed)
    @rule(tls=st.sampled_from(["required", "offered", "none"]), times=st.integers(1, 6))
    def server_goes_along(self, tls: str, times: int) -> None:
        """What it owes, as it should be: so that sessions get far, and odd things happen late."""
        for _ in range(times):
            if self.is_over or self.agreed:
                return
            said = self.said[-1] if self.said else ""
            if said in ("EHLO", "HELO"):
                offers = b"" if tls == "none" or self.dialogue.tls else b"250-STARTTLS\r\n"
                self.server_says(b"250-mx.example\r\n" + offers + b"250 PIPELINING\r\n")
            elif tls == "required" and said in ("MAIL FROM", "RCPT TO") and not self.dialogue.tls:
                self.server_says(b"530 5.7.0 Must issue a STARTTLS command first\r\n" * len(self.dialogue.owed))
            else:
                code = b"220" if said in ("", "STARTTLS") else b"221" if said == "QUIT" else b"250"
                self.server_says((code + b" 2.0.0 Ok\r\n") * max(1, len(self.dialogue.owed)))

    @precondition(lambda self: self.agreed)
    @rule(portion=PORTIONS.filter(bool))
    def somebody_says_it_in_the_clear_after_the_220(self, portion: bytes) -> None:
        """Never a reply (CVE-2011-0411)."""
        before = list(self.said)
        self.dialogue.receive_data(portion)
        self.agreed = False
        self.collect()
        assert self.is_over
        assert self.said == before
        assert (self.outcomes[-1].trouble, self.outcomes[-1].reply) == (ProbeVerdict.PROTOCOL_ERROR, None)

    @precondition(lambda self: self.agreed)
    @rule(works=st.booleans())
    def the_handshake_ends(self, *, works: bool) -> None:
        self.agreed = self.offered = False
        if works:
            self.dialogue.secured()
        else:
            self.dialogue.tls_failed("handshake failed")
        self.collect()

    @precondition(lambda self: not self.is_over)
    @rule(how=st.sampled_from(["eof", "deadline"]))
    def it_ends(self, how: str) -> None:
        self.agreed = False
        if how == "eof":
            self.dialogue.receive_eof()
        else:
            self.dialogue.stop(ProbeVerdict.GIVEN_UP, "out of time")
        self.collect()

    @precondition(lambda self: self.is_over)
    @rule(portion=PORTIONS)
    def what_comes_after_the_end_is_nothing(self, portion: bytes) -> None:
        number = len(self.outcomes)
        self.dialogue.receive_data(portion)
        self.dialogue.receive_eof()
        self.dialogue.stop(ProbeVerdict.GIVEN_UP, "out of time")
        self.collect()
        assert (self.is_over, len(self.outcomes)) == (True, number)

    @precondition(lambda self: not self.is_over and self.dialogue.ready_for_another and not self.owes_an_end)
    @rule(last=st.booleans())
    def another_question(self, *, last: bool) -> None:
        assert self.outcomes[-1].trouble is not ProbeVerdict.PROTOCOL_ERROR or self.outcomes[-1].reply is not None
        self.ask(last=last)

    @property
    def owes_an_end(self) -> bool:
        return len(self.outcomes) < self.asked

    def collect(self) -> None:
        """What leaves is in order, by itself unless pipelining was offered; and what has happened."""
        commands = [
            match.group() for match in map(COMMAND.match, self.dialogue.data_to_send().decode().split("\r\n")) if match
        ]
        assert len(commands) <= 1 or (self.offered and self.pipelining), commands
        for command in commands:
            assert self.dialogue.banner is not None, "nothing before the greeting"
            assert command in FOLLOWS[self.said[-1] if self.said else ""], (self.said, command)
            self.said.append(command)
        for event in self.dialogue.events():
            match event:
                case Ended(outcome):
                    self.outcomes.append(outcome)
                case TlsAgreed():
                    self.agreed = True

    @invariant()
    def each_question_ends_at_most_once(self) -> None:
        if self.asked:
            assert self.asked - 1 <= len(self.outcomes) <= self.asked
            assert all(each.reply is not None or each.trouble is not None for each in self.outcomes)

    @invariant()
    def when_the_session_is_over_all_have_ended(self) -> None:
        if self.asked and self.is_over:
            assert not self.owes_an_end
            assert self.dialogue.data_to_send() == b""

    def teardown(self) -> None:
        """Whatever is open ends with the session."""
        if self.asked and not self.is_over:
            self.it_ends("deadline")
            assert not self.owes_an_end


TestAnySession = AnySession.TestCase
TestAnySession.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
