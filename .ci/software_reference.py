"""docs/software.md from the table of marks; `make docs` writes it, a test holds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scanner.judge.software import software_of
from scanner.judge.software_marks import GREETINGS, MANNERS

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/software.md"
SHOWN = 110

HEAD = """\
# Which server answers: `server.software`

*Written by `make docs` from the table of marks; do not edit it here.*

A record's `server.software` names the server or the service that answered, as far as its greeting and its answer to
EHLO tell, or is `null`. It is a guess, for reading and counting: **a banner is a claim**, cheap to forge, and many
sites replace it. No verdict rests on it.

- Its form is the product's name as below and, where the greeting says one, a blank and its version: `Exim 4.96`.
- A word counts only where that server writes it: `postfix.partner.example ESMTP` is not Postfix. A host's name counts
  only for services, whose hosts bear no customer's name.
- What several servers share names none of them: bare `ESMTP`, `pleased to meet you`.
- Where the greeting says nothing, the form and the order of the answer to EHLO may. Where greeting and answer name two
  of those that are known by both, nobody is named.
- A refusal instead of a greeting (5xx, 4xx) is read too. What a server says later, at MAIL or RCPT, is not.

The tests ask real servers: Postfix with and without postscreen, Exim, Sendmail, OpenSMTPD and aiosmtpd, each as it
greets by default; those that can keep their name to themselves, that way too.

## By the greeting

Its first line, or its last.

| software | a greeting that names it | who says so |
| --- | --- | --- |
"""

MANNER_HEAD = """
## By the answer to EHLO

The extensions count in their order; those that settings switch on or off may be missing.

| software | an answer that names it | who says so |
| --- | --- | --- |
"""


def row(name: str, example: Iterable[str], source: str) -> str:
    """One line of a table."""
    said = " / ".join(example).replace("|", "\\|")
    cut = said if len(said) <= SHOWN else f"{said[: SHOWN - 1]}…"
    return f"| {name} | `{cut}` | {source} |\n"


def page() -> str:
    """All of the page."""
    greetings = "".join(
        row(software_of(mark.example, None, ()) or mark.name, mark.example.split("\n"), mark.source)
        for mark in GREETINGS
    )
    manners = "".join(row(mark.name, mark.example, mark.source) for mark in MANNERS)
    return f"{HEAD}{greetings}{MANNER_HEAD}{manners}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
