"""What each reply leads to, as transcripts."""

from __future__ import annotations

import pytest

from scanner.smtp.answers import answered_whole
from scanner.smtp.outcome import Again
from scanner.smtp.states import AND_QUIT, AND_RESET, State
from scanner.terms import ProbeVerdict, Stage
from tests.smtp.transcript import QUESTION, plays

TO_MAIL = """
    S: 220 mx.example ESMTP
    C: EHLO probe.example
    S: 250-mx.example
    S: 250 STARTTLS
    C: MAIL FROM:<postmaster@probe.example>
"""
DEMANDED = (
    TO_MAIL
    + """
    S: 530 5.7.0 Must issue a STARTTLS command first
    C: STARTTLS
"""
)
SECURED = """
    S: 220 2.0.0 Ready to start TLS
    C: <handshake>
    S: <secured>
    C: EHLO probe.example
"""


def lines(*transcripts: str) -> str:
    return "\n".join(line for transcript in transcripts for line in transcript.splitlines() if line.strip())


@pytest.mark.parametrize("greeting", ["554 5.7.1 blocked", "450 4.7.1 later", "521 no mail here"])
def test_a_greeting_that_refuses_is_the_answer_and_is_left_by_quit(greeting: str) -> None:
    played = plays(lines(f"    S: {greeting}", "    C: QUIT", "    S: 221 bye"))
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.BANNER, int(greeting[:3]))
    assert (played.outcome.sender_said, played.outcome.recipient_said) == (False, False)


def test_a_greeting_of_421_is_the_answer_and_nothing_is_said() -> None:
    assert plays("S: 421 4.7.0 too many connections").outcome.reply.code == 421


def test_refused_ehlo_falls_back_to_helo_and_gives_up_pipelining() -> None:
    """RFC 5321 3.2: a 5xx to EHLO means an old server, not a closed one."""
    played = plays("""
        S: 220 mx.example
        C: EHLO probe.example
        S: 502 5.5.1 command unknown
        C: HELO probe.example
        S: 250 mx.example
        C: MAIL FROM:<postmaster@probe.example>
        S: 250 ok
        C: RCPT TO:<postmaster@partner.example>
        S: 250 ok
        C: QUIT
        S: 221 bye
    """)
    assert played.outcome.reply.code == 250
    assert played.dialogue.notes == ["EHLO refused: 502"]


@pytest.mark.parametrize("reply", ["421 4.3.2 closing", "451 4.3.0 later"])
def test_ehlo_answered_4xx_ends_it_without_helo(reply: str) -> None:
    goodbye = "" if reply.startswith("421") else "    C: QUIT\n    S: 221 bye"
    played = plays(lines("    S: 220 mx", "    C: EHLO probe.example", f"    S: {reply}", goodbye))
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.HELO, int(reply[:3]))


def test_helo_refused_too_is_the_answer() -> None:
    played = plays("""
        S: 220 mx.example
        C: EHLO probe.example
        S: 550 5.7.1 not you
        C: HELO probe.example
        S: 554 5.7.1 still not you
        C: QUIT
        S: 221 bye
    """)
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.HELO, 554)


def test_a_refused_ehlo_stands_where_the_server_hangs_up_on_helo() -> None:
    played = plays("""
        S: 220 mx.example
        C: EHLO probe.example
        S: 550 5.7.1 not you
        C: HELO probe.example
        S: <eof>
    """)
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.HELO, 550)


def test_mail_refused_leaves_the_recipient_unsaid() -> None:
    played = plays(lines(TO_MAIL, "    S: 550 5.7.1 sender", "    C: QUIT", "    S: 221 bye"))
    assert (played.outcome.stage, played.outcome.sender_said, played.outcome.recipient_said) == (
        Stage.MAIL,
        True,
        False,
    )


def test_pipelined_mail_refused_is_the_answer_whatever_rcpt_gets() -> None:
    played = plays("""
        S: 220 mx.example ESMTP
        C: EHLO probe.example
        S: 250-mx.example
        S: 250 PIPELINING
        C: MAIL FROM:<postmaster@probe.example>
        C: RCPT TO:<postmaster@partner.example>
        C: QUIT
        S: 451 4.3.0 later
        S: 503 5.5.1 need MAIL
        S: 221 bye
    """)
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.MAIL, 451, None)


@pytest.mark.parametrize("code", ["354", "334"])
def test_a_3xx_where_none_belongs_is_a_protocol_error(code: str) -> None:
    played = plays(lines(TO_MAIL, f"    S: {code} go ahead", "    C: QUIT", "    S: 221 bye"))
    assert (played.outcome.trouble, played.outcome.stage) == (ProbeVerdict.PROTOCOL_ERROR, Stage.MAIL)


