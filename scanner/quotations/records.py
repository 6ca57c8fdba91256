"""One record of a log, or one paragraph of a bounce, to the replies and failures that it tells of.

The forms are those of Postfix, Exim, Sendmail, qmail and Exchange. Each has a marker before the reply (`said:`, `after
RCPT TO:<…>:`, `Remote host said:`, `returned '`): the reply is what stands behind it. Where a record holds no reply,
its words may tell of a failure. Every pattern is linear in what a stranger wrote: it begins at a mark or at the
beginning of a word, and what it skips is bounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.quotations.failures import failure_in, stage_named
from scanner.quotations.quoted import Quoted
from scanner.quotations.reply import ENHANCED, begins_reply, read_reply
from scanner.terms import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

LITERAL = r"\[[^\[\]]{0,64}\]"
HOST = rf"(?<!\S)\(?(?:host (?P<host>[^\s\[\]]+)(?: ?{LITERAL})?|(?P<named>[^\s\[\]()]+) ?{LITERAL})(?::\d+)?"

POSTFIX_SAID = re.compile(rf"{HOST} (?P<verb>said|refused to talk to me): (?P<reply>.*)")
POSTFIX_IN_REPLY = re.compile(r" \(in reply to (?P<words>[^()]{1,40})\)")
POSTFIX_REJECT = re.compile(
    rf"reject(?:_warning)?: (?P<words>[A-Z-]{{4,20}}) from [^\s\[]*{LITERAL}(?::\d+)?: (?P<reply>.*)"
)
POSTFIX_REASON = re.compile(r" status=(?P<status>[a-z-]+)(?:, [^(]{0,40})? \((?P<reason>.*)")
POSTFIX_DSN = re.compile(r" dsn=(?P<dsn>\d\.\d{1,3}\.\d{1,3}),")
POSTFIX_CONNECT = re.compile(r"(?:^|[:>)] )(?P<words>(?:connect to|lost connection with|conversation with) .*)")
POSTFIX_TAIL = re.compile(r"; (?:from=<[^<>]*>,? )?(?:to=<|proto=)")

EXIM_AFTER = re.compile(
    r"(?:SMTP|LMTP) error from remote mail(?:er| server) after (?P<words>(?:[^:<]|<[^<>]*>|:(?= ?<)){0,300}): ?"
    rf"(?:host (?P<host>\S+) {LITERAL}: ?)?(?P<reply>.*)"
)
EXIM_HOST = re.compile(r"(?:\bH=|\bhost )(?P<host>[^\s\[\]]+) \[")
EXIM_CONNECT = re.compile(
    rf"(?:^|[\s=])(?P<host>[^\s=\[\]]+) {LITERAL}(?::\d+)?:? "
    r"(?P<words>(?:Connection|Network|No route|Host is|SMTP timeout|Remote host closed|TLS error|a TLS session).*)$"
)
EXIM_RECIPIENT = re.compile(r"(?:^|\s)(?P<arrow>\*\*|==) (?P<to>\S+@\S+)")
EXIM_REJECTED = re.compile(
    r" (?P<passing>temporarily )?rejected (?P<words>RCPT|MAIL|EHLO or HELO|connection|after DATA|DATA)"
    r"(?: <(?P<to>[^<>]*)>)?(?P<more>[^:]{0,100}): (?P<text>.*)"
)
CISCO = re.compile(r"[45]\.\d\.\d - [^'\n]{1,60} (?P<code>[45]\d\d)-'(?P<text>[^']*)'")
DRAGONFLY = re.compile(rf"(?<!\S)(?P<host>\S+) {LITERAL} did not like our (?P<words>[^:]{{1,40}}): ?(?P<reply>.*)")

SENDMAIL_STAT = re.compile(r"\bstat=(?P<stat>.*)")
SENDMAIL_REPLY = re.compile(r"\breply=(?=\d{3}[ -])(?P<reply>.*?)(?:, stat=|$)")
SENDMAIL_REJECT = re.compile(r"\bruleset=(?P<words>\w+), .{0,500}?\breject=(?P<reply>.*)")
SENDMAIL_STAGES = {
    "check_rcpt": Stage.RCPT,
    "check_mail": Stage.MAIL,
    "check_relay": Stage.BANNER,
    "check_eoh": Stage.MESSAGE,
}
SENDMAIL_REASON = re.compile(r"\(reason: (?P<reply>.*?)\)?$")

QMAIL_LOG = re.compile(r"\bdelivery \d+: (?P<kind>failure|deferral|success): (?P<rest>.*)")
QMAIL_MARK = "(#"
QMAIL_SAID = "Remote host said: "
QMAIL_LINE_END = re.compile(r"/(?=[245]\d\d[ -]|Remote host said)")
QMAIL_END = re.compile(r"(?:^|[\s/])(?:Giving up on \S+|I'm not going to try again|STARTTLS proto=).*")
QMAIL_HOST_CHARS = 300
QMAIL_HOST = re.compile(r"(?:Connected to )?(?P<host>\d{1,3}(?:\.\d{1,3}){3}|\S+\.\S+)(?= (?:does not|failed|but))")

EXCHANGE_LAST_ERROR = re.compile(r"\{LED=(?P<reply>[^{}]*)\}")
EXCHANGE_RETURNED = re.compile(r"(?:at (?P<host>\S+) )?(?:\([^()]{0,60}\) )?returned '(?P<reply>.*)", re.IGNORECASE)
EXCHANGE_SMTP = re.compile(
    r"(?:<(?P<host>[\w.-]+) )?#(?P<dsn>[245]\.\d{1,3}\.\d{1,3}) smtp; ?(?P<reply>(?:[^#(]|\(#?|#(?!SMTP#|#))*)",
    re.IGNORECASE,
)
EXCHANGE_CODE = re.compile(r"(?:(?<![\w.-])(?P<host>[\w.-]+) )?#(?P<reply>[45]\d\d [245]\.\d{1,3}\.\d{1,3}[ ;][^#]*)##")
EXCHANGE_GAVE = re.compile(r"(?<!\S)(?P<host>\S+) gave this error: *(?P<reply>.*)")
EXCHANGE_HOST = re.compile(r"\{FQDN=(?P<host>[^{}]+)\}")
EXCHANGE_SOCKET = re.compile(r"(?:Winsock|Socket) ?error", re.IGNORECASE)
EXCHANGE_NESTED = re.compile(
    r"responded with:? \"(?P<reply>[45]\d\d [^\"]*)\"|Message expired,? -> (?P<last>[45]\d\d .*)"
)
EXCHANGE_BARE = re.compile(r"<(?P<host>[\w.-]+) #(?P<dsn>[245]\.\d{1,3}\.\d{1,3})>")
EXCHANGE_FORMS = (
    EXCHANGE_LAST_ERROR,
    EXCHANGE_SMTP,
    EXCHANGE_CODE,
    EXCHANGE_RETURNED,
    EXCHANGE_GAVE,
    EXCHANGE_BARE,
)

MARK = re.compile(
    r"error from remote mail|Remote host said: |returned '|reply=|stat=|\(reason: | smtp; ?[245]|did not like"
)
"""Of the other forms."""
TELLING = re.compile(
    r"said: |refused to talk|status=|reject|stat=|error from remote|[Rr]emote.host.said|\*\* |== |delivery \d+: "
    r"|connect|conversation|timeout|returned '|TLS|unreachable|route to host|refused|timed out|[45]\d\d[ -]#?[45]\.\d"
)
"""What a log's record has in it if it tells of a reply or a failure; most have nothing of it."""
TO = re.compile(r"(?:^|[\s,;(])to=(?:<(?P<to>[^<>]*)>|(?P<bare>[^\s,<>@]+@[^\s,<>]+))")
FROM = re.compile(r"(?:^|[\s,;(])from=<(?P<sender>[^<>]*)>")
PEER = re.compile(r"\b(?:connect to|connection with|conversation with|by host) (?P<host>[^\s\[\]]+)\[")
RELAY = re.compile(r"\brelay=\"?(?P<host>[^\s,\[\"]+)")
HEADED = re.compile(
    r"^(?:<(?P<to>[^\s<>:()]+@[^\s<>:()@]+)>|(?P<bare>[^\s<>:()]+@[^\s<>:()@]+))(?: ?\([^()\s]*\))?:?(?:\s+|$)"
)
"""A bounce's paragraph: the recipient, then why."""
ANYWHERE = re.compile(
    r"(?:^|[\s(\[:;'\"<])(?P<reply>(?P<class>[245])\d\d[ -]#?(?P=class)\.\d{1,3}\.\d{1,3}(?:[\s:;-].*|$))"
)
"""A code and an enhanced code of its class side by side are nothing else."""
AFTER_ERROR = re.compile(r"\berror(?: code)? (?P<reply>[45]\d\d(?:[ -]|: ).*)", re.IGNORECASE)
AFTER_WORD = re.compile(
    r"\b(?:said|says|error|errors?:|was|were|is|replied|response|reply|reason|returned|reported|message|rejected|status)"
    r"(?: \w+)?[:>] *['\"(]?(?P<reply>[245]\d\d[ -].*)",
    re.IGNORECASE,
)


