"""Phrases that decide at once, in the order in which they outrank each other: relay, SPF and DKIM, PTR, HELO.

The order is part of the meaning. `Relaying denied. IP name lookup failed` is a relay refusal that explains itself, so
relay stands before PTR; a failed SPF check that ends in `rejected as spam` is still SPF.
"""

from __future__ import annotations

from scanner.judge.rules.rule import Rule, phrase
from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage

# `relay` that is no refusal of ours: a table's name, a quota, a log's `relay=`, somebody's open relay.
RELAY = (
    r"(?<!open )(?<!your )(?<!your mail )(?<!your smtp )(?<!sending )\brelay(?:ing|ed|s)?\b"
    r"(?!=|\]| recipient| quota| limit| rate| host name| (?:mail from )?dynamic)"
)
REFUSED = (
    r"(?:denied|prohibited|disallowed|rejected|refused|forbidden|disabled|blocked|restricted"
    r"|not (?:be )?(?:allow|permit|authori[sz]|accept|possible|enabled|available|supported|done|granted|for you))"
)
# Words between `not` and `relay`; none of them may make the relay another host's.
UP_TO_FIVE_WORDS = (
    r"(?:(?!use\b|via\b|through\b|by\b|your\b|found\b|known\b|exist|listed|on\b|at\b|from\b|in\b)[\w'/]+,? ){0,5}?"
)
NOT_BEFORE_RCPT: frozenset[Stage | None] = frozenset({None, Stage.RCPT, Stage.DATA, Stage.MESSAGE})
MAIL = r"(?:incoming |any )?(?:e?mails?|messages?)"

