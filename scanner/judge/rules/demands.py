"""Phrases on what a recipient, session or message must be: restrictions, TLS, AUTH, no mail at all, quota, content."""

from __future__ import annotations

from scanner.judge.rules.rule import Rule, phrase
from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage

SPACE_USED_UP = (
    r"(?:full|exceed\w*|over ?quota|over (?:its|the|his|her|their)? ?(?:limit|quota|size)|used up|too large)"
)
MAIL = r"(?:incoming |any )?(?:e?mails?|messages?)"
AFTER_HELLO: frozenset[Stage | None] = frozenset(Stage) - {Stage.CONNECT, Stage.BANNER} | {None}

RESTRICTIONS: tuple[Rule, ...] = (
    phrase(
        "recipient.restricted",
        V.RECIPIENT_RESTRICTED,
        "RFC 3463 X.7.2; Exchange .124 and .133-.136, AOL, Facebook, Mailman, ezmlm, AT&T",
        r"(?:recipient|mailbox|user|list|group|account|addressee)s? (?:is |are |does |will |has |can )?(?:\w+ )?only "
        r"(?:accept|receive|allow)",
        r"(?:recipient|user|addressee) (?:does not|doesn't|did not|refused to) (?:want|receive|accept)(?: to receive)? "
        r"(?:your|this|the) (?:mail|message|email)",
        r"only accepts? (?:mail|messages|email) from",
        r"only (?:accept|receiv)\w* mail from",
        r"(?:recipient|user|addressee) (?:\w+ )?(?:refuses|refuse|does not want|declined"
        r"|rejects) (?:to (?:receive|accept) )?"
        r"(?:this |your |the )?(?:mail|message|email)",
        r"(?:recipient|user) (?:preferences|rules|settings)",
        r"(?:mail|message) is rejected by recipients?",
        r"(?:sender|you|from address) (?:is |are )?(?:not|isn't|n't) (?:in|on|among) (?:the |a |our )?(?:[\w']+ ){0,2}"
        r"(?:allow|accepted|white|safe|approved|permitted|senders)",
        r"sender (?:is )?not (?:in )?(?:pre-?approved|allowed-senders|whitelisted)",
        r"(?:not|n't) (?:allowed|permitted|authori[sz]ed|able) to (?:send|post|write|mail)(?: \w+)? ?(?:to )?"
        r"(?:this |the |that )?(?:recipient|list|mailing list|group|mailbox|address|user|distribution|public)",
        r"(?:not|n't) (?:allowed|permitted|authori[sz]ed) to post",
        r"(?:closed|private|moderated|restricted|members?-only|internal) (?:mailing )?(?:list|group|distribution"
        r"|mailbox|alias)",
        r"(?:only )?(?:members|subscribers) only|non-?member"
        r"|\bonly (?:\w+ )?(?:members|subscribers) (?:may|can|are)|not (?:a )?(?:member|subscri)(?!\w* of domain)",
        r"(?:rejected|refused|blocked) (?:by|due to) (?:user|recipient|personal) (?:rule|filter|preference"
        r"|setting|polic)",
        r"banned recipient|recipient'?s (?:own )?list of (?:senders|allowed)",
        r"account is protected by",
        r"has restricted",
        r"(?:mailbox|recipient|address|list) (?:is )?restricted",
        r"recipient .{0,30}(?:requires|require) (?:that )?.{0,20}(?:senders?|authenticat)",
        r"private list access denied",
        r"(?:unauthenticated|external|outside|internet|unknown) senders? (?:is |are )?"
        r"not (?:allowed|permitted|accepted)",
        r"delivery (?:is )?(?:not authori[sz]ed|restricted)(?!,? message refused)(?! by policy)",
        r"(?:does not|doesn't|not) accept(?:ing)? (?:mail|messages|email) from (?:you|your address|this sender"
        r"|outside|external"
        r"|unknown|the internet|non)",
    ),
)

