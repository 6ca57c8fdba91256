"""Which server answers: what each one writes names it, and what only looks like it names nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.escape import safe_line, safe_text
from scanner.judge.software import OUTSPOKEN, software_of
from scanner.judge.software_marks import GREETINGS, MANNERS

NAMES = {mark.name for mark in (*GREETINGS, *MANNERS)}
HELLO = {mark.name: (mark.example[0], tuple(mark.example[1:])) for mark in MANNERS}
DATE = "Wed, 25 Nov 2026 06:00:00 +0000"
MX = "mx.partner.example"


@pytest.mark.parametrize(
    ("banner", "name"),
    [
        # What hosting panels make of Exim's greeting: the notice stands below.
        (f"{MX} ESMTP Exim 4.96.2 #2 {DATE} \nWe do not authorize the use\nand/or bulk e-mail.", "Exim 4.96.2"),
        # postscreen: a line before it looks, smtpd's own after.
        (f"{MX} ESMTP Postfix\n{MX} ESMTP Postfix", "Postfix"),
        (f"Please wait to be seated\n{MX} ESMTP Postfix (Debian/GNU)", "Postfix"),
        (f"{MX} ESMTP Postfix", "Postfix"),
        (f"{MX} ESMTP Postfix (Ubuntu)", "Postfix"),
        (f"{MX} ESMTP Postfix (3.7.11)", "Postfix 3.7.11"),
        (f"{MX} ESMTP Postfix (2.2.8) (Mandriva Linux)", "Postfix 2.2.8"),
        ("ESMTP Postfix", "Postfix"),
        (f"{MX} ESMTP Exim 4.97.1-12-gabcdef0 {DATE}", "Exim 4.97.1-12-gabcdef0"),
        (f"{MX} ESMTP Exim {DATE}", "Exim"),
        (f"{MX} ESMTP Sendmail Inbound 8.15.2/8.15.2; Sun, 9 Mar 2025 15:25:02 -0400", "Sendmail 8.15.2"),
        (f"{MX} ESMTP Sendmail 8.13.8+Sun/8.13.8; {DATE}", "Sendmail 8.13.8+Sun"),
        (f"alpha.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at {DATE}", "Microsoft 365"),
        (f"CH3PEPF00000015.outlook.office365.com Microsoft ESMTP MAIL Service ready at {DATE} [08DD]", "Microsoft 365"),
        (f"{MX} Microsoft ESMTP MAIL Service ready at {DATE}", "Microsoft Exchange"),
        ("MX.GOOGLE.com ESMTP", None),
        ("163.com Anti-spam GT for Coremail System(163com[20141201])", "Coremail"),
        ("gmx.net (mxgmx117) Nemesis ESMTP Service not available\nNo SMTP service\nBad DNS PTR", "1&1 Nemesis"),
        ("Mail.Ru ESMTP", "Mail.ru"),
        ("iva1-db9fc35c0844.qloud-c.yandex.net ESMTP (Want to use Yandex.Mail for your domain?", "Yandex"),
        ("SendCloud ESMTP Haraka 2.2.4 ready", "Haraka 2.2.4"),
        (f"{MX} ESMTP Haraka ready", "Haraka"),
        (f"  ESMTP Service (Lotus Domino Release 8.5.3FP6) ready at {DATE}", "HCL Domino 8.5.3FP6"),
        (f"{MX}  ESMTP MDaemon 13.6.1; {DATE}", "MDaemon 13.6.1"),
        (f"{MX} ESMTP CommuniGate Pro is glad to see you!", "CommuniGate Pro"),
        # A host of a cloud is its customer's.
        ("ec2-192-0-2-1.compute-1.amazonaws.com ESMTP Postfix", "Postfix"),
        ("ec2-192-0-2-1.compute-1.amazonaws.com ESMTP", None),
    ],
)  # fmt: skip
def test_a_greeting_names_its_server_in_each_of_its_forms(banner: str, name: str | None) -> None:
    assert software_of(banner, None, ()) == name


@pytest.mark.parametrize(
    ("banner", "hello", "offers"),
    [
        (None, None, ()),
        ("", "", ("",)),
        (" \n ", " ", (" ", "")),
        ("Postfix", None, ()),
        (f"{MX} Postfix", None, ()),
        (f"{MX} ESMTP", MX, ("PIPELINING", "8BITMIME")),
        ("postfix.partner.example ESMTP", "postfix.partner.example", ()),
        ("postfix-fan.example ESMTP", None, ()),
        ("exim.partner.example ESMTP ready", "exim.partner.example", ()),
        ("mx.google.com.partner.example ESMTP", "mx.google.com.partner.example", ()),
        ("notgoogle.com ESMTP", "mx.notgoogle.com at your service", ()),
        ("myoutlook.com Microsoft Outlook fan club", None, ()),
        ("mail.protection.outlook.com.partner.example Microsoft", None, ()),
        ("mx.mimecast.com.partner.example ESMTP; soon", None, ()),
        (f"{MX} ESMTP we are not Postfix", None, ()),
        (f"{MX} ESMTP not Exim 4.96", None, ()),
        (f"{MX} ESMTP Postfixed", None, ()),
        (f"{MX} ESMTP Postfix.partner.example", None, ()),
        (f"{MX} ESMTP postfix", None, ()),
        (f"{MX} ESMTP Sendmail-like", None, ()),
        (f"{MX} ESMTP Eximious 4.96", None, ()),
        (f"{MX} ESMTP (0123456789abcdef)", None, ()),
        (f"{MX} Python", None, ()),
        (f"{MX} ESMTP Service Ready", f"Hello {MX}", ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING")),
        # Words that two servers share.
        (f"{MX} ESMTP", f"{MX} Hello probe.example [192.0.2.1]", ("SIZE 1000", "8BITMIME", "HELP")),
        (f"{MX} ESMTP", f"{MX} Hello probe.example [192.0.2.1], pleased to meet you", ("SIZE 1000", "HELP")),
        (f"{MX} ESMTP", f"{MX} hello [192.0.2.1], pleased to meet you", ("HELP", "SIZE 36700160", "8BITMIME", "OK")),
        (f"{MX} ESMTP", f"{MX} Hello [192.0.2.1]", ("SIZE 1000", "PIPELINING", "8BITMIME")),
        # All that Postfix offers, in another order; and all that aiosmtpd does, which names itself or nobody.
        (f"{MX} ESMTP", MX, tuple(reversed(HELLO["Postfix"][1]))),
        (f"{MX} ESMTP", MX, ("SIZE 33554432", "8BITMIME", "SMTPUTF8", "HELP")),
        # A firewall's mask, and refusals that anybody may write.
        ("*" * 27, MX, ()),
        ("5.7.1 Access denied", None, ()),
        ("4.3.2 Service currently unavailable", None, ()),
        ("SMTP service not available", None, ()),
    ],
)
def test_what_only_looks_like_a_server_names_nobody(
    banner: str | None, hello: str | None, offers: tuple[str, ...]
) -> None:
    assert software_of(banner, hello, offers) is None


@pytest.mark.parametrize("name", sorted(HELLO))
def test_behind_a_banner_that_says_nothing_the_answer_to_ehlo_tells(name: str) -> None:
    assert software_of(f"{MX} ESMTP", *HELLO[name]) == name


@pytest.mark.parametrize(
    ("name", "offers"),
    [
        ("Postfix", "PIPELINING,SIZE 10240000,ETRN,AUTH PLAIN LOGIN,AUTH=PLAIN LOGIN,ENHANCEDSTATUSCODES,8BITMIME,DSN"),
        ("Postfix", "SIZE 10240000,VRFY,ETRN,STARTTLS,ENHANCEDSTATUSCODES,8BITMIME,DSN,SMTPUTF8,CHUNKING"),
        ("Exim", "SIZE 52428800,8BITMIME,PIPELINING,X_PIPE_CONNECT,AUTH PLAIN LOGIN,STARTTLS,PRDR,HELP"),
        ("Exim", "SIZE 52428800,8BITMIME,PIPELINING,AUTH PLAIN LOGIN,CHUNKING,STARTTLS,SMTPUTF8,HELP"),
        ("Exim", "SIZE 52428800,LIMITS MAILMAX=1000 RCPTMAX=50000,8BITMIME,PIPELINING,PIPECONNECT,HELP"),
        ("Sendmail", "ENHANCEDSTATUSCODES,PIPELINING,EXPN,VERB,8BITMIME,SIZE,DSN,ETRN,STARTTLS,DELIVERBY,HELP"),
        ("OpenSMTPD", "8BITMIME,ENHANCEDSTATUSCODES,SIZE 36700160,DSN,STARTTLS,HELP"),
        ("Microsoft Exchange", "SIZE 1000,PIPELINING,DSN,ENHANCEDSTATUSCODES,STARTTLS,8BITMIME,BINARYMIME,CHUNKING"),
        ("Microsoft Exchange", "SIZE,PIPELINING,DSN,ENHANCEDSTATUSCODES,X-ANONYMOUSTLS,AUTH NTLM,8BITMIME,XRDST"),
    ],
)  # fmt: skip
def test_what_a_server_leaves_out_by_its_settings_does_not_hide_it(name: str, offers: str) -> None:
    assert software_of(MX, HELLO[name][0], tuple(offers.split(","))) == name


@pytest.mark.parametrize("claimed", sorted(OUTSPOKEN))
@pytest.mark.parametrize("shown", sorted(OUTSPOKEN))
def test_a_greeting_that_the_answer_to_ehlo_belies_names_nobody(claimed: str, shown: str) -> None:
    banner = next(mark.example for mark in GREETINGS if mark.name == claimed)
    named = software_of(banner, *HELLO[shown])
    assert named == (software_of(banner, None, ()) if claimed == shown else None)


def test_a_gateway_is_named_before_the_server_that_it_is_made_of() -> None:
    assert software_of(f"{MX} ESMTP mfa-m0214089", *HELLO["Sendmail"]) == "Proofpoint"
    assert software_of(f"{MX} ESMTP Smtpd; {DATE}", *HELLO["Sendmail"]) == "FortiMail"


def test_what_was_escaped_is_compared_as_it_stands_and_names_nobody() -> None:
    """The record's texts come in escaped: a control sequence between the words is a word of its own."""
    for said in (
        b"mx.partner.example ESMTP\x1b[1m Postfix",
        b"mx.partner.example ESMTP Postfix\x00",
        b"\xff ESMTP Exim\x07 4",
    ):
        assert software_of(safe_line(said), None, ()) is None
    assert software_of(safe_line(b"\xff\x1b ESMTP Postfix"), None, ()) == "Postfix"


pieces = st.sampled_from(
    [word for mark in GREETINGS for word in mark.example.split()]
    + [word for mark in MANNERS for line in mark.example for word in line.split()]
    + ["\n", "\\x1b", "[", "4.", ""]
)
lines = st.text(max_size=60) | st.lists(pieces, max_size=12).map(" ".join)


@given(st.none() | lines, st.none() | lines, st.lists(lines, max_size=12).map(tuple))
def test_whatever_a_server_says_it_is_a_known_name_or_nothing(
    banner: str | None, hello: str | None, offers: tuple[str, ...]
) -> None:
    found = software_of(banner, hello, offers)
    assert found is None or any(found == name or found.startswith(f"{name} ") for name in NAMES)
    assert found is None or (found == safe_text(found) and len(found) <= 60)


def test_the_longest_that_a_record_keeps_is_read_too() -> None:
    offers = ("A" * 1000,) * 64
    for hello in ("a " * 500, "a Hello " * 125, "a Hello " + "[a] " * 240, "(" * 1000):
        assert software_of("ESMTP " * 160, hello, offers) is None
