"""The dialogue as a machine: events, matching, ends. What each reply leads to is in test_answers.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.smtp.answers import SURPLUS_LIMIT, answered_whole
from scanner.smtp.command import Command, UnsafeArgument
from scanner.smtp.dialogue import Dialogue
from scanner.smtp.extensions import Extensions
from scanner.smtp.outcome import Again, Question, StartTls
from scanner.smtp.states import AND_QUIT, IllegalCommand, State
from scanner.terms import ProbeVerdict, Stage
from tests.smtp.transcript import Played, play, plays

OFFERS = b"250-mx.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"
PLAIN = """
    S: 220 mx.example ESMTP
    C: EHLO probe.example
    S: 250-mx.example
    S: 250 SIZE 1000
    C: MAIL FROM:<postmaster@probe.example>
    S: 250 2.1.0 Ok
    C: RCPT TO:<postmaster@partner.example>
    S: 250 2.1.5 Ok
    C: QUIT
    S: 221 2.0.0 Bye
"""
PIPELINED = """
    S: 220 mx.example ESMTP
    C: EHLO probe.example
    S: 250-mx.example
    S: 250 PIPELINING
    C: MAIL FROM:<postmaster@probe.example>
    C: RCPT TO:<postmaster@partner.example>
    C: QUIT