SECURITY: tuple[Rule, ...] = (
    phrase(
        "tls.system-problem",
        V.SERVICE_UNAVAILABLE,
        "RFC 4954 454: the authentication service itself is ill",
        r"cannot authenticate due to (?:a )?temporar",
        r"temporary authentication failure",
    ),
    phrase(
        "tls.too-many-sessions",
        V.RATE_LIMITED,
        "Postfix smtpd_client_new_tls_session_rate_limit",
        r"too many (?:new )?(?:tls|ssl) ",
    ),
    phrase(
        "tls.required",
        V.TLS_REQUIRED,
        "RFC 3207 section 4 (530), RFC 8689; Postfix, OpenSMTPD, Gmail, mox, chasquid, Exim, Stalwart",
        r"(?:must|need to|should|please) (?:\w+ ){0,3}(?:start ?tls|\btls\b|\bssl\b|encrypt)",
        r"(?:start-?tls|\btls\b|\bssl\b|encryption|encrypted|secure) (?:\w+ ){0,4}?(?:is |are )?"
        r"(?:required|needed|necessary|mandatory|enforced|first|only)",
        r"requires? (?:an? |the use of |use of |that )?(?:\w+ ){0,2}(?:start ?tls|\btls\b|\bssl\b|encrypt\w*|secure)",
        r"lack of security",
        r"security level check",
        r"(?:un)?encrypted (?:connection|session|mail|transport|email)s? (?:\w+ )?(?:not|refused|rejected|disallowed)",
        r"(?:plain|clear)[- ]?text (?:connection|session|transport)s? (?:\w+ )?(?:not|refused|rejected)",
        r"requiretls|\btls/ssl\w* (?:connection )?required",
        r"\b(?:available |accepted |allowed )?only with (?:\w+ ){0,2}(?:start-?tls|tls|ssl)\b",
        r"(?:requires?|require) (?:high-strength|stronger|strong) cipher",
        r"\b(?:need|use|want) (?:start-?tls|tls|ssl)\b",
        r"without (?:tls|ssl|encryption|starttls)",
        r"no encryption|not encrypted",
        r"chiffrement (?:requis|obligatoire)|verschlusselung (?:erforderlich|notwendig)",
        stages=AFTER_HELLO - {Stage.STARTTLS},
    ),
    phrase(
        "tls.unavailable",
        V.TLS_UNAVAILABLE,
        "RFC 3207 section 4 (454)",
        r"(?:start-?tls|\btls\b|\bssl\b)(?: is)? (?:currently |temporarily )?(?:not|un)[ -]?(?:available"
        r"|supported|enabled"
        r"|offered|configured|possible|initiali[sz]ed)",
        r"(?:start-?tls|\btls\b|\bssl\b) .{0,30}(?:fail|error|problem|temporar|disabled|unavailable|not possible)",
        r"(?:cannot|can't|unable to|could not) (?:start|negotiate|initiali[sz]e|establish) (?:an? )?(?:tls|ssl|secure)",
        r"no (?:tls|ssl) (?:available|support|certificate)",
    ),
    phrase(
        "tls.refused",
        V.TLS_UNAVAILABLE,
        "RFC 3207 section 4: 454 and 501 are its own refusals, whatever the words",
        r"",
        codes=("454", "501"),
        stages=frozenset({Stage.STARTTLS}),
    ),
    phrase(
        "auth.required",
        V.AUTH_REQUIRED,
        "RFC 4954 530 5.7.0, 535 5.7.8; James, hMailServer, Postal, Haraka, Exchange 5.7.57, OpenSMTPD, Orange 402",
        r"authenti(?:fi)?cat\w+ (?:is )?(?:\w+ )?(?:required|requise|needed|necessary|erforderlich|richiesta"
        r"|requerida|failed"
        r"|failure|unsuccessful|invalide?|mandatory|first|rejected|credentials|must|error|obligatoire)",
        r"(?:must|need to|have to|should|please|you must) (?:first )?(?:be )?(?:\w+ )?(?:authenticat|log ?in"
        r"|sign in|auth\b)",
        r"requires? (?:smtp[- ]?)?(?:auth\b|authenticat)",
        r"(?:must|need to|please) (?:issue|use|send|enable) (?:an? |the )?(?:smtp[- ]?)?auth",
        r"auth(?:entication)? (?:command )?(?:required|needed|first|credentials)",
        r"(?:bad|invalid|incorrect|wrong|unknown|missing) (?:user(?:name)?(?:/| or | and )?(?:password|login)"
        r"|credentials|password|login)",
        r"(?:user(?:name)?|login) (?:and|or) password",
        r"(?:not|n't|un)[- ]?(?:been |yet |properly )?(?:authenticated|logged ?in|authori[sz]ed to send anonymous)",
        r"(?:log ?in|authenticate|check (?:for )?(?:your )?(?:new )?mail|pop|imap) (?:first|before)",
        r"pop[- ]?before[- ]?smtp",
        r"\bfail\w* to authenticate\b|^auth fail|password (?:\w+ )?is required"
        r"|authentication turned on",
        r"smtp[- ]?auth(?:entication)? (?:is )?required",
        r"authentication credentials",
        r"does not support anonymous",
        r"anonymous (?:users?|access|mail|senders?) (?:is |are )?(?:not|denied)",
        r"send anonymous mail",
        stages=AFTER_HELLO,
    ),
)