RELAYING: tuple[Rule, ...] = (
    phrase(
        "relay.limit",
        V.RATE_LIMITED,
        "Google Workspace SMTP relay: a quota of a served customer",
        r"relay (?:quota|(?:sending )?limit|rate).{0,20}(?:exceed|reach)",
        r"(?:exceed|reach)\w* .{0,30}relay (?:quota|limit|rate)",
    ),
    phrase(
        "relay.use-your-provider",
        V.CLIENT_BLOCKED,
        "Gmail and others to dial-up ranges: send through your provider's relay",
        r"use (?:the|your|an?) .{0,20}(?:relay|server) (?:at|of|from|provided by) your",
        r"use your (?:isp|provider|own).{0,12}(?:relay|server|smarthost)",
    ),
    phrase(
        "relay.not-permitted",
        V.RELAY_DENIED,
        "sendmail `Relaying denied`, Postfix `Relay access denied`, Exim `relay not permitted`, MailSite, CommuniGate, "
        "Courier (513), Domino, Zoho, chasquid, qpsmtpd",
        RELAY + r"[^.;]{0,40}?\b" + REFUSED,
        RELAY + r"\W{1,3}(?:.{0,20}) ?" + REFUSED,
        r"\b"
        + REFUSED
        + r"[ :;,-]{1,3}(?:to |for |as )?(?:an? )?(?:open |mail |smtp |e?mail )?relay(?:ing)?\b(?! recipient)",
        r"relaying (?:temporarily )?(?:denied|" + REFUSED + r")",
        r"\b(?:not|n't|cannot|never|wont|no|non|unable|refus\w+|nobody) " + UP_TO_FIVE_WORDS + r"(?:open )?" + RELAY,
        r"(?:'t|dont|cant) " + UP_TO_FIVE_WORDS + r"(?:open )?" + RELAY,
        r"not in (?:the |our |my )?(?:list of )?(?:permitted |allowed |accepted )?relay",
        r"(?:not|n't) (?:allowed|permitted|authori[sz]ed) to use .{0,30}\brelay",
        r"\b(?:illegal|invalid|unauthori[sz]ed|improper) relay(?:ing)?\b(?! recipient)",
        r"if relaying is allowed",
        r"invalid credentials for relay",
        r"\brelay(?:ing)? attempt",
        r"attempt(?:ed)? (?:to )?relay",
    ),
    phrase(
        "relay.not-a-relay",
        V.RELAY_DENIED,
        "servers that say what they are not",
        r"(?<!listed )(?<!known )(?<!reported )(?<!identified )\bas an? (?:mail |smtp |open |third[- ]party )*relay",
        r"(?:not|isn't|no) an? open[- ]?relay",
        r"third[- ]party relay",
        r"relay(?:ing)? (?:requires?|needs?) (?:smtp )?auth",
        r"authenticat\w+ (?:is )?(?:required|needed|necessary) (?:for|to) relay",
        r"(?:authenticat\w*|log ?in|auth) (?:\w+ ){0,3}(?:to|before|for) relay(?:ing)?\b",
        r"insecure mail relay",
        r"open relay (?:is )?not allowed",
    ),
    phrase(
        "relay.rcpthosts",
        V.RELAY_DENIED,
        "qmail-smtpd, netqmail, mailfront: the control file rcpthosts lists the domains served",
        r"rcpthosts?\b",
        r"isn't in my list of (?:allowed|local)",
    ),
    phrase(
        "relay.not-a-gateway",
        V.RELAY_DENIED,
        "IMail `not local host, not a gateway`; MailEnable 503 `non-local e-mail address`",
        r"not an? gateway|\bas (?:an? )?mail ?gate(?:way)?\b",
        r"\b(?:uucp|source|routed) (?:address\w*|routes?) (?:is |are )?(?:denied|refused|not )",
        r"not local host",
        r"non[- ]local (?:email )?(?:address|recipient|domain|user|mail)",
        r"\b(?:recipient|destination|rcpt)(?: domain| address| host)? (?:is )?not local\b",
        r"(?:remote|external|foreign|outside) (?:recipient|address|domain|delivery|host)s? (?:is |are )?" + REFUSED,
        r"is not (?:on |in )?(?:a |our |my |the )?(?:list of )?local (?:domain|host)s?\b",
    ),
    phrase(
        "relay.no-mail-for",
        V.RELAY_DENIED,
        "Haraka `I cannot deliver mail for`, mox `not accepting email for domain`, sendmail-likes `we don't "
        "handle mail for`",
        r"(?:cannot|can't|can not|unable to|not able to|won't|will not) "
        r"(?:deliver|accept|handle|receive|take|process|forward) "
        + MAIL
        + r" (?:for|to)\b(?! (?:this|that|the) (?:user|recipient|mailbox|account|address|person))",
        r"not (?:currently )?accept(?:ing)? " + MAIL + r" (?:for|to) (?:the |this |that |your |recipient )?"
        r"(?:domain|host|ip|destination|name)\b",
        r"(?:not|n't) (?:handle|process|serve|host|receive|take|responsible for|accept) (?:" + MAIL + r" )?"
        r"(?:for|of)\b(?! (?:this|that|the) (?:user|recipient|mailbox|account|address|person|message))",
        r"(?:not|n't) (?:handle|process|serve|host) " + MAIL,
        r"\bnot responsible for\b(?! (?:this|that|the) (?:user|recipient|mailbox|account|address|person|message))",
        r"(?:not|n't) accept " + MAIL + r" for (?:the |this |that )?(?:domain|host)",
        r"no mail service for (?:this|that|the) domain",
        r"(?:^|[;:.,] )" + MAIL + r" (?:for|to)\b.{0,40} not (?:accepted|handled|served|processed) (?:here|by this"
        r"|on this|at this)(?!\W{1,3}(?:no such|unknown) (?:user|account|mailbox|recipient))",
    ),
    phrase(
        "relay.domain-not-served",
        V.RELAY_DENIED,
        "Barracuda-likes, GroupWise, Exchange 5.7.54, Kerio, IceWarp, Plesk: the recipient's domain is not on "
        "this server",
        r"not configured to accept (?:that|this|the) (?:recipient|domain|address)",
        r"(?<!from )(?<!sender )(?<!sending )(?<!sender's )\bdomain (?:name )?(?:is |was )?"
        r"(?:not|isn't) (?:an? )?(?:allowed|accepted|permitted|authori[sz]ed|hosted|served|handled|local|configured"
        r"|serviced|supported|registered|ours|on this|in (?:my|our|the|this)|known here|relay(?:ed|able)?\b"
        r"|here\b|one of)",
        r"not (?:for )?(?:an? |one of (?:our|my|the) )?(?:hosted|accepted|authori[sz]ed|local|relay(?:ed|able)?|served"
        r"|allowed|permitted|valid local|managed) (?:recipient |mail |email )?domains?",
        r"non-accepted domain|\bnot (?:in|among) (?:our |the |my )?(?:list of )?accepted domains",
        r"\bnot a domain (?:that |which )?(?:we|i|this server) (?:handle|host|serve|accept)s?\b",
        r"\bthis (?:mx|mail ?server|server|host|system) (?:does not|doesn't) (?:serve|handle|host)\b",
        r"\b(?:invalid|unknown|bad) (?:recipient )?domain (?:for|at|on) this (?:server|host|system)",
        r"\bmx (?:is )?not configured\b",
        r"\bnot (?:an? |the )?(?:mail exchanger?|mx|mail ?host|mail server) for\b",
        r"\bnot (?:one of )?our (?:own |local |mail )?domains?\b",
        r"not in (?:our|my|the|this) (?:list|domains?\b)",
        r"specified domain is not allowed",
        r"no such domain (?:here|at this|on this|in this)",
        r"(?:domain|host) (?:is )?(?:unknown|not found) (?:here|at this|on this|to this)",
        r"unknown (?:here|local) domain",
        r"unknown domain (?:here|at this|on this)",
        r"we do(?: not|n't) (?:host|serve|know|handle) (?:that|this|the) domain",
        r"(?<!sender domain )(?<!sender domain is )not hosted (?:here|on this|at this|by)",
        r"does not belong to (?:this|our) (?:server|domain|host|system)",
        stages=NOT_BEFORE_RCPT,
    ),
    phrase(
        "relay.delivery-not-allowed",
        V.RELAY_DENIED,
        "hMailServer `Delivery is not allowed to this address`; Coremail `Local user only`; sites without the "
        "word relay",
        r"delivery (?:is )?not allowed to this address",
        r"local users? only",
        r"(?:not|n't) (?:allowed|permitted|authori[sz]ed) to send .{0,20}to (?:foreign|external|remote|outside|other) ",
        r"only (?:local|hosted) (?:users?|recipients?|domains?|delivery|mail)",
        r"only accepts? mail for (?:local|hosted|our)",
        r"(?:not|n't) (?:be )?(?:allowed|permitted|authori[sz]ed) to send (?:" + MAIL + r" )?"
        r"(?:to )?(?:through|via|from|using|thru) (?:this|our) (?:server|system|host|mail|smtp)",
        r"(?:external|outgoing|outbound) (?:mail|delivery|relay|recipients?)[^.;]{0,20}" + REFUSED,
    ),
    phrase(
        "relay.localised",
        V.RELAY_DENIED,
        "relay refusals in French, German, Italian, Spanish, Portuguese, Dutch and Polish",
        r"\bkein(?:e|en)? relay|\brelay\w* .{0,20}non (?:permess|autorizzat)",
        r"\brelais? .{0,30}(?:refus|interdit|non autoris|pas autoris)",
        r"\brelay\w* .{0,30}(?:verboten|nicht (?:erlaubt|gestattet|zulassig)|verweigert|abgelehnt|negato|non consentito"
        r"|vietato|no (?:permitid|autorizad)|denegado|nao (?:permitid|autorizad)|niet toegestaan|geweigerd|zabronion"
        r"|refus|interdit|non autoris)",
        r"(?:weiterleitung|weiterleiten) .{0,30}(?:verweigert|nicht (?:erlaubt|gestattet)|abgelehnt)",
    ),
)