"""


def test_without_pipelining_one_command_goes_at_a_time() -> None:
    played = plays(PLAIN)
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.RCPT, 250, None)
    assert (played.outcome.sender_said, played.outcome.recipient_said) == (True, True)
    assert played.dialogue.state is State.OVER


def test_with_pipelining_the_transaction_is_one_write() -> None:
    played = plays(PIPELINED + "    S: 250 2.1.0 Ok\n    S: 554 5.7.1 Relay access denied\n    S: 221 Bye\n")
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.RCPT, 554)


def test_offered_pipelining_can_be_given_up() -> None:
    plays(PLAIN.replace("SIZE 1000", "PIPELINING"), pipelining=False)


def test_nothing_is_said_before_the_whole_greeting() -> None:
    played = Played()
    for part in (b"220-mx.example\r\n", b"220-wait\r\n220 ", b"now"):
        played.dialogue.receive_data(part)
        assert played.dialogue.data_to_send() == b""
    played.dialogue.receive_data(b"\r\n")
    assert played.dialogue.data_to_send() == b"EHLO probe.example\r\n"


def test_a_reply_answers_the_oldest_command_that_is_owed() -> None:
    played = plays(PIPELINED)
    assert list(played.dialogue.owed) == [Command.MAIL, Command.RCPT, Command.QUIT]
    play("S: 250 2.1.0 Ok", played)
    assert list(played.dialogue.owed) == [Command.RCPT, Command.QUIT]
    assert played.outcomes == []


@pytest.mark.parametrize(
    "surplus",
    [
        PLAIN.replace("S: 220 mx.example ESMTP", "S: 220 mx.example ESMTP\n    S: 220 again"),
        PLAIN.replace("S: 250 SIZE 1000", "S: 250 SIZE 1000\n    S: 250 again"),
        PLAIN.replace("S: 250 2.1.0 Ok", "S: 250 2.1.0 Ok\n    S: 550 again"),
        PLAIN.replace("S: 250 2.1.5 Ok", "S: 250 2.1.5 Ok\n    S: 550 again"),
    ],
)
def test_a_surplus_reply_is_noticed_and_answers_no_later_command(surplus: str) -> None:
    played = plays(surplus)
    assert (played.outcome.reply.code, played.outcome.reply.lines) == (250, (b"2.1.5 Ok",))
    assert played.dialogue.notes == ["extra reply"]


def test_a_second_greeting_is_no_answer_to_ehlo() -> None:
    """It may come in a segment of its own, after EHLO was said; taken for the answer it would shift all that follow."""
    played = plays(PLAIN.replace("C: EHLO probe.example", "C: EHLO probe.example\n    S: 220 mx.example again"))
    assert played.outcome.reply.lines == (b"2.1.5 Ok",)
    assert played.dialogue.notes == ["extra reply"]


@pytest.mark.parametrize(
    "replies",
    [
        ["250 2.1.0 Ok", "250 surplus", "550 5.1.1 no", "221 Bye"],
        ["250 2.1.0 Ok", "250 2.1.5 Ok", "250 surplus"],
        ["250 2.1.0 Ok", "503 5.5.1 need MAIL", "221 Bye"],
        ["250 2.1.0 Ok", "221 Bye", "<eof>"],
    ],
)
def test_pipelined_replies_out_of_step_ask_for_a_session_without_pipelining(replies: list[str]) -> None:
    played = plays(PIPELINED + "".join(f"    S: {reply}\n" for reply in replies))
    assert (played.outcome.trouble, played.outcome.again) == (ProbeVerdict.PROTOCOL_ERROR, Again.UNPIPELINED)


@pytest.mark.parametrize(
    "replies",
    [
        ["250 2.1.0 Ok", "250 surplus", "550 5.1.1 no", "250 2.0.0 Ok"],
        ["250 2.1.0 Ok", "250 surplus", "250 2.1.5 Ok", "250 2.0.0 Ok"],
        ["250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.0.0 Ok", "250 surplus"],
    ],
)
def test_a_surplus_reply_that_comes_with_the_last_of_a_session_that_goes_on_is_out_of_step_too(
    replies: list[str],
) -> None:
    """Else the surplus one would be the recipient's verdict, and the recipient's refusal the answer to RSET."""
    played = plays(PIPELINED.replace("QUIT", "RSET") + "".join(f"    S: {reply}\n" for reply in replies), last=False)
    assert (played.outcome.trouble, played.outcome.again) == (ProbeVerdict.PROTOCOL_ERROR, Again.UNPIPELINED)
    assert not played.dialogue.ready_for_another


@pytest.mark.parametrize(
    ("start", "reply", "stage"),
    [
        ("", "220 x", Stage.HELO),
        (PLAIN.split("S: 250-mx", maxsplit=1)[0], "250 x", Stage.MAIL),
        (PLAIN.split("S: 250 2.1.0", maxsplit=1)[0], "250 x", Stage.RCPT),
    ],
)
def test_replies_without_end_that_nothing_asked_for_answer_nothing(start: str, reply: str, stage: Stage) -> None:
    """Each of our commands would find its answer on the way already: the server would come out as accepting."""
    played = plays(start)
    played.dialogue.receive_data(f"{reply}\r\n".encode() * (1 + SURPLUS_LIMIT))
    played.collect()
    assert (played.outcome.stage, played.outcome.trouble) == (stage, ProbeVerdict.PROTOCOL_ERROR)
    assert played.dialogue.state is State.OVER
    assert played.dialogue.data_to_send() == b""


def test_replies_without_end_take_no_answer_back() -> None:
    played = plays(PLAIN.split("S: 221", maxsplit=1)[0])
    played.dialogue.receive_data(b"221 bye\r\n" * (2 + SURPLUS_LIMIT))
    played.collect()
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.RCPT, 250, None)


def test_a_refused_quit_takes_no_answer_back() -> None:
    played = plays(PLAIN.replace("S: 221 2.0.0 Bye", "S: 500 5.5.1 what"))
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.RCPT, 250, None)
    assert played.dialogue.notes == ["QUIT answered 500"]


def test_an_unasked_421_decides_and_nothing_more_is_said() -> None:
    played = plays("""
        S: 220 mx.example
        S: 421 4.3.2 shutting down
    """)
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.HELO, 421)


@pytest.mark.parametrize(
    ("transcript", "stage"),
    [
        ("S: <eof>", Stage.BANNER),
        ("S: 220 mx\nC: EHLO probe.example\nS: <eof>", Stage.HELO),
        (PLAIN.split("S: 250 2.1.0", maxsplit=1)[0] + "S: <eof>", Stage.MAIL),
        (PLAIN.split("S: 250 2.1.5", maxsplit=1)[0] + "S: <eof>", Stage.RCPT),
        (PIPELINED + "    S: <eof>", Stage.MAIL),
        (PIPELINED + "    S: 250 ok\n    S: <eof>", Stage.RCPT),
    ],
)
def test_a_close_before_the_answer_is_disconnected_at_the_stage_that_was_due(transcript: str, stage: Stage) -> None:
    played = plays(transcript)
    assert (played.outcome.stage, played.outcome.trouble) == (stage, ProbeVerdict.DISCONNECTED)


@pytest.mark.parametrize(
    "ending", ["    S: 554 5.7.1 no\n    S: <eof>", "    S: 554 5.7.1 no\n    C: QUIT\n    S: <eof>"]
)
def test_a_close_after_the_answer_changes_nothing(ending: str) -> None:
    start = (
        PLAIN.split("S: 250 2.1.5", maxsplit=1)[0].rstrip() + "\n"
        if "QUIT" in ending
        else PIPELINED + "    S: 250 ok\n"
    )
    played = plays(start + ending)
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.RCPT, 554)


def test_a_last_line_without_its_end_counts_at_the_close() -> None:
    played = Played()
    played.dialogue.receive_data(b"554 go away")
    played.dialogue.receive_eof()
    played.collect()
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.BANNER, 554)
    assert played.dialogue.notes == ["no CRLF"]


def test_garbage_ends_the_session_at_once() -> None:
    played = plays("S: HTTP/1.1 400 Bad Request")
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.BANNER, ProbeVerdict.NOT_SMTP)
    assert played.dialogue.state is State.OVER


@pytest.mark.parametrize(
    ("transcript", "stage"),
    [("", Stage.BANNER), ("S: 220 mx\nC: EHLO probe.example", Stage.HELO), (PIPELINED, Stage.MAIL)],
)
def test_the_clock_ends_it_at_the_stage_that_was_due(transcript: str, stage: Stage) -> None:
    played = plays(transcript)
    played.dialogue.stop(ProbeVerdict.REPLY_TIMEOUT, "no reply within 30 s")
    played.collect()
    assert (played.outcome.stage, played.outcome.trouble) == (stage, ProbeVerdict.REPLY_TIMEOUT)
    played.dialogue.stop(ProbeVerdict.GIVEN_UP, "again")
    assert played.dialogue.events() == []


def test_an_answer_stands_when_the_clock_ends_the_wait_for_quit() -> None:
    played = plays(PLAIN.split("S: 221", maxsplit=1)[0])
    assert played.outcomes == []
    played.dialogue.stop(ProbeVerdict.REPLY_TIMEOUT, "no reply to QUIT")
    played.collect()
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.RCPT, 250)


def test_lines_of_different_classes_in_one_reply_are_a_protocol_error() -> None:
    played = plays("""
        S: 220 welcome
        C: EHLO probe.example
        S: 250-mx.example
        S: 550 go away
        C: QUIT
        S: 221 bye
    """)
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.HELO, ProbeVerdict.PROTOCOL_ERROR)
    assert played.outcome.reply.code == 550


def test_a_greeting_that_begins_friendly_and_ends_in_a_refusal_is_the_refusal() -> None:
    """Postscreen's, which looks its client up between the two lines."""
    played = plays("""
        S: 220-welcome
        S: 554 go away
        C: QUIT
        S: 221 bye
    """)
    assert (played.outcome.stage, played.outcome.trouble, played.outcome.reply.code) == (Stage.BANNER, None, 554)
    assert played.dialogue.notes == ["lines of different classes in one reply"]


