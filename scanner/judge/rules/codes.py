"""Enhanced status codes by subject and detail, whatever their class (RFC 3463, the IANA registry, Microsoft's own).

Vendors collide with the registry (Google 4.7.23 is PTR, 4.7.27 SPF, 4.7.29 TLS, 4.7.30 DKIM), so texts come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.terms import Confidence, Stage
from scanner.terms import ProbeVerdict as V

if TYPE_CHECKING:
    from scanner.judge.cleaning import Detail


class CodeRule(NamedTuple):
    """An enhanced code's meaning. `low`: the code is so widely used that it says little."""

    verdict: V
    source: str
    confidence: Confidence = Confidence.HIGH


HIGH, LOW = Confidence.HIGH, Confidence.LOW

SPECIFIC: dict[tuple[int, int], CodeRule] = {
    (1, 10): CodeRule(V.NOT_ACCEPTING, "RFC 7505: recipient address has null MX"),
    (2, 2): CodeRule(V.MAILBOX_FULL, "RFC 3463: mailbox full"),
    (2, 3): CodeRule(V.CONTENT_REJECTED, "RFC 3463: message length exceeds administrative limit"),
    (3, 4): CodeRule(V.CONTENT_REJECTED, "RFC 3463: message too big for system"),
    (4, 6): CodeRule(V.ROUTING_ERROR, "RFC 3463: routing loop detected"),
    (5, 3): CodeRule(V.RATE_LIMITED, "RFC 3463: too many recipients"),
    (6, 7): CodeRule(V.PROTOCOL_ERROR, "RFC 6531: non-ASCII addresses not permitted"),
    (6, 8): CodeRule(V.PROTOCOL_ERROR, "RFC 6531: UTF-8 string reply required but not permitted"),
    (6, 9): CodeRule(V.PROTOCOL_ERROR, "RFC 6531: UTF-8 header message cannot be transferred"),
    (7, 8): CodeRule(V.AUTH_REQUIRED, "RFC 4954: authentication credentials invalid"),
    (7, 10): CodeRule(V.TLS_REQUIRED, "RFC 5248: encryption needed"),
    (7, 11): CodeRule(V.TLS_REQUIRED, "RFC 4954: encryption required for the mechanism"),
    (7, 20): CodeRule(V.SENDER_AUTH_FAILED, "RFC 7372: no passing DKIM signature"),
    (7, 21): CodeRule(V.SENDER_AUTH_FAILED, "RFC 7372: no acceptable DKIM signature"),
    (7, 22): CodeRule(V.SENDER_AUTH_FAILED, "RFC 7372: no valid author-matched DKIM signature"),
    (7, 23): CodeRule(V.SENDER_AUTH_FAILED, "RFC 7372: SPF validation failed"),
    (7, 24): CodeRule(V.SENDER_AUTH_FAILED, "RFC 7372: SPF validation error"),
    (7, 25): CodeRule(V.PTR_REQUIRED, "RFC 7372: reverse DNS validation failed"),
    (7, 26): CodeRule(V.SENDER_AUTH_FAILED, "RFC 7372: multiple authentication checks failed"),
    (7, 27): CodeRule(V.SENDER_REJECTED, "RFC 7505: sender address has null MX"),
    (7, 28): CodeRule(V.RATE_LIMITED, "registry: mail flood detected; Gmail"),
    (7, 29): CodeRule(V.SENDER_AUTH_FAILED, "RFC 8617: ARC validation failure"),
    (7, 30): CodeRule(V.TLS_REQUIRED, "RFC 8689: REQUIRETLS support required"),
    (7, 32): CodeRule(V.SENDER_AUTH_FAILED, "Google: From: not aligned with SPF or DKIM"),
    (7, 38): CodeRule(V.RATE_LIMITED, "KumoMTA files mail flood here"),
    (7, 51): CodeRule(V.POLICY_REJECTED, "Microsoft 365: tenant restricted to its connectors"),
    (7, 54): CodeRule(V.RELAY_DENIED, "Exchange: recipient in a non-accepted domain"),
    (7, 57): CodeRule(V.AUTH_REQUIRED, "Exchange: client was not authenticated"),
    (7, 60): CodeRule(V.SENDER_REJECTED, "Exchange: no permission to send as this sender"),
    (7, 64): CodeRule(V.RELAY_DENIED, "Microsoft 365: TenantAttribution"),
    (7, 124): CodeRule(V.RECIPIENT_RESTRICTED, "Exchange: sender not in allowed-senders list"),
    (7, 133): CodeRule(V.RECIPIENT_RESTRICTED, "Exchange: group takes authenticated senders only"),
    (7, 134): CodeRule(V.RECIPIENT_RESTRICTED, "Exchange: mailbox takes authenticated senders only"),
    (7, 135): CodeRule(V.RECIPIENT_RESTRICTED, "Exchange: public folder takes authenticated senders only"),
    (7, 136): CodeRule(V.RECIPIENT_RESTRICTED, "Exchange: mail user takes authenticated senders only"),
    (7, 505): CodeRule(V.RECIPIENT_RESTRICTED, "Microsoft 365: banned recipient"),
    (7, 509): CodeRule(V.SENDER_AUTH_FAILED, "Microsoft 365: DMARC policy of reject"),
    (7, 510): CodeRule(V.POLICY_REJECTED, "Microsoft 365: domain does not accept mail over IPv6"),
    (7, 512): CodeRule(V.CONTENT_REJECTED, "Microsoft 365: message must be RFC 5322 compliant"),
    (7, 515): CodeRule(V.SENDER_AUTH_FAILED, "Outlook.com: required authentication level"),
    (7, 703): CodeRule(V.RATE_LIMITED, "Microsoft 365: tenant exceeded its threshold"),
    (7, 705): CodeRule(V.RATE_LIMITED, "Microsoft 365: tenant exceeded its threshold"),
    (7, 708): CodeRule(V.CLIENT_BLOCKED, "Microsoft 365: traffic not accepted from this IP"),
    (7, 750): CodeRule(V.SENDER_REJECTED, "Microsoft 365: client blocked from unregistered domains"),
}
"""Codes that name one reason: they decide before loose phrases do."""