NO_MAIL: tuple[Rule, ...] = (
    phrase(
        "sender.null-mx",
        V.SENDER_REJECTED,
        "RFC 7505 section 4.2: a sender's domain that takes no mail",
        r"(?:sender|mail ?from|return[- ]path|from|originator).{0,40}(?:null ?mx|does not accept (?:any )?mail)",
    ),
    phrase(
        "no-mail.null-mx",
        V.NOT_ACCEPTING,
        "RFC 7505; Postfix (nullMX)",
        r"null ?mx",
    ),
    phrase(
        "no-mail.mimecast",
        V.NOT_ACCEPTING,
        "Mimecast: its customer's account takes no mail from outside",
        r"account inbounds? disabled",
    ),
    phrase(
        "mailbox.takes-no-mail",
        V.MAILBOX_DISABLED,
        "stores that say it of one mailbox, not of the host",
        r"\b(?:mailbox|user|account|recipient|address)\b.{0,50}(?:not|n't) (?:currently )?accept(?:ing)? (?:any )?"
        r"(?:mail|message|email)s?\b(?! from| for)",
        r"\bnot (?:being )?accepted at this address\b",
    ),
    phrase(
        "no-mail.words",
        V.NOT_ACCEPTING,
        "RFC 7504, RFC 5321 554 greeting; sendmail, iCloud",
        r"(?:host|domain|server|system|site|machine|we|host/domain)?(?: ?does| ?do)? ?(?:not|n't) (?:accept"
        r"|receive|take|handle|process)"
        r" (?:any |incoming |inbound |internet )?(?:e?mails?|messages)(?: at all)?(?: here| \(|[.,;!]|$)",
        r"(?:no|not an?) (?:smtp|mail|email) (?:service|server|host) (?:is )?(?:here|available|on|at|running)",
        r"no (?:smtp|mail) service",
        r"(?:not|never) accept(?:ing)? (?:network |any |inbound |incoming )?(?:e?mail|message)s?\b(?! from| for| to"
        r"| with| over| via| by| contain| that| larger)",
        r"(?:mail|email) (?:receiving|reception|delivery|service) (?:is )?(?:disabled|not available|turned off)",
        r"(?:send|outbound|outgoing)[- ]only",
        r"no (?:incoming |inbound )?(?:mail|email|messages?) (?:is |are )?(?:accepted|received)",
        r"no mx record found for domain|\bdomain is parked\b",
        r"\bnot used for e?mail\b",
        r"no longer (?:accept|in service|receiv)\w* (?:e?mail|messages)? ?(?:for|at|on|in) (?:this|that"
        r"|the) (?:domain|host|server)",
        r"\b(?:mail|messages?) for (?:this|that|the) (?:domain|host) (?:is|are) no longer (?:accepted|received)",
        codes=("5",),  # who says it for now only means something else
    ),
)