def test_a_greeting_that_begins_as_a_refusal_and_ends_friendly_is_a_protocol_error() -> None:
    played = plays("""
        S: 554-go away
        S: 220 welcome
        C: QUIT
        S: 221 bye
    """)
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.BANNER, ProbeVerdict.PROTOCOL_ERROR)


def test_a_session_that_goes_on_undoes_the_transaction_and_asks_again() -> None:
    played = plays(PLAIN.replace("QUIT", "RSET").replace("221 2.0.0 Bye", "250 2.0.0 Ok"), last=False)
    assert played.outcome.reply.code == 250
    assert played.dialogue.state is State.IDLE
    played.outcomes.clear()
    played.dialogue.ask(Question("", "postmaster@other.example"))
    played = play(
        """
        C: MAIL FROM:<>
        S: 550 5.7.1 not you
        C: QUIT
        S: 221 bye
        """,
        played,
    )
    assert (played.outcome.stage, played.outcome.recipient_said) == (Stage.MAIL, False)


@pytest.mark.parametrize("ends_by", ["S: 554 Too many nonmail commands", "S: 421 idle", "S: <eof>"])
def test_what_is_said_to_rset_judges_nothing(ends_by: str) -> None:
    played = plays(PLAIN.replace("QUIT", "RSET").split("S: 221")[0] + ends_by, last=False)
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.RCPT, 250, None)