def read_record(words: str, *, log: bool = False) -> list[Quoted]:
    """What one record tells of: nothing, a reply or a failure.

    Args:
        words: on one line.
        log: of a log, where other programs write too: a failure counts only in a form that is known.
    """
    if log and not TELLING.search(words):
        return []
    for form in FORMS:
        if found := form(words):
            return found
    return anywhere(words, log=log)


def postfix_client(words: str) -> list[Quoted]:
    """`to=<…>, relay=…, dsn=5.7.1, status=bounced (host … said: 554 …)`, and the same reason in a bounce."""
    status = POSTFIX_REASON.search(words)
    reason = status.group("reason").removesuffix(")") if status else words
    found: Quoted | None
    said = POSTFIX_SAID.search(reason)
    if said and (status or not quotes_another(words, said.start())):
        found = postfix_said(said)
    elif status is None:
        return []
    elif status.group("status") == "sent":
        found = read_reply([reason], Stage.MESSAGE) if begins_reply(reason) else Quoted(250, None, reason)
    elif status.group("status") == "expired":
        return []
    else:
        found = without_reply(reason)
        dsn = POSTFIX_DSN.search(words)
        if found.trouble is None and dsn:
            found = found._replace(enhanced=found.enhanced or dsn.group("dsn"))
        found = found._replace(transient=status.group("status") in ("deferred", "undeliverable"))
    return [addressed(found, words)]