QUOTA: tuple[Rule, ...] = (
    phrase(
        "protocol.line-length",
        V.PROTOCOL_ERROR,
        "RFC 5321 4.5.3.1.10: 500 is about the command line",
        r"lines? (?:is )?too long",
        codes=("500",),
    ),
    phrase(
        "content.message-size",
        V.CONTENT_REJECTED,
        "RFC 1870: the message is measured, not the mailbox",
        r"^(?:error: |sorry,? |recipient address rejected: )*(?:your |the |this )?message (?:size |length |is )*"
        r"(?:too (?:big|large|long)|exceed|limit)",
    ),
    phrase(
        "rate.sending-quota",
        V.RATE_LIMITED,
        "quotas of a sender, not of a mailbox",
        r"(?:sending|daily|hourly|relay|send|sender|outgoing|message rate|sent|bandwidth) (?:\w+ )?(?:quota|limit"
        r"|allowance)",
        r"\b(?:recipients?|rcpt) (?:limit|count|number)\b|\b(?:count|cumulative size) quota\b",
        r"\b(?:limit|messages|recipients|mails|connections) per (?:hour|day|minute|session|message|connection)",
    ),
    phrase(
        "service.system-storage",
        V.SERVICE_UNAVAILABLE,
        "RFC 5321 452, RFC 3463 X.3.1: the system's disk, not the mailbox",
        r"(?:insufficient|not enough|low on|out of|no) (?:free )?(?:system|server|disk|queue|memory"
        r"|resources)(?: (?:storage|space|resources|memory))?",
        r"no space left(?! (?:in|for) (?:the |your |this )?(?:mailbox|account|inbox|user|recipient))",
        r"(?:file system|disk|queue|spool) (?:is )?full",
    ),
    phrase(
        "mailbox.full",
        V.MAILBOX_FULL,
        "RFC 3463 X.2.2; every store says it its own way",
        r"(?:mail ?box(?:es)?|inbox|mail ?dir|mail ?folder|account|recipient|user|quota|storage|disk"
        r"|message store|addressee|boite"
        r"|casella)\b[^.;]{0,50}\b" + SPACE_USED_UP,
        r"(?:exceed\w*|over|out of|full|reached|not enough|insufficient|violat\w*|hit) (?:\w+ ){0,3}"
        r"(?:mailbox|quota|storage|inbox|disk space|space|mailbox space|mailbox size)",
        r"no (?:more )?(?:mailbox |disk |storage )?(?:space|storage) (?:left|available|for)",
        r"quota ?(?:exceed|violation|limit|full|reached|error|is full|check failed|for)",
        r"over ?quota",
        r"\bquota\b",
        r"(?:mailbox|user|account).{0,40}(?:no (?:more )?space|not have enough space|space has been used)",
        r"too many (?:messages|mails?) (?:on the server|in (?:the |your )?(?:mailbox|inbox))",
        r"would exceed (?:maximum|the|its|quota|mailbox|storage)",
        r"too much mail data",
        r"exceeding receiving limits",
    ),
    phrase(
        "mailbox.full-localised",
        V.MAILBOX_FULL,
        "Orange, T-Online, GMX, web.de, Libero, WP, Onet, Terra",
        r"\b(?:pleine?|piena|llen[ao]|cheia|voll|uberfullt|pelna|przepelnion\w|perepolnen|perepolnena)\b",
        r"zuviele? mails|zu viele mails|speichervolumen|speicherplatz",
        r"\b(?:cuota|quota) .{0,15}(?:excedid|superat|depass)",
        r"переполнен",
    ),
)

