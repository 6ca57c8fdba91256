"""Phrases that many servers use loosely: they decide only where no strong phrase and no specific enhanced code did."""

from __future__ import annotations

from scanner.judge.rules.rule import HELD_BACK, Rule, phrase
from scanner.judge.rules.users import UNKNOWN_USER, UNKNOWN_USER_LOCALISED
from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage

BEFORE_RCPT: frozenset[Stage | None] = frozenset({Stage.CONNECT, Stage.BANNER, Stage.HELO})
LATER = r"(?:please )?(?:try|retry|come back|send)(?: (?:it|this|again))* ?(?:again|later|in \d|after)"

RATES: tuple[Rule, ...] = (
    phrase(
        "routing.loop",
        V.ROUTING_ERROR,
        "RFC 5321 6.3: too many Received lines; sendmail, qmail, Postfix",
        r"\bhop count|\bhops\b|(?:mail|routing|forwarding|aliasing/forwarding) loop|loops? back to|is looping|\bloop\b",
    ),
    phrase(
        "rate.too-many",
        V.RATE_LIMITED,
        "RFC 3463 X.4.5, X.5.3; anvil of Postfix, Exim smtp_accept_max*, Exchange throttling, Comcast, free.fr",
        r"too (?:many|much|fast|quickly|frequent|often)",
        r"trop (?:de|d')|zu viele|troppi|demasiad[oa]s|muitas",
        r"(?:rate|connection|connections|message|messages|recipient|recipients|frequency|session|sessions|traffic"
        r"|volume|hourly"
        r"|daily|sending|error|rcpt|smtp|mail|email|user|tenant|number of \w+) ?(?:rate )?(?:limit|limits|limited"
        r"|threshold|count)"
        r"(?: (?:is|has been|was))? ?(?:exceed|reach|hit|over)?",
        r"(?:maximum|max)\.? (?:number of )?(?:\w+ )?(?:connection|session|recipient|rcpt|message|error|command"
        r"|mail|email|per)s?\b",
        r"(?:exceed\w*|reached) (?:\w+ ){0,5}(?:connection|session|recipient|rcpt|message|rate|frequency"
        r"|threshold|limit|email|quantity)s?\b",
        r"limit (?:has been )?(?:exceeded|reached)|limits? exceeded",
        r"throttl|slow ?down|slower|frequency limited|flood",
        r"mail (?:too quickly|at a rate)",
        r"already (?:have |has )?(?:too|maximum|\d+) |numerous attempts",
        r"concurrent",
        r"out of allow rcpt",
    ),
)

