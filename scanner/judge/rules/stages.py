"""The last resort: what a basic code means at a stage where neither text nor enhanced code told (RFC 5321 4.2, 4.3)."""

from __future__ import annotations

from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage

ANYWHERE: dict[int, V] = {
    421: V.SERVICE_UNAVAILABLE,
    455: V.PROTOCOL_ERROR,
    500: V.PROTOCOL_ERROR,
    501: V.PROTOCOL_ERROR,
    502: V.PROTOCOL_ERROR,
    503: V.PROTOCOL_ERROR,
    504: V.PROTOCOL_ERROR,
    521: V.NOT_ACCEPTING,
    523: V.TLS_REQUIRED,
    525: V.MAILBOX_DISABLED,
    530: V.AUTH_REQUIRED,
    534: V.AUTH_REQUIRED,
    535: V.AUTH_REQUIRED,
    538: V.TLS_REQUIRED,
    555: V.PROTOCOL_ERROR,
    556: V.NOT_ACCEPTING,
}
AT_RCPT: dict[int, V] = {
    550: V.USER_UNKNOWN,
    551: V.MAILBOX_DISABLED,
    552: V.MAILBOX_FULL,
    553: V.USER_UNKNOWN,
}
REFUSED_AT: dict[Stage | None, V] = {
    Stage.CONNECT: V.CLIENT_BLOCKED,
    Stage.BANNER: V.CLIENT_BLOCKED,
    Stage.HELO: V.HELO_REJECTED,
    Stage.STARTTLS: V.TLS_UNAVAILABLE,
    Stage.MAIL: V.SENDER_REJECTED,
    Stage.RCPT: V.POLICY_REJECTED,
    Stage.DATA: V.CONTENT_REJECTED,
    Stage.MESSAGE: V.CONTENT_REJECTED,
    None: V.POLICY_REJECTED,
}


def by_stage(stage: Stage | None, code: int) -> V:
    """A verdict from code and stage alone. An unknown stage is read as RCPT, where most refusals are said."""
    if stage is Stage.STARTTLS and (code >= 500 or code == 454):
        return V.TLS_UNAVAILABLE
    if code in ANYWHERE:
        return ANYWHERE[code]
    if code < 500:
        return V.SERVICE_UNAVAILABLE
    if stage in {Stage.RCPT, None} and code in AT_RCPT:
        return AT_RCPT[code]
    return REFUSED_AT.get(stage, V.UNCLASSIFIED)
