"""Phrases that name the sending host, its network or its listing: what is refused is us, whatever the stage.

Before them stand the phrases that use the same words of the sender's address, of the recipient's own list or of a link
in the message: `blacklisted` alone does not say who is.
"""

from __future__ import annotations

from scanner.judge.rules.rule import Rule, phrase
from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage

LISTED = r"(?:black|block|deny|dns|spam|bad)[- ]?list"
HOST_WORDS = (
    r"(?:ips?|ip address(?:es)?|hosts?|networks?|mta|isp|country|region|subnet|ip range|netblock|domain/ip|ip/domain"
    r"|clients?|remotehost)"
)
OUR_HOST = (
    r"(?:(?:your|client|sending|sender|sender's|remote|connecting|source|peer|originating) (?:\w+ ){0,2}?"
    r"(?:" + HOST_WORDS + r"|servers?|mail ?servers?|(?:mail )?relays?|connections?|smtp)"
    r"|(?:the|this) (?:\w+ )?(?:ips?|ip address(?:es)?|networks?|country|region|subnet|ip range|netblock|clients?))"
)
TURNED_AWAY = (
    r"(?:block|ban|den(?:y|ied)|refus|reject|blacklist|not (?:allow|permit|authori[sz]|accept|welcome|whitelist)"
    r"|n't (?:allow|permit|authori[sz]|accept|welcome)|(?<!not )listed|on (?:a|our|the) .{0,12}list|bad|poor"
    r"|suspicious|spam|abus"
    r"|forbidden|prohibited|barred|quarantin|untrusted)"
)

REPUTATION: tuple[Rule, ...] = (
    phrase(
        "client.listed-by-recipient",
        V.CLIENT_BLOCKED,
        "an address on a recipient organisation's list is still the client",
        r"\b(?:ip|host|server|client)s? (?:address )?.{0,20}(?:blacklisted|blocked|banned) by",
    ),
    phrase(
        "tls.not-used",
        V.TLS_REQUIRED,
        "Gmail 4.7.29: rate limited for want of TLS; the cause outranks the means",
        r"(?:not|n't) sent (?:over|using|with) (?:an? )?(?:tls|encrypted|secure)",
    ),
    phrase(
        "recipient.own-list",
        V.RECIPIENT_RESTRICTED,
        "personal block lists of one mailbox",
        r"(?:blocked|blacklisted|rejected|refused|denied) by (?:the |this )?(?:recipient|user|addressee|mailbox owner)",
        r"recipient'?s? (?:has |have )?(?:personal |own )?(?:blocked|blacklist|block list|blocklist|deny)",
        r"you (?:have been|are|were) blocked by",
        r"recipient .{0,40}(?:blocked|blacklisted) (?:you|the sender|your)",
    ),
    phrase(
        "content.listed-link",
        V.CONTENT_REJECTED,
        "URIBL, SURBL, DBL: a link or a body domain is listed, not the client",
        r"(?:blacklisted|listed|blocked|spam\w*|bad|malicious|phish\w*) (?:url|uri|link"
        r"|domain in (?:the )?(?:body|message))",
        r"(?:url|uri|link)s? .{0,40}(?:" + LISTED + r"|listed|blocked|malicious|phish)",
        r"\b(?:uribl|surbl)\b",
    ),
    phrase(
        "content.detected",
        V.CONTENT_REJECTED,
        "filters that name the host beside what they found in the message",
        r"(?:message|mail|email|it|content) (?:was |is |has been )?(?:detected|identified|classified|recogni[sz]ed"
        r"|flagged|marked|considered) (?:as|to be) (?:\w+ ){0,2}(?:spam|junk)\b(?! source)",
        stages=frozenset({None, Stage.DATA, Stage.MESSAGE}),
    ),
    phrase(
        "sender.listed",
        V.SENDER_REJECTED,
        "lists of sender addresses and domains: MessageLabs, qmail badmailfrom, SecuMail, RHSBL",
        r"bad ?mail ?from",
        r"(?:sender|envelope|from (?:address|domain)|return[- ]path)(?:'s)? (?:(?!ips?\b|hosts?\b|servers?\b"
        r"|mta\b)\w+ ){0,4}?"
        r"(?:" + LISTED + r"|listed (?:in|at|on|by)|banned)",
        r"sender (?:is |has been |was )?(?:" + LISTED + r"|banned|spammer)",
        r"(?:your )?email address .{0,30}" + LISTED,
        r"(?:the |your )?(?:email|domain) (?:is |has been |was )?(?:in (?:a|our|my) )?(?:" + LISTED + r")",
        r"mail ?from(?: domain)? .{0,30}(?:" + LISTED + r"|listed)",
        r"sending (?:email )?(?:address|domain).{0,30}" + LISTED,
        r"\brhsbl\b",
        r"access denied \(sender",
        r"sender refused by the dnsbl",
    ),
    phrase(
        "client.reputation",
        V.CLIENT_BLOCKED,
        "Gmail, Cisco, T-Online, Cloudmark, Yahoo, Microsoft 4.7.650: reputation is the address's",
        r"reputation|\bkarma\b|\bpenalty ?box\b",  # the latter Haraka's and ASSP's
        r"senderbase|senderscore",
    ),
    phrase(
        "rate.microsoft-busy",
        V.RATE_LIMITED,
        "Microsoft 365: `451 4.7.500 Server busy`; the same code with `Access denied` is a block",
        r"server busy",
        detail=(7, 500),
    ),
    phrase(
        "rate.temporarily-limited",
        V.RATE_LIMITED,
        "Gmail 4.7.28, Microsoft 4.7.65x, Yahoo TSS04: slow down and try later",
        r"temporarily rate limited",
        r"unusual rate of",
        r"(?:unexpected|excessive|high|too much|unusual) (?:mail )?(?:volume|traffic|number)",
        r"exceeded the (?:maximum|max|allowed|permitted) (?:number|amount) of",
        r"\brate[- ]?limit",
        r"too many (?:\w+ ){0,3}(?:sessions?|connections?)\b",
        r"server busy.{0,60}(?:from|as\()",
        r"\bdyn:t\d|\brly:b[12]\b",
        r"\bhl:(?:icc|ifc)|\bmi:(?:dmc|ccl|cel|sfq)|\brp:(?:drc|ccl|cel)",
        r"\b(?:rp|ls)-00\d\b",
        r"frequency .{0,30}\blimited\b",
        r"\bcx(?:cnct|mxrt|thrt)\b|\brl0{3,}\w+",
    ),
)

