# ruff: noqa: E501 - a table: each row is a line
"""How servers and services show who they are: in their greeting, or in the form and order of their answer to EHLO.

Each row names its source - the server's source file, the vendor's page, or a public collection of greetings where the
product is closed - and an example, which the tests and the page in docs/ take from here. A row may rest on a word that
the server itself puts at that place, never on a part of a host's name; the hosts that count are those of services which
name no customer's host like that.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Greeting(NamedTuple):
    """A mark in one line of the greeting.

    `word`: stands in the line between blanks, in just this spelling; empty where `hosts` say enough. `hosts`: the domains
    of which the line's first word is a host; empty where anybody's is. `pattern`: matched from the line's beginning,
    runs of blanks being one; a group `version` is the product's.
    """

    name: str
    source: str
    example: str
    word: str
    hosts: tuple[str, ...]
    pattern: re.Pattern[str]


class Manner(NamedTuple):
    """A mark in the answer to EHLO.

    `hello`: all of its first line. `offers`: all keywords offered, in upper case, in their order, one blank between them;
    None where the first line says enough.
    """

    name: str
    source: str
    example: tuple[str, ...]
    hello: re.Pattern[str]
    offers: re.Pattern[str] | None


def by_word(name: str, word: str, said: str, source: str, example: str) -> Greeting:
    """A server that names itself: behind its host's name, or without one."""
    return Greeting(name, source, example, word, (), re.compile(rf"(?:\S+ )?(?:{said})"))


def by_host(name: str, hosts: str, said: str, source: str, example: str, *, host: str = r"\S+") -> Greeting:  # noqa: PLR0913 - a row
    """A service: behind the name of a host of its own, of which `host` may demand more than its domain."""
    return Greeting(name, source, example, "", tuple(hosts.split()), re.compile(rf"{host} (?:{said})"))


def by_manner(name: str, hello: str, offers: str | None, source: str, example: str) -> Manner:
    """A server that is known by its answer to EHLO. `example`: the lines, with ` / ` between them."""
    kept = None if offers is None else re.compile(offers)
    return Manner(name, source, tuple(example.split(" / ")), re.compile(hello), kept)


VERSION = r"(?P<version>\d(?:[\w.+-]{0,24}\w)?)"
NMAP = "nmap 7.93, nmap-service-probes"
RECOG = "rapid7/recog, xml/smtp_banners.xml"
TRANSCRIPTS = "sessions in public repositories"

