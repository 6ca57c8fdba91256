"""docs/verdicts.md from the tables that decide and the texts that explain; `make docs` writes it, a test holds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scanner.judge.advice import CASES, LISTED_AS, explain_domain, explain_probe
from scanner.judge.reason import judge_reply
from scanner.judge.standing import NO_REPLY, standing
from scanner.records.tally import DEFAULT_FINDINGS
from scanner.terms import Confidence, DomainVerdict, ProbeVerdict, Stage, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.judge.advice import Case

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/verdicts.md"
SAMPLES = ROOT / "tests/judge/samples.jsonl"
REPLIES_SHOWN = 5
TEXT_AT_MOST = 110

HEAD = """\
# What the verdicts mean

*Written by `make docs` from the tables that decide and the texts that explain; do not edit it here.*

A **probe's verdict** is the cause: what one server said to one question, or how it came that it said nothing. Its
`standing` is what that means for the domain at this host: it `serves` it, is `broken` for it, or leaves it `undecided`.
A refusal that rests on its code alone (`confidence: low`) is undecided at MAIL and RCPT whatever its verdict: no
finding rests on a guess.

A **domain's verdict** is made of its probes' standings. Findings make exit code 1.

`mxsweep explain 'REPLY'` says which of them a reply is, and why.
"""


class Sample(NamedTuple):
    """A reply that a server family is known to give."""

    code: int
    text: str
    rule: str
    confidence: Confidence


def samples() -> dict[ProbeVerdict, list[Sample]]:
    """Typical replies by the verdict that they get: one a rule, the sure ones first."""
    found: dict[ProbeVerdict, dict[str, Sample]] = {}
    for line in SAMPLES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        stage = Stage(row["stage"]) if row.get("stage") else None
        judged = judge_reply(stage, row["code"], row.get("enhanced"), row["text"])
        if judged.verdict != row["reason"] or len(row["text"]) > TEXT_AT_MOST:
            continue
        sample = Sample(row["code"], " / ".join(row["text"].split("\n")), judged.rule, judged.confidence)
        found.setdefault(judged.verdict, {}).setdefault(judged.rule, sample)
    return {
        verdict: sorted(by_rule.values(), key=lambda sample: sample.confidence is Confidence.LOW)[:REPLIES_SHOWN]
        for verdict, by_rule in found.items()
    }


def standings(verdict: ProbeVerdict) -> str:
    """What it means for the domain, at RCPT, by the reply's class where that matters."""
    if verdict in NO_REPLY or verdict is ProbeVerdict.ACCEPTED:
        return f"`{standing(verdict, Stage.CONNECT, None, Confidence.HIGH)}`"
    permanent, temporary = (standing(verdict, Stage.RCPT, code, Confidence.HIGH) for code in (550, 450))
    words = f"`{permanent}`" if permanent is temporary else f"5xx `{permanent}`, 4xx `{temporary}`"
    elsewhere = standing(verdict, Stage.MAIL, 550, Confidence.HIGH)
    if elsewhere is not permanent:
        words = f"at RCPT {words}, before it `{elsewhere}`"
    if verdict is ProbeVerdict.CONTENT_REJECTED:
        words += f"; after an accepted RCPT `{Standing.SERVES}`"
    return words


def of_probes() -> Iterator[str]:
    """A section for each."""
    typical = samples()
    yield "\n## Probes\n"
    for verdict in ProbeVerdict:
        advice = explain_probe(verdict)
        yield f"### `{verdict}`\n"
        yield f"{advice.meaning}\n"
        yield f"- **For the domain**: {standings(verdict)}"
        yield f"- **Whose matter**: {advice.whose}"
        yield f"- **Sender**: {advice.sender}"
        yield f"- **Receiver**: {advice.receiver}"
        if replies := typical.get(verdict):
            yield "- **Typical replies**:"
        for sample in replies or ():
            guess = ", a guess" if sample.confidence is Confidence.LOW else ""
            yield f"    - `{sample.code} {sample.text}` ({sample.rule}{guess})"
        yield ""
        for case in CASES:
            if case.verdict is verdict:
                yield from of_case(case)


def of_case(case: Case) -> Iterator[str]:
    """A case under its verdict."""
    text = case.text
    yield f"#### {case.name[0].upper()}{case.name[1:]}\n"
    yield text.meaning.format(**LISTED_AS) + "\n"
    if text.whose:
        yield f"- **Whose matter**: {text.whose}"
    yield f"- **Sender**: {text.sender.format(**LISTED_AS)}"
    yield f"- **Receiver**: {text.receiver}\n"


def of_domains() -> Iterator[str]:
    """A section for each."""
    yield "## Domains\n"
    yield "The first that applies, in this order.\n"
    for verdict in DomainVerdict:
        advice = explain_domain(verdict)
        finding = "yes" if verdict in DEFAULT_FINDINGS else "no"
        if verdict is DomainVerdict.RECIPIENT_REFUSED:
            finding = "where the recipient was named"
        yield f"### `{verdict}` (domain)\n"
        yield f"{advice.meaning}\n"
        yield f"- **A finding**: {finding}"
        yield f"- **Whose matter**: {advice.whose}"
        yield f"- **Sender**: {advice.sender}"
        yield f"- **Receiver**: {advice.receiver}\n"


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD.rstrip(), *of_probes(), *of_domains()]).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
