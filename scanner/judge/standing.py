"""Whose matter a verdict is and what it means for the domain at this host: two tables and their exceptions."""

from __future__ import annotations

from scanner.terms import About, Confidence, Stage, Standing
from scanner.terms import ProbeVerdict as V

NO_REPLY = frozenset(
    {
        V.REFUSED,
        V.CONNECT_TIMEOUT,
        V.UNREACHABLE,
        V.REPLY_TIMEOUT,
        V.DISCONNECTED,
        V.NOT_SMTP,
        V.TLS_FAILED,
        V.NO_ADDRESS,
        V.ADDRESS_FORBIDDEN,
        V.EXCLUDED,
        V.DNS_FAILED,
        V.GIVEN_UP,
        V.LOCAL_ERROR,
    }
)
"""Verdicts that no reply decides."""

ABOUT: dict[V, About] = {
    V.ACCEPTED: About.NONE,
    **dict.fromkeys((V.USER_UNKNOWN, V.MAILBOX_DISABLED, V.MAILBOX_FULL, V.RECIPIENT_RESTRICTED), About.RECIPIENT),
    **dict.fromkeys((V.RELAY_DENIED, V.NOT_ACCEPTING, V.ROUTING_ERROR), About.DOMAIN),
    **dict.fromkeys((V.NO_ADDRESS, V.ADDRESS_FORBIDDEN), About.DOMAIN),
    **dict.fromkeys(
        (
            V.GREYLISTED,
            V.RATE_LIMITED,
            V.CLIENT_BLOCKED,
            V.PTR_REQUIRED,
            V.HELO_REJECTED,
            V.SENDER_REJECTED,
            V.SENDER_AUTH_FAILED,
            V.TLS_REQUIRED,
            V.POLICY_REJECTED,
            V.AUTH_REQUIRED,
            V.CONTENT_REJECTED,
            V.EXCLUDED,
            V.LOCAL_ERROR,
        ),
        About.US,
    ),
    **dict.fromkeys(
        (
            V.SERVICE_UNAVAILABLE,
            V.PROTOCOL_ERROR,
            V.TLS_UNAVAILABLE,
            V.UNCLASSIFIED,
            V.REFUSED,
            V.CONNECT_TIMEOUT,
            V.UNREACHABLE,
            V.REPLY_TIMEOUT,
            V.DISCONNECTED,
            V.NOT_SMTP,
            V.TLS_FAILED,
            V.DNS_FAILED,
            V.GIVEN_UP,
        ),
        About.SERVER,
    ),
}
BROKEN_WHATEVER_THE_CODE = frozenset(
    {
        V.RELAY_DENIED,
        V.NOT_ACCEPTING,
        V.REFUSED,
        V.CONNECT_TIMEOUT,
        V.UNREACHABLE,
        V.REPLY_TIMEOUT,
        V.DISCONNECTED,
        V.NOT_SMTP,
        V.TLS_FAILED,
        V.NO_ADDRESS,
        V.ADDRESS_FORBIDDEN,
    }
)
BROKEN_UNLESS_4XX = frozenset({V.ROUTING_ERROR, V.SERVICE_UNAVAILABLE, V.PROTOCOL_ERROR})
AFTER_RCPT = frozenset({Stage.DATA, Stage.MESSAGE})
GUESSING_STAGES = frozenset({Stage.MAIL, Stage.RCPT, None})
"""Where a refusal that rests on code and stage alone says nothing; an unknown stage may be one of them."""


def about(verdict: V, stage: Stage | None) -> About:
    """Whose matter it is. AUTH asked for at RCPT is what some servers say instead of `relay denied`: the domain's."""
    if verdict is V.AUTH_REQUIRED and stage is Stage.RCPT:
        return About.DOMAIN
    return ABOUT[verdict]


def standing(verdict: V, stage: Stage | None, code: int | None, confidence: Confidence) -> Standing:
    """What it means for the domain at this host. `code` is the basic code, None where there was no reply."""
    if verdict is V.ACCEPTED:
        return Standing.SERVES
    if confidence is Confidence.LOW and stage in GUESSING_STAGES:
        return Standing.UNDECIDED
    if ABOUT[verdict] is About.RECIPIENT or (verdict is V.CONTENT_REJECTED and stage in AFTER_RCPT):
        return Standing.SERVES
    four = code is not None and 400 <= code < 500
    if (
        verdict in BROKEN_WHATEVER_THE_CODE
        or (verdict in BROKEN_UNLESS_4XX and not four)
        or (verdict is V.AUTH_REQUIRED and stage is Stage.RCPT)
    ):
        return Standing.BROKEN
    return Standing.UNDECIDED
