"""The forms of log records; texts of several lines are in quotations.txt, with all forms."""

from __future__ import annotations

import pytest

from scanner.quotations.quoted import Quoted
from scanner.quotations.records import last_error, read_record
from scanner.terms import ProbeVerdict, Stage


def only(words: str, *, log: bool = True) -> Quoted:
    [quoted] = read_record(words, log=log)
    return quoted


def test_postfix_names_recipient_host_and_command() -> None:
    quoted = only(
        "May  1 10:00:00 m postfix/smtp[1]: A1: to=<u@p.example>, relay=mx.p.example[192.0.2.1]:25, dsn=5.7.1, "
        "status=bounced (host mx.p.example[192.0.2.1] said: 554 5.7.1 no (really) (in reply to end of DATA command))"
    )
    assert quoted == Quoted(
        554, "5.7.1", "5.7.1 no (really)", Stage.MESSAGE, recipient="u@p.example", host="mx.p.example"
    )


def test_the_code_of_a_postfix_record_is_the_reply_s_and_no_other_number_of_it() -> None:
    quoted = only(
        "May  1 10:00:00 m postfix/smtp[550]: 451A550: to=<550@p.example>, relay=mx.p.example[192.5.7.1]:25, delay=450,"
        " dsn=5.0.0, status=bounced (host mx.p.example[192.5.7.1] said: 553 no 550 here (in reply to RCPT TO command))"
    )
    assert (quoted.code, quoted.enhanced, quoted.text) == (553, None, "no 550 here")


@pytest.mark.parametrize(("status", "transient"), [("deferred", True), ("bounced", False), ("undeliverable", True)])
def test_a_status_without_a_reply_has_its_enhanced_code_from_the_record(status: str, transient: bool) -> None:  # noqa: FBT001
    quoted = only(f"A1B2C3: to=<u@p.example>, relay=none, dsn=4.3.0, status={status} (mail transport unavailable)")
    assert quoted[:3] == (None, "4.3.0", "mail transport unavailable")
    assert quoted.transient is transient


def test_a_refusal_that_expired_or_was_filtered_adds_nothing() -> None:
    assert read_record("A1B2C3: from=<a@b.example>, status=expired, returned to sender", log=True) == []


def test_what_an_smtpd_refused_is_told_without_the_envelope_behind_it() -> None:
    quoted = only(
        "m postfix/smtpd[1]: NOQUEUE: reject: MAIL from unknown[198.51.100.7]: 550 5.1.8 <a@x.example>: Sender address "
        "rejected: Domain not found; from=<a@x.example> proto=ESMTP helo=<x>"
    )
    assert quoted.text == "5.1.8 <a@x.example>: Sender address rejected: Domain not found"
    assert (quoted.stage, quoted.sender, quoted.recipient) == (Stage.MAIL, "a@x.example", None)


@pytest.mark.parametrize(
    ("after", "stage"),
    [
        ("RCPT TO:<u@p.example>", Stage.RCPT),
        ("pipelined MAIL FROM:<a@b.example> SIZE=2880", Stage.MAIL),
        ("MAIL FROM:<>", Stage.MAIL),
        ("EHLO mail.b.example", Stage.HELO),
        ("initial connection", Stage.BANNER),
        ("DATA", Stage.DATA),
        ("end of data", Stage.MESSAGE),
        ("pipelined end of data", Stage.MESSAGE),
    ],
)
def test_exim_says_after_what(after: str, stage: Stage) -> None:
    quoted = only(
        f"1abcDE-0000Fg-HI ** u@p.example R=r T=t H=mx.p.example [192.0.2.1]: SMTP error from remote mail server "
        f"after {after}: 550 5.7.1 no: really"
    )
    assert quoted == Quoted(550, "5.7.1", "5.7.1 no: really", stage, recipient="u@p.example", host="mx.p.example")


def test_sendmail_s_own_word_for_any_refusal_is_not_the_server_s() -> None:
    quoted = only("m sendmail[1]: x: to=<u@p.example>, relay=mx.p.example., dsn=5.7.1, stat=Service unavailable")
    assert (quoted.enhanced, quoted.text, quoted.host) == ("5.7.1", "", "mx.p.example")


def test_qmail_writes_blanks_as_underscores_and_line_ends_as_slashes() -> None:
    quoted = only(
        "@40000000419f13a508f3214c delivery 5: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:"
        "_550-5.1.1_no/550_5.1.1_such_user/Giving_up_on_192.0.2.1./"
    )
    assert (quoted.code, quoted.text, quoted.stage) == (550, "5.1.1 no\n5.1.1 such user", Stage.RCPT)
    assert (quoted.host, quoted.transient) == ("192.0.2.1", False)


@pytest.mark.parametrize(
    ("text", "code", "trouble"),
    [
        ('4.4.0 Primary target IP address responded with: "454 4.7.0 no." Attempted failover', 454, None),
        ("5.4.300 Message expired -> 451 4.7.1 Greylisted", 451, None),
        ("4.4.316 Connection refused [Message=Socket error code 10061]", None, ProbeVerdict.REFUSED),
        ("5.1.1 no such user", 550, None),
    ],
)
def test_exchange_wraps_what_happened_into_a_reply_of_its_own(
    text: str, code: int | None, trouble: ProbeVerdict | None
) -> None:
    found = last_error(Quoted(550, None, text))
    assert (found.code, found.trouble) == (code, trouble)


def test_a_failure_in_a_log_counts_only_in_a_form_that_is_known() -> None:
    line = "May  1 10:00:00 mail dovecot: imap-login: proxy: Connection timed out"
    assert read_record(line, log=True) == []
    assert only(line, log=False).trouble is ProbeVerdict.CONNECT_TIMEOUT
