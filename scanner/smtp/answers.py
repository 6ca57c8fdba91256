"""What each reply means for the next step: the prose of RFC 5321 and 3207, a function a command.

A function takes the whole reply to its command and either decides the question (`refused`, `decide`), or names the next
step, which the dialogue takes when nothing is owed any more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.smtp.command import DATA, EHLO, HELO, MAIL, OPEN, QUIT, RCPT, RSET, STARTTLS
from scanner.smtp.extensions import read_extensions
from scanner.smtp.outcome import Again, Ended, Outcome, StartTls, TlsAgreed
from scanner.smtp.reply import whole_replies
from scanner.smtp.states import AND_QUIT, AND_RESET, IDLE, SENDING, TRANSACTION
from scanner.terms import ProbeVerdict, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.smtp.command import Command
    from scanner.smtp.dialogue import Dialogue
    from scanner.smtp.reply import Reply


SURPLUS_LIMIT = 16
"""Replies to nothing in one session. One or two more to each command are a server's habit; this many answer nobody."""


def greeted(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 5321 3.1."""
    if reply.code // 100 == 2:
        dialogue.next_step = say_ehlo
    else:
        dialogue.refused(Stage.BANNER, reply)


def beginning(dialogue: Dialogue) -> Callable[[Dialogue], None]:
    """How questions begin: the same for all of them, from the answer to our hello on."""
    if dialogue.starttls is StartTls.WHEN_OFFERED and dialogue.extensions.starttls and not dialogue.tls:
        return say_starttls
    if not dialogue.may_pipeline:
        return say_mail
    return say_but_quit if dialogue.may_be_sent_to_tls else say_all


def say_all(dialogue: Dialogue) -> None:
    """The question's first step where commands go together: its end goes out with it, unless DATA may come between."""
    if dialogue.question is not None and dialogue.question.data:
        say_but_end(dialogue)
        return
    dialogue.sender_said = dialogue.pipelined = True
    dialogue.say_group(AND_QUIT if dialogue.last else AND_RESET)


def say_but_quit(dialogue: Dialogue) -> None:
    """As `say_all`, where a refusal may ask for TLS: after RSET there can be STARTTLS, after QUIT nothing."""
    if not dialogue.last:
        say_all(dialogue)
    else:
        say_but_end(dialogue)


def say_but_end(dialogue: Dialogue) -> None:
    """Both commands of a question together, and its end when they are answered."""
    say_mail(dialogue)
    dialogue.pipelined = True
    dialogue.say(RCPT)


def say_mail(dialogue: Dialogue) -> None:
    """The question's first step where commands go one at a time."""
    dialogue.sender_said = True
    dialogue.pipelined = False
    dialogue.say(MAIL)


def say_ehlo(dialogue: Dialogue) -> None:
    """The next step after a greeting."""
    dialogue.hello_said = True
    dialogue.say(EHLO)


def say_helo(dialogue: Dialogue) -> None:
    """The next step after EHLO was refused for good."""
    dialogue.say(HELO)


def say_rcpt(dialogue: Dialogue) -> None:
    """The next step after MAIL was accepted, where commands go one at a time."""
    dialogue.say(RCPT)


def say_data(dialogue: Dialogue) -> None:
    """The next step after RCPT was accepted, where the question goes as far."""
    dialogue.say(DATA)


def say_starttls(dialogue: Dialogue) -> None:
    """The next step after a refusal that demands TLS; a transaction that is open is undone first."""
    dialogue.say(RSET if dialogue.state is TRANSACTION else STARTTLS)


def ehlo_answered(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 5321 3.2: a 5xx means an old server, not a closed one; 421 and other 4xx end it."""
    if reply.code == 220 and not dialogue.surplus:
        dialogue.unsolicited(reply)  # a second greeting, not an answer: EHLO's is 250
        dialogue.owed.append(EHLO)
    elif reply.code // 100 == 2:
        dialogue.extensions = read_extensions(reply.lines)
        if dialogue.extensions.surplus:
            dialogue.note(f"cut: {dialogue.extensions.surplus} extensions")
        hello_accepted(dialogue)
    elif reply.code // 100 == 5 and not dialogue.tls:
        dialogue.refused_ehlo = reply
        dialogue.note(f"EHLO refused: {reply.code}")
        dialogue.next_step = say_helo
    else:
        dialogue.refused(Stage.HELO, reply)


def helo_answered(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 5321 4.1.1.1; nothing is offered."""
    dialogue.refused_ehlo = None
    if reply.code // 100 == 2:
        hello_accepted(dialogue)
    else:
        dialogue.refused(Stage.HELO, reply)


def hello_accepted(dialogue: Dialogue) -> None:
    """Ready for a transaction."""
    dialogue.state = IDLE
    dialogue.begin = beginning(dialogue)
    if dialogue.question is not None:
        dialogue.next_step = dialogue.begin


def starttls_answered(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 3207 4: after the 220 the next byte is the handshake's; what came with it was injected."""
    if reply.code == 220:
        dialogue.next_step = agree_tls
        return
    dialogue.state = IDLE
    if reply.code // 100 in (2, 3):
        dialogue.broken_protocol(Stage.STARTTLS, reply, "neither 220 nor a refusal")
    elif reply.code == 421:
        dialogue.refused(Stage.STARTTLS, reply)
    else:
        again = Again.IN_CLEAR if dialogue.starttls is StartTls.WHEN_OFFERED else None
        dialogue.decide(Stage.STARTTLS, reply, ProbeVerdict.TLS_UNAVAILABLE, again=again)


def agree_tls(dialogue: Dialogue) -> None:
    """Nothing may have come after the 220."""
    if dialogue.surplus or dialogue.reader.unfinished or dialogue.reader.garbage is not None:
        dialogue.injected()
    else:
        dialogue.happened.append(TlsAgreed())


def mail_answered(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 5321 3.3."""
    if reply.code // 100 != 2:
        if RCPT not in dialogue.owed and dialogue.state is TRANSACTION:
            dialogue.state = IDLE
        dialogue.refused(Stage.MAIL, reply)
    else:
        dialogue.recipient_said = True
        if RCPT not in dialogue.owed:
            dialogue.next_step = say_rcpt


def rcpt_answered(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 5321 3.3; after a refused MAIL its pipelined answer says nothing."""
    if dialogue.decided is not None or dialogue.tls_wanted:
        if dialogue.state is TRANSACTION:
            dialogue.state = IDLE
        return
    if reply.code // 100 != 2:
        dialogue.refused(Stage.RCPT, reply)
    elif dialogue.question is not None and dialogue.question.data:
        dialogue.next_step = say_data
    else:
        dialogue.decide(Stage.RCPT, reply)


def data_answered(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 5321 4.1.1.4: at 354 the server waits for a message. It gets none: only the connection's end can say so."""
    if reply.code == 354:
        dialogue.decide(Stage.DATA, reply)
        dialogue.over()
        return
    if dialogue.state is SENDING:
        dialogue.state = TRANSACTION
    dialogue.refused(Stage.DATA, reply)


def rset_answered(dialogue: Dialogue, reply: Reply) -> None:
    """Anything but 2xx to RSET ends the session and judges nothing: it is about the session's length.

    The question ends when all that came with this reply is matched: one too many among it puts them all in doubt.
    """
    if dialogue.tls_wanted:
        dialogue.next_step = say_starttls
        return
    dialogue.rset_code = reply.code
    dialogue.next_step = conclude


def conclude(dialogue: Dialogue) -> None:
    """The next step after a transaction is undone."""
    dialogue.conclude()


NOT_IN_STEP = frozenset({221, 421, 503})
"""Answers to RCPT after an accepted MAIL that show that the server leaves, or that the replies are not in step."""


@lru_cache(maxsize=1024)
def answered_whole(group: tuple[Command, ...], data: bytes) -> Ended | None:
    """How a question ends whose group is answered in one portion, all of it and nothing else, and in step.

    The sender was accepted, the recipient accepted or refused, the transaction ended: nearly all questions of nearly
    all sessions end like this, and reply by reply they would take three times as long. None where a portion is anything
    else, be it in the least: that is for the functions above.
    """
    replies = whole_replies(data)
    if replies is None or len(replies) != len(group):
        return None
    sender, answer, end = replies
    if sender.code // 100 != 2 or end.code != (221 if group[-1] is QUIT else 250):
        return None
    if sender.mixed or answer.mixed or end.mixed or answer.code in NOT_IN_STEP or answer.code // 100 not in (2, 4, 5):
        return None
    return Ended(Outcome(Stage.RCPT, answer, sender_said=True, recipient_said=True))


def quit_answered(dialogue: Dialogue, reply: Reply) -> None:
    """RFC 5321 4.1.1.10 knows 221 only; another answer shows that the replies are not in step."""
    if reply.code not in (221, 421):
        dialogue.note(f"QUIT answered {reply.code}")
        dialogue.surplus += 1
    dialogue.over()


ANSWERED: dict[Command, Callable[[Dialogue, Reply], None]] = {
    OPEN: greeted,
    EHLO: ehlo_answered,
    HELO: helo_answered,
    STARTTLS: starttls_answered,
    MAIL: mail_answered,
    RCPT: rcpt_answered,
    DATA: data_answered,
    RSET: rset_answered,
    QUIT: quit_answered,
}
"""Who takes the reply to which command."""
