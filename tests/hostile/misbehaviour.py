"""One misbehaviour of a server, and the steps that they are made of."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tests.pool.servers import OFFERS, drip, flood

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pool.servers import Script, Step, Visit


class Nobody(Enum):
    """No server at all."""

    CLOSED = "the port is closed"
    UNANSWERED = "the queue of connections is full, so SYNs are dropped"


End: TypeAlias = tuple[str, str, int | None]
"""Verdict, stage and code of a probe."""


class Misbehaviour(NamedTuple):
    """What a server does, and how a probe of it has to end.

    `code` is that of the deciding reply, None where none decides. `later`: the scripts of the second, third ... visit,
    where they differ. `note`: what the record's notes must hold.
    """

    name: str
    script: Script | Nobody
    verdict: str
    stage: str
    code: int | None = None
    note: str | None = None
    later: tuple[Script, ...] = ()

    @property
    def ends(self) -> End:
        """How its probe has to end."""
        return self.verdict, self.stage, self.code


STAGES = {"OPEN": "banner", "EHLO": "helo", "MAIL": "mail", "RCPT": "rcpt"}
"""The steps of a session in the clear, each with the stage that it decides."""
GOOD_CODE = {"OPEN": b"220", "EHLO": b"250", "MAIL": b"250", "RCPT": b"250"}
"""How a good answer to each begins."""
GARBAGE_BYTES = 64 * 1024
"""What a flood pours at a time."""


def saying(data: bytes) -> Callable[[Visit], None]:
    """Words, where a function of the visit is wanted."""
    return lambda visit: visit.say(data)


def half_close(visit: Visit) -> None:
    """FIN in one direction: it will say no more, and would still listen."""
    visit.transport.write_eof()
    visit.end()


def then(*steps: Step) -> Step:
    """One step after the other, at once."""

    def step(visit: Visit) -> None:
        for each in steps:
            if callable(each):
                each(visit)
            else:
                visit.say(each)

    return step


def after(pause_s: float, late: Callable[[Visit], None]) -> Step:
    """The same, later, unless the visit is over by then."""

    def step(visit: Visit) -> None:
        visit.timer = visit.loop.call_later(pause_s, lambda: None if visit.gone else late(visit))

    return step


def dripped(code: bytes) -> Step:
    """A reply that begins well and never ends, a byte a second."""
    return drip(code + b" " + b"x" * 500, 1.0)


def continued(code: bytes) -> Step:
    """Continuation lines without end."""
    return flood((code + b"-x\r\n") * 5000)


def gigabyte(code: bytes) -> Step:
    """One line, a gigabyte of it."""
    return then(code + b" ", flood(b"x" * GARBAGE_BYTES))


def pipelining(**steps: Step) -> Script:
    """A server that offers PIPELINING (RFC 2920) and has these steps."""
    return {"EHLO": OFFERS, **steps}