MICROSOFT_CLIENT = CodeRule(
    V.CLIENT_BLOCKED, "Microsoft 365: 5.7.5xx, .606-649, .7xx and .850 are lists of senders' hosts"
)

GENERIC: dict[tuple[int, int], CodeRule] = {
    (1, 0): CodeRule(V.USER_UNKNOWN, "RFC 3463: other address status; Cisco `#5.1.0 Address rejected`"),
    (1, 1): CodeRule(V.USER_UNKNOWN, "RFC 3463: bad destination mailbox address"),
    (1, 2): CodeRule(V.ROUTING_ERROR, "RFC 3463: bad destination system address"),
    (1, 3): CodeRule(V.PROTOCOL_ERROR, "RFC 3463: bad destination mailbox address syntax"),
    (1, 4): CodeRule(V.USER_UNKNOWN, "RFC 3463: destination mailbox address ambiguous"),
    (1, 6): CodeRule(V.MAILBOX_DISABLED, "RFC 3463: destination mailbox has moved"),
    (1, 7): CodeRule(V.SENDER_REJECTED, "RFC 3463: bad sender's mailbox address syntax"),
    (1, 8): CodeRule(V.SENDER_REJECTED, "RFC 3463: bad sender's system address"),
    (2, 0): CodeRule(V.MAILBOX_DISABLED, "RFC 3463: other mailbox status", LOW),
    (2, 1): CodeRule(V.MAILBOX_DISABLED, "RFC 3463: mailbox disabled, not accepting messages"),
    (2, 4): CodeRule(V.RECIPIENT_RESTRICTED, "RFC 3463: mailing list expansion problem", LOW),
    (3, 3): CodeRule(V.PROTOCOL_ERROR, "RFC 3463: system not capable of selected features"),
    (4, 5): CodeRule(V.RATE_LIMITED, "RFC 3463: mail system congestion"),
    (5, 6): CodeRule(V.PROTOCOL_ERROR, "RFC 4954: authentication exchange line is too long"),
    (7, 2): CodeRule(V.RECIPIENT_RESTRICTED, "RFC 3463: mailing list expansion prohibited"),
    (7, 9): CodeRule(V.AUTH_REQUIRED, "RFC 4954: authentication mechanism is too weak"),
    (7, 12): CodeRule(V.RECIPIENT_RESTRICTED, "Exchange: sender not authenticated for the recipient"),
    (7, 13): CodeRule(V.MAILBOX_DISABLED, "RFC 5248: user account disabled"),
    (7, 17): CodeRule(V.MAILBOX_DISABLED, "RFC 7293: mailbox owner has changed"),
    (7, 18): CodeRule(V.MAILBOX_DISABLED, "RFC 7293: domain owner has changed"),
}
SUBJECTS: dict[int, CodeRule] = {
    3: CodeRule(V.SERVICE_UNAVAILABLE, "RFC 3463: mail system status"),
    4: CodeRule(V.ROUTING_ERROR, "RFC 3463: network and routing status"),
    5: CodeRule(V.PROTOCOL_ERROR, "RFC 3463: mail delivery protocol status"),
    6: CodeRule(V.CONTENT_REJECTED, "RFC 3463: message content or media status"),
    7: CodeRule(V.POLICY_REJECTED, "RFC 3463: security or policy status; X.7.1 alone is no reason", LOW),
}


def specific(detail: Detail) -> CodeRule | None:
    """The rule of a code that names one reason."""
    if found := SPECIFIC.get(detail):
        return found
    if detail.subject == 7 and (500 <= detail.detail <= 599 or 606 <= detail.detail <= 649 or detail.detail == 850):
        return MICROSOFT_CLIENT
    return None


def generic(detail: Detail, stage: Stage | None, code: int) -> CodeRule | None:
    """The rule of a code that names a field of reasons; stage and basic code tell whom it is about."""
    if detail.subject == 1 and detail.detail <= 2 and stage is Stage.MAIL:
        return CodeRule(V.SENDER_REJECTED, "the only address said so far is the sender's")
    if detail.subject == 7 and stage in {Stage.CONNECT, Stage.BANNER}:
        return CodeRule(V.CLIENT_BLOCKED, "before EHLO a policy can only look at the address", LOW)
    if detail in {(4, 1), (4, 2)} and code < 500:
        return CodeRule(V.SERVICE_UNAVAILABLE, "RFC 3463: no answer from host, bad connection: for now")
    if detail == (3, 2) and code >= 500:
        return CodeRule(V.NOT_ACCEPTING, "RFC 3463: system not accepting network messages")
    if detail == (2, 0) and code in {450, 451}:
        return CodeRule(V.GREYLISTED, "RFC 6647 section 2: 4.2.0, as postgrey says it", LOW)
    return GENERIC.get(detail) or SUBJECTS.get(detail.subject)