CLIENTS: tuple[Rule, ...] = (
    phrase(
        "client.blocklist",
        V.CLIENT_BLOCKED,
        "RFC 5782 lists and the servers that ask them",
        r"spamhaus|spamcop|\bsorbs\b|barracudacentral|abuseat|uceprotect|junkemailfilter|backscatterer|mailspike"
        r"|invaluement",
        r"njabl|cloudmark|senderscore|dsbl\b",
        r"\b(?:rbl|dnsbl|dnsrbl|drbl|dnswl|xbl|pbl|sbl|cbl|dul|rbls|dnsbls|csi)\b",
        r"\b\w*(?:rbl|dnsbl)\d?\b",
        r"realtime block",
        r"(?<!not )\blisted (?:at|by|in|on)\b(?! (?:the |our |a |domino |name )*(?:director|address book))",
        LISTED + r"(?:ed|ing|s)?\b(?! (?:url|uri|link))",
        r"\bbl\d{1,2}\b",
        r"\bbl0{3,}\w*",
    ),
    phrase(
        "client.host-refused",
        V.CLIENT_BLOCKED,
        "texts that name our host, network, country or provider",
        OUR_HOST + r"\b[^.;]{0,50}?\b" + TURNED_AWAY,
        r"\b(?:block|bann?|den(?:y|ied)|refus|reject|blacklist)\w* (?:\w+ ){0,3}(?:ip|ips|ip address|host|client"
        r"|country|mta)\b",
        r"\bip (?:address )?(?:is |was |has been |have been |currently )?" + TURNED_AWAY,
        r"(?:host|ip|client) network not allowed",
        r"^host (?:rejected|refused|denied|blocked)\b",
        r"bad (?:sender )?ip\b|forbidden by your ip|mail server at .{0,20}blocked|sender ip address rejected"
        r"|dirty ip|black ip|ip is (?:hangup|rejected)|invalid ip\b",
        r"access from (?:ip )?(?:address )?.{0,20}blocked",
        r"no access from",
        r"server ip .{0,20}listed",
        r"(?:confirm this|requires confirmation|server requires).{0,20}(?:mail server|confirmation)",
        r"not currently accepting mail from your",
        r"(?:not|n't) accept (?:any )?(?:mail|email|messages|connections|smtp) from (?:your(?! domain)|dynamic|dial"
        r"|this(?! (?:domain|sender|address|user))"
        r"|residential|hosts)",
        r"mail from .{0,24}(?:refused|rejected|blocked|denied)(?:[,:;]| see| due| using| by|$)",
        r"message from .{0,24}rejected based on",
        r"ip not in whitelist",
        r"(?:traffic|mail) not accepted from this ip",
        r"not authori[sz]ed to send (?:e?mail )?directly",
        r"may not be mail exchanger",
        r"unauthori[sz]ed (?:interface|host|client|ip|smtp server)",
        r"no smtp mx only|smtpport check error|remote ip check error|rbl deny|openrelay check",
    ),
    phrase(
        "client.origin",
        V.CLIENT_BLOCKED,
        "refusals by kind or place of the sending address",
        r"geo[- ]?(?:graphic|ip|location|block)",
        r"\b(?:country|countries|region)\b.{0,40}(?:block|allow|accept|permit|den)",
        r"dynamic(?:ally)?[ /-](?:ip|address|assigned|allocated|host|range|pool|zombied|residential|dns|user)",
        r"dial-?up|residential|zombie",
        r"open[- ](?:relay|proxy)",
        r"use (?:the|your) .{0,20}(?:server|relay|smarthost) of your",
        r"please use the (?:smtp|mail) server of your",
    ),
    phrase(
        "client.connection",
        V.CLIENT_BLOCKED,
        "refusals of the connection itself",
        r"connections? (?:from .{0,30})?(?:was |is |are |has been |have been |will be |will not be )?"
        r"(?:not accepted|not allowed|not permitted|refused|rejected|denied|blocked|dropped|forbidden|accepted from)",
        r"(?:not|n't) (?:be )?(?:allowed|permitted|authori[sz]ed|welcome) to connect",
        r"\bgo away\b|\bnot welcome\b|get lost",
        r"access to (?:this|our|the) (?:mail|email|e-mail)? ?(?:system|server) .{0,20}(?:rejected|denied|refused"
        r"|blocked)",
        r"access to submit messages|permissions? to submit to this server",
        r"(?:service|smtp) (?:access )?(?:denied|refused)\b",
        r"you are (?:not allowed|blocked|banned|blacklisted|listed|denied)(?! to (?:post|send to))(?: |$)",
        r"your (?:access|connection|network|mails) (?:\w+ ){0,3}(?:block|banned|denied)",
    ),
    phrase(
        "client.spam-source",
        V.CLIENT_BLOCKED,
        "the sender is called a spammer: free.fr, IronPort, SORBS, Trend Micro",
        r"spammer|spam source|source of (?:spam|abuse)",
        r"(?:sending|sent|send|sends) (?:us )?(?:too (?:much|many) )?(?:spam|unwanted|unsolicited|abus)",
        r"too many (?:spams?|unwanted|complaints|spam complaints)",
        r"due to (?:user |spam )?complaints",
        r"messages? (?:\w+ ){0,4}originating from your ip",
        r"spam abuse detected",
        r"bounce attack|block(?:ed)? for (?:spam|abuse)|(?:due to|because of) (?:\w+ )?(?:spam$|abuse)",
        r"abus detecte",
        r"unfortunately, messages from .{0,30}weren't sent",
        r"permanently deferred",
        r"a problem occurred.{0,20}ask your postmaster",
        r"questions? .{0,20}tosa",
    ),
    phrase(
        "client.spam-before-content",
        V.CLIENT_BLOCKED,
        "before RCPT nothing of a message is known: who is called spam there is the host that sends it",
        r"\bspam\b",
        stages=frozenset({Stage.CONNECT, Stage.BANNER, Stage.HELO, Stage.MAIL}),
    ),
    phrase(
        "client.barracuda",
        V.CLIENT_BLOCKED,
        "Barracuda: the address in the mark is refused as a sender's host",
        r"permanent failure for one or more recipients \(\s*:blocked\)",
    ),
    phrase(
        "client.vendor-mark",
        V.CLIENT_BLOCKED,
        "AOL RTR/CON, Outlook.com SC/DY/OU/RP, NetEase DT:RBL, Cox, Yahoo TS03, Orange 103 and 510, Trend Micro",
        r"\b(?:rtr:(?:bb|bl|du|sc|ge)|con:b1|rly:(?:bl|ir))\b",
        r"\b(?:sc|dy|ou|oru|cs)-00\d\b",
        r"\b(?:dt:rbl|hl:rep|hl:mep|wm:bli)\b",
        r"\b(?:cxbl|cdrbl|ipbl\d+|aup#(?!cxsndr|mms)\w+)\b",
        r"\bts0[1-3]\b",
        r"service refuse.{0,60}veuillez essayer plus tard|veuillez essayer plus tard. service refused",
        r"banned send",
    ),
)

LINKS: tuple[Rule, ...] = (
    phrase(
        "sender-auth.link",
        V.SENDER_AUTH_FAILED,
        "policy services and mail-in-a-box quote the explanation page of SPF",
        r"open-?spf\.(?:org|net)|spf\.pobox\.com|/spf/|dmarc|p=unauth",
        in_links=True,
    ),
    phrase(
        "client.link",
        V.CLIENT_BLOCKED,
        "look-up and delisting pages: Spamhaus, Spamcop, Barracuda, Proofpoint, Microsoft, mail.ru, AT&T, Comcast",
        r"spamhaus\.org|spamcop\.net|barracudacentral|ipcheck\.proofpoint|sender\.office|abuseat\.org|sorbs\.net"
        r"|uceprotect",
        r"csi\.cloudmark|mail\.ru/notspam(?!-)|att\.net/blocks|#bl0|/rbl|/bl\d|dnsbl|blacklist|blocklist"
        r"|mxtoolbox|senderscore",
        in_links=True,
    ),
    phrase(
        "client.blocked-bare",
        V.CLIENT_BLOCKED,
        "`Blocked` and nothing else",
        r"^(?:\w+ )?(?:blocked|(?:blocked|refused|rejected|denied) - see)$",
        low=True,
    ),
)
