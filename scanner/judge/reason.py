"""What one outcome means: a reply and its stage, or the way in which no reply came; out: verdict, standing and rule.

Pure functions. A 2xx or 3xx touches no rule; a refusal is cleaned of what it echoes and then looked up among those
seen, so that a host which says the same to ten thousand recipients is judged once.
"""

from __future__ import annotations

from functools import lru_cache

from scanner.judge.cleaning import Detail, clean, subject_detail
from scanner.judge.rules import STRONG, WEAK, Refusal, Rule
from scanner.judge.rules.codes import CodeRule, generic, specific
from scanner.judge.rules.stages import by_stage
from scanner.judge.standing import NO_REPLY, about, standing
from scanner.terms import About, Confidence, Judgement, ProbeVerdict, Stage, Standing

REMEMBERED_REFUSALS = 4096
"""Distinct refusals kept, cleaned; some 1 MB. A sweep of one provider's hosts sees a few dozen."""

ACCEPTED = Judgement(ProbeVerdict.ACCEPTED, Standing.SERVES, About.NONE, False, Confidence.HIGH, "accepted")

NULL_MX = (1, 10)
LASTING = frozenset(
    {
        ProbeVerdict.NOT_SMTP,
        ProbeVerdict.TLS_FAILED,
        ProbeVerdict.NO_ADDRESS,
        ProbeVerdict.ADDRESS_FORBIDDEN,
        ProbeVerdict.EXCLUDED,
    }
)
"""Outcomes without a reply that asking again does not change."""


def judge_reply(stage: Stage | None, code: int, enhanced: str | None, text: str) -> Judgement:
    """What a server's reply means.

    Args:
        stage: of the command that it answers; None where it is not known (a log, a bounce).
        code: the basic code; outside 200-599 it is `unclassified`.
        enhanced: the enhanced code as parsed (RFC 2034), or None; then it is looked for where one may stand.
        text: its lines joined by line feeds, without codes and separators, enhanced codes left in or not.
    """
    if 200 <= code < 400:
        return ACCEPTED
    if not 400 <= code < 600:
        return judgement(ProbeVerdict.UNCLASSIFIED, stage, code, Confidence.LOW, "code.outside-200-599")
    cleaned = clean(text)
    return judge_cleaned(stage, code, subject_detail(enhanced, text), cleaned.words, cleaned.links)


def judge_transport(verdict: ProbeVerdict) -> Judgement:
    """What it means that no reply decided.

    Raises:
        ValueError: the verdict is one that only a reply can give.
    """
    if verdict is ProbeVerdict.PROTOCOL_ERROR:
        return judge_protocol_error(None)
    if verdict not in NO_REPLY:
        raise ValueError(f"{verdict} is decided by a reply")
    rule = f"transport.{verdict}"
    return judgement(verdict, None, None, Confidence.HIGH, rule)._replace(transient=verdict not in LASTING)


def judge_protocol_error(code: int | None) -> Judgement:
    """What it means that the dialogue itself broke: mixed codes in a reply (RFC 5321 4.2.1), bytes before a handshake.

    `code`: of the last line, None where there was none.
    """
    found = judgement(ProbeVerdict.PROTOCOL_ERROR, None, code, Confidence.HIGH, "transport.protocol_error")
    return found if code is not None else found._replace(transient=True)


@lru_cache(maxsize=REMEMBERED_REFUSALS)
def judge_cleaned(stage: Stage | None, code: int, detail: Detail | None, words: str, links: str) -> Judgement:
    """A refusal's verdict, in the order: strong phrase, specific code, loose phrase, generic code, code and stage."""
    seen = Refusal(stage, str(code), detail, words, links)
    if rule := first_that_holds(STRONG, seen):
        return judgement(rule.verdict, stage, code, rule.confidence, rule.name)
    loose = first_that_holds(WEAK, seen)
    named = deciding_code(detail, seen, code, loose)
    if named and detail:
        return judgement(named.verdict, stage, code, named.confidence, enhanced_name(detail))
    if loose:
        return judgement(loose.verdict, stage, code, loose.confidence, loose.name)
    return judgement(by_stage(stage, code), stage, code, Confidence.LOW, f"stage.{stage or 'unknown'}.{code}")


def deciding_code(detail: Detail | None, seen: Refusal, code: int, loose: Rule | None) -> CodeRule | None:
    """The enhanced code's rule where it outranks the loose phrase, if any; None where phrase or stage decides."""
    if detail is None:
        return None
    named, broad = specific(detail), generic(detail, seen.stage, code)
    if loose is None:
        return named or broad
    unknown = loose.verdict is ProbeVerdict.USER_UNKNOWN
    if named:
        # Exchange says `recipient not found` on 5.1.10, which RFC 7505 gave to the null MX.
        return None if unknown and detail == NULL_MX else named
    # 5.1.7 beside `Invalid address` says whose; beside `no mailbox here by that name` it is a mistake.
    says_who = unknown and broad is not None and broad.verdict is ProbeVerdict.SENDER_REJECTED
    says_who = says_who and "address" in seen.words
    bare = loose.confidence is Confidence.LOW and loose.verdict is ProbeVerdict.POLICY_REJECTED  # `Rejected` says less
    return broad if says_who or bare else None


def first_that_holds(rules: tuple[Rule, ...], seen: Refusal) -> Rule | None:
    """The first rule that speaks about the refusal."""
    return next((rule for rule in rules if rule.holds(seen)), None)


def enhanced_name(detail: Detail) -> str:
    """The name of an enhanced code's rule: its class left open, as the judgement leaves it."""
    return f"enhanced.X.{detail.subject}.{detail.detail}"


def judgement(
    verdict: ProbeVerdict, stage: Stage | None, code: int | None, confidence: Confidence, rule: str
) -> Judgement:
    """A verdict with what follows from it. `transient` follows the basic code's first digit, never the reason."""
    transient = code is not None and 400 <= code < 500
    return Judgement(
        verdict, standing(verdict, stage, code, confidence), about(verdict, stage), transient, confidence, rule
    )