GREETINGS: tuple[Greeting, ...] = (
    # Services.
    by_host("Google", "google.com", r"ESMTP\b", f"{NMAP}; {TRANSCRIPTS}", "mx.google.com ESMTP af79cd13be357-7c548b7c7desi241161485a.388 - gsmtp", host=r"mx\.google\.com"),
    by_word("Google", "gsmtp", r".{0,900} - gsmtp$", "the same, its refusals at the door", "4.7.28 Gmail has detected an unusual rate of mail from your network. 5b1f17b1804b1-43aa2c5si1 - gsmtp"),
    by_host("Microsoft 365", "outlook.com office365.com hotmail.com", r"Microsoft ESMTP MAIL Service ready\b", f"Microsoft Learn, mail flow of Exchange Online; {TRANSCRIPTS}", "AMS0EPF0000019A.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at Sun, 9 Mar 2025 19:25:28 +0000 [08DD59CA63652EED]"),
    by_host("Yahoo", "yahoo.com yahoodns.net aol.com", r"ESMTP ready$", TRANSCRIPTS, "mtaproxy121.aol.mail.ne1.yahoo.com ESMTP ready"),
    by_word("Yahoo", "https://postmaster.yahooinc.com/error-codes", r"\[\w+\] .{0,900}", "Yahoo Sender Hub, SMTP error codes", "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints; see https://postmaster.yahooinc.com/error-codes"),
    by_host("Apple iCloud", "icloud.com apple.com", r"ESMTP\b", "MX hosts as Apple Support lists them", "mx01.mail.icloud.com ESMTP"),
    by_word("Apple iCloud", "iCloud", r"iCloud SMTP - \S+\.icloud\.com$", TRANSCRIPTS, "iCloud SMTP - outbound.st.icloud.com"),
    by_host("Proofpoint", "pphosted.com", r"ESMTP\b", TRANSCRIPTS, "mx0b-00000d03.pphosted.com ESMTP mfa-m0214089"),
    by_word("Proofpoint", "ESMTP", r"ESMTP mfa-m\d+$", TRANSCRIPTS, "mx.partner.example ESMTP mfa-m0214089"),
    by_host("Proofpoint Essentials", "ppe-hosted.com", r"(?:\S+ )*ESMTP\b", "hosts and Received lines of theirs in public repositories", "mx1-us1.ppe-hosted.com ESMTP Proofpoint Essentials ESMTP Server"),
    by_host("Mimecast", "mimecast.com", r"ESMTP(?:;|$)", TRANSCRIPTS, "eu-smtp-inbound-1.mimecast.com ESMTP; Wed, 25 Nov 2026 06:00:00 +0000"),
    by_word("Barracuda", "ESMTP", r"ESMTP \([0-9a-fA-F]{32}\)$", NMAP, "mx.partner.example ESMTP (0123456789abcdef0123456789abcdef)"),
    by_host("Barracuda", "barracudanetworks.com", r"ESMTP\b", "MX hosts as Barracuda's manual lists them", "d12345a.ess.barracudanetworks.com ESMTP"),
    by_host("Broadcom Email Security", "messagelabs.com symcld.net", r"ESMTP\b", "MX hosts as Broadcom's knowledge base lists them", "server-9.tower-573.messagelabs.com ESMTP"),
    by_host("Cisco Secure Email", "iphmx.com", r"ESMTP\b", "hosts of Cisco's cloud gateway, in their refusals", "esa1.hc1234-56.iphmx.com ESMTP"),
    by_word("Cisco Secure Email", "MTA's", r"Your access to this mail system has been rejected due to the sending MTA's poor reputation\. ", f"{NMAP}: AsyncOS turns a client away", "esa6.hc1234-56.iphmx.com\nYour access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means."),
    by_host("Amazon SES", "amazonaws.com", r"ESMTP\b", f"AWS: e-mail receiving endpoints; {TRANSCRIPTS}", "inbound-smtp.eu-west-1.amazonaws.com ESMTP Amazon SES", host=r"(?:inbound|email)-smtp(?:\.[\w-]+)?\.amazonaws\.com"),
    by_host("Cloudflare Email Routing", "cloudflare.net", r"Cloudflare Email ESMTP\b", "Cloudflare's documentation, Email Service", "mx.cloudflare.net Cloudflare Email ESMTP Service ready"),
    by_host("Fastmail", "messagingengine.com", r"ESMTP\b", TRANSCRIPTS, "mail.messagingengine.com ESMTP ready"),
    by_host("Zoho", "zohomail.com zoho.com zohomail.eu zoho.eu zohomail.in zoho.in", r"SMTP Server ready\b", TRANSCRIPTS, "mx.zohomail.com SMTP Server ready November 25, 2026 6:00:00 AM PST"),
    by_host("Yandex", "yandex.net yandex.ru", r"(?:ESMTP )?\(Want to use Yandex\.Mail\b", TRANSCRIPTS, "mxfront3h.mail.yandex.net (Want to use Yandex.Mail for your domain? Visit http://pdd.yandex.ru)"),
    by_host("Mail.ru", "mail.ru", r"ESMTP\b", TRANSCRIPTS, "mxs.mail.ru ESMTP ready"),
    by_host("QQ Mail", "qq.com", r"MX QQ Mail Server\b", TRANSCRIPTS, "newxmmxszc23-0.qq.com MX QQ Mail Server."),
    by_word("Coremail", "Coremail", r"Anti-spam GT for Coremail System\b|Coremail SMTP\(Anti Spam\) System\b", f"{NMAP}; {TRANSCRIPTS}: NetEase", "163.com Anti-spam GT for Coremail System (163com[20141201])"),
    by_word("1&1 Nemesis", "Nemesis", r"\(\w+\) (?:Welcome to )?Nemesis ESMTP (?:Service|server)\b", f"{NMAP}; {TRANSCRIPTS}: GMX, WEB.DE, mail.com, IONOS", "gmx.net (mxgmx015) Nemesis ESMTP Service ready"),
    # Servers that name themselves.
    by_word("Postfix", "Postfix", rf"ESMTP Postfix(?: \({VERSION}\))?(?: \([^)]*\))*(?:$|;| -| ready\b)", "Postfix, global/mail_params.h and main.cf: smtpd_banner", "mx.partner.example ESMTP Postfix (Debian/GNU)"),
    by_word("Postfix", "rejected:", r"(?:[45]\.\d\.\d )?<[^\s\[]+\[[\w.:]+\]>: Client host rejected: ", "Postfix, smtpd/smtpd_check.c, with smtpd_delay_reject = no", "5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied"),
    by_word("Postfix", "ports", r"4\.3\.2 All (?:server|screening) ports are busy$", "Postfix, postscreen/postscreen.c", "4.3.2 All screening ports are busy"),
    by_word("Postfix", "connections", r"4\.7\.0 (?:\S+ )?Error: too many connections(?:$| from (?:\S+\[)?[\w.:]+\]?$)", "Postfix, smtpd/smtpd.c, postscreen/postscreen.c", "4.7.0 mx.partner.example Error: too many connections from 192.0.2.1"),
    by_word("Exim", "Exim", rf"ESMTP Exim (?:{VERSION}\b|[A-Z][a-z][a-z], \d)|ESMTP Exim$", "Exim, globals.c: smtp_banner", "mx.partner.example ESMTP Exim 4.96 Wed, 25 Nov 2026 06:00:00 +0000"),
    by_word("Exim", "concurrent", r"Too many concurrent SMTP connections(?: from this IP address)?; please try again later\.?$", "Exim, daemon.c, smtp_in.c", "Too many concurrent SMTP connections; please try again later."),
    by_word("Sendmail", "Sendmail", rf"E?SMTP Sendmail (?:[A-Z][a-z]+ )?{VERSION}(?:/[^;]*)?;", "sendmail, cf/m4/proto.m4: SmtpGreetingMessage", "mx.partner.example ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2; Wed, 25 Nov 2026 06:00:00 GMT"),
    by_word("Sendmail", "Sendmail;", r"E?SMTP Sendmail; ", f"{NMAP}; {RECOG}", "mx.partner.example ESMTP Sendmail; Wed, 25 Nov 2026 06:00:00 GMT"),
    by_word("OpenSMTPD", "OpenSMTPD", r"ESMTP OpenSMTPD$", "OpenSMTPD, smtp_session.c", "mx.partner.example ESMTP OpenSMTPD"),
    by_word("OpenBSD spamd", "spamd", r"ESMTP spamd IP-based SPAM blocker; ", "OpenBSD, libexec/spamd/spamd.c", "mx.partner.example ESMTP spamd IP-based SPAM blocker; Wed Nov 25 06:00:00 2026"),
    by_word("Microsoft Exchange", "Microsoft", r"Microsoft ESMTP MAIL Service ready at ", "Microsoft Learn: Use Telnet to test SMTP communication on Exchange servers", "mail1.fabrikam.example Microsoft ESMTP MAIL Service ready at Fri, 5 Aug 2016 16:24:41 -0700"),
    by_word("Microsoft SMTP Service", "Microsoft", rf"Microsoft ESMTP MAIL Service, Version: {VERSION} ready\b", f"{RECOG}: of IIS, and of Exchange 2000 and 2003", "mail.partner.example Microsoft ESMTP MAIL Service, Version: 10.0.20348.1 ready at Wed, 25 Nov 2026 06:00:00 +0000"),
    by_word("Haraka", "Haraka", rf"ESMTP Haraka {VERSION} ready\b", "Haraka, connection.js, up to 2.x", "mx.partner.example ESMTP Haraka 2.8.28 ready"),
    by_word("Haraka", "ready", rf"ESMTP Haraka(?:/{VERSION})? ready\b", "Haraka, connection.js, 3.x", "mx.partner.example ESMTP Haraka/3.0.3 ready (C9DF66)"),
    by_word("PowerMTA", "(PowerMTA(TM)", rf"\(PowerMTA\(TM\) v{VERSION}\) ", f"{NMAP}; Port25's manual", "mail.partner.example (PowerMTA(TM) v5.0r4) ESMTP service ready"),
    by_word("Momentum", "ecelerity", rf"(?:\S+ )?ESMTP ecelerity(?: {VERSION}\b|$)", f"{RECOG}; Momentum's manual", "2.0.0 mx.partner.example ESMTP ecelerity 4.1.5.48834 r(Core:4.1.5.3) Wed, 25 Nov 2026 06:00:00 +0000"),
    by_word("KumoMTA", "KumoMTA", r"KumoMTA$", "KumoMTA's documentation: start_esmtp_listener", "mx.partner.example KumoMTA"),
    by_word("KumoMTA", "KumoMTA!", r"Welcome to KumoMTA!$", "KumoMTA's documentation: start_esmtp_listener", "mx.partner.example Welcome to KumoMTA!"),
    by_word("Stalwart", "Stalwart", r"Stalwart E?SMTP at your service\b", "Stalwart, session.connect.greeting", "mx.partner.example Stalwart ESMTP at your service"),
    by_word("mox", "mox", rf"ESMTP mox (?:v?{VERSION}|\()", "mox, smtpserver/server.go", "mx.partner.example ESMTP mox v0.0.11"),
    by_word("chasquid", "chasquid", r"ESMTP chasquid$", "chasquid, internal/smtpsrv/conn.go", "mx.partner.example ESMTP chasquid"),
    by_word("Apache James", "(JAMES", rf"SMTP Server \(JAMES SMTP Server(?: {VERSION})? ?\) ready\b", f"{NMAP}; James, smtpserver.xml", "mx.partner.example SMTP Server (JAMES SMTP Server ) ready"),
    by_word("aiosmtpd", "Python", rf"Python SMTP {VERSION}$", "aiosmtpd, smtp.py: __ident__", "mx.partner.example Python SMTP 1.4.6"),
    by_word("qpsmtpd", "qpsmtpd", rf"ESMTP qpsmtpd {VERSION} ready;", NMAP, "mx.partner.example ESMTP qpsmtpd 0.96 ready; send us your mail, but not your spam."),
    by_word("Citadel", "Citadel", r"ESMTP Citadel server ready\.$", NMAP, "mx.partner.example ESMTP Citadel server ready."),
    by_word("Axigen", "Axigen", r"Axigen ESMTP ready$", NMAP, "mx.partner.example Axigen ESMTP ready"),
    by_word("CommuniGate Pro", "CommuniGate", rf"ESMTP CommuniGate Pro(?: {VERSION})?(?:$| is glad to see you!$)", NMAP, "mx.partner.example ESMTP CommuniGate Pro 6.3.20 is glad to see you!"),
    by_word("Kerio Connect", "Kerio", rf"Kerio (?:Connect|MailServer) {VERSION}(?: patch \d+)? ESMTP ready$", NMAP, "mx.partner.example Kerio Connect 10.0.3 patch 1 ESMTP ready"),
    by_word("MDaemon", "MDaemon", rf"ESMTP (?:MSA )?MDaemon {VERSION}(?: UNREGISTERED)?(?:;| ready$)", NMAP, "mx.partner.example ESMTP MDaemon 23.5.1; Wed, 25 Nov 2026 06:00:00 +0000"),
    by_word("hMailServer", "hMailServer", rf"ESMTP hMailServer(?: {VERSION})?$", NMAP, "mx.partner.example ESMTP hMailServer 5.6.8"),
    by_word("MailEnable", "MailEnable", rf"ESMTP MailEnable Service, Version: {VERSION}", NMAP, "mx.partner.example ESMTP MailEnable Service, Version: 10.43-- ready at 04/28/23 04:52:19"),
    by_word("IceWarp", "IceWarp", rf"E?SMTP IceWarp {VERSION}(?:;| )", NMAP, "mx.partner.example ESMTP IceWarp 11.4.6.0 x64; Tue, 22 May 2018 15:53:07 +0200"),
    by_word("HCL Domino", "Domino", rf"ESMTP Service \((?:HCL|IBM|Lotus) Domino (?:Release )?{VERSION}[^)]{{0,40}}\) ready\b", NMAP, "mx.partner.example ESMTP Service (HCL Domino Release 11.0.1) ready at Wed, 16 Sep 2020 00:36:55 -0400"),
    by_word("GroupWise", "GroupWise", rf"GroupWise Internet Agent {VERSION}", NMAP, "mx.partner.example GroupWise Internet Agent 18.4.1 Copyright 1993-2022 Novell, Inc. All rights reserved. Ready"),
    by_word("Oracle Messaging Server", "Messaging", rf"-- Server ESMTP \((?:Oracle Communications|Sun Java(?:\(tm\))? System|iPlanet) Messaging (?:Exchange )?Server(?: {VERSION})?", NMAP, "mx.partner.example -- Server ESMTP (Oracle Communications Messaging Server 8.0.1.2.20170607 64bit (built Jun 7 2017))"),
    by_word("SurgeMail", "SurgeSMTP", rf"SurgeSMTP \(Version {VERSION}\) http://surgemail\.com", NMAP, "mx.partner.example SurgeSMTP (Version 7.7f2-1) http://surgemail.com"),
    by_word("FortiMail", "Smtpd;", r"ESMTP Smtpd; [A-Z][a-z][a-z], \d", NMAP, "mx.partner.example ESMTP Smtpd; Wed, 25 Nov 2026 06:00:00 +0000"),
    by_word("Symantec Messaging Gateway", "Symantec", r"ESMTP Symantec Messaging Gateway$", NMAP, "mx.partner.example ESMTP Symantec Messaging Gateway"),
    by_word("Trend Micro InterScan", "InterScan", rf"Trend Micro InterScan Messaging Security Suite, Version: {VERSION} ready\b", NMAP, "mx.partner.example Trend Micro InterScan Messaging Security Suite, Version: 9.1.0.1631 ready at Wed, 25 Nov 2026 06:00:00 +0000"),
)  # fmt: skip
"""Of those with a word or a host in common the first that fits names it; a host goes before a word."""

