"""Texts with a fixed grammar: the wrapper, not the stage, says who is refused; then the words that outrank all others.

Postfix holds client, HELO and sender refusals back until RCPT (`smtpd_delay_reject = yes`), so that a refusal at RCPT
is often about us. What follows `Recipient address rejected:` is judged by later rules: only its tail tells the reason.
"""

from __future__ import annotations

from scanner.judge.rules.rule import HELD_BACK, Rule, phrase
from scanner.terms import ProbeVerdict as V
from scanner.terms import Stage

GREYLISTING: tuple[Rule, ...] = (
    phrase(
        "greylist.word",
        V.GREYLISTED,
        "RFC 6647; postgrey, milter-greylist, policyd, rspamd, Exim, Haraka, stalwart (452 4.2.2) all say the word",
        r"\bgr[ea]y[- ]?list",
        r"\bgr[ea]ylist-",
    ),
    phrase(
        "greylist.localised",
        V.GREYLISTED,
        "Spanish providers: a deferral in blocklist clothes (`blocked using grey.rbl - Rechazo temporal`)",
        r"rechazo temporal",
        r"rejet temporaire",
        r"vorubergehend abgelehnt",
        codes=("4",),
    ),
    phrase(
        "greylist.first-contact",
        V.GREYLISTED,
        "RFC 6647 2.1: the triplet has not been met before; sites that describe it without naming it",
        r"(?:host|client|sender|server|triplet|you) (?:has|have) not been seen before",
        r"\bfirst (?:contact|attempt|time)\b.{0,40}(?:later|again|retry)",
        r"\bnot yet (?:white-?listed|known|seen|authori[sz]ed)",
        r"policy (?:rejection|restrictions?)\W{1,3}(?:please )?(?:try|retry) (?:again )?later",  # iRedAPD
        r"^(?!.*(?:too (?:many|much)|limit|quota|busy|overload|(?:service|system|server) is)).*\bcome back\b",
        codes=("4",),
        stages=HELD_BACK,
    ),
    phrase(
        "greylist.yahoo",
        V.GREYLISTED,
        "Yahoo: the mark GL01",
        r"\bgl01\b",
        codes=("4",),
    ),
    phrase(
        "greylist.mimecast",
        V.GREYLISTED,
        "Mimecast: the documented text of its greylisting and of new senders",
        r"internal resources? (?:are |is )?temporarily unavailable",
        codes=("4",),
    ),
    phrase(
        "greylist.postscreen",
        V.GREYLISTED,
        "Postfix postscreen(8): after its deep tests a new client's RCPT is deferred once",
        r"^service currently unavailable$",
        codes=("450",),
        stages=HELD_BACK,
    ),
)

