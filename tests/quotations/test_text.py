from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.escape import TEXT_LIMIT_CHARS, UNSAFE
from scanner.judge.reason import judge_reply
from scanner.quotations.judgement import judge_quoted
from scanner.quotations.quoted import ADDRESS_LIMIT_CHARS
from scanner.quotations.text import QuotationReader, quoted_in, read_quotation
from scanner.terms import ProbeVerdict, Stage
from tests.quotations.quoting import read

QUOTATIONS = [
    tuple(part.split("\n--->\n"))
    for part in (Path(__file__).parent / "quotations.txt").read_text("utf-8").rstrip("\n").split("\n=====\n")[1:]
]
MARKS = [
    "550 ",
    "550-",
    "5.1.1 ",
    "a@b.example",
    "<a@b.example>: ",
    "said: ",
    "to=<",
    "status=bounced (",
    "host mx[1] ",
    "SMTP error from remote mail server after ",
    "RCPT TO:<",
    "Remote host said: ",
    "returned '",
    "#5.1.1 smtp; ",
    "Final-Recipient: ",
    "Diagnostic-Code: smtp; ",
    "gave this error: ",
    "ruleset=a, ",
    "reject=",
    "** ",
    "== ",
    "May  1 10:00:00 m p: ",
    "connect to ",
    "lost connection with x",
    "QUIT",
    "<- ",
    ">>> ",
    "--x",
    "(",
    ")",
    "{LED=",
    "Content-Type: message/rfc822",
    "Connection refused",
    "\t",
    " ",
    ":",
    "\\n",
    "\x1b[2J",
    "\u202e",
    "é",
    "=",
    "'",
]


