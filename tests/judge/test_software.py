# ruff: noqa: E501 - a table: each row is a line
"""Which server answers: what each one writes names it, and what only looks like it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.judge.software import MARKS, software_of

POSTFIX = (
    "PIPELINING",
    "SIZE 10240000",
    "VRFY",
    "ETRN",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "DSN",
    "SMTPUTF8",
    "CHUNKING",
)
EXIM = ("SIZE 52428800", "8BITMIME", "PIPELINING", "PIPECONNECT", "CHUNKING", "PRDR", "HELP")
SENDMAIL = ("ENHANCEDSTATUSCODES", "PIPELINING", "EXPN", "VERB", "8BITMIME", "SIZE", "DSN", "ETRN", "DELIVERBY", "HELP")
EXCHANGE = ("SIZE 37748736", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "X-ANONYMOUSTLS", "AUTH NTLM", "XRDST")
OPENSMTPD = ("8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 36700160", "DSN", "HELP")
DATE = "Wed, 25 Nov 2026 06:00:00 +0000"

NAMED: list[tuple[str, str, str | None, tuple[str, ...]]] = [
    (
        "Google",
        "mx.google.com ESMTP 5b1f17b1804b1-43aa2c5si1 - gsmtp",
        "mx.google.com at your service, [192.0.2.1]",
        (),
    ),
    ("Google", "mx.google.com ESMTP", "mx.google.com at your service, [192.0.2.1]", ()),
    (
        "Microsoft 365",
        f"AM5EUR02FT019.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at {DATE}",
        "AM5EUR02FT019.mail.protection.outlook.com Hello [192.0.2.1]",
        (),
    ),
    ("Yahoo", "mtaproxy108.free.mail.bf1.yahoo.com ESMTP ready", None, ()),
    ("Proofpoint", "mx0a-001.pphosted.com ESMTP mfa-m0123456", None, ()),
    ("Proofpoint", "mx.partner.example ESMTP mfa-m0123456", None, ()),
    ("Mimecast", "us-smtp-inbound-1.mimecast.com ESMTP; Wed, 25 Nov 2026 06:00:00 +0000", None, ()),
    ("Broadcom Email Security", "server-9.tower-573.messagelabs.com ESMTP", None, ()),
    ("Amazon SES", "inbound-smtp.us-east-1.amazonaws.com ESMTP SimpleEmailService-abc", None, ()),
    ("Cloudflare Email Routing", "mx.cloudflare.net Cloudflare Email ESMTP Service ready", None, ()),
    ("Mail.ru", "mxs.mail.ru ESMTP ready (Looking for Mail for your domain? Visit https://biz.mail.ru)", None, ()),
    ("QQ Mail", "newxmmxszc5.qq.com MX QQ Mail Server.", None, ()),
    ("Coremail", "163.com Anti-spam GT for Coremail System (163com[20141201])", None, ()),
    ("GMX / web.de", "gmx.net (mxgmx015) Nemesis ESMTP Service ready", None, ()),
    (
        "Exim 4.96",
        f"mx.partner.example ESMTP Exim 4.96 {DATE}",
        "mx.partner.example Hello probe.test [192.0.2.1]",
        EXIM,
    ),
    ("Exim", f"mx.partner.example ESMTP {DATE}", "mx.partner.example Hello probe.test [192.0.2.1]", EXIM),
    ("Postfix", "mx.partner.example ESMTP Postfix", "mx.partner.example", POSTFIX),
    ("Postfix", "mx.partner.example ESMTP Postfix (Debian/GNU)", "mx.partner.example", POSTFIX),
    ("Postfix", "mx.partner.example ESMTP Postfix\nmx.partner.example ESMTP Postfix", None, ()),
    ("Sendmail 8.17.1.9", f"mx.partner.example ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2; {DATE}", None, ()),
    (
        "Sendmail",
        f"mx.partner.example ESMTP; {DATE}",
        "mx.partner.example Hello a.b [192.0.2.1], pleased to meet you",
        SENDMAIL,
    ),
    ("OpenSMTPD", "mx.partner.example ESMTP OpenSMTPD", None, ()),
    (
        "OpenSMTPD",
        "mx.partner.example ESMTP",
        "mx.partner.example Hello probe.test [192.0.2.1], pleased to meet you",
        OPENSMTPD,
    ),
    ("Microsoft Exchange", f"mail.partner.example Microsoft ESMTP MAIL Service ready at {DATE}", None, ()),
    ("Microsoft Exchange", "mail.partner.example", "mail.partner.example Hello [192.0.2.1]", EXCHANGE),
    ("Haraka", "mx.partner.example ESMTP Haraka ready", None, ()),
    ("Haraka 3.0.3", "mx.partner.example ESMTP Haraka/3.0.3 ready", None, ()),
    ("Momentum 4.3", "mx.partner.example 2.0.0 mx.partner.example ESMTP ecelerity 4.3.1 r()", None, ()),
    ("Kerio Connect 10.0.3", "mail.partner.example Kerio Connect 10.0.3 patch 1 ESMTP ready", None, ()),
    ("MDaemon 23.5.1", f"mail.partner.example ESMTP MDaemon 23.5.1; {DATE}", None, ()),
    ("MailEnable 10.46", "mail.partner.example ESMTP MailEnable Service, Version: 10.46-- ready at 11/25/26", None, ()),
    ("IceWarp 14.0.0.19", f"mail.partner.example ESMTP IceWarp 14.0.0.19; {DATE}", None, ()),
    ("HCL Domino 12.0.2", "mail.partner.example ESMTP Service (HCL Domino Release 12.0.2) ready at", None, ()),
    ("aiosmtpd 1.4.6", "mx.partner.example Python SMTP 1.4.6", None, ()),
    ("Stalwart", "mail.partner.example Stalwart ESMTP at your service", None, ()),
]


@pytest.mark.parametrize(("name", "banner", "hello", "offers"), NAMED, ids=[row[0] for row in NAMED])
def test_each_is_named_by_what_it_writes(name: str, banner: str, hello: str | None, offers: tuple[str, ...]) -> None:
    found = software_of(banner, hello, offers)
    assert found is not None
    assert re.match(re.escape(name) + r"(?![a-z])", found), found


@pytest.mark.parametrize(
    ("banner", "hello", "offers"),
    [
        (None, None, ()),
        ("", None, ()),
        ("mx.partner.example ESMTP", "mx.partner.example", POSTFIX),
        ("postfix.partner.example ESMTP", "postfix.partner.example", ()),
        ("exim-fan.example ESMTP ready", "exim-fan.example", ()),
        ("mx.google.com.partner.example ESMTP", "mx.google.com.partner.example", ()),
        ("outlook.com.partner.example Microsoft Outlook fan club", None, ()),
        ("mx.partner.example ESMTP we are not Postfix", None, ()),
        ("Postfix", None, ()),
        ("mx.partner.example ESMTP", "mx.partner.example Hello probe.test [192.0.2.1]", ()),
        ("***************************", "mx.partner.example", ()),
        ("554 go away", None, ()),
    ],
)
def test_what_only_looks_like_it_names_nobody(banner: str | None, hello: str | None, offers: tuple[str, ...]) -> None:
    assert software_of(banner, hello, offers) is None


def test_the_servers_and_services_that_handle_most_mail_are_among_them() -> None:
    names = {mark.name for mark in MARKS}
    assert names >= {
        "Google", "Microsoft 365", "Microsoft Exchange", "Yahoo", "Apple iCloud", "Proofpoint", "Mimecast", "Barracuda",
        "Broadcom Email Security", "Amazon SES", "Cloudflare Email Routing", "Fastmail", "Zoho", "Yandex", "Mail.ru", "QQ Mail",
        "Postfix", "Exim", "Sendmail", "OpenSMTPD", "Haraka", "PowerMTA",
    }  # fmt: skip
    assert all(mark.source and (mark.banner or mark.hello) for mark in MARKS)


def test_the_page_names_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs/software.md").read_text(encoding="utf-8")
    assert all(mark.name in page for mark in MARKS)


@given(st.text(max_size=120), st.none() | st.text(max_size=80), st.lists(st.text(max_size=20), max_size=5).map(tuple))
def test_whatever_a_server_says_it_is_a_name_or_nothing(
    banner: str, hello: str | None, offers: tuple[str, ...]
) -> None:
    found = software_of(banner, hello, offers)
    assert found is None or any(found.startswith(mark.name) for mark in MARKS)
