"""What DNS answered, once it is sorted: the records that belong to the question, or why there are none.

Pure: records in, answers out. Only records are used whose owner is the name asked, or what its CNAMEs lead to: a
resolver, or whoever forges its answers, can put any owner in the answer section, and c-ares passes them all on.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIASES_AT_MOST = 10
"""How many CNAMEs are followed from the name asked; BIND and Unbound stop in the same region."""


class RecordType(StrEnum):
    """The types that we ask for or follow."""

    MX = "MX"
    A = "A"
    AAAA = "AAAA"
    CNAME = "CNAME"
    NS = "NS"
    PTR = "PTR"


class Status(Enum):
    """How a question ended. All but SILENT and UNREACHABLE are answers: the resolver is there."""

    FOUND = "records of the type asked"
    NODATA = "the name exists, records of this type do not"
    NXDOMAIN = "no such name"
    FAILED = "the resolver says that it cannot tell (SERVFAIL, REFUSED, NOTIMP, FORMERR, rubbish)"
    SILENT = "time-out"
    UNREACHABLE = "no packet could be exchanged with the resolver: it, or our own descriptors"

    @cached_property
    def answered(self) -> bool:
        """Whether the resolver said anything."""
        return self is not Status.SILENT and self is not Status.UNREACHABLE


class Record(NamedTuple):
    """One resource record. `value`: an address (A, AAAA) or a name (MX, CNAME, PTR); `preference` is an MX's."""

    owner: str
    type: RecordType
    ttl_s: int
    value: str
    preference: int = 0


class Answer(NamedTuple):
    """The end of one look-up.

    `records`: of the type asked, empty unless FOUND. `ttl_s`: the least of them and of the CNAMEs on the way.
    `aliased`: a CNAME led there. `error`: for FAILED, SILENT and UNREACHABLE, in words. `notes`: anomalies.
    """

    status: Status
    records: tuple[Record, ...] = ()
    ttl_s: int = 0
    aliased: bool = False
    error: str | None = None
    notes: tuple[str, ...] = ()


def select(name: str, record_type: RecordType, records: Sequence[Record]) -> Answer:
    """The answer to a question out of all records of an answer section.

    An answer without usable records is NODATA, never a failure: a CNAME without more is how a resolver says that the
    other end has no such record (RFC 2308 2.2).
    """
    owner = name.lower()
    aliases: dict[str, Record] = {}
    ttl_s = 2**31 - 1
    for followed in range(ALIASES_AT_MOST + 1):
        found = [record for record in records if record.type is record_type and record.owner.lower() == owner]
        if found:
            ttl_s = min(ttl_s, *[record.ttl_s for record in found])
            return Answer(Status.FOUND, tuple(found), ttl_s, followed > 0)
        if not followed:
            aliases = {record.owner.lower(): record for record in records if record.type is RecordType.CNAME}
        alias = aliases.get(owner)
        if alias is None:
            unused = any(record.type is record_type for record in records)
            return Answer(Status.NODATA, notes=("records of another name ignored",) if unused else ())
        owner = alias.value.lower()
        ttl_s = min(ttl_s, alias.ttl_s)
    return Answer(Status.NODATA, notes=(f"cname loop or chain longer than {ALIASES_AT_MOST}",))