AUTH = r"(?: AUTH(?:=\S*)?)*"

MANNERS: tuple[Manner, ...] = (
    by_manner("Google", r"mx\.google\.com at your service(?:, \[\S+\])?", None, TRANSCRIPTS, "mx.google.com at your service, [192.0.2.1]"),
    by_manner("Microsoft 365", r"\S+\.(?:protection\.outlook|outlook\.office365)\.com Hello \[\S+\]", None, TRANSCRIPTS, "AMS0EPF0000019A.mail.protection.outlook.com Hello [192.0.2.1]"),
    by_manner("Haraka", r".{0,300} Hello\b.{0,300}, Haraka is at your service\.", None, "Haraka, connection.js", "mx.partner.example Hello probe.example [192.0.2.1], Haraka is at your service."),
    by_manner("Stalwart", r"\S+ you had me at EHLO", None, "Stalwart, smtp-proto: response/generate.rs", "mx.partner.example you had me at EHLO"),
    by_manner("chasquid", r"\S+ - Your hour of destiny has come\.", None, "chasquid, internal/smtpsrv/conn.go", "mx.partner.example - Your hour of destiny has come."),
    by_manner("Axigen", r"\S+ Axigen ESMTP hello", None, NMAP, "mx.partner.example Axigen ESMTP hello"),
    by_manner("MailEnable", r"\S+(?: \[\S+\])?, this server offers \d+ extensions", None, NMAP, "mx.partner.example [192.0.2.1], this server offers 4 extensions"),
    by_manner("Momentum", r"\S+ says EHLO to \S+", None, "Momentum's manual", "mx.partner.example says EHLO to 192.0.2.1:63602"),
    by_manner("PowerMTA", r"\S+ says hello", r"(?:\S+ )*XACK XMRG(?: \S+)*", "Port25's manual", "mx.partner.example says hello / ENHANCEDSTATUSCODES / PIPELINING / CHUNKING / 8BITMIME / XACK / XMRG / SIZE 54525952 / VERP / DSN"),
    by_manner("Courier", r".{1,300}", r"(?:\S+ )*XVERP=COURIER(?: \S+)*", "Courier, courier/module.esmtp", "mx.partner.example Ok. / STARTTLS / XVERP=Courier / XEXDATA / XSECURITY=NONE,STARTTLS / PIPELINING / 8BITMIME / SIZE / DSN"),
    by_manner("Postfix", r"\S+", rf"(?:PIPELINING )?SIZE(?: VRFY)? ETRN(?: STARTTLS)?{AUTH}(?: XVERP)?(?: XCLIENT)?(?: XFORWARD)? ENHANCEDSTATUSCODES 8BITMIME DSN(?: SMTPUTF8)?(?: CHUNKING)?(?: REQUIRETLS)?", "Postfix, smtpd/smtpd.c; without PIPELINING postscreen/postscreen_smtpd.c", "mx.partner.example / PIPELINING / SIZE 10240000 / VRFY / ETRN / STARTTLS / ENHANCEDSTATUSCODES / 8BITMIME / DSN / SMTPUTF8 / CHUNKING"),
    by_manner("Exim", r"\S+ Hello .{1,300} \[\S+\]", r"(?:\S+ )*(?:PRDR|PIPECONNECT)(?: \S+)*|SIZE(?: LIMITS)?(?: 8BITMIME)?(?: DSN)?(?: ETRN)?(?: VRFY)?(?: EXPN)?(?: PIPELINING)?(?: AUTH)? CHUNKING(?: STARTTLS)?(?: SMTPUTF8)?(?: XCLIENT)? HELP", "Exim, smtp_in.c", "mx.partner.example Hello probe.example [192.0.2.1] / SIZE 52428800 / 8BITMIME / PIPELINING / PIPECONNECT / CHUNKING / STARTTLS / PRDR / HELP"),
    by_manner("Sendmail", r"\S+ Hello .{1,300}, pleased to meet you", rf"ENHANCEDSTATUSCODES(?: PIPELINING)?(?: EXPN)?(?: VERB)? 8BITMIME SIZE(?: DSN)?(?: ETRN)?{AUTH}(?: STARTTLS)? DELIVERBY(?: SMTPUTF8)? HELP", "sendmail, srvrsmtp.c", "mx.partner.example Hello probe.example [192.0.2.1], pleased to meet you / ENHANCEDSTATUSCODES / PIPELINING / 8BITMIME / SIZE / DSN / ETRN / DELIVERBY / HELP"),
    by_manner("OpenSMTPD", r"\S+ Hello \S+ \[\S+\], pleased to meet you", rf"8BITMIME ENHANCEDSTATUSCODES SIZE(?: DSN)?(?: STARTTLS)?{AUTH} HELP", "OpenSMTPD, smtp_session.c", "mx.partner.example Hello probe.example [192.0.2.1], pleased to meet you / 8BITMIME / ENHANCEDSTATUSCODES / SIZE 36700160 / DSN / HELP"),
    by_manner("Microsoft Exchange", r"\S+ Hello \[\S+\]", r"(?:\S+ )*(?:X-ANONYMOUSTLS|X-EXPS|XRDST)(?: \S+)*|SIZE PIPELINING DSN ENHANCEDSTATUSCODES(?: STARTTLS)?(?: AUTH)? 8BITMIME BINARYMIME CHUNKING(?: SMTPUTF8)?", "Microsoft Learn: Use Telnet to test SMTP communication on Exchange servers", "mail1.fabrikam.example Hello [192.0.2.1] / SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / X-ANONYMOUSTLS / AUTH NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XRDST"),
)  # fmt: skip
"""The first that fits names it."""