def test_a_demand_for_tls_is_met_and_the_question_asked_anew() -> None:
    played = plays(lines(DEMANDED, SECURED, """
        S: 250-mx.example
        S: 250 PIPELINING
        C: MAIL FROM:<postmaster@probe.example>
        C: RCPT TO:<postmaster@partner.example>
        C: QUIT
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 221 bye
    """))  # fmt: skip
    assert (played.outcome.stage, played.outcome.reply.code) == (Stage.RCPT, 250)


def test_what_may_turn_into_starttls_is_not_ended_by_a_pipelined_quit() -> None:
    played = plays("""
        S: 220 mx.example ESMTP
        C: EHLO probe.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250 STARTTLS
        C: MAIL FROM:<postmaster@probe.example>
        C: RCPT TO:<postmaster@partner.example>
        S: 530 5.7.0 Must issue a STARTTLS command first
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: STARTTLS
        S: 454 4.7.0 TLS not available
        C: QUIT
        S: 221 bye
    """)
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.STARTTLS, ProbeVerdict.TLS_UNAVAILABLE)
    assert (played.outcome.reply.code, played.outcome.again) == (454, None)


def test_tls_demanded_at_rcpt_first_undoes_the_transaction() -> None:
    plays(lines(TO_MAIL, """
        S: 250 ok
        C: RCPT TO:<postmaster@partner.example>
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: RSET
        S: 250 ok
        C: STARTTLS
    """))  # fmt: skip


def test_tls_demanded_and_not_offered_is_the_demands_answer() -> None:
    played = plays(lines(TO_MAIL.replace("250 STARTTLS", "250 SIZE"), """
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: QUIT
        S: 221 bye
    """))  # fmt: skip
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.MAIL, 530, None)


def test_never_means_that_a_demand_is_the_answer() -> None:
    played = plays(lines(DEMANDED.replace("C: STARTTLS", "C: QUIT"), "    S: 221 bye"), starttls="never")
    assert played.outcome.reply.code == 530


@pytest.mark.parametrize("injected", ["250 ok", "250-", "2"])
def test_bytes_after_the_220_to_starttls_are_never_replies(injected: str) -> None:
    played = plays(lines(DEMANDED, "    S: 220 go ahead", f"    S: {injected}"))
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.STARTTLS, ProbeVerdict.PROTOCOL_ERROR)


def test_bytes_in_the_clear_while_the_handshake_is_due_are_never_replies() -> None:
    played = plays(lines(DEMANDED, "    S: 220 go ahead", "    C: <handshake>", "    S: 250 ok"))
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.STARTTLS, ProbeVerdict.PROTOCOL_ERROR)


def test_what_was_offered_in_the_clear_is_forgotten_after_the_handshake() -> None:
    """RFC 3207 4.2: PIPELINING is not offered any more, so MAIL goes alone."""
    plays(lines(DEMANDED.replace("250 STARTTLS", "250-STARTTLS\n    S: 250 X"), SECURED, """
        S: 250 mx.example
        C: MAIL FROM:<postmaster@probe.example>
    """))  # fmt: skip


def test_when_offered_secures_before_the_first_mail() -> None:
    plays(
        lines(TO_MAIL.replace("C: MAIL FROM:<postmaster@probe.example>", "C: STARTTLS"), SECURED),
        starttls="when-offered",
    )


@pytest.mark.parametrize(
    "refusal",
    [
        "    S: 454 4.7.0 not now\n    C: QUIT\n    S: 221 bye",
        "    S: 220 go\n    C: <handshake>\n    S: <handshake failed>",
    ],
)
def test_when_offered_a_refusal_or_failure_asks_once_more_in_the_clear(refusal: str) -> None:
    start = TO_MAIL.replace("C: MAIL FROM:<postmaster@probe.example>", "C: STARTTLS")
    assert plays(lines(start, refusal), starttls="when-offered").outcome.again is Again.IN_CLEAR


def test_a_session_that_is_secured_is_not_secured_again_whatever_is_offered() -> None:
    start = TO_MAIL.replace("C: MAIL FROM:<postmaster@probe.example>", "C: STARTTLS")
    again = ("    S: 250-mx.example", "    S: 250 STARTTLS", "    C: MAIL FROM:<postmaster@probe.example>")
    plays(lines(start, SECURED, *again), starttls="when-offered")


PIPELINED_UNTIL_SECURED = lines(
    TO_MAIL.replace("S: 250 STARTTLS", "S: 250-STARTTLS\n    S: 250 PIPELINING"),
    """
    C: RCPT TO:<postmaster@partner.example>
    """,
)


