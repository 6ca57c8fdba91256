"""What a record is made from: the final outcome of a probe and of a domain, as values.

They are NamedTuples because one is made for every probe of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.records.server import NO_SERVER
from scanner.terms import SessionUse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import orjson

    from scanner.terms import DomainVerdict, Exchange, Judgement, Stage


class ProbeFacts(NamedTuple):
    """One probe's final outcome.

    Text has been made safe where it entered (`scanner.escape`) and `text` joins its lines by LF. `domain` and
    `exchange` are None in a sweep; `address` is None where the exchange has none. `started` is wall-clock seconds since
    the epoch, of the last attempt (of the decision where nothing was dialled); `elapsed_ms` its duration. `server`
    comes from `encode_server`. `tag` is the input's, any JSON value.
    """

    seq: int
    domain: str | None
    exchange: Exchange | None
    address: str | None
    port: int
    judgement: Judgement
    stage: Stage
    started: float
    elapsed_ms: float = 0.0
    source: str | None = None
    code: int | None = None
    enhanced: str | None = None
    text: str | None = None
    sender: str | None = None
    recipient: str | None = None
    server: orjson.Fragment = NO_SERVER
    session: SessionUse = SessionUse.NONE
    attempts: int = 0
    error: str | None = None
    notes: Sequence[str] = ()
    tag: object = None


class DomainFacts(NamedTuple):
    """A domain's final verdict. `exchanges`: how many DNS names, before any cut. The counts come from the probes.

    `recipient_named` is no field of the record: whether the user named the recipient, which makes a
    `recipient_refused` a finding.
    """

    seq: int
    domain: str
    verdict: DomainVerdict
    exchanges: int
    error: str | None = None
    notes: Sequence[str] = ()
    tag: object = None
    recipient_named: bool = False


class Group(NamedTuple):
    """An item's records as written: one bytes object, and the facts it says, for the census.

    `unencodable` counts the records that stand as `local_error` or `inconclusive` because theirs could not be encoded.
    """

    data: bytes
    probes: Sequence[ProbeFacts]
    domain: DomainFacts | None
    unencodable: int = 0


class StartFacts(NamedTuple):
    """What stands at the head of an output.

    `started` is wall-clock seconds since the epoch; `command` is `audit`, `sweep` or `probe`; `settings` are the
    effective ones by option name, secrets left out; `warnings` what was said on stderr before anything was asked.
    """

    version: str
    started: float
    command: str
    settings: Mapping[str, object]
    warnings: Sequence[str] = ()


class RunFacts(NamedTuple):
    """What stands at its end, beside the counts.

    Times are wall-clock seconds since the epoch, `started` the first part's where a run was resumed. `interrupted`:
    items were left undone. `bad_lines` of the input were skipped. `warnings`: all that were said on stderr.
    """

    started: float
    finished: float
    interrupted: bool
    bad_lines: int = 0
    warnings: Sequence[str] = ()