CONTENT: tuple[Rule, ...] = (
    phrase(
        "content.size",
        V.CONTENT_REJECTED,
        "RFC 1870 (552 5.3.4), qmail databytes",
        r"(?:message|mail|email|header|attachment|line|body|data|content|size)s? (?:file )?(?:size|length|is|are"
        r"|was)? ?"
        r"(?:too (?:big|large|long)|exceed|larger|bigger|greater|longer)",
        r"(?:exceed\w*|larger than|bigger than|over) (?:\w+'?s? ){0,5}(?:message |maximum |max |mail "
        r"|file )?(?:size|length|databytes)",
        r"(?:message|mail|email) (?:is |was )?too (?:big|large|long)",
        r"databytes",
        r"(?:maximum|max) (?:message|mail|email)? ?(?:size|length)",
        r"(?:size|length) (?:limit|exceed)",
        r"size of (?:the |your )?(?:message|header|mail|email)",
        r"number of attachments|mailsize|zu gross|trop (?:gros|volumineux|grand)|troppo grande|demasiado grande",
    ),
    phrase(
        "content.virus",
        V.CONTENT_REJECTED,
        "virus scanners: ClamAV, amavisd, MailMarshal",
        r"\bvir(?:us|us(?:es)?)\b|viral|malware|infected|trojan|worm\b|phish|malicious|clamav|ransom",
    ),
    phrase(
        "content.spam",
        V.CONTENT_REJECTED,
        "filters: amavisd `Message content rejected, UBE`, SpamAssassin, rspamd, Gmail, QQ, Orange 506, mail.ru, "
        "Yandex",
        r"\bspam\b(?! (?:list|source))|\bspam(?:[- ]|profiler|ming\b)|\bube\b|\bjunk|\bunsolicited|\bbulk\b"
        r"|antispam|spamassassin"
        r"|anti-spam",
        r"looks? like (?:spam|advert)|^reject, id=",  # the latter amavisd-new's
        r"(?:mail|message|email) (?:\w+ ){0,3}(?:content|body) ?(?:\w+ ){0,2}(?:den|reject|block|refus|not)",
        r"content (?:filter|rejected|denied|reject|refused|blocked|not accept|scan|polic|restrict|violat|was)",
        r"(?:rejecting|banned|unacceptable|offensive|prohibited|blocked|suspicious"
        r"|disallowed) (?:\w+ )?(?:content|attachment|file|word|subject)",
        r"(?:rejete|rejet).{0,40}\bofr_?506|ofr_?506|\bdt:spm|\bhvu:b|\brly:bd|\brly:ch\b",
        r"because its content|nature of the content|recurrent pattern|low priority|message filtered|\bsuspicious\b",
        r"\bau:ch\b|\bfilter(?:ed|ing)?\b.{0,20}(?:message|mail)",
        r"(?:message|mail) (?:was )?(?:blocked|rejected|refused) by (?:\w+ ){0,2}filter|blocked by (?:our|the"
        r"|a) (?:\w+ )?filter",
    ),
    phrase(
        "content.form",
        V.CONTENT_REJECTED,
        "RFC 5322 section 3.6, RFC 2045; what end of data is refused for",
        r"attachment|\bmime\b|executable|file ?type|\bzip\b",
        r"addresses in from|\b(?:mail|message|spam) ?score\b",
        r"rfc ?-?(?:28|53)22|not rfc|malformed (?:message|header|mail|email)|(?:message|mail) (?:is |was )?malformed",
        r"\bheaders?\b",
        r"(?:missing|invalid|no|empty|bad|illegal|forged|multiple) (?:\w+ )?(?:subject|from:|date:?|message-id"
        r"|to:|from field|date field)",
        r"\bline (?:is )?(?:too long|length)|lines? too long|bare (?:lf|cr|newline|linefeed)|stray newline|8-?bit"
        r"|null (?:byte|char)",
        r"encoded-word|unicode character|invalid characters?\b(?! in (?:the )?(?:address|recipient|sender|command))",
        r"media error|looping message|message body|conversion|charset|character set",
    ),
)