def test_a_session_whose_reset_is_refused_carries_no_other_question() -> None:
    refused = plays(PLAIN.replace("QUIT", "RSET").replace("221 2.0.0 Bye", "554 Too many nonmail commands"), last=False)
    assert (refused.dialogue.ready_for_another, refused.dialogue.may_leave) == (False, True)


def test_a_session_that_goes_on_is_left_by_quit() -> None:
    played = plays(PLAIN.replace("QUIT", "RSET").replace("221 2.0.0 Bye", "250 2.0.0 Ok"), last=False)
    played.dialogue.leave()
    assert play("C: QUIT\nS: 221 bye", played).dialogue.state is State.OVER


def test_an_address_that_cannot_be_said_is_refused_before_anything_is() -> None:
    dialogue = Dialogue("probe.example")
    with pytest.raises(UnsafeArgument):
        dialogue.ask(Question("", "a@b.example>\r\nDATA"))
    assert dialogue.question is None


def test_one_question_at_a_time() -> None:
    played = Played()
    with pytest.raises(IllegalCommand):
        played.dialogue.ask(Question("", "a@b.example"))
    with pytest.raises(IllegalCommand):
        played.dialogue.leave()


@pytest.mark.parametrize("ending", ["", "    S: <eof>"])
def test_no_question_is_put_to_a_session_that_is_left_or_over(ending: str) -> None:
    played = plays(PLAIN.replace("QUIT", "RSET").replace("221 2.0.0 Bye", "250 2.0.0 Ok"), last=False)
    played.dialogue.leave()
    play("    C: QUIT\n" + ending, played)
    with pytest.raises(IllegalCommand):
        played.dialogue.ask(Question("", "a@b.example"))


REPLIES = st.sampled_from(
    ["220 mx", "250 ok", "250-mx\r\n250-PIPELINING\r\n250 STARTTLS", "250-mx\r\n250 STARTTLS", "250-a\r\n550 b",
     "354 go", "421 bye", "450 later", "502 what", "503 order", "530 Must issue STARTTLS", "550 no", "221 bye",
     "250-", "garbage", "25"]
)  # fmt: skip
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.lists(REPLIES, min_size=1, max_size=4).map("\r\n".join), st.booleans()),
        st.tuples(st.just("eof"), st.just(""), st.booleans()),
        st.tuples(st.just("clock"), st.just(""), st.booleans()),
    ),
    max_size=25,
)


