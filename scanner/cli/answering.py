"""JSON lines in, JSON lines out: each object of a reply with what the reply means, one for one and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from scanner.cli.warnings import say
from scanner.escape import UNSAFE, cut
from scanner.intake.blocks import BadText, line_text
from scanner.intake.lines import BadLine
from scanner.intake.tags import BadJson
from scanner.quotations.judgement import judge_quoted
from scanner.quotations.objects import parse_quoted
from scanner.records.line import json_escape
from scanner.records.output import open_stdout
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.intake.tags import Json
    from scanner.terms import Judgement

NumberedLines = list[tuple[int, bytes | None]]
"""Lines without their end and their numbers; None stands for one that is too long."""


def answer_all(portions: Iterable[NumberedLines], name: str, *, strict: bool) -> None:
    """Answer each line on standard output, a portion in one write, and report those that are no objects of a reply.

    Args:
        portions: of the input's lines, as they come.
        name: of the input, for messages.
        strict: the first bad line ends it.

    Raises:
        UsageError: a bad line under `strict`; or no line could be answered.
        ReaderGone: whoever read the answers went away.
        LocalFault: they could not be written.
    """
    output = open_stdout()
    good = bad = 0
    try:
        for portion in portions:
            answers: list[bytes] = []
            for number, line in portion:
                said = answer(number, line)
                if isinstance(said, bytes):
                    answers.append(said)
                elif said is not None:
                    bad += 1
                    if strict:
                        output.write(answers)
                        raise UsageError(f"line {said.number}: {said.reason}")
                    say(f"mxsweep: line {said.number}: {said.reason}; skipped")
            good += len(answers)
            if answers:
                output.write(answers)
    finally:
        output.close()
    if bad:
        say(f"mxsweep: {bad} bad lines skipped")
    if not good:
        raise UsageError(f"{name}: no reply in it")


def answer(number: int, line: bytes | None) -> bytes | BadLine | None:
    """What a line is answered with; None for a blank one or a comment."""
    try:
        text = line_text(line)
        if not text or text.startswith("#"):
            return None
        found, quoted = parse_quoted(text)
        return encoded(found, judge_quoted(quoted))
    except (BadText, BadJson) as error:
        return BadLine(number, cut(str(error)))


def encoded(found: dict[str, Json], judgement: Judgement) -> bytes:
    """The input's fields, then the judgement's: one that the input has already is replaced, and stands last.

    The values stay what they were; what a terminal would obey leaves as a JSON escape.
    """
    fields = judgement._asdict()
    line = orjson.dumps({name: value for name, value in found.items() if name not in fields} | fields)
    if line.isascii() and b"\x7f" not in line:
        return line + b"\n"
    return UNSAFE.sub(json_escape, line.decode()).encode() + b"\n"