JUDGED = Path(__file__).parents[1] / "judge/samples.jsonl"
SAMPLES = [json.loads(line) for line in JUDGED.read_text("utf-8").splitlines()]
LOG = "May  1 10:00:00 m postfix/smtp[1]: A1B2C3: to=<u@p.example>, relay=mx.p.example[1.2.3.4]:25, dsn=5.0.0, status="
SAID = "host mx.p.example[1.2.3.4] said: {} (in reply to RCPT TO command)"
NOTICE = "Final-Recipient: rfc822; u@p.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; {}"
QMAIL = "<u@p.example>:\n1.2.3.4 does not like recipient.\nRemote host said: {}\nGiving up on 1.2.3.4."
EXIM = "SMTP error from remote mail server after RCPT TO:<u@p.example>:"
WINDOW = "220 mx\nHELO x\n250 mx\nMAIL FROM:<a@b>\n250 ok\nRCPT TO:<u@p.example>\n{}\n"
FORMS: dict[str, tuple[str, str, Stage | None]] = {
    "the reply alone": ("\n", "{}", None),
    "Postfix's log": (" ", f"{LOG}bounced ({SAID})", Stage.RCPT),
    "Postfix's bounce": (" ", f"<u@p.example>: {SAID}", Stage.RCPT),
    "Postfix's refusal": (" ", "NOQUEUE: reject: RCPT from x[1]: {}; from=<a@b> to=<u@p.example> helo=<x>", Stage.RCPT),
    "Exim's log": ("\\n", f"1abcDE-0000Fg-HI ** u@p.example R=r T=t H=mx [1]: {EXIM} {{}}", Stage.RCPT),
    "Exim's bounce": ("\n    ", f"  u@p.example\n    host mx [1]\n    {EXIM}\n    {{}}", Stage.RCPT),
    "Sendmail's log": (" ", "m sendmail[1]: x: to=<u@p.example>, relay=mx., dsn=4.0.0, stat=Deferred: {}", None),
    "qmail's bounce": ("\n", QMAIL, Stage.RCPT),
    "a notification": ("\n ", NOTICE, None),
    "Exchange's bounce": (" ", "u@p.example\nmx.p.example\nRemote Server returned '{}'", None),
    "Exchange's older one": (" ", "<mx.p.example #5.0.0 smtp;{}>", None),
    "Gmail's bounce": ("\n", "The response from the remote server was:\n\n{}\n", None),
    "a telnet window": ("\n", WINDOW, Stage.RCPT),
    "swaks": ("\n<** ", " -> RCPT TO:<u@p.example>\n<** {}\n", Stage.RCPT),
}
"""How a reply's lines are joined, what stands around them, and the stage that this tells."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("several", [False, True], ids=["on one line", "on three lines"])
def test_a_form_takes_nothing_from_a_reply_and_adds_nothing(form: str, *, several: bool) -> None:
    """Replies of real servers, put into each form and read back."""
    between, around, stage = FORMS[form]
    for sample in SAMPLES:
        if sample["code"] < 400:
            continue
        code, words = sample["code"], sample["text"].split()
        each = max(1, len(words) // 3) if several else len(words)
        lines = [" ".join(words[at : at + each]) for at in range(0, len(words), each)]
        coded = [f"{code}-{line}" for line in lines[:-1]] + [f"{code} {line}" for line in lines[-1:]]
        found = read_quotation(around.format(between.join(coded)))
        expected = judge_reply(stage, code, None, "\n".join(lines)).verdict
        assert [(judge_quoted(one).verdict, one.code, one.stage) for one in found] == [(expected, code, stage)], sample


@pytest.mark.parametrize(("text", "expected"), QUOTATIONS, ids=lambda part: part[:60])
def test_a_reply_is_read_as_it_was_said_whatever_quotes_it(text: str, expected: str) -> None:
    assert read(text) == expected.split("\n")


@pytest.mark.parametrize(("text", "expected"), QUOTATIONS, ids=lambda part: part[:60])
def test_line_ends_of_windows_change_nothing(text: str, expected: str) -> None:
    assert read(text.replace("\n", "\r\n")) == expected.split("\n")


def test_every_line_of_a_list_of_replies_is_answered_twice_said_or_not() -> None:
    text = "550 User unknown\n250 2.1.5 Ok\n550 User unknown\n5.7.1 Unable to relay\n451 4.7.1 Greylisted"
    assert [line.split()[0] for line in read(text)] == [
        "user_unknown",
        "accepted",
        "user_unknown",
        "relay_denied",
        "greylisted",
    ]


def test_lines_without_any_known_form_are_replies_without_codes_and_others_are_passed_over() -> None:
    lines = ["Relay access denied", "the weather is fine", "Mailbox quota exceeded"]
    verdicts = [judge_quoted(each).verdict for each in quoted_in(lines)]
    assert verdicts == [ProbeVerdict.RELAY_DENIED, ProbeVerdict.MAILBOX_FULL]


def test_a_log_tells_of_its_replies_and_not_of_what_other_programs_write() -> None:
    found = quoted_in(
        [
            "May  1 10:00:00 mail dovecot: imap-login: Disconnected: Connection timed out",
            "May  1 10:00:01 mail postfix/smtpd[2]: connect from unknown[198.51.100.7]",
            "May  1 10:00:02 mail postfix/smtpd[2]: lost connection after RCPT from unknown[198.51.100.7]",
            (
                "May  1 10:00:03 mail postfix/smtp[1]: A1: to=<u@p.example>, dsn=5.7.1, status=bounced"
                " (host mx.p.example[192.0.2.25] said: 554 5.7.1 <u@p.example>: Relay access denied"
                " (in reply to RCPT TO command))"
            ),
            "May  1 10:00:04 mail postfix/smtp[1]: A2: to=<v@p.example>, dsn=2.0.0, status=sent (250 ok)",
            "May  1 10:00:05 mail postfix/qmgr[1]: A2: removed",
        ]
    )
    assert [(each.code, each.recipient) for each in found] == [(554, "u@p.example")]


def test_twenty_recipients_refused_alike_are_twenty_answers() -> None:
    line = (
        "May  1 10:00:03 mail postfix/smtp[1]: A1: to=<u{}@p.example>, relay=mx.p.example[192.0.2.25]:25, dsn=5.1.1, "
        "status=bounced (host mx.p.example[192.0.2.25] said: 550 5.1.1 User unknown (in reply to RCPT TO command))"
    )
    found = quoted_in(line.format(number) for number in range(20))
    assert [each.recipient for each in found] == [f"u{number}@p.example" for number in range(20)]


def test_what_is_whole_is_given_back_before_the_text_ends() -> None:
    reader = QuotationReader()
    assert reader.feed("550 5.1.1 User unknown") == []
    [first] = reader.feed("451 4.7.1 Greylisted")
    [last] = reader.finish()
    assert (first.code, last.code, reader.told) == (550, 451, 2)


def test_an_empty_text_tells_of_nothing() -> None:
    assert read_quotation("") == []
    assert read_quotation(" \n\t\n") == []


def test_what_a_server_said_reaches_no_terminal_as_a_control_sequence_and_stays_bounded() -> None:
    hostile = f"550 5.1.1 \x1b[2J\u202e {'x' * 3000}\r\n<{'a' * 5000}\x07@b.example>: 550 no"
    for quoted in read_quotation(hostile):
        assert not UNSAFE.search(quoted.text.replace("\n", ""))
        assert len(quoted.text) <= TEXT_LIMIT_CHARS
        assert len(quoted.recipient or "") <= ADDRESS_LIMIT_CHARS


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*MARKS, "\n"]), st.text(max_size=20)), max_size=60).map("".join))
def test_no_text_is_an_error_and_each_answer_can_be_judged(text: str) -> None:
    for quoted in read_quotation(text):
        assert judge_quoted(quoted).rule
        assert not UNSAFE.search(quoted.text.replace("\n", ""))


HOSTILE = """
import resource, sys
from scanner.quotations.text import read_quotation

resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for mark in sys.argv[1:]:
    for before in ("", "May  1 10:00:00 m p: ", "<a@b.example>: "):
        read_quotation(before + mark * (16_000 // len(mark)))
        read_quotation("\\n".join([before + mark * 20] * 60))
"""


def test_a_hostile_text_costs_time_in_proportion_to_its_length() -> None:
    """A pattern that is quadratic takes minutes over this, not a second: the limit is far from both."""
    subprocess.run([sys.executable, "-c", HOSTILE, *MARKS], check=True)