@given(moves=MOVES, last=st.booleans(), starttls=st.sampled_from(StartTls), pipelining=st.booleans())
def test_any_server_behaviour_ends_in_one_outcome_in_bounded_steps(
    moves: list[tuple[str, str, bool]], *, last: bool, starttls: StartTls, pipelining: bool
) -> None:
    played = Played(last=last, starttls=starttls, pipelining=pipelining)
    dialogue = played.dialogue
    writes = 0
    for what, text, success in moves:
        match what:
            case "data":
                dialogue.receive_data(text.encode() + (b"\r\n" if success else b""))
            case "eof":
                dialogue.receive_eof()
            case _:
                dialogue.stop(ProbeVerdict.REPLY_TIMEOUT, "clock")
        writes += bool(dialogue.data_to_send())
        played.collect()
        if played.handshakes:
            played.handshakes = 0
            if success:
                dialogue.secured()
            else:
                dialogue.tls_failed("no")
            writes += bool(dialogue.data_to_send())
            played.collect()
    dialogue.stop(ProbeVerdict.GIVEN_UP, "the end")
    played.collect()
    assert played.outcome.reply is not None or played.outcome.trouble is not None
    assert writes <= 12  # EHLO HELO STARTTLS EHLO MAIL RCPT RSET QUIT and room
    assert dialogue.notes == list(dict.fromkeys(dialogue.notes))


def test_a_refused_starttls_of_one_question_does_not_hold_the_next() -> None:
    played = plays(
        """
        S: 220 mx.example
        C: EHLO probe.example
        S: 250-mx.example
        S: 250 STARTTLS
        C: MAIL FROM:<postmaster@probe.example>
        S: 250 ok
        C: RCPT TO:<postmaster@partner.example>
        S: 530 Must issue a STARTTLS command first
        C: RSET
        S: 250 ok
        C: STARTTLS
        S: 454 TLS not available
        """,
        last=False,
    )
    assert played.outcome.trouble is ProbeVerdict.TLS_UNAVAILABLE
    assert played.dialogue.ready_for_another
    played.outcomes.clear()
    played.dialogue.ask(Question("", "postmaster@other.example"))
    played = play(
        """
        C: MAIL FROM:<>
        S: 250 ok
        C: RCPT TO:<postmaster@other.example>
        S: 250 ok
        C: QUIT
        S: 221 bye
        """,
        played,
    )
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.RCPT, 250)


@pytest.mark.parametrize("rest", [b"25", b"250-more\r\n", b"250 extra\r\n", b"?"])
def test_a_session_with_anything_left_unread_is_not_ready_for_another_question(rest: bytes) -> None:
    """What is left would be taken for the answer to the next command."""
    played = plays(PLAIN.replace("QUIT", "RSET").split("S: 221")[0], last=False)
    played.dialogue.receive_data(b"250 2.0.0 Ok\r\n" + rest)
    played.collect()
    assert played.outcome.reply.code == 250
    assert not played.dialogue.ready_for_another


def test_each_question_has_its_own_notes() -> None:
    played = plays(PLAIN.replace("QUIT", "RSET").split("S: 221")[0], last=False)
    played.dialogue.receive_data(b"250 2.0.0 Ok\n")
    assert played.dialogue.notes == ["bare LF"]
    played.dialogue.ask(Question("", "postmaster@other.example"))
    assert played.dialogue.notes == []
    played.dialogue.receive_data(b"250 2.1.0 Ok\n")
    assert played.dialogue.notes == ["bare LF"]


class ReplyByReply(Dialogue):
    """Takes each reply for itself, whatever comes together."""

    def receive_data(self, data: bytes) -> None:
        self.group = None
        super().receive_data(data)


GRANTS = [b"250 2.1.0 Ok\r\n", b"251 elsewhere\r\n", b"250-a\r\n250 b\r\n", b"221 2.0.0 Bye\r\n", b"221 2.0.0 Bye\r\n"]
OTHERS = [
    b"250 ok\n", b"354 go on\r\n", b"421 4.3.2 bye\r\n", b"450 4.2.0 later\r\n", b"550 5.1.1 no\r\n",
    b"503 5.5.1 no\r\n", b"250-a\r\n550 b\r\n", b"550-a\r\n250 b\r\n", b"HTTP/1.0 400\r\n", b"250 unfin",
]  # fmt: skip
THREE = st.lists(st.sampled_from(GRANTS), min_size=3, max_size=3)
ANSWERS = st.one_of(
    THREE,
    st.lists(st.sampled_from(GRANTS + OTHERS), max_size=5),
    st.tuples(THREE, st.integers(0, 3), st.sampled_from(OTHERS)).map(
        lambda t: [*t[0][: t[1]], t[2], *t[0][t[1] + 1 :]]
    ),
)