@pytest.mark.parametrize(
    "answers",
    [
        "    S: 250 ok\n    S: 530 5.7.0 Must issue a STARTTLS command first\n    S: 250 ok",
        "    S: 530 5.7.0 Must issue a STARTTLS command first\n    S: 503 5.5.1 need MAIL\n    S: 250 ok",
    ],
)
def test_where_a_refusal_may_ask_for_tls_a_session_that_goes_on_is_secured_after_its_reset(answers: str) -> None:
    """One write and one round trip fewer for each question: nearly all servers offer STARTTLS, and few demand it."""
    all_at_once = (
        "    C: MAIL FROM:<postmaster@probe.example>\n    C: RCPT TO:<postmaster@partner.example>\n    C: RSET"
    )
    played = plays(
        lines(
            PIPELINED_UNTIL_SECURED,
            "    C: RSET",
            answers,
            "    C: STARTTLS",
            SECURED,
            "    S: 250-mx.example\n    S: 250-STARTTLS\n    S: 250 PIPELINING",
            all_at_once,
            "    S: 250 ok\n    S: 250 ok\n    S: 250 ok",
        ),
        last=False,
    )
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.RCPT, 250, None)
    assert played.dialogue.ready_for_another


def test_where_a_refusal_may_ask_for_tls_surplus_replies_are_as_bad_as_elsewhere() -> None:
    played = plays(
        lines(
            PIPELINED_UNTIL_SECURED,
            """
    S: 250 ok
    S: 550 surplus
    S: 250 ok
    C: QUIT
    S: 221 bye
    """,
        )
    )
    assert (played.outcome.trouble, played.outcome.again) == (ProbeVerdict.PROTOCOL_ERROR, Again.UNPIPELINED)


def test_where_pipelining_is_not_offered_again_after_tls_a_surplus_reply_takes_nothing_back() -> None:
    """One command at a time, it is seen where it comes and answers none."""
    played = plays(
        lines(
            PIPELINED_UNTIL_SECURED,
            """
    S: 530 5.7.0 Must issue a STARTTLS command first
    S: 503 5.5.1 need MAIL
    C: STARTTLS
    """,
            SECURED,
            """
    S: 250 mx.example
    C: MAIL FROM:<postmaster@probe.example>
    S: 250 ok
    S: 250 surplus
    C: RCPT TO:<postmaster@partner.example>
    S: 250 ok
    C: QUIT
    S: 221 bye
    """,
        )
    )
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.RCPT, 250, None)


def test_a_failed_handshake_that_was_required_is_tls_failed() -> None:
    played = plays(lines(DEMANDED, "    S: 220 go", "    C: <handshake>", "    S: <handshake failed>"))
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.STARTTLS, ProbeVerdict.TLS_FAILED)
    assert (played.outcome.error, played.outcome.again) == ("handshake failed", None)


def test_a_421_to_starttls_is_judged_by_its_text() -> None:
    played = plays(lines(DEMANDED, "    S: 421 4.3.2 shutting down"))
    assert (played.outcome.stage, played.outcome.reply.code, played.outcome.trouble) == (Stage.STARTTLS, 421, None)


def test_starttls_answered_250_is_a_protocol_error() -> None:
    played = plays(lines(DEMANDED, "    S: 250 ok", "    C: QUIT", "    S: 221 bye"))
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.STARTTLS, ProbeVerdict.PROTOCOL_ERROR)


MAIL_OK, RCPT_OK, RSET_OK, BYE = b"250 2.1.0 Ok\r\n", b"250 2.1.5 Ok\r\n", b"250 2.0.0 Ok\r\n", b"221 2.0.0 Bye\r\n"


def test_a_group_that_is_granted_whole_ends_with_the_recipients_reply() -> None:
    for group, end in ((AND_RESET, RSET_OK), (AND_QUIT, BYE)):
        ended = answered_whole(group, MAIL_OK + b"251 2.1.5 will forward\r\n" + end)
        assert ended is not None
        assert (ended.outcome.stage, ended.outcome.reply.code, ended.outcome.trouble) == (Stage.RCPT, 251, None)
        assert (ended.outcome.sender_said, ended.outcome.recipient_said) == (True, True)


