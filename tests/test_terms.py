from __future__ import annotations

from enum import StrEnum

import pytest

from scanner import terms
from scanner.terms import (
    About,
    Confidence,
    DomainVerdict,
    Judgement,
    LocalFault,
    ProbeVerdict,
    Role,
    SessionUse,
    Stage,
    Standing,
    SweepVerdict,
    Unproven,
    UsageError,
)

WORDS = {
    Stage: "resolve connect banner helo starttls mail rcpt data message",
    Role: "primary secondary implicit direct",
    Standing: "serves broken undecided",
    About: "domain recipient us server none",
    Confidence: "high low",
    SessionUse: "new reused shared none",
    ProbeVerdict: (
        "accepted"
        " user_unknown mailbox_disabled mailbox_full recipient_restricted"
        " relay_denied not_accepting auth_required routing_error"
        " greylisted rate_limited client_blocked ptr_required helo_rejected sender_rejected sender_auth_failed"
        " tls_required tls_unavailable policy_rejected content_rejected"
        " service_unavailable protocol_error unclassified"
        " refused connect_timeout unreachable reply_timeout disconnected not_smtp tls_failed"
        " no_address address_forbidden excluded dns_failed given_up local_error"
    ),
    DomainVerdict: (
        "dns_failed no_domain no_mail no_route secondary_rejects_relay primary_rejects_relay refuses_us undeliverable"
        " primary_broken secondary_broken address_broken inconclusive recipient_refused ok"
    ),
    SweepVerdict: "open_relay_confirmed open_relay open_relay_likely open_relay_suspected closed",
    Unproven: "inconclusive skipped",
}
"""The published vocabulary of the records, in its order."""


@pytest.mark.parametrize(("enum", "words"), WORDS.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_the_words_of_the_records_are_the_published_ones(enum: type[StrEnum], words: str) -> None:
    assert [member.value for member in enum] == words.split()


def test_every_vocabulary_is_published() -> None:
    enums = {each for each in vars(terms).values() if isinstance(each, type) and issubclass(each, StrEnum)} - {StrEnum}
    assert enums == set(WORDS)


@pytest.mark.parametrize("enum", WORDS)
def test_a_word_is_its_own_text(enum: type[StrEnum]) -> None:
    """In records, messages and comparisons with what `--fail-on` gives, without `.value`."""
    assert all(f"{member}" == member == member.name.lower() for member in enum)


def test_a_judgement_is_what_the_record_says_in_its_order() -> None:
    assert Judgement._fields == ("verdict", "standing", "about", "transient", "confidence", "rule")


def test_our_own_faults_and_the_operators_are_told_apart() -> None:
    assert not issubclass(UsageError, LocalFault)
    assert not issubclass(LocalFault, (UsageError, OSError))