SENDER_AUTHENTICATION: tuple[Rule, ...] = (
    phrase(
        "rate.unusual",
        V.RATE_LIMITED,
        "Gmail 4.7.28: an unusual rate of mail from an address, a netblock or an SPF or DKIM domain",
        r"unusual rate of .{0,80}",
        codes=("4",),
    ),
    phrase(
        "content.duplicate-header",
        V.CONTENT_REJECTED,
        "RFC 5322 3.6: a header field that may stand once; the field may be DKIM-Signature",
        r"duplicate .{0,20}header",
        r"multiple .{0,30}header",
        r"header .{0,30}(?:duplicate|more than once)",
    ),
    phrase(
        "sender-auth.m365-level",
        V.SENDER_AUTH_FAILED,
        "Microsoft 5.7.509, 5.7.515: DMARC and the required authentication level of the sending domain",
        r"required authentication level",
        r"authentication requirements defined for the sender",
    ),
    phrase(
        "sender-auth.words",
        V.SENDER_AUTH_FAILED,
        "RFC 7208, 6376, 7489, 8617; RFC 7372 section 3 texts; Gmail, Yahoo, Apple, rspamd, policyd-spf",
        r"\bspf\b",
        r"sender policy framework",
        r"\bdkim\b(?!-signature'?$)",
        r"\bdmarc\b",
        r"\barc (?:validation|chain|seal|signature)",
        r"\bsender ?id\b.{0,30}fail",
        r"multiple authentication checks failed",
        r"(?:message|mail|email) (?:is |was )?(?:not authenticated|unauthenticated)",
        r"unauthenticated (?:e?mail|message)",
        r"sender is unauthenticated",
        r"(?:fail\w*|pass\w*|not have|without|lacks?) (?:\w+ ){0,2}authentication (?:check|information|result)",
        r"(?:not|n't) pass (?:e?mail |sender |message )?(?:authentication|validation|verification)",
        r"purported responsible address",
        r"mismatches client ip",
        r"domain ?keys?\b",
    ),
)

