"""What a record is made from: the final outcome of a probe and of a domain, as values.

They are NamedTuples because one is made for every probe of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.pool.probe import Answer
    from scanner.smtp.outcome import Question
    from scanner.terms import DomainVerdict, Exchange, Judgement


class ProbeFacts(NamedTuple):
    """One probe's final outcome: what was asked where, what came, and what it means.

    `domain` and `exchange` are None in a sweep; `address` is None where the exchange has none. `notes` stand before
    those of the answer. `tag` is the input's, any JSON value.
    """

    seq: int
    domain: str | None
    exchange: Exchange | None
    address: str | None
    port: int
    question: Question
    answer: Answer
    judgement: Judgement
    notes: tuple[str, ...] = ()
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


UNENCODABLE_RULE = "unencodable record"
"""The rule that stands where a bug of ours kept a record from being written as it was."""


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
