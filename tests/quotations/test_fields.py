from __future__ import annotations

import pytest

from scanner.quotations.fields import read_fields
from scanner.terms import ProbeVerdict

BLOCK = {
    "final-recipient": "rfc822; u@p.example",
    "action": "failed",
    "status": "5.1.1 (bad destination mailbox address)",
    "remote-mta": "dns; mx.p.example (192.0.2.1)",
    "diagnostic-code": "smtp; 550 no such user",
}


def test_a_recipient_s_block_gives_the_reply_and_whom_it_is_about() -> None:
    quoted = read_fields(BLOCK)
    assert quoted is not None
    assert (quoted.code, quoted.enhanced, quoted.text) == (550, "5.1.1", "no such user")
    assert (quoted.recipient, quoted.host, quoted.transient) == ("u@p.example", "mx.p.example", False)


def test_the_reply_s_own_enhanced_code_goes_before_the_status() -> None:
    quoted = read_fields(BLOCK | {"diagnostic-code": "smtp; 554 5.7.1 no"})
    assert quoted is not None
    assert quoted.enhanced == "5.7.1"


def test_a_folded_reply_of_several_lines_stays_one() -> None:
    quoted = read_fields(BLOCK | {"diagnostic-code": "smtp; 550-5.7.1 relaying\n    prohibited\n 550 5.7.1 by us"})
    assert quoted is not None
    assert quoted.text == "5.7.1 relaying prohibited\n5.7.1 by us"


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "Delivered "])
def test_what_was_delivered_is_no_refusal(action: str) -> None:
    assert read_fields(BLOCK | {"action": action}) is None


def test_a_block_that_tells_nothing_gives_nothing() -> None:
    assert read_fields({"final-recipient": "rfc822; u@p.example", "action": "failed"}) is None
    assert read_fields({}) is None


def test_a_delay_is_transient_and_a_failed_connection_a_failure() -> None:
    quoted = read_fields(
        BLOCK
        | {"action": "delayed", "status": "4.4.1"}
        | {"diagnostic-code": "X-Postfix; connect to mx.p.example[192.0.2.1]:25: Connection\n    timed out"}
    )
    assert quoted is not None
    assert (quoted.transient, quoted.trouble, quoted.enhanced) == (True, ProbeVerdict.CONNECT_TIMEOUT, None)
