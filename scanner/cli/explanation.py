"""A reply explained to people: what it is read as, what it means, whose matter it is, what each side does next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scanner.cli.narration import COLOUR, steps
from scanner.judge.advice import explain_probe
from scanner.quotations.judgement import judge_quoted
from scanner.terms import Confidence, ProbeVerdict, Standing

if TYPE_CHECKING:
    from scanner.cli.screen import Screen
    from scanner.judge.advice import Advice
    from scanner.quotations.quoted import Quoted
    from scanner.terms import Judgement

INDENT = "    "
REMEMBERED = 1000
"""Advice that was given in full; of more kinds than these no text consists."""
CONFIDENCE = {
    Confidence.HIGH: "high: sure, the reply's words or a registered code say it",
    Confidence.LOW: "low: a guess, the likeliest reading of a reply that does not say it",
}
UNREPLIED = "high: sure, it is how the attempt ended"
STANDING = {
    Standing.SERVES: "serves: this host takes mail for the domain",
    Standing.BROKEN: "broken: this host does not take mail for the domain",
    Standing.UNDECIDED: "undecided: it does not say whether this host takes mail for the domain",
}


class Explainer:
    """Explains one reply after the other; advice that was given in full is not repeated.

    Args:
        screen: where it is told.

    Attributes:
        number: how many were explained.
    """

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.given: dict[Advice, int] = {}
        self.number = 0

    def explain(self, quoted: Quoted) -> None:
        """One reply, which is safe to show."""
        self.number += 1
        judgement = judge_quoted(quoted)
        if self.number > 1:
            self.screen.line("")
        for text in said(quoted):
            self.screen.line(text)
        verdict = click.style(judgement.verdict, fg=COLOUR[judgement.standing], bold=True)
        self.screen.line(f"=> {verdict}{lasting(judgement, quoted)}")
        sure = UNREPLIED if quoted.trouble is not None else CONFIDENCE[judgement.confidence]
        self.row("Confidence", f"{sure} (rule {judgement.rule})")
        self.row("The domain", STANDING[judgement.standing])
        self.row("Read as", read_as(quoted))
        self.advise(advice_of(judgement, quoted))

    def row(self, name: str, text: str) -> None:
        """A fact with its name before it."""
        self.screen.paragraph(f"{name}: {text}", indent=INDENT)

    def advise(self, advice: Advice) -> None:
        """Meaning and next steps, once for each."""
        if (before := self.given.get(advice)) is not None:
            self.screen.line(f"{INDENT}Meaning and next steps: as of reply {before} above.")
            return
        if len(self.given) < REMEMBERED:
            self.given[advice] = self.number
        for text in paragraphs(advice):
            self.screen.paragraph(text, indent=INDENT)


def advice_of(judgement: Judgement, quoted: Quoted) -> Advice:
    """The judge's text for a verdict."""
    return explain_probe(
        judgement.verdict,
        stage=quoted.stage,
        transient=judgement.transient,
        confidence=judgement.confidence,
        rule=judgement.rule,
        standing=judgement.standing,
        code=quoted.code,
        text=quoted.text,
        sender=quoted.sender,
        recipient=quoted.recipient,
    )


def paragraphs(advice: Advice) -> list[str]:
    """What it means, whose matter it is, and what each side does."""
    return [advice.meaning, f"Whose matter: {advice.whose}", *steps(advice)]


def said(quoted: Quoted) -> list[str]:
    """The reply as a session would show it, or the words of a failure."""
    lines = quoted.text.split("\n")
    if quoted.code is None:
        shown = [f"({lines[0]})" if quoted.trouble is not None else lines[0], *lines[1:]]
        if quoted.enhanced and not lines[0].startswith(quoted.enhanced):
            shown[0] = f"{quoted.enhanced} {shown[0]}".rstrip()
        return shown
    return [f"{quoted.code}{'-' if number < len(lines) else ' '}{line}" for number, line in enumerate(lines, 1)]


def lasting(judgement: Judgement, quoted: Quoted) -> str:
    """Whether it may differ later, and the stage where it is known."""
    at = "" if quoted.stage is None else f" at {quoted.stage}"
    unknown = quoted.code is None and quoted.trouble is None and quoted.enhanced is None and quoted.transient is None
    if unknown or judgement.verdict in {ProbeVerdict.ACCEPTED, ProbeVerdict.UNCLASSIFIED}:
        return at
    return f"{at}, {'temporary: may differ later' if judgement.transient else 'permanent'}"


def read_as(quoted: Quoted) -> str:
    """What the quotation tells beside the reply."""
    code = "no reply" if quoted.trouble is not None else f"code {quoted.code}" if quoted.code is not None else "no code"
    known = {
        "enhanced": quoted.enhanced,
        "stage": quoted.stage,
        "recipient": quoted.recipient,
        "host": quoted.host,
        "sender": quoted.sender,
    }
    return ", ".join([code, *(f"{name} {value}" for name, value in known.items() if value)])