@pytest.mark.parametrize("refusal", [b"554 5.7.1 Relay access denied\r\n", b"450-4.2.0 wait\r\n450 4.2.0 a while\r\n"])
def test_so_does_one_whose_recipient_is_refused(refusal: bytes) -> None:
    ended = answered_whole(AND_RESET, MAIL_OK + refusal + RSET_OK)
    assert ended is not None
    assert ended.outcome.reply is not None
    assert (ended.outcome.stage, ended.outcome.reply.code) == (Stage.RCPT, int(refusal[:3]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MAIL_OK + RCPT_OK,
        MAIL_OK + RCPT_OK + RSET_OK + RSET_OK,
        MAIL_OK + RCPT_OK + b"250 2.0.0",
        MAIL_OK + RCPT_OK + b"250 2.0.0 Ok\n",
        MAIL_OK + RCPT_OK + BYE,
        MAIL_OK + RCPT_OK + b"550 5.5.1 too many\r\n",
        MAIL_OK + RCPT_OK + b"550-a\r\n250 b\r\n",
        MAIL_OK + b"221 2.0.0 Bye\r\n" + RSET_OK,
        MAIL_OK + b"550-a\r\n250 b\r\n" + RSET_OK,
        MAIL_OK + b"503 5.5.1 need MAIL\r\n" + RSET_OK,
        MAIL_OK + b"421 4.3.2 closing\r\n" + RSET_OK,
        MAIL_OK + b"354 go on\r\n" + RSET_OK,
        b"550 5.7.1 not you\r\n" + RCPT_OK + RSET_OK,
        b"550-a\r\n250 b\r\n" + RCPT_OK + RSET_OK,
        b"HTTP/1.0 400\r\n" + RCPT_OK + RSET_OK,
    ],
)
def test_a_group_that_is_not_granted_to_the_letter_is_taken_reply_by_reply(data: bytes) -> None:
    assert answered_whole(AND_RESET, data) is None


AS_FAR_AS_DATA = QUESTION._replace(data=True)
ONE_AT_A_TIME = """
    S: 220 mx.example
    C: EHLO probe.example
    S: 250 mx.example
    C: MAIL FROM:<postmaster@probe.example>
    S: 250 ok
    C: RCPT TO:<postmaster@partner.example>
    S: 250 ok
    C: DATA
"""
TOGETHER = """
    S: 220 mx.example
    C: EHLO probe.example
    S: 250-mx.example
    S: 250 PIPELINING
    C: MAIL FROM:<postmaster@probe.example>
    C: RCPT TO:<postmaster@partner.example>
    S: 250 ok
    S: 250 ok
    C: DATA
"""
to_data = pytest.mark.parametrize("start", [ONE_AT_A_TIME, TOGETHER], ids=["one at a time", "together"])


@to_data
@pytest.mark.parametrize("last", [True, False])
def test_at_354_the_session_is_over_and_not_a_byte_of_a_message_is_said(start: str, *, last: bool) -> None:
    played = plays(lines(start, "    S: 354 go ahead"), question=AS_FAR_AS_DATA, last=last)
    assert (played.outcome.stage, played.outcome.reply and played.outcome.reply.code) == (Stage.DATA, 354)
    assert played.dialogue.state is State.OVER
    assert not played.dialogue.may_leave, "QUIT would be the message's first line"


@to_data
def test_a_refused_data_is_undone_and_the_session_goes_on(start: str) -> None:
    answers = "    S: 554 5.7.1 no\n    C: RSET\n    S: 250 ok"
    played = plays(lines(start, answers), question=AS_FAR_AS_DATA, last=False)
    assert (played.outcome.stage, played.outcome.reply and played.outcome.reply.code) == (Stage.DATA, 554)
    assert played.dialogue.ready_for_another


@to_data
def test_data_answered_as_if_it_were_done_is_a_protocol_error(start: str) -> None:
    played = plays(lines(start, "    S: 250 ok", "    C: QUIT", "    S: 221 bye"), question=AS_FAR_AS_DATA)
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.DATA, ProbeVerdict.PROTOCOL_ERROR)


def test_a_server_that_hangs_up_at_data_is_disconnected_there() -> None:
    played = plays(lines(ONE_AT_A_TIME, "    S: <eof>"), question=AS_FAR_AS_DATA)
    assert (played.outcome.stage, played.outcome.trouble) == (Stage.DATA, ProbeVerdict.DISCONNECTED)


REFUSED = {
    "one at a time": ONE_AT_A_TIME.replace("    S: 250 ok\n    C: DATA", "    S: 550 no"),
    "together": TOGETHER.replace("    S: 250 ok\n    C: DATA", "    S: 550 no"),
}


@pytest.mark.parametrize("start", REFUSED.values(), ids=REFUSED)
def test_a_refused_recipient_is_not_followed_by_data(start: str) -> None:
    played = plays(lines(start, "    C: QUIT", "    S: 221 bye"), question=AS_FAR_AS_DATA)
    assert (played.outcome.stage, played.outcome.reply and played.outcome.reply.code) == (Stage.RCPT, 550)


def test_a_bare_recipient_is_said_without_brackets() -> None:
    start = ONE_AT_A_TIME.replace("RCPT TO:<postmaster@partner.example>", "RCPT TO:postmaster@partner.example")
    start = start.replace("    C: DATA\n", "    C: QUIT\n    S: 221 bye\n")
    assert plays(start, question=QUESTION._replace(bare=True)).outcome.stage is Stage.RCPT
