"""From the dialogue's outcome to the judge's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.judge.reason import judge_protocol_error, judge_reply, judge_transport
from scanner.smtp.reply import Reply, enhanced_of, text_of
from scanner.terms import About, Confidence, Judgement, ProbeVerdict, Stage, Standing

if TYPE_CHECKING:
    from scanner.pool.probe import Answer
    from scanner.smtp.outcome import Outcome


def judge_answer(answer: Answer) -> Judgement:
    """What an answer means. What it leaves open follows what the server said about its postmaster.

    A domain that a server takes mail for has a postmaster there (RFC 5321 4.5.1): who accepts that one serves the
    domain, whatever the refusal meant; who refuses it as foreign does not.
    """
    found = judge(answer.outcome)
    if answer.postmaster is None or not leaves_open(answer.outcome) or not is_refusal_or_grant(answer.postmaster):
        return found
    return found._replace(standing=judge(answer.postmaster).standing)


def leaves_open(outcome: Outcome) -> bool:
    """Whether it is a refusal at RCPT that does not tell whether the domain's mail is taken."""
    return (
        is_refusal_or_grant(outcome)
        and outcome.reply is not None
        and judged(Stage.RCPT, outcome.reply).standing is Standing.UNDECIDED
    )


def is_refusal_or_grant(outcome: Outcome) -> bool:
    """Whether a reply to RCPT decided; a 421 is about the session."""
    reply = outcome.reply
    decided = outcome.stage is Stage.RCPT and outcome.trouble is None and outcome.again is None
    return decided and reply is not None and reply.code != 421


def judge(outcome: Outcome) -> Judgement:
    """What an outcome means: by its reply, or by how no reply came."""
    reply = outcome.reply
    if outcome.trouble is None and reply is not None:
        return judged(outcome.stage, reply)
    if outcome.trouble is ProbeVerdict.PROTOCOL_ERROR:
        return judge_protocol_error(None if reply is None else reply.code)
    if outcome.trouble is ProbeVerdict.TLS_UNAVAILABLE and reply is not None:
        return Judgement(
            ProbeVerdict.TLS_UNAVAILABLE,
            Standing.UNDECIDED,
            About.SERVER,
            reply.code // 100 == 4,
            Confidence.HIGH,
            "starttls.refused",
        )
    return judge_transport(outcome.trouble or ProbeVerdict.LOCAL_ERROR)


def judged(stage: Stage, reply: Reply) -> Judgement:
    """A reply's meaning; what is positive needs no text."""
    if reply.code < 400:
        return judge_reply(stage, reply.code, None, "")
    return judge_reply(stage, reply.code, enhanced_of(reply), text_of(reply))


def demands_tls(stage: Stage, reply: Reply) -> bool:
    """Whether a refusal means "STARTTLS first" (RFC 3207 4: 530; others in their own words)."""
    return judged(stage, reply).verdict is ProbeVerdict.TLS_REQUIRED
