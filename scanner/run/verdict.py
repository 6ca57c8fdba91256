"""From the dialogue's outcome to the judge's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.judge.reason import judge_protocol_error, judge_reply, judge_transport
from scanner.smtp.reply import Reply, enhanced_of, text_of
from scanner.terms import About, Confidence, Judgement, ProbeVerdict, Stage, Standing

if TYPE_CHECKING:
    from scanner.smtp.outcome import Outcome


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
