"""What a quoted reply means, also where the quotation shows no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.judge.reason import judge_reply, judge_transport, judgement
from scanner.judge.standing import about
from scanner.terms import Confidence, Judgement, ProbeVerdict, Stage, Standing

if TYPE_CHECKING:
    from scanner.quotations.quoted import Quoted

UNKNOWN_RULE = "quoted.no-code"
GUESSED_BY_CODE = "stage."
"""How the rules are called that go by nothing but code and stage."""


def judge_quoted(quoted: Quoted) -> Judgement:
    """What it means."""
    if quoted.trouble is not None:
        return judge_trouble(quoted.trouble)
    if quoted.code is not None:
        return judge_reply(quoted.stage, quoted.code, quoted.enhanced, quoted.text)
    return judge_words(quoted)


def judge_trouble(trouble: ProbeVerdict) -> Judgement:
    """What it means that no reply decided."""
    if trouble is not ProbeVerdict.TLS_UNAVAILABLE:
        return judge_transport(trouble)
    # Not offered, to a sender that insists on it.
    found = judgement(trouble, Stage.STARTTLS, None, Confidence.HIGH, "transport.tls_unavailable")
    return found._replace(transient=True)


def judge_words(quoted: Quoted) -> Judgement:
    """A reply that is quoted without its code.

    The text and the enhanced code decide, whose class stands for the code's (RFC 3463 section 2). What the code alone
    would have decided is not known: `unclassified`.
    """
    said = {True: "4", False: "5", None: ""}[quoted.transient]
    klass = quoted.enhanced[:1] if quoted.enhanced else said
    if klass == "2":
        return judge_reply(quoted.stage, 250, quoted.enhanced, quoted.text)
    if klass in {"4", "5"}:
        return without_code(quoted, int(klass) * 100 + 50)
    lasting, passing = without_code(quoted, 550), without_code(quoted, 450)
    if lasting.verdict is passing.verdict and lasting.standing is passing.standing:
        return lasting
    # It weighs differently for now and for good, and nobody knows which it was.
    return lasting._replace(standing=Standing.UNDECIDED, confidence=Confidence.LOW)


def without_code(quoted: Quoted, assumed: int) -> Judgement:
    """The judgement by text and enhanced code, with a code of the right class in the place of the missing one."""
    found = judge_reply(quoted.stage, assumed, quoted.enhanced, quoted.text)
    if not found.rule.startswith(GUESSED_BY_CODE):
        return found
    verdict = ProbeVerdict.UNCLASSIFIED
    return found._replace(
        verdict=verdict,
        standing=Standing.UNDECIDED,
        about=about(verdict, quoted.stage),
        confidence=Confidence.LOW,
        rule=UNKNOWN_RULE,
    )