def quotes_another(words: str, end: int) -> bool:
    """Whether a reply begins before a place: then what stands there is only a part of it, as Exim's callout has it."""
    headed = HEADED.match(words)
    start = headed.end() if headed else 0
    return begins_reply(words[start : start + 4]) or bool(MARK.search(words, 0, end) or ANYWHERE.search(words, 0, end))


def postfix_said(said: re.Match[str]) -> Quoted:
    """`host mx.example[192.0.2.1] said: 550 … (in reply to RCPT TO command)`."""
    reply, stage = said.group("reply"), None
    if said.group("verb") != "said":
        stage = Stage.BANNER
    ends = list(POSTFIX_IN_REPLY.finditer(reply))
    if ends:
        stage = stage_named(ends[-1].group("words")) or stage
        reply = reply[: ends[-1].start()]
    return read_reply([reply], stage)._replace(host=said.group("host") or said.group("named"))


def postfix_server(words: str) -> list[Quoted]:
    """`NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 …; from=<…> to=<…> proto=ESMTP helo=<…>`."""
    found = POSTFIX_REJECT.search(words)
    if found is None:
        return []
    said, reply = found.group("words"), found.group("reply")
    stage = Stage.BANNER if said == "CONNECT" else Stage.MESSAGE if said.startswith("END") else stage_named(said)
    tail = POSTFIX_TAIL.search(reply)
    return [addressed(read_reply([reply[: tail.start()] if tail else reply], stage), words)]


