"""What a rule is: one claim about what a server family or a standard means by a text or a code, with its source."""

from __future__ import annotations

import re
from typing import NamedTuple

from scanner.terms import Confidence, ProbeVerdict, Stage

ANY_STAGE: frozenset[Stage | None] = frozenset({None, *Stage})
HELD_BACK: frozenset[Stage | None] = frozenset({None, Stage.RCPT, Stage.DATA, Stage.MESSAGE})
"""Where a first-contact deferral is said: late, since it needs the recipient (RFC 6647 section 2.3)."""


class Refusal(NamedTuple):
    """A 4xx or 5xx as rules see it. `code`: three digits; `words` and `links` cleaned; `detail`: (subject, detail)."""

    stage: Stage | None
    code: str
    detail: tuple[int, int] | None
    words: str
    links: str


class Rule(NamedTuple):
    """Evidence and what it means.

    `pattern` is searched in the cleaned words, or in the links where `in_links`; `codes` are prefixes of the basic code
    (empty: any), `detail` an enhanced code that must stand beside it; `stages` holds None for one that is not known.
    `source` names who says so.
    """

    name: str
    verdict: ProbeVerdict
    pattern: re.Pattern[str]
    source: str
    confidence: Confidence = Confidence.HIGH
    codes: tuple[str, ...] = ()
    stages: frozenset[Stage | None] = ANY_STAGE
    in_links: bool = False
    detail: tuple[int, int] | None = None

    def holds(self, seen: Refusal) -> bool:
        """Whether the rule speaks about this refusal."""
        return (
            seen.stage in self.stages
            and (not self.codes or seen.code.startswith(self.codes))
            and (self.detail is None or self.detail == seen.detail)
            and self.pattern.search(seen.links if self.in_links else seen.words) is not None
        )


def phrase(  # noqa: PLR0913 - a rule's fields, nearly all with a default
    name: str,
    verdict: ProbeVerdict,
    source: str,
    *patterns: str,
    low: bool = False,
    codes: tuple[str, ...] = (),
    stages: frozenset[Stage | None] = ANY_STAGE,
    in_links: bool = False,
    detail: tuple[int, int] | None = None,
) -> Rule:
    """A rule on text: any of the patterns holds. They meet lower case with single blanks, `email` for `e-mail`."""
    confidence = Confidence.LOW if low else Confidence.HIGH
    return Rule(name, verdict, re.compile("|".join(patterns)), source, confidence, codes, stages, in_links, detail)