WRAPPERS: tuple[Rule, ...] = (
    phrase(
        "exchange.adr",
        V.USER_UNKNOWN,
        "Exchange: RESOLVER.ADR.* is address resolution in the directory",
        r"resolver\.adr\.",
    ),
    phrase(
        "m365.no-subscription",
        V.NOT_ACCEPTING,
        "Microsoft 365 ATTR5: the domain's tenant has no mailboxes at all",
        r"tenant which has no mail-?enabled",
    ),
    phrase(
        "exchange.sender-filter",
        V.SENDER_REJECTED,
        "Exchange: the transport agent that filters senders names its configuration",
        r"senderfilterconfig",
    ),
    phrase(
        "exchange.rst.size",
        V.CONTENT_REJECTED,
        "Exchange: size limits of sender or recipient",
        r"resolver\.rst\.(?:recip|send)sizelimit",
        r"\boveradvertisedsizelimit",
    ),
    phrase(
        "exchange.rst",
        V.RECIPIENT_RESTRICTED,
        "Exchange: RESOLVER.RST.* are delivery restrictions of a recipient (AuthRequired, NotAuthorized)",
        r"resolver\.rst\.",
        r"rejectmessage\.",
        r"sender was not authenticated for",
    ),
    phrase(
        "exchange.routing",
        V.ROUTING_ERROR,
        "Exchange: no connector, next hop or DNS answer for the destination, or a loop",
        r"smtpsend\.dns\.",
        r"routing\.(?:nohop|noconnector|noroute)",
        r"resolver\.loop",
        r"\bhop count exceeded|too many (?:smtp |mail )?\W?(?:hops\b|received\b)",
    ),
    phrase(
        "exchange.quota",
        V.MAILBOX_FULL,
        "Exchange: the store's exceptions for a mailbox over its quota",
        r"storedrv\.\S*.{0,120}quota ?exceeded",
        r"mapiexceptionshutoffquotaexceeded",
    ),
    phrase(
        "exchange.thread-limit",
        V.RATE_LIMITED,
        "Exchange: too many deliveries to one recipient or database at once",
        r"(?:recipient|mailbox|database) thread limit",
        r"\bconcurrent(?:ly)? .{0,40}(?:limit|exceeded)",
    ),
    phrase(
        "exchange.store-user",
        V.MAILBOX_DISABLED,
        "Exchange: mailbox offline, disabled or account disabled in the store",
        r"storedrv\.\S*.{0,60}(?:account|mailbox) ?disabled",
    ),
    phrase(
        "m365.edge-unknown",
        V.USER_UNKNOWN,
        "Microsoft 365 directory-based edge blocking: 550 5.4.1 with an AS() mark is an unknown mailbox",
        r"^recipient address rejected: access denied.{0,10}\bas\(\d+\)",
    ),
    phrase(
        "m365.edge-unknown.5.4.1",
        V.USER_UNKNOWN,
        "Microsoft 365: the same on 5.4.1 without its mark; on 5.7.1 the words are Postfix's and mean policy",
        r"recipient address rejected: access denied",
        detail=(4, 1),
    ),
    phrase(
        "m365.tenant-inbound",
        V.POLICY_REJECTED,
        "Microsoft 365 5.7.51: the tenant's partner connector takes mail from its named hosts or certificates only",
        r"tenantinboundattribution",
        r"restrictdomainsto(?:ipaddresses|certificate)",
    ),
    phrase(
        "m365.rejected-by-recipient",
        V.CLIENT_BLOCKED,
        "Microsoft 365 5.7.507: the sending address is on the recipient organisation's list",
        r"access denied, rejected by recipient",
    ),
    phrase(
        "wrapper.client.ptr",
        V.PTR_REQUIRED,
        "Postfix reject_unknown_client_hostname, reject_unknown_reverse_client_hostname",
        r"client host rejected: .{0,40}(?:cannot find your|reverse|\bptr\b|\brdns\b|host ?name)",
    ),
    phrase(
        "wrapper.client.rate",
        V.RATE_LIMITED,
        "Postfix access tables of large sites: deferrals by speed under the client wrapper",
        r"client host rejected: .{0,60}(?:slower|slow down|too many|rate|throttl|limit)",
    ),
    phrase(
        "wrapper.client",
        V.CLIENT_BLOCKED,
        "Postfix check_client_access and the like: who is refused is the client, whatever words follow",
        r"client host rejected\b",
        r"client host .{0,20}rejected:",
        r"unverified client host rejected",
    ),
    phrase(
        "wrapper.pipelining",
        V.PROTOCOL_ERROR,
        "Postfix reject_unauth_pipelining; RFC 2920",
        r"(?:improper|unauthori[sz]ed|illegal) (?:use of )?(?:smtp )?(?:command )?pipelin",
        r"synchroni[sz]ation error",
        r"protocol violation",
        r"pregreet|spoke (?:too soon|before)|earlytalker|talk(?:ed|ing)? (?:too soon|before)",
    ),
    phrase(
        "wrapper.helo",
        V.HELO_REJECTED,
        "Postfix reject_*_helo_hostname, check_helo_access",
        r"helo command rejected",
        r"helo command .{0,20}blocked using",
    ),
    phrase(
        "wrapper.sender.auth",
        V.SENDER_AUTH_FAILED,
        "Postfix policy services under the sender wrapper: SPF and DMARC tell more than the wrapper",
        r"sender address rejected: .{0,60}(?:\bspf\b|\bdkim\b|\bdmarc\b|sender policy framework)",
    ),
    phrase(
        "wrapper.sender",
        V.SENDER_REJECTED,
        "Postfix reject_unknown_sender_domain, reject_unverified_sender and others; `User unknown` here is the "
        "sender's",
        r"sender address rejected\b",
        r"sender address .{0,20}blocked using",
    ),
    phrase(
        "exim.sender-verify",
        V.SENDER_REJECTED,
        "Exim verify = sender, with or without callout: quotes the sender and what its own host said",
        r"sender verify failed",
        r"verification failed for",
        r"(?:could not complete|callback setup failed|cached) .{0,12}sender verif",
        r"sender (?:address )?(?:verification|verify|callout|callback)",
        r"(?:callout|callback) .{0,40}\bsender",
    ),
    phrase(
        "postfix.multi-recipient-bounce",
        V.POLICY_REJECTED,
        "Postfix reject_multi_recipient_bounce",
        r"(?:data|end-of-data) command rejected: multi-recipient bounce",
    ),
    phrase(
        "postfix.verify-pending",
        V.SERVICE_UNAVAILABLE,
        "Postfix reject_unverified_recipient: the probe is not back yet, or its own connection failed",
        r"address verification in progress",
        r"unverified address: (?:connect to|connection|timed out|delivery temporarily|lost connection|conversation)",
        r"could not complete recipient verif",
    ),
    phrase(
        "service.upstream",
        V.SERVICE_UNAVAILABLE,
        "a front end quotes what happened when it asked the host behind it",
        r"connect(?:ing|ion)? to .{0,60}(?:refused|timed out|time ?out|no route|unreachable|failed)",
        codes=("4",),
    ),
    phrase(
        "wrapper.recipient.unknown",
        V.USER_UNKNOWN,
        "Postfix: unknown in local, virtual or relay recipient table; the word relay names the table",
        r"recipient address rejected: .{0,80}\b(?:user|recipient|mailbox|account|address) (?:is )?unknown",
        r"\b(?:user|recipient|mailbox|address) (?:unknown|not found|does not exist|not listed) in .{0,30}(?:table"
        r"|map)\b",
        r"recipient address rejected: (?:unknown|invalid|no such|unavailable|user (?:not|does)|recipient (?:not|does))"
        r"(?! (?:domain|host))",
        r"^recipient address rejected$",
    ),
    phrase(
        "wrapper.recipient.full-name",
        V.PROTOCOL_ERROR,
        "Postfix reject_non_fqdn_recipient",
        r"recipient address rejected: need fully-qualified",
    ),
    phrase(
        "wrapper.blocked-using",
        V.CLIENT_BLOCKED,
        "Postfix default_rbl_reply; postscreen's denylisted clients",
        r"(?:client host|client|service unavailable).{0,40}blocked (?:using|by)",
        r"^.{0,30}blocked using(?! (?:spam|content|virus) )",
    ),
    phrase(
        "postscreen.denylisted",
        V.CLIENT_BLOCKED,
        "Postfix postscreen(8): 521 and 550 5.3.2 mean this client, not the host",
        r"^service currently unavailable$",
        codes=("5",),
        detail=(3, 2),
    ),
    phrase(
        "milter.not-accepting-connections",
        V.CLIENT_BLOCKED,
        "Postfix greeting when a milter refuses the client; iCloud says it to listed clients",
        r"e?smtp not accepting connections",
    ),
    phrase(
        "postfix.access-denied-for",
        V.CLIENT_BLOCKED,
        "Postfix smtpd with a client it must not talk to; AIX and others: the client is named after `for`",
        r"access denied for unknown",
        r"access denied for (?:host|client|ip)\b",
        r"access denied - go away",
        r"error: access denied for\b",
    ),
    phrase(
        "session.hello-first",
        V.PROTOCOL_ERROR,
        "RFC 5321 4.1.4: a command before EHLO; sendmail: `Polite people say HELO first`",
        r"(?:say|send|need|expect(?:ing|ed)?|issue|requires?|missing) (?:hello|(?:an? )?(?:helo|ehlo)(?:/(?:helo"
        r"|ehlo))?)",
        r"\b(?:helo|ehlo|hello)(?:/(?:ehlo|helo))? (?:first|required|expected|missing)",
        r"(?:duplicate|already (?:said|sent|issued)) .{0,10}(?:helo|ehlo)",
        r"syntax: (?:helo|ehlo)",
    ),
    phrase(
        "session.hello-refused-mail",
        V.SENDER_REJECTED,
        "Haraka, JAMES: a rule about senders that names the host",
        r"mail from .{0,60}not allowed from your host",
        stages=frozenset({None, Stage.MAIL, Stage.RCPT}),
    ),
)