CUTS = st.one_of(st.none(), st.tuples(st.integers(0, 4), st.integers(0, 20)))
"""Where a second portion begins: so many replies and so many bytes after the start."""


@settings(max_examples=1000)
@given(
    st.sampled_from([OFFERS, OFFERS + b"250 2.0.0 and more\r\n", OFFERS + b"250 unfin", OFFERS + b"250-unfin\r\n"]),
    st.lists(st.tuples(st.booleans(), ANSWERS, CUTS), min_size=1, max_size=4),
)
def test_what_is_granted_together_comes_to_the_same_as_reply_by_reply(
    offered: bytes, questions: list[tuple[bool, list[bytes], tuple[int, int] | None]]
) -> None:
    """In any portions, with too many replies, too few, odd ones and garbage."""
    quick, slow = Dialogue("probe.example"), ReplyByReply("probe.example")
    for number, (last, replies, cut) in enumerate(questions):
        if number and not (quick.ready_for_another and slow.ready_for_another):
            break
        said = b"".join(replies)
        at = 0 if cut is None else len(b"".join(replies[: cut[0]])) + cut[1]
        portions = [*([] if number else [b"220 mx\r\n", offered]), *filter(None, [said[:at], said[at:]])]
        for dialogue in (quick, slow):
            dialogue.ask(Question("a@probe.example", f"b@d{number}.example"), last=last)
        assert quick.data_to_send() == slow.data_to_send()
        for portion in portions:
            seen = []
            for dialogue in (quick, slow):
                dialogue.receive_data(portion)
                seen.append((
                    dialogue.events(), dialogue.data_to_send(), dialogue.state, list(dialogue.owed), dialogue.notes,
                    dialogue.decided, dialogue.question, dialogue.ready_for_another, dialogue.may_leave,
                ))  # fmt: skip
            assert seen[0] == seen[1]


def test_a_group_is_said_only_where_each_of_its_commands_may_be_said() -> None:
    for state, offered, allowed in (
        (State.IDLE, True, True),
        (State.IDLE, False, False),
        (State.TRANSACTION, True, False),
        (State.HELLO, True, False),
        (State.OVER, True, False),
    ):
        dialogue = Dialogue("probe.example")
        dialogue.state, dialogue.extensions = state, Extensions(pipelining=offered)
        dialogue.owed.clear()
        dialogue.lines |= {Command.MAIL: b"", Command.RCPT: b""}
        if allowed:
            dialogue.say_group(AND_QUIT)
            assert dialogue.state is State.LEAVING
        else:
            with pytest.raises(IllegalCommand):
                dialogue.say_group(AND_QUIT)


def test_what_is_granted_after_the_end_is_not_heard() -> None:
    played = plays(PIPELINED)
    played.dialogue.stop(ProbeVerdict.REPLY_TIMEOUT, "no reply within 30 s")
    played.collect()
    played.dialogue.receive_data(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n221 2.0.0 Bye\r\n")
    assert (played.outcome.trouble, played.dialogue.events()) == (ProbeVerdict.REPLY_TIMEOUT, [])


def test_many_words_are_taken_but_not_remembered() -> None:
    """A server that says a kilobyte of something else each time would fill the memory with it."""
    played = plays(PIPELINED)
    answered_whole.cache_clear()
    played.server(["250 2.1.0 Ok", "250 2.1.5 " + 1000 * "o", "221 2.0.0 Bye"])
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.RCPT, 250)
    assert answered_whole.cache_info().currsize == 0


def test_three_replies_are_no_whole_group_where_one_came_before() -> None:
    played = plays(PIPELINED)
    played.server(["250 2.1.0 Ok"])
    played.server(["250 surplus", "250 2.1.5 Ok", "221 2.0.0 Bye"])
    assert (played.outcome.trouble, played.outcome.again) == (ProbeVerdict.PROTOCOL_ERROR, Again.UNPIPELINED)