def exim(words: str) -> list[Quoted]:
    """`SMTP error from remote mail server after RCPT TO:<…>: 550 …`, in the log and in a bounce."""
    found = EXIM_AFTER.search(words)
    recipient = EXIM_RECIPIENT.search(words)
    if found is None and recipient is None:
        return exim_connection(words)
    host = EXIM_HOST.search(words)
    where = (found and found.group("host")) or (host and host.group("host")) or None
    if found is not None:
        said = read_reply([found.group("reply")], stage_named(found.group("words")))
    else:
        reason = words.partition(": ")[2] if ": " in words else words
        said = without_reply(reason, words)._replace(
            transient=recipient is not None and recipient.group("arrow") == "=="
        )
    to = recipient.group("to").rstrip(":,") if recipient else None
    return [addressed(said._replace(host=where, recipient=to), words)]


def exim_connection(words: str) -> list[Quoted]:
    """`mx.example [192.0.2.1] Connection refused`, before the line of the recipient."""
    found = EXIM_CONNECT.search(words)
    failed = failure_in(found.group("words")) if found else None
    if found is None or failed is None:
        return []
    return [Quoted(None, None, found.group("words"), failed.stage, failed.verdict, host=found.group("host"))]


def exim_server(words: str) -> list[Quoted]:
    """`H=(client) [192.0.2.1] F=<…> rejected RCPT <…>: relay not permitted`: the text, never the code."""
    found = EXIM_REJECTED.search(words)
    if found is None or (" F=<" not in words and " H=" not in words):
        return []
    said = found.group("words")
    stage = Stage.MESSAGE if said == "after DATA" else Stage.BANNER if said == "connection" else stage_named(said)
    return [
        read_reply([found.group("text")], stage)._replace(
            transient=found.group("passing") is not None, recipient=found.group("to")
        )
    ]


def cisco(words: str) -> list[Quoted]:
    """`5.1.0 - Unknown address error 550-'5.7.1 …'`: its own word for the code, then the reply's."""
    found = CISCO.search(words)
    if found is None:
        return []
    return [addressed(read_reply([f"{found.group('code')} {found.group('text')}"]), words)]


def dragonfly(words: str) -> list[Quoted]:
    """`mx.example [192.0.2.1] did not like our RCPT TO: 550 …`."""
    found = DRAGONFLY.search(words)
    if found is None:
        return []
    said = read_reply([found.group("reply")], stage_named(found.group("words")))
    return [addressed(said._replace(host=found.group("host")), words)]


def sendmail(words: str) -> list[Quoted]:
    """`to=<…>, relay=…, dsn=5.1.1, stat=User unknown`; `ruleset=check_rcpt, … reject=550 …`; `(reason: 550 …)`."""
    if found := SENDMAIL_REJECT.search(words):
        return [read_reply([found.group("reply")], SENDMAIL_STAGES.get(found.group("words")))]
    if found := SENDMAIL_REASON.search(words):
        return [addressed(read_reply([found.group("reply")]), words)]
    found = SENDMAIL_STAT.search(words)
    if found is None:
        return []
    stat = found.group("stat")
    if stat.startswith('"'):  # OpenSMTPD
        stat = stat[1:].removesuffix('"')
    if stat.startswith(("Sent", "queued")):
        return [addressed(Quoted(250, None, stat), words)]
    deferred = stat.startswith("Deferred")
    reason = stat.partition(": ")[2] if deferred else stat
    reply = SENDMAIL_REPLY.search(words)
    said = read_reply([reply.group("reply")]) if reply else without_reply(reason)
    dsn = POSTFIX_DSN.search(words)
    if said.trouble is None and said.code is None:
        text = "" if said.text == "Service unavailable" else said.text  # its word for any 5xx
        said = said._replace(text=text, enhanced=said.enhanced or (dsn and dsn.group("dsn")) or None)
    return [addressed(said._replace(transient=deferred), words)]


