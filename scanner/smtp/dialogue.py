"""Whose turn it is: the client's side of RFC 5321, without I/O and without a clock.

Bytes in (`receive_data`, `receive_eof`), intentions in (`ask`, `leave`, `secured`, `tls_failed`, `stop`), events and
bytes out (`events`, `data_to_send`). What may be said in which state stands in one table, `states.SAYABLE`. What was
said and is not yet answered stands in one queue, `owed`: a reply answers its head, pipelined or not. Replies that
came together are all matched before the next command is thought of, so a surplus reply is seen as what it is and
never answers a later command.

Every behaviour of a server ends in exactly one `Ended` for the question: by a reply, by the end of the stream, by
garbage, or by `stop`, which whoever has a clock says. The outcome is handed out when the transaction's end (RSET or
QUIT) is answered too, or is known to stay unanswered: only then it is certain that the replies were in step.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from scanner.escape import cut
from scanner.smtp import answers
from scanner.smtp import command as encoder
from scanner.smtp.command import MAIL, OPEN, QUIT, RCPT, RSET
from scanner.smtp.extensions import Extensions
from scanner.smtp.outcome import Again, Ended, Outcome, Question, StartTls, TlsAgreed
from scanner.smtp.reply import REMEMBERED_BYTES, Reply, ReplyReader, text_of
from scanner.smtp.states import (
    AND_QUIT,
    GREETING,
    HELLO,
    IDLE,
    LEAVING,
    OVER,
    SAYABLE,
    SECURING,
    STAGE,
    STAGE_OF_STATE,
    STATE_AFTER,
    TRANSACTION,
    IllegalCommand,
)
from scanner.terms import ProbeVerdict, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.smtp.command import Command

NOTHING_OFFERED = Extensions()


class Dialogue:
    """One session with one server.

    Args:
        our_name: what EHLO says, a dotted host name or an address literal.
        starttls: when to secure the session.
        demands_tls: whether a refusal at a stage means "STARTTLS first".
        pipelining: False gives up an offered PIPELINING (RFC 2920).
    """

    def __init__(
        self,
        our_name: str,
        *,
        starttls: StartTls = StartTls.WHEN_REQUIRED,
        demands_tls: Callable[[Stage, Reply], bool] = lambda _stage, _reply: False,
        pipelining: bool = True,
    ) -> None:
        self.our_name = our_name
        self.lines = dict(encoder.lines(our_name))
        self.starttls = starttls
        self.demands_tls = demands_tls
        self.pipelining = pipelining
        self.state = GREETING
        self.owed: deque[Command] = deque((OPEN,))
        self.group: tuple[Command, ...] | None = None  # said in one piece, nothing heard since
        self.out = b""
        self.happened: list[TlsAgreed | Ended] = []
        self.reader = ReplyReader()
        self.banner: Reply | None = None
        self.extensions = NOTHING_OFFERED
        self.notes: list[str] = []
        self.hello_said = False
        self.tls = False
        self.refused_ehlo: Reply | None = None
        self.surplus = 0
        self.rset_unanswered = False
        self.rset_code = 250
        self.begin: Callable[[Dialogue], None] = answers.say_mail
        self.next_step: Callable[[Dialogue], None] | None = None
        self.forget_question()

    def forget_question(self) -> None:
        """Ready for the next question."""
        self.question: Question | None = None
        self.last = True
        self.tls_wanted = False
        self.decided: Outcome | None = None
        self.pipelined = False
        self.sender_said = self.recipient_said = False

    # -- intentions in ---------------------------------------------------------------------------------------------

    def ask(self, question: Question, *, last: bool = True) -> None:
        """Put one question; `last` ends the session with it, else RSET leaves it open for another.

        Raises:
            UnsafeArgument: a path that cannot be said; nothing was sent for it.
            IllegalCommand: another question is under way.
        """
        if self.question is not None or self.state is LEAVING or self.state is OVER:
            raise IllegalCommand(f"a question while {self.state}")
        lines = self.lines
        lines[MAIL] = encoder.mail(question.sender)
        lines[RCPT] = (encoder.bare_rcpt if question.bare else encoder.rcpt)(question.recipient)
        self.question = question
        self.last = last
        self.notes = []
        if self.state is IDLE and not self.owed:
            self.begin(self)

    def leave(self) -> None:
        """Say QUIT, if there is anybody to hear it; no question may be under way."""
        if self.question is not None and self.decided is None:
            raise IllegalCommand("QUIT while a question is under way")
        if not self.owed and QUIT in SAYABLE[self.state]:
            self.say(QUIT)
        else:
            self.over()

    def secured(self) -> None:
        """The handshake is done: what was heard in the clear is forgotten (RFC 3207 4.2)."""
        self.tls = True
        self.tls_wanted = False
        self.reader = ReplyReader()
        self.extensions = NOTHING_OFFERED
        self.refused_ehlo = None
        self.state = HELLO
        answers.say_ehlo(self)

    def tls_failed(self, error: str, again: Again | None = None) -> None:
        """The handshake failed; there is nobody left to say QUIT to."""
        if again is None and self.starttls is StartTls.WHEN_OFFERED:
            again = Again.IN_CLEAR
        self.decide(Stage.STARTTLS, None, ProbeVerdict.TLS_FAILED, error=error, again=again)
        self.over()

    def stop(self, trouble: ProbeVerdict, error: str) -> None:
        """The session ends here, by the clock or by a limit; a question that has its answer keeps it."""
        if self.state is not OVER:
            self.decide(self.stage_due, None, trouble, error=error)
            self.over()

    # -- bytes in, events and bytes out ----------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Bytes of the server, in any portions."""
        group, self.group = self.group, None
        if group is not None and len(data) <= REMEMBERED_BYTES:
            ended = answers.answered_whole(group, data)
            if ended is not None and (group is AND_QUIT or not self.may_ask_for_tls(ended)):
                self.conclude_whole(group, ended)
                return
        if self.state is OVER:
            return
        if self.state is SECURING and not self.owed:
            self.injected()
            return
        for reply in self.reader.receive(data):
            self.take(reply)
        self.go_on()

    def receive_eof(self, error: str = "closed by the server") -> None:
        """The server closed or reset: what was said whole counts, then nothing more comes."""
        if self.state is OVER:
            return
        if self.state is SECURING and not self.owed:
            self.tls_failed(f"{error} before the handshake")
            return
        if (reply := self.reader.finish()) is not None:
            self.take(reply)
        if self.refused_ehlo is not None and self.stage_due is Stage.HELO:
            self.decide(Stage.HELO, self.refused_ehlo)
        self.decide(self.stage_due, None, ProbeVerdict.DISCONNECTED, error=error)
        self.over()

    def events(self) -> list[TlsAgreed | Ended]:
        """What happened since the last call."""
        happened, self.happened = self.happened, []
        return happened

    def data_to_send(self) -> bytes:
        """What is to be written now, in one write; empty for nothing."""
        data, self.out = self.out, b""
        return data

    @property
    def ready_for_another(self) -> bool:
        """Nothing is owed or half said, and all replies were in step: another question may be put."""
        if self.state is not IDLE or self.owed or self.surplus or self.rset_code // 100 != 2:
            return False
        return not self.reader.unfinished and self.reader.garbage is None

    @property
    def may_leave(self) -> bool:
        """The server is there to hear a QUIT, whatever it said to RSET and whether the replies were in step or not."""
        return self.state is IDLE and not self.owed and self.rset_code != 421

    @property
    def stage_due(self) -> Stage:
        """The stage whose reply is owed, or whose command comes next."""
        if self.owed and self.owed[0] in STAGE:
            return STAGE[self.owed[0]]
        return STAGE_OF_STATE.get(self.state, Stage.RCPT)

    # -- saying ----------------------------------------------------------------------------------------------------

    def say(self, command: Command) -> None:
        """Put one command on the way and its reply into the queue of those owed."""
        state = SAYABLE[self.state].get(command)
        if state is None or (self.owed and not self.may_pipeline):
            raise IllegalCommand(f"{command} while {self.state}, owed: {list(self.owed)}")
        self.out += self.lines[command]
        self.owed.append(command)
        self.state = state

    def say_group(self, group: tuple[Command, ...]) -> None:
        """Put a whole question on the way in one piece: legal as its commands are one by one."""
        if self.state is not IDLE or self.owed or not self.may_pipeline:
            raise IllegalCommand(f"{list(group)} while {self.state}, owed: {list(self.owed)}")
        self.out += b"".join(map(self.lines.__getitem__, group))
        self.owed.extend(group)
        self.state = STATE_AFTER[group]
        if not self.surplus and not self.reader.unfinished:
            self.group = group

    @property
    def may_pipeline(self) -> bool:
        """Offered, and not given up."""
        return self.pipelining and self.extensions.pipelining

    @property
    def may_be_sent_to_tls(self) -> bool:
        """A refusal may still turn into STARTTLS, so the session must not be ended ahead of the answers."""
        return self.extensions.starttls and not self.tls and self.starttls is StartTls.WHEN_REQUIRED

    # -- replies ---------------------------------------------------------------------------------------------------

    def take(self, reply: Reply) -> None:
        """Match one reply with what is owed."""
        for flaw in reply.flaws:
            self.note(flaw)
        if not self.owed:
            self.unsolicited(reply)
            return
        command = self.owed.popleft()
        if command is OPEN:
            self.banner = reply
            self.state = HELLO
        if reply.mixed and self.decided is None and command in STAGE:
            self.mixed_up(command, reply)
        else:
            answers.ANSWERED[command](self, reply)

    def mixed_up(self, command: Command, reply: Reply) -> None:
        """Lines of different classes in one reply (RFC 5321 4.2.1): nothing can be known, but for a greeting.

        Postfix's postscreen says `220-` to see who talks too soon, looks the client up, and ends in its refusal.
        """
        fault = "lines of different classes in one reply"
        if command is OPEN and reply.code >= 400:
            self.note(fault)
            answers.ANSWERED[command](self, reply)
        else:
            self.broken_protocol(STAGE[command], reply, fault)

    def may_ask_for_tls(self, ended: Ended) -> bool:
        """Whether a refusal has to be looked at before it stands."""
        reply = ended.outcome.reply
        return reply is not None and reply.code >= 400 and self.may_be_sent_to_tls

    def conclude_whole(self, group: tuple[Command, ...], ended: Ended) -> None:
        """What `take`, `go_on` and `conclude` come to where all is answered at once, and in step."""
        self.owed.clear()
        if group is AND_QUIT:
            self.state = OVER
        self.happened.append(ended)
        self.forget_question()

    def go_on(self) -> None:
        """After all replies that came together: garbage ends the session, else the next step is taken."""
        if self.reader.garbage is not None and self.next_step is not answers.agree_tls:
            self.decide(self.stage_due, None, ProbeVerdict.NOT_SMTP, error=cut(self.reader.garbage))
            self.over()
            return
        step = self.next_step
        if step is None or self.owed or self.state is OVER:
            return
        self.next_step = None
        step(self)

    def unsolicited(self, reply: Reply) -> None:
        """A reply that nothing asked for; a 421 means that the server is about to close (RFC 5321 3.8)."""
        self.surplus += 1
        self.note("extra reply")
        if reply.code == 421:
            self.decide(self.stage_due, reply)
            self.over()
        elif self.surplus == answers.SURPLUS_LIMIT:
            self.broken_protocol(self.stage_due, reply, "replies without end that nothing asked for")
            self.over()

    def injected(self) -> None:
        """Bytes in the clear after STARTTLS's 220: an attacker's or a bug, never replies (CVE-2011-0411 and kin)."""
        error = "bytes in the clear after the 220 to STARTTLS"
        self.decide(Stage.STARTTLS, None, ProbeVerdict.PROTOCOL_ERROR, error=error)
        self.over()

    # -- outcomes --------------------------------------------------------------------------------------------------

    def refused(self, stage: Stage, reply: Reply) -> None:
        """A reply that is not positive: it decides, unless it asks for TLS and TLS can be had."""
        if reply.code // 100 not in (4, 5):
            self.broken_protocol(stage, reply, f"{reply.code} is no answer here")
        elif self.may_be_sent_to_tls and stage in (Stage.MAIL, Stage.RCPT) and self.demands_tls(stage, reply):
            self.tls_wanted = True
            self.next_step = answers.say_starttls
        else:
            self.decide(stage, reply)

    def broken_protocol(self, stage: Stage, reply: Reply, error: str) -> None:
        """A reply whose form or place is wrong."""
        self.decide(stage, reply, ProbeVerdict.PROTOCOL_ERROR, error=f"{error}: {text_of(reply)[:200]}")

    def decide(
        self,
        stage: Stage,
        reply: Reply | None,
        trouble: ProbeVerdict | None = None,
        *,
        error: str | None = None,
        again: Again | None = None,
    ) -> None:
        """The first decision stands; what follows is leaving politely."""
        if self.decided is not None:
            return
        self.decided = Outcome(stage, reply, trouble, error, self.sender_said, self.recipient_said, again)
        if reply is not None and reply.code == 421:
            self.over()  # the server closes (RFC 5321 3.8): nothing to say any more
        else:
            self.next_step = Dialogue.part

    def part(self) -> None:
        """The next step after a decision: QUIT, or RSET where the session goes on with a transaction open."""
        if self.last or self.state is HELLO:
            self.leave()
        elif self.state is TRANSACTION:
            self.say(RSET)
        else:
            self.conclude()

    def conclude(self) -> None:
        """Hand out the outcome of the question, once."""
        outcome = self.decided
        if outcome is None or self.question is None:
            return
        if self.out_of_step(outcome):
            error = "the replies were not in step with the commands"
            outcome = outcome._replace(trouble=ProbeVerdict.PROTOCOL_ERROR, error=error, again=Again.UNPIPELINED)
        self.happened.append(Ended(outcome))
        self.next_step = None
        self.forget_question()

    def out_of_step(self, outcome: Outcome) -> bool:
        """Who answered what in a pipelined group is not known.

        A surplus reply; a 503 after an accepted MAIL; QUIT's 221, or a missing answer to RSET: an earlier command was
        left unanswered.
        """
        reply = outcome.reply
        if not self.pipelined or reply is None or reply.code == 421:
            return False
        strange = reply.code == 221 or (outcome.stage is Stage.RCPT and reply.code == 503)
        return bool(self.surplus) or strange or self.rset_unanswered

    def over(self) -> None:
        """Nothing more is said or heard."""
        self.state = OVER
        self.rset_unanswered = RSET in self.owed
        self.owed.clear()
        self.group = None
        self.out = b""
        self.next_step = None
        self.conclude()

    def note(self, text: str) -> None:
        """An anomaly for the record's notes, once."""
        if text not in self.notes:
            self.notes.append(text)
