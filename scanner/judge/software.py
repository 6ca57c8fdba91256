# ruff: noqa: E501 - a table: each row is a line
"""Which server or service answers, by its greeting and its answer to EHLO: a guess, or nothing.

A banner is a claim and cheap to forge, and many sites put another in its place. So a word counts only where that server
writes it, never as a part of a host's name, and what two servers share names neither.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

REMEMBERED = 1024
"""Servers of one provider greet alike but for their name and the time; the others are cheap to read again."""


class Mark(NamedTuple):
    """How one server shows itself.

    `name`: what the record says; a group `version` of `banner` is added to it. `banner`: searched in the greeting behind
    its first word, the host's name, where `behind_name`, else in all of it. `hello`: must be found in the EHLO reply's
    first line, where it is given. `offers`: keywords that must be offered. `source`: who says so.
    """

    name: str
    source: str
    banner: re.Pattern[str] | None = None
    hello: re.Pattern[str] | None = None
    offers: frozenset[str] = frozenset()
    behind_name: bool = True


def mark(  # noqa: PLR0913 - a mark's fields
    name: str,
    source: str,
    banner: str | None = None,
    *,
    hello: str | None = None,
    offers: str = "",
    behind_name: bool = True,
) -> Mark:
    """A row of the table."""
    return Mark(
        name,
        source,
        None if banner is None else re.compile(banner),
        None if hello is None else re.compile(hello),
        frozenset(offers.split()),
        behind_name,
    )


VERSION = r"(?P<version>\d[\w.+-]{0,24}\w)"

MARKS: tuple[Mark, ...] = (
    # Services: their own hosts' names are part of the proof, since customers' hosts do not bear them.
    mark("Google", "Google: Gmail and Workspace", r"^mx\.google\.com ESMTP .+ - gsmtp$", behind_name=False),
    mark("Google", "Google: EHLO", hello=r"^mx\.google\.com at your service"),
    mark(
        "Microsoft 365", "Microsoft: Exchange Online Protection",
        r"^\S+\.(?:mail\.protection|[\w.-]*protection)\.outlook\.com Microsoft ESMTP MAIL Service ready",
        behind_name=False,
    ),
    mark(
        "Microsoft 365", "Microsoft: Outlook.com", r"^\S+\.(?:hotmail|olc\.protection\.outlook|outlook)\.com Microsoft ESMTP",
        behind_name=False,
    ),
    mark("Yahoo", "Yahoo: also AOL", r"^\S+\.(?:yahoo|yahoodns|aol)\.(?:com|net) ESMTP ready$", behind_name=False),
    mark("Apple iCloud", "Apple", r"^\S+\.(?:icloud|apple|me)\.com ESMTP\b", behind_name=False),
    mark("Proofpoint", "Proofpoint on premises and on demand", r"^ESMTP mfa-m\d+$"),
    mark("Proofpoint", "Proofpoint on demand", r"^\S+\.(?:pphosted|ppe-hosted)\.com ESMTP\b", behind_name=False),
    mark("Mimecast", "Mimecast", r"^\S+\.mimecast\.com ESMTP;", behind_name=False),
    mark("Barracuda", "Barracuda Email Security Service", r"^\S+\.ess\.barracuda(?:networks)?\.com ESMTP", behind_name=False),
    mark("Barracuda", "Barracuda Email Security Gateway", r"^ESMTP \([0-9a-f]{32}\)$"),
    mark("Broadcom Email Security", "MessageLabs", r"^server-\d+\.tower-\d+\.messagelabs\.com ESMTP$", behind_name=False),
    mark("Amazon SES", "AWS: inbound endpoints", r"^inbound-smtp\.[\w-]+\.amazonaws\.com ESMTP ", behind_name=False),
    mark("Cloudflare Email Routing", "Cloudflare", r"^mx\.cloudflare\.net Cloudflare Email ESMTP", behind_name=False),
    mark("Fastmail", "Fastmail", r"^\S+\.messagingengine\.com ESMTP\b", behind_name=False),
    mark("Zoho", "Zoho", r"^\S+\.zoho(?:corp)?\.(?:com|eu|in) (?:SMTP|ESMTP) ", behind_name=False),
    mark("Yandex", "Yandex", r"^\S+\.yandex\.(?:net|ru|com) (?:ESMTP|SMTP|\(Want to use Yandex)", behind_name=False),
    mark("Mail.ru", "VK", r"^\S+\.mail\.ru ESMTP ready", behind_name=False),
    mark("QQ Mail", "Tencent", r"^\S+\.qq\.com MX QQ Mail Server", behind_name=False),
    mark("Coremail", "Coremail: NetEase 163 and 126, universities", r"Anti-spam GT for Coremail System"),
    mark("GMX / web.de", "1&1 Mail & Media", r"^(?:gmx\.net|web\.de|kundenserver\.de) \(mx\w+\) Nemesis ESMTP", behind_name=False),
    mark("MailChannels", "MailChannels", r"^ESMTP MailChannels\b"),
    # Servers that name themselves.
    mark("Exim", "exim4 smtp_in.c: smtp_banner", rf"^ESMTP Exim {VERSION}\b"),
    mark("Postfix", "Postfix global/mail_params.h: smtpd_banner", r"^ESMTP Postfix(?: \(.*\))?$"),
    mark("Sendmail", "sendmail cf: confSMTP_LOGIN_MSG", rf"^ESMTP Sendmail {VERSION}(?:/[^;]*)?;"),
    mark("OpenSMTPD", "OpenSMTPD smtp_session.c", r"^ESMTP OpenSMTPD$"),
    mark("Microsoft Exchange", "Microsoft: Exchange Server", r"^Microsoft ESMTP MAIL Service(?: ready at|, Version: )"),
    mark("Haraka", "Haraka config: greeting", rf"^ESMTP Haraka(?:/{VERSION})? ready"),
    mark("PowerMTA", "Bird", r"^ESMTP PowerMTA v"),
    mark("KumoMTA", "KumoMTA: default banner", r"^KumoMTA$|^ESMTP KumoMTA"),
    mark("Momentum", "Bird: ecelerity", r"ESMTP ecelerity " + VERSION),
    mark("Zimbra", "Zimbra: an extension of its Postfix", r"^ESMTP Zimbra"),
    mark("Kerio Connect", "GFI", rf"(?:^|ESMTP )Kerio (?:Connect|MailServer) {VERSION}"),
    mark("MDaemon", "MDaemon Technologies", rf"ESMTP MDaemon {VERSION}"),
    mark("hMailServer", "hMailServer: default greeting is the host's name; administrators name it", r"^ESMTP hMailServer\b"),
    mark("MailEnable", "MailEnable", rf"^ESMTP MailEnable Service, Version: {VERSION}"),
    mark("IceWarp", "IceWarp", rf"^ESMTP IceWarp {VERSION}"),
    mark("HCL Domino", "HCL, before IBM", r"ESMTP Service \((?:IBM|HCL|Lotus) Domino Release (?P<version>[\w.]+)"),
    mark("CommuniGate Pro", "CommuniGate", rf"ESMTP CommuniGate Pro {VERSION}"),
    mark("SmarterMail", "SmarterTools", r"^(?:ESMTP )?SmarterMail\b"),
    mark("GroupWise", "OpenText", r"GroupWise Internet Agent " + VERSION),
    mark("Cisco Secure Email", "Cisco: AsyncOS", hello=r"^\S+$", banner=r"^ESMTP IronPort\b"),
    mark("FortiMail", "Fortinet", r"^(?:ESMTP )?FortiMail\b"),
    mark("Symantec Messaging Gateway", "Broadcom", r"ESMTP Symantec (?:Messaging Gateway|Mail Security|Brightmail)"),
    mark("Stalwart", "stalwartlabs", r"^Stalwart (?:ESMTP|SMTP)"),
    mark("mox", "mox smtpserver: greeting", r"^ESMTP mox\b"),
    mark("maddy", "foxcpp/maddy over go-smtp", r"^ESMTP Service Ready$", hello=r"^Hello \S+$", offers="ENHANCEDSTATUSCODES CHUNKING SMTPUTF8"),
    mark("Apache James", "James: smtpserver.xml", r"(?:JAMES|Apache James) SMTP Server"),
    mark("aiosmtpd", "aio-libs/aiosmtpd: __ident__", r"^Python SMTP " + VERSION),
    mark("chasquid", "albertito/chasquid", r"^ESMTP chasquid$"),
    mark("Courier", "Courier: esmtpd", r"^ESMTP$", hello=r" Ok\.$"),
    # Servers that do not, and can be told by how they answer EHLO.
    mark("Sendmail", "sendmail srvrsmtp.c: the words, and ETRN and DELIVERBY", hello=r" Hello .+, pleased to meet you$", offers="DELIVERBY"),
    mark("OpenSMTPD", "OpenSMTPD smtp_session.c: the words without Sendmail's extensions", r"^ESMTP", hello=r" Hello \S+ \[.+\], pleased to meet you$"),
    mark("Exim", "exim4 smtp_in.c: EHLO, with the extensions of its own", hello=r" Hello \S+ \[.+\]$", offers="PIPECONNECT"),
    mark("Exim", "exim4 smtp_in.c: EHLO, with PRDR", hello=r" Hello \S+ \[.+\]$", offers="PRDR"),
    mark("Microsoft Exchange", "Microsoft: EHLO with its own extensions", hello=r" Hello \[.+\]$", offers="XRDST"),
    mark("Microsoft Exchange", "Microsoft: EHLO with its own extensions", hello=r" Hello \[.+\]$", offers="X-ANONYMOUSTLS"),
    mark("smtp-sink", "Postfix smtp-sink.c", r"^ESMTP$", hello=r"^\S+$", offers="PIPELINING 8BITMIME XCLIENT"),
)  # fmt: skip
"""The first that fits names it."""


@lru_cache(maxsize=REMEMBERED)
def software_of(banner: str | None, hello: str | None, extensions: tuple[str, ...]) -> str | None:
    """What answers, or None.

    Args:
        banner: the greeting's lines without codes, joined by line feeds.
        hello: the first line of the reply to EHLO or HELO; None where it was not reached.
        extensions: as offered.
    """
    if banner is None:
        return None
    greeting = banner.rpartition("\n")[2]
    behind = greeting.partition(" ")[2]
    offered = frozenset(line.split(maxsplit=1)[0].upper() for line in extensions if line.strip())
    for each in MARKS:
        if (found := fits(each, greeting, behind, hello, offered)) is not None:
            return found
    return None


def fits(each: Mark, greeting: str, behind: str, hello: str | None, offered: frozenset[str]) -> str | None:
    """The name, with its version where the greeting tells it; None where the mark does not fit."""
    version = None
    if each.banner is not None:
        found = each.banner.search(behind if each.behind_name else greeting)
        if found is None:
            return None
        version = found.groupdict().get("version")
    if each.hello is not None and (hello is None or each.hello.search(hello) is None):
        return None
    if not each.offers <= offered:
        return None
    return f"{each.name} {version}" if version else each.name