def qmail(words: str) -> list[Quoted]:
    """`192.0.2.1_does_not_like_recipient./Remote_host_said:_550_…/Giving_up_on_192.0.2.1./`, and a bounce's lines."""
    log = QMAIL_LOG.search(words)
    transient = None
    if log is not None:
        transient = log.group("kind") == "deferral"
        words = QMAIL_LINE_END.sub(" ", log.group("rest").replace("_", " ")).rstrip("/")
    elif "Remote host said: " not in words and "Giving up on" not in words:
        return []
    ended = QMAIL_END.sub("", words).rstrip("/ ")
    before, said, reply = ended.partition(QMAIL_SAID)
    if said:
        found = read_reply([reply], stage_named(before))
    elif log is not None and log.group("kind") == "success":
        found = Quoted(250, None, ended)
    else:
        headed = HEADED.match(ended)
        found = without_reply(ended[headed.end() :] if headed else ended)
    host = QMAIL_HOST.search(before[:QMAIL_HOST_CHARS])
    return [addressed(found._replace(transient=transient, host=host.group("host") if host else None), words)]


def exchange(words: str) -> list[Quoted]:
    """`Remote Server returned '550 5.1.10 …'`, `#5.7.1 smtp;550 …`, `#550 5.1.1 … ##`, `{LED=550 …}`."""
    for form in EXCHANGE_FORMS:
        found = form.search(words)
        if found is None:
            continue
        parts = found.groupdict()
        said = (parts.get("reply") or "").strip().rstrip("'>").strip()
        quoted = last_error(without_reply(said)) if said else Quoted(None, parts.get("dsn"), "")
        host = EXCHANGE_HOST.search(words)
        return [addressed(quoted._replace(host=host.group("host") if host else parts.get("host")), words)]
    return []


def last_error(quoted: Quoted) -> Quoted:
    """What the other server said, or how the attempt failed, where Exchange wraps that into a reply of its own."""
    nested = EXCHANGE_NESTED.search(quoted.text)
    inner = read_reply([nested.group("reply") or nested.group("last")]) if nested else quoted
    if EXCHANGE_SOCKET.search(inner.text) and (failed := failure_in(inner.text)):
        return Quoted(None, None, inner.text, failed.stage, failed.verdict)
    return inner


def anywhere(words: str, *, log: bool) -> list[Quoted]:
    """A reply behind words of no form that is known, where nothing else can be meant; or a failure."""
    headed = HEADED.match(words)
    rest = words[headed.end() :] if headed else words
    if begins_reply(rest) or ENHANCED.match(rest):
        return [addressed(read_reply([rest]), words)]
    found = [match for pattern in (ANYWHERE, AFTER_WORD, AFTER_ERROR) if (match := pattern.search(rest))]
    if found:
        first = min(found, key=lambda match: match.start("reply"))
        return [addressed(read_reply([first.group("reply")]), words)]
    if not log and QMAIL_MARK in rest:
        return [addressed(without_reply(rest), words)]
    known = POSTFIX_CONNECT.search(rest)
    if (known or not log) and (failed := failure_in(rest)):
        rest = rest[known.start("words") :] if known else rest
        return [addressed(Quoted(None, None, rest, failed.stage, failed.verdict), words)]
    return []


FORMS: tuple[Callable[[str], list[Quoted]], ...] = (
    postfix_server,
    postfix_client,
    exim,
    exim_server,
    dragonfly,
    cisco,
    sendmail,
    qmail,
    exchange,
)


def without_reply(reason: str, words: str | None = None) -> Quoted:
    """A reason that may be a reply, or a failure, or only words.

    Args:
        reason: what stands where the reply would.
        words: where to look for a failure, if that is more.
    """
    if not begins_reply(reason) and (failed := failure_in(words or reason)):
        return Quoted(None, None, reason, failed.stage, failed.verdict)
    return read_reply(reason.split("\n"))


def addressed(quoted: Quoted, words: str) -> Quoted:
    """The same, with whom and where the record names, as far as that is not known yet."""
    to, sender, relay, headed = TO.search(words), FROM.search(words), RELAY.search(words), HEADED.match(words)
    recipient = (
        (to and (to.group("to") or to.group("bare")))
        or (headed and (headed.group("to") or headed.group("bare")))
        or None
    )
    peer = relay if relay and relay.group("host") not in ("none", "local", "virtual") else PEER.search(words)
    host = peer.group("host").rstrip(".") if peer else None
    return quoted._replace(
        recipient=quoted.recipient or recipient,
        sender=quoted.sender or (sender and sender.group("sender")) or None,
        host=quoted.host or host,
    )