REVERSE_DNS: tuple[Rule, ...] = (
    phrase(
        "ptr.words",
        V.PTR_REQUIRED,
        "RFC 7372 3.3; sendmail require_rdns, Exim verify = reverse_host_lookup, Gmail, Comcast, AT&T, mail.ru, "
        "MagicMail",
        r"\bptrs?\b",
        r"\br-?dns\b",
        r"\bfc-?rdns\b",
        r"reverse[- ](?:dns|d\.n\.s|lookup|record|host ?name|name|resolution|address|entry|ip|zone|mapping|resolv"
        r"|domain)",
        r"reverse host lookup",
        r"\b(?:ip|client|host|address) (?:\w+ )?has no (?:host ?name|name|reverse)",
        r"in-addr",
        r"(?:ip|client|host|address) (?:address )?(?:name )?(?:reverse )?lookup fail",
        r"cannot (?:find|resolve|look ?up|determine|verify) your (?:ip|address|host ?name|name|domain name)",
        r"(?:could not|couldn't|can't|unable to) (?:find|resolve|look ?up|verify) your (?:ip|address|host|name)",
        r"your (?:ip|ip address|host|address|server|host ?name) (?:could not be|cannot be|does not|doesn't"
        r"|must) resolve",
        r"unresolvable (?:relay )?host",
        r"unverif[iy]able sending ip",
        r"no matches to nameserver query",
        r"(?:no|missing|invalid|without|valid) (?:a )?(?:valid )?(?:host name|hostname|dns (?:name|entry"
        r"|record)) (?:for|in dns)",
        r"forward[- ](?:confirmed|dns|lookup)",
        r"failure in dns look-?up|dns lookup failure",
        r"possibly forged",
        r"resolve the host ?name of your ip",
    ),
    phrase(
        "ptr.vendor-mark",
        V.PTR_REQUIRED,
        "AOL RTR:RD, Cox CXDNS",
        r"\brtr:rd\b",
        r"\bcxdns\b",
    ),
)

HELLO: tuple[Rule, ...] = (
    phrase(
        "helo.refused",
        V.HELO_REJECTED,
        "RFC 5321 4.1.4; Exim `Syntactically invalid HELO argument`, cPanel `Invalid HELO name`, Haraka, Gmail "
        "501 5.5.4",
        r"\b(?:helo|ehlo|helo/ehlo|ehlo/helo)\b(?!=).{0,50}\b(?:reject|invalid|denied|bad|forged|fake|not\b|n't"
        r"|blocked|refus"
        r"|must|illegal|unaccept|spoof|impersonat|fqdn|fully|mismatch|error|impost|blacklist|unknown|fail|differ"
        r"|malformed"
        r"|violat|unresolv|localhost|numeric|suspicious)",
        r"\b(?:reject\w*|invalid|denied|bad|bogus|forged|fake|not accept\w*|blocked|refus\w*|illegal|unaccept\w+"
        r"|spoof\w*|fix|wrong"
        r"|blacklisted|unknown|malformed|mismatch\w*|suspicious|incorrect|improper|your) (?:\w+ ){0,4}"
        r"(?:helo|ehlo)\b(?!=)",
        r"helohost error",
        r"\bhelo(?:/ehlo)? (?:host ?name|name|argument|domain)",
        r"need fully-qualified hostname",
        stages=frozenset({None, Stage.HELO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE}),
    ),
    phrase(
        "helo.at-hello",
        V.HELO_REJECTED,
        "RFC 5321 4.1.4: a refusal of EHLO that speaks of the name, not of the command",
        r"^(?!syntax\b|.*\bcommand\b|.*\bnot (?:implemented|supported)).*\b(?:helo|ehlo)\b",
        codes=("550", "553", "554"),
        stages=frozenset({Stage.HELO}),
    ),
    phrase(
        "helo.domain",
        V.HELO_REJECTED,
        "sendmail 501 `Invalid domain name`, stalwart: at EHLO the only name said is ours",
        r"(?:invalid|bad|unknown|illegal|malformed) (?:domain|host)",
        r"(?:domain|host) ?(?:name)? (?:is |was )?(?:invalid|unknown|not|bad)",
        stages=frozenset({Stage.HELO}),
    ),
    phrase(
        "helo.claims-us",
        V.HELO_REJECTED,
        "servers that see their own name in our EHLO",
        r"you (?:are|'re) not (?:me|localhost|us)\b",
        r"you claim(?:ed)? to be (?:me|us|one of)",
        r"(?:don't|do not) (?:use|pretend) .{0,20}my (?:own )?(?:host)?name",
        stages=frozenset({None, Stage.HELO, Stage.MAIL, Stage.RCPT}),
    ),
)