SENDERS: tuple[Rule, ...] = (
    phrase(
        "protocol.no-sender",
        V.PROTOCOL_ERROR,
        "RFC 5321 4.1.4: RCPT before MAIL was accepted",
        r"(?:sender|mail|from) (?:was )?(?:not|n't) (?:yet )?(?:specified|given|set)",
        codes=("503",),
    ),
    phrase(
        "sender.bare",
        V.SENDER_REJECTED,
        "sendmail 553 5.5.4: a sender without a domain",
        r"required for sender",
    ),
    phrase(
        "protocol.parameters",
        V.PROTOCOL_ERROR,
        "RFC 5321 4.2.2: 455, 504 and 555 are about parameters, whichever command they name",
        r"(?:parameter|option|argument|command)s? (?:\w+ )?(?:not|un)[ -]?(?:implemented|supported|recogni[sz]ed"
        r"|understood|known)",
    ),
    phrase(
        "sender.syntax",
        V.PROTOCOL_ERROR,
        "OpenSMTPD 553 5.1.0, Gmail 553 5.1.7: the address is no mailbox in RFC 5321's grammar",
        r"(?:sender|mail ?from|from|reverse-path|return[- ]path)? ?address (?:\w+ ){0,2}(?:syntax|is not a valid rfc)",
        r"bad (?:sender|address|recipient)? ?(?:address |mailbox )?syntax",
        r"must contain a domain|domain missing or malformed",
        r"not a valid rfc ?\d* address|rfc ?5321 address",
    ),
    phrase(
        "sender.courier-517",
        V.SENDER_REJECTED,
        "Courier courieresmtpd: 517 answers for the sender's domain, its MX or its SPF record",
        r"",
        codes=("517",),
    ),
    phrase(
        "sender.words",
        V.SENDER_REJECTED,
        "RFC 3463 X.1.7, X.1.8; sendmail `Domain of sender address does not exist`, IMail, MDaemon, McAfee, Orange, QQ",
        r"(?:sender|sender's|senders|originator|envelope from|mail ?from|from address|from domain|return[- ]path"
        r"|reverse-path"
        r"|envelope sender|sending domain|sender domain|outbound sender|envelope)\b(?!-?only"
        r"| recipient).{0,50}(?:reject|refus|den[iy]|block|invalid"
        r"|not|n't|unknown|bad|fake|unvalid|empty|must|verif|resolv|unroutable|exist|missing|spoof|illegal"
        r"|require|forg|fail|null"
        r"|is a dead|has no)",
        r"(?:invalid|bad|unknown|unroutable|unrouteable|unresolvable|fake|illegal|forged|missing|reject\w*"
        r"|unverified|denies the|spoofed"
        r"|suspected spam|null|empty|bogus|wrong|blocked|refused|empty envelope|valid|unauthori[sz]ed"
        r"|outbound) (?:the )?(?:envelope )?"
        r"(?:sender|senders|mail ?from|from address|from|originator|return[- ]path|reverse-path|sending domain)\b",
        r"unverif\w* sender|(?:not|n't|cannot|unable to) verify (?:the |your )?sender",
        r"domain of (?:the |your )?sender|spoof|backscatter|\bbatv\b|bouncedeny|third-party dsn"
        r"|returned mail not accepted|unsigned dsn",
        r"sending (?:for|from) this account is disabled|send as this sender|permissions to send as",
        r"mail ?from (?:\w+ ){0,3}(?:domain|address|reject|invalid|not)",
        r"(?:does(?: not|n't)|not) (?:accept|allow|permit)\w* (?:e?mail|messages) from\b",
        r"(?:not allowed|unauthori[sz]ed|not authori[sz]ed|not permitted) to send (?:e?mails? "
        r"|messages? )?(?:from|as|for|on behalf)",
        r"email address is not verified|from: domain is invalid|fully qualified email address required",
        r"(?:emetteur|expediteur|absender|mittente|remitente|remetente|nadawc|otpravitel)\w*\W.{0,40}(?:invalid"
        r"|refus|rejet|inconnu|ungultig"
        r"|abgelehnt|nicht|rifiutat|non|no|rechaz|odrzuc|blok)",
        r"black mail address|mail address invalid|your (?:email )?domain .{0,30}(?:block|reject|not allow|banned"
        r"|denied|not permit)",
    ),
    phrase(
        "sender.at-mail",
        V.SENDER_REJECTED,
        "before RCPT an address or a domain that is refused can only be the sender's",
        *UNKNOWN_USER,
        r"domain .{0,30}(?:not exist|not found|not resolve|n't resolve|invalid|unknown|not allowed|n't exist)",
        r"\bmx record",
        r"(?:invalid|unknown|no such) (?:domain|host)|(?:unrouteable|unroutable)",
        codes=("5", "450", "451"),
        stages=frozenset({Stage.MAIL}),
    ),
)

