"""How well the judgement reads labelled replies: `benchmarks/replies.py FILE` (JSON lines, the label is `reason`)."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import click

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs from a checkout, installed or not

from scanner.judge.reason import judge_reply
from scanner.terms import Confidence, Judgement, ProbeVerdict, Stage


class Read(NamedTuple):
    """One labelled reply and what the judgement made of it."""

    label: str
    code: int
    enhanced: str | None
    text: str
    stage: Stage | None
    judged: Judgement

    @property
    def right(self) -> bool:
        """Whether the verdict is the label."""
        return self.judged.verdict == self.label


def read(line: str) -> Read:
    """One line of the file, judged."""
    row = json.loads(line)
    stage = Stage(row["stage"]) if row.get("stage") else None
    code, enhanced, text = int(row["code"]), row.get("enhanced"), row["text"]
    return Read(row["reason"], code, enhanced, text, stage, judge_reply(stage, code, enhanced, text))


def share(part: int, whole: int) -> str:
    """A share in per cent with its counts."""
    return f"{100 * part / whole:6.2f} %  ({part} of {whole})" if whole else "     -    (0 of 0)"


def figures(rows: list[Read]) -> None:
    """Print what the bars are set on."""
    relay = ProbeVerdict.RELAY_DENIED
    labelled = [row for row in rows if row.label == relay]
    said = [row for row in rows if row.judged.verdict is relay]
    print(f"right                  {share(sum(row.right for row in rows), len(rows))}")
    print(f"relay_denied recall    {share(sum(row.right for row in labelled), len(labelled))}")
    print(f"relay_denied precision {share(sum(row.right for row in said), len(said))}")
    for confidence in Confidence:
        of_it = [row for row in rows if row.judged.confidence is confidence]
        print(f"{confidence:<4} right             {share(sum(row.right for row in of_it), len(of_it))}")
        print(f"{confidence:<4} share             {share(len(of_it), len(rows))}")


def confusion(rows: list[Read]) -> None:
    """Print label → verdict for every pair that occurs, the wrong ones with the rules that fired."""
    pairs = Counter((row.label, str(row.judged.verdict)) for row in rows)
    print(f"\n{'label':<22}{'verdict':<22}count  rules")
    for (label, verdict), count in sorted(pairs.items()):
        rules = {row.judged.rule for row in rows if row.label == label != verdict == row.judged.verdict}
        print(f"{label:<22}{verdict:<22}{count:>5}  {' '.join(sorted(rules))}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--wrong", is_flag=True, help="List the replies that were read wrongly.")
def main(file: Path, *, wrong: bool) -> None:
    """Judge every labelled reply of FILE and print accuracy, confidence and the confusion matrix."""
    rows = [read(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    figures(rows)
    confusion(rows)
    if wrong:
        print()
        for row in rows:
            if not row.right:
                print(
                    f"{row.label} != {row.judged.verdict} [{row.judged.rule}] {row.code} {row.enhanced} {row.stage}:",
                    row.text,
                )


if __name__ == "__main__":
    main()
