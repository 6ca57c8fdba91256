"""What a quotation is read as, a line a reply: verdict, code, enhanced code, stage, recipient, host; `-`: not known."""

from __future__ import annotations

from scanner.quotations.judgement import judge_quoted
from scanner.quotations.text import read_quotation


def read(text: str) -> list[str]:
    return [
        " ".join(
            str(part or "-")
            for part in (
                judge_quoted(quoted).verdict,
                quoted.code,
                quoted.enhanced,
                quoted.stage,
                quoted.recipient,
                quoted.host,
            )
        )
        for quoted in read_quotation(text)
    ]