RECIPIENTS: tuple[Rule, ...] = (
    phrase(
        "policy.violated",
        V.POLICY_REJECTED,
        "a policy given as the reason, behind RFC 5321's standard text for the code",
        r"\bdue to (?:\w+ ){0,2}polic(?:y|ies)\b|\bpolicy violation",
    ),
    phrase(
        "mailbox.disabled",
        V.MAILBOX_DISABLED,
        "RFC 3463 X.2.1, RFC 5248 5.7.13; Gmail, Yahoo, AOL, QQ, 163, hot.ee, Orange, BellSouth, mox",
        r"\b(?:disabled?|suspend\w*|inactive|in-?activated|deactivat\w*|frozen|locked|hangup|dormant|discontinued"
        r"|terminated|archived"
        r"|archivee|expired account|abandoned|gesperrt|deaktiviert|desactiv\w*|sospes\w*|zablokowan\w*|bloque\w*"
        r"|cerrad[oa])\b",
        r"(?:account|mailbox|user|address|recipient|email)\b.{0,40}(?:has been|is|was|are|been|temporarily|currently) "
        r"(?:\w+ )?(?:closed|expired|moved|blocked|deleted|cancelled|canceled|removed|barred|locked|on hold|retired)",
        r"(?:account|mailbox) (?:closed|expired|blocked|locked|deleted|removed|cancell?ed)",
        r"no longer (?:valid|active|in use|used|in service|available|monitored|accepts?|works|with|employed|receiv\w+)",
        r"(?:user|mailbox|recipient|account) (?:\w+ )?(?:has |is )?(?:not active|moved|left)",
        r"please try <?$|user not local; please try|user has moved|new address is",
        r"not accepting (?:any )?(?:mail|messages|email)|not accept(?:ing)? any mail",
        r"(?:temporarily|currently) (?:disabled|inactive|not accepting)",
        r"policy rejection on the target address",
        r"mailbox (?:unavailable or access denied|currently unavailable|busy)",
        r"\bnot (?:been |yet )*activated\b|esta (?:en estado: )?inactiv[oa]|per inutilizzo|\bexpirad[oa]\b",
        r"unavailable: user is terminated|mailbox owner has changed",
        stages=frozenset({None, Stage.RCPT, Stage.DATA, Stage.MESSAGE, Stage.MAIL}),
    ),
    phrase(
        "mailbox.busy",
        V.MAILBOX_DISABLED,
        "RFC 5321 450: `mailbox busy or temporarily blocked for policy reasons`; greylisters borrow it",
        r"^(?:requested (?:mail )?action not taken:? ?)?mailbox (?:is )?(?:temporarily )?unavailable$",
        low=True,
        codes=("45",),
    ),
    phrase(
        "mailbox.for-now",
        V.SERVICE_UNAVAILABLE,
        "who is unavailable for a while is not unknown: Mimecast, Exchange",
        r"(?:recipient|address|user) (?:is )?temporarily (?:unavailable|not available|unreachable)",
        codes=("4",),
    ),
    phrase(
        "routing.domain-not-found",
        V.ROUTING_ERROR,
        "Postfix reject_unknown_recipient_domain, Exim dnslookup, Exchange; RFC 3463 X.1.2, X.4.4",
        r"recipient address rejected: .{0,30}(?:domain|host|malformed dns)",
        r"(?:recipient |destination |rcpt |mail |email )?(?:domain|host)(?: name)?(?: \S+)? (?:is "
        r"|was )?(?:not found|not reachable|unreachable"
        r"|does(?: not|n't) exist|must exist|unknown|not exist|invalid|unresolvable|can(?:not|'t) be (?:found|resolved)"
        r"|not resolv\w+|has no)",
        r"(?:invalid|unknown|no such|bad|nonexistent|non-existent|unresolvable|unreachable"
        r"|dead) (?:\w+ )?(?:domain|host)\b",
        r"host lookup did not complete|host or domain name not found|name or service not known"
        r"|name service error|nxdomain"
        r"|cannot resolve (?:the )?(?:domain|host|mx)",
        r"(?:unable|failed|cannot|can't) (?:to )?(?:look ?up|resolve|route|find (?:a )?route"
        r"|find (?:the )?(?:host|domain|mx))",
        r"lowest numbered mx record points to local host|mx records? (?:for )?.{0,30}\bpoint"
        r"|no mx (?:record|for|found)|all relevant mx",
        r"bad destination (?:system|host|domain)|not routable|no route|no valid route|network unreachable"
        r"|dns (?:query )?error",
        r"account or domain may not exist|misrouted|undeliverable domain|fake router",
    ),
    phrase(
        "exim.unrouteable",
        V.ROUTING_ERROR,
        "Exim: no router took the address; a foreign domain and an unknown local part sound alike",
        r"unrout(?:e)?able",
        low=True,
    ),
    phrase(
        "user.invalid-recipient-mimecast",
        V.USER_UNKNOWN,
        "Mimecast `Invalid Recipient`, with its page of error codes",
        r"mimecast",
        codes=("550",),
        in_links=True,
        stages=frozenset({Stage.RCPT}),
    ),
    phrase(
        "user.invalid-recipient",
        V.USER_UNKNOWN,
        "OpenSMTPD: one text for a foreign domain and for an unknown user",
        r"^invalid recipient$",
        r"not our customer",
        low=True,
    ),
    phrase(
        "protocol.address-syntax",
        V.PROTOCOL_ERROR,
        "RFC 5321 4.1.2, RFC 3463 X.1.3; RFC 6531 SMTPUTF8",
        r"(?:address|mailbox|recipient|rcpt|path|argument|parameter|command)s?(?: \w+)? (?:syntax|format|malformed)",
        r"(?:bad|invalid|malformed|illegal) (?:\w+ ){0,2}(?:address |mailbox )?(?:syntax|format)",
        r"malformed (?:address|recipient|path)|missing or malformed|smtputf8|utf-?8 string"
        r"|fully[- ]qualified (?:address|recipient|email)",
        r"restricted characters? in (?:the )?address",  # Exim's default configuration
        r"syntax error|invalid recipient address|not a valid (?:rfc|email) ?\d* address",
        r"domain (?:name )?required|must contain a domain|bad address syntax",
    ),
    phrase(
        "opensmtpd.expansion",
        V.USER_UNKNOWN,
        "OpenSMTPD: a domain that it serves, whose table holds no such user",
        r"mailing list expansion problem",
        codes=("524",),
    ),
    phrase(
        "user.unknown",
        V.USER_UNKNOWN,
        "RFC 3463 X.1.1; sendmail, qmail chkuser, Gmail, Yahoo, Yandex, Domino, GMX, AOL, Courier, Cyrus and "
        "Dovecot LMTP",
        *UNKNOWN_USER,
    ),
    phrase(
        "user.unknown-localised",
        V.USER_UNKNOWN,
        "the same in the languages of European and Asian providers",
        *UNKNOWN_USER_LOCALISED,
    ),
)

SESSIONS: tuple[Rule, ...] = (
    phrase(
        "service.system-error",
        V.SERVICE_UNAVAILABLE,
        "RFC 3463 X.3.0, X.3.5: the server's own fault",
        r"(?:internal|system|local|server|configuration|config|temporary|transient|database|lookup|backend|ldap"
        r"|i/o|queue|software) "
        r"(?:\w+ )?(?:error|failure|problem|fault)",
        r"misconfigur|file write error|cannot open|could not open|not responding"
        r"|resources? (?:temporarily )?unavailable|out of memory",
        r"operation now in progress|interrupted system call|can't create|unable to connect|verification problem",
        r"error (?:in|while being) process|overload|shutting down|shutdown|maintenance"
        r"|load (?:average )?(?:is )?too high|high load|time ?out waiting",
        codes=("4", "5"),
    ),
    phrase(
        "protocol.words",
        V.PROTOCOL_ERROR,
        "RFC 5321 4.2.4, 4.3.2: 500-504, 455, 555",
        r"syntax|unrecogni[sz]ed|(?:unknown|invalid|bad|illegal|unsupported|unexpected) (?:smtp )?(?:command"
        r"|sequence|parameter|argument|option)",
        r"bad sequence|out of (?:sequence|order)|sequence (?:error|of commands)|(?:need|send|say|give"
        r"|issue) (?:a |the )?(?:valid )?"
        r"(?:mail|rcpt|data)\b|(?:mail|rcpt) (?:command )?(?:first|required|before)|no (?:data|rcpt"
        r"|mail) (?:after|before|command)",
        r"(?:command|parameter|option|feature|verb)s? .{0,30}(?:not|un)[ -]?(?:implemented|supported"
        r"|recogni[sz]ed|allowed|known|accepted|understood)",
        r"unimplemented|not implemented|unsupported (?:option|parameter|body)|unable to accommodate"
        r"|parameters? not|nested mail",
        r"sender already|transaction already|line parse error|command (?:line )?too long|line too long|line length",
    ),
    phrase(
        "greylist.try-later",
        V.GREYLISTED,
        "hMailServer, rspamd, JAMES, qpsmtpd, spamd: a bare deferral of a recipient without a fault named",
        r"^(?:message |mail |email |recipient |you are |this mail is |your (?:mail|message) (?:is|has been) )?"
        r"temporar(?:y|ily) (?:reject\w*|den\w+|defer\w*|refus\w*|block\w*|delay\w*|fail\w*|unavailable)?\W*(?:"
        + LATER
        + r".{0,40})?$",
        r"^" + LATER + r".{0,24}$",
        r"(?:this|your|the) (?:mail|message|email) (?:is|was|has been) temporarily (?:den|reject|defer|refus)",
        r"^temporary rejected\b",
        r"^(?:temporarily )?deferred|please (?:try|retry|wait) .{0,12}\d+ (?:s|m|h)|retry in \d",
        r"first contact|unknown triplet|not yet (?:known|seen)|delayed for \d",
        codes=("450", "451"),
        stages=HELD_BACK,
    ),
    phrase(
        "rate.closing",
        V.RATE_LIMITED,
        "Gmail 421 4.7.0 `Try again later, closing connection.`",
        r"^try again later, closing connection",
        codes=("421",),
    ),
    phrase(
        "client.before-hello",
        V.CLIENT_BLOCKED,
        "a refusal before we said who we are can only be about the address",
        r"access denied|access (?:is )?(?:not allowed|refused|rejected)|\b(?:rejected|denied|refused|not allowed"
        r"|not permitted|policy)\b",
        codes=("5",),
        stages=frozenset({Stage.CONNECT, Stage.BANNER}),
    ),
    phrase(
        "policy.words",
        V.POLICY_REJECTED,
        "RFC 3463 X.7.1; Yahoo PH01, Courier 571, Exim local policy, QQ, Mimecast",
        r"polic(?:y|ies)\b",
        r"delivery not authori[sz]ed, message refused|\bwill not accept delivery of this message",
        r"organi[sz]ational settings|security (?:reasons|concern|restriction)|\bph0\d\b|prohibited|forbidden",
        r"not (?:authori[sz]ed|permitted) by|by (?:local )?administrat|rejected for (?:local )?reasons",
    ),
    phrase(
        "policy.bare",
        V.POLICY_REJECTED,
        "`Rejected`, `Access denied`, Exim's `Administrative prohibition`: a refusal without a reason",
        r"^(?:message |mail |email |your message |recipient |connection |command |request |sorry,? |error:? "
        r"|permission |transaction "
        r"|recipient address rejected:? )*(?:was |is |has been )?(?:rejected|denied|refused|access denied|blocked"
        r"|not accepted|not allowed"
        r"|not permitted|not authori[sz]ed|message refused|failed)$",
        r"administrative prohibition|access denied|^you are not allowed|^not allowed|^not authori[sz]ed",
        low=True,
        codes=("5",),
        stages=frozenset({None, *Stage}) - BEFORE_RCPT - {Stage.MAIL, Stage.DATA, Stage.MESSAGE},
    ),
    phrase(
        "service.unavailable-5xx",
        V.SERVICE_UNAVAILABLE,
        "a 5xx that says what RFC 5321 has 421 for; in a greeting it is rather about the client",
        r"service (?:is )?(?:currently |temporarily )?(?:un|not )available",
        codes=("5",),
        stages=frozenset({None, *Stage}) - {Stage.CONNECT, Stage.BANNER},
    ),
    phrase(
        "service.unavailable",
        V.SERVICE_UNAVAILABLE,
        "RFC 5321 421, 450-452: the host, now",
        r"temporar|unavailable|not available|try (?:again )?later|try again|\bbusy\b|closing|time[d -]?out"
        r"|later\b|no resources",
        r"all server ports|not ready|connection (?:lost|reset)|veuillez essayer|spater|mas tarde",
        codes=("4",),
    ),
)
