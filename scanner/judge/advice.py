"""What a verdict means and what to do about it, in sentences for the administrator who reads a report; texts are data.

One text for each verdict, and a few for verdicts that mean something else at a certain stage, for a certain role or by
a rule that names a special case. `next_step` says first what the sender (who runs this) checks, then what the receiver
does.
"""

from __future__ import annotations

from typing import NamedTuple

from scanner.judge.standing import NO_REPLY
from scanner.terms import Confidence, DomainVerdict, Role, Stage
from scanner.terms import ProbeVerdict as V


class Advice(NamedTuple):
    """Plain sentences. `meaning`: what it says about the domain and whose matter it is. `next_step`: what to do."""

    meaning: str
    next_step: str


PROBES: dict[V, Advice] = {
    V.ACCEPTED: Advice(
        "The server took the last question asked: it accepts mail for this domain from here.",
        "Nothing to do. A 2xx says the mail is taken, not that the mailbox exists: many servers accept every "
        "recipient.",
    ),
    V.USER_UNKNOWN: Advice(
        "The server takes mail for this domain but knows no such mailbox. The recipient's matter, not the host's.",
        "Check the spelling of the recipient. If it was postmaster: the receiver should create it, RFC 5321 "
        "4.5.1 asks for it.",
    ),
    V.MAILBOX_DISABLED: Advice(
        "The domain is served; this mailbox is known but disabled, suspended or moved. The recipient's matter.",
        "Ask the recipient for another address; the receiver's administrator can enable the mailbox.",
    ),
    V.MAILBOX_FULL: Advice(
        "The domain is served; this mailbox is over its quota. The recipient's matter.",
        "Try again later or reach the recipient another way; the receiver makes room or raises the quota.",
    ),
    V.RECIPIENT_RESTRICTED: Advice(
        "The domain is served; this mailbox or list does not take mail from our sender. The recipient's matter.",
        "Ask with another recipient to test the domain; the receiver can allow the sender or outside senders.",
    ),
    V.RELAY_DENIED: Advice(
        "The server does not take mail for this domain: it regards it as foreign and refuses to relay. The "
        "domain's matter.",
        "Check that the MX record names the right host. The receiver adds the domain to this host's accepted or "
        "relay domains, "
        "or takes the host out of the MX records.",
    ),
    V.NOT_ACCEPTING: Advice(
        "The host or the domain says that it takes no mail at all (RFC 7504, RFC 7505). The domain's matter.",
        "Check whether the domain is meant to receive mail. If so, the receiver corrects its MX records or this "
        "host; if not, "
        "a null MX says so properly.",
    ),
    V.AUTH_REQUIRED: Advice(
        "The server wants a login before it goes on. About us: it may be a submission host, not a mail exchanger.",
        "Check that the port is 25 and the host is an MX. The receiver lets port 25 take mail for its domains "
        "without a login.",
    ),
    V.ROUTING_ERROR: Advice(
        "The server cannot find out where this domain's mail goes: a loop, a DNS fault or no route. The domain's "
        "matter.",
        "Check the domain's MX and address records from outside. The receiver checks routing and relay tables of "
        "this host; "
        "Exim says `Unrouteable address` to unknown users too.",
    ),
    V.GREYLISTED: Advice(
        "The server defers first contacts and will probably take the same message on a later try. About us, not "
        "the domain.",
        "Ask again after five minutes or more from the same address (--retry-transient). Ordinary mail servers "
        "retry by "
        "themselves; the receiver need do nothing.",
    ),
    V.RATE_LIMITED: Advice(
        "The server says we asked too much or too often. About us; the domain remains undecided.",
        "Ask again later and slower (--target-rate, --per-target). If ordinary mail meets this too, ask the "
        "receiver for its limits.",
    ),
    V.CLIENT_BLOCKED: Advice(
        "The server refuses our address or network: a blocklist, bad reputation or a local ban. About us.",
        "Look our address up in the list that the text names and ask for removal, and ask from another address. "
        "Mail from the "
        "organisation's real outgoing host may fare better; the receiver can allow our address.",
    ),
    V.PTR_REQUIRED: Advice(
        "The server wants our address to have a name in reverse DNS that leads back to it. About us.",
        "Give the address a PTR record whose name resolves to the same address (the network's owner does that), "
        "and use that "
        "name as --helo. The receiver need do nothing.",
    ),
    V.HELO_REJECTED: Advice(
        "The server does not like the name that we said in EHLO or HELO. About us.",
        "Use a full host name that resolves (--helo). The receiver need do nothing.",
    ),
    V.SENDER_REJECTED: Advice(
        "The server refuses our MAIL FROM address or its domain. About us.",
        "Use a sender that exists in a domain with MX records, not in the recipient's own domain (--sender). The "
        "receiver looks "
        "whether a list of senders is too wide.",
    ),
    V.SENDER_AUTH_FAILED: Advice(
        "SPF, DKIM or DMARC of our sender's domain failed. About us.",
        "Let the sender domain's SPF record cover our address, or ask from the host that it names, or choose "
        "another --sender.",
    ),
    V.TLS_REQUIRED: Advice(
        "The server wants an encrypted session first (RFC 3207). About us.",
        "Ask with --starttls when-offered or when-required. If it does not offer STARTTLS, the receiver must, or "
        "must stop "
        "demanding it.",
    ),
    V.TLS_UNAVAILABLE: Advice(
        "The server offered STARTTLS but refused it. The server's matter; whether it takes the domain's mail is "
        "not known.",
        "Ask with --starttls never to see what plain sessions meet. The receiver checks its certificate and TLS "
        "set-up.",
    ),
    V.POLICY_REJECTED: Advice(
        "The server refuses by its own policy and does not say why. It may be about us, the sender or the recipient.",
        "Ask from another address and sender and with another recipient. The receiver finds the reason in its "
        "log, by the time "
        "and our address.",
    ),
    V.CONTENT_REJECTED: Advice(
        "The server refuses the message: its size, its form or what it looks like. About us.",
        "Send a small plain message. After an accepted RCPT the domain is served; the receiver can name the filter.",
    ),
    V.SERVICE_UNAVAILABLE: Advice(
        "The server is overloaded, out of space, shutting down or ill. The server's matter.",
        "Ask again later. If it lasts, tell the receiver, who checks load, disk and log of this host.",
    ),
    V.PROTOCOL_ERROR: Advice(
        "The two sides did not understand each other: a command refused as syntax, or a reply against the rules.",
        "Look at the text and try `mxsweep probe` on this host; check --helo, --sender and the recipient for odd "
        "characters. "
        "The receiver checks for a firewall that rewrites SMTP.",
    ),
    V.UNCLASSIFIED: Advice(
        "No rule knows this reply. The text is kept as the server said it.",
        "Read the text. A reply that means something is worth reporting as a missing rule.",
    ),
    V.REFUSED: Advice(
        "Nothing listens on that port: the connection was refused at once. The server's matter.",
        "Check from another network. The receiver starts the mail service or opens its firewall, or drops the MX "
        "record.",
    ),
    V.CONNECT_TIMEOUT: Advice(
        "No answer to the connection attempt: host down, or packets dropped on the way. The server's matter.",
        "Check that our own network lets port 25 out (`mxsweep doctor`). The receiver checks the host and its "
        "firewall.",
    ),
    V.UNREACHABLE: Advice(
        "The network says there is no way to that address. The server's matter, or a router's between us.",
        "Try from another network. The receiver checks its address records and its provider's routing.",
    ),
    V.REPLY_TIMEOUT: Advice(
        "The connection stands but the server did not answer in time. The server's matter.",
        "Try with a larger --reply-timeout: some delay greetings on purpose. The receiver checks load and DNS "
        "look-ups.",
    ),
    V.DISCONNECTED: Advice(
        "The server closed or reset the connection without a reply. The server's matter; some do it to clients "
        "they ban.",
        "Ask from another address. The receiver looks in its log and its firewall for our address.",
    ),
    V.NOT_SMTP: Advice(
        "What answers on that port does not speak SMTP. The server's matter.",
        "Check the port. The receiver checks what runs there, and whether TLS is expected from the first byte.",
    ),
    V.TLS_FAILED: Advice(
        "STARTTLS was agreed but the handshake failed. The server's matter.",
        "Ask with --starttls never to see what plain sessions meet. The receiver checks its certificate, "
        "protocol versions and ciphers.",
    ),
    V.NO_ADDRESS: Advice(
        "The exchange has no address in DNS, or its name is none, so no mail can reach it. The domain's matter.",
        "Look the name up yourself. The receiver adds an A or AAAA record or removes the MX record; an MX must "
        "name a host, "
        "not an address.",
    ),
    V.ADDRESS_FORBIDDEN: Advice(
        "The exchange's address is private or reserved, so the world cannot reach it. The domain's matter.",
        "If the host is yours to test, allow its network (--allow-net). The receiver publishes a public address.",
    ),
    V.EXCLUDED: Advice(
        "We were told not to ask this address (--exclude).",
        "Nothing to do, unless the exclusion is older than its reason.",
    ),
    V.DNS_FAILED: Advice(
        "The exchange's addresses could not be looked up: its name servers failed or did not answer.",
        "Ask again later and with another --resolver. The receiver checks its name servers and DNSSEC.",
    ),
    V.GIVEN_UP: Advice(
        "The probe took longer than --probe-timeout; the server was slow but never silent long enough to say more.",
        "Ask this host alone with a larger --probe-timeout. The receiver checks load and look-ups.",
    ),
    V.LOCAL_ERROR: Advice(
        "Our own machine could not ask: no free port, no permission, or no route for this address family.",
        "Fix it here (`mxsweep doctor` names the cause) and ask again; it says nothing about the server.",
    ),
}

AUTH_AT_RCPT = Advice(
    "The server asks strangers for a login before it takes this recipient: it does not serve this domain for the "
    "public. "
    "James, hMailServer and Postal say this where others say `relay denied`. The domain's matter.",
    "Credentials would not help: mail from other sites has none. The receiver adds the domain to this host, or "
    "takes the host "
    "out of the MX records.",
)
RELAY_AT_SECONDARY = Advice(
    "This secondary was never told about the domain and refuses it as a relay attempt. It goes unnoticed until "
    "the primary is "
    "down; then mail bounces instead of waiting.",
    "Whoever runs the secondary (often a provider) adds the domain to its relay domains; else the receiver "
    "removes its MX record.",
)
DEFERRING_SECONDARY = Advice(
    "A secondary defers us. While the primary is up that may be meant so: postscreen and similar secondaries "
    "only take clients "
    "that have met the primary first.",
    "Nothing, if the primary serves the domain. Else ask again later; the receiver checks that the secondary "
    "takes mail when the "
    "primary is down.",
)
CONNECTOR_LOCKED = Advice(
    "This Microsoft 365 tenant takes mail only through its partner connector, from named hosts or certificates. "
    "Other senders "
    "are refused whatever the recipient.",
    "If an MX names this tenant directly, the receiver either removes that MX (and keeps the filter in front) or "
    "opens the connector.",
)
EDGE_BLOCKED = Advice(
    "Microsoft 365 knows the domain but not this recipient (directory-based edge blocking). Tenants often have "
    "no postmaster "
    "mailbox. The recipient's matter.",
    "Ask with a recipient that exists (--recipient, or USER@DOMAIN). The receiver may create postmaster as an alias.",
)
SPECIAL_RULES: dict[str, Advice] = {
    "m365.tenant-inbound": CONNECTOR_LOCKED,
    "enhanced.X.7.51": CONNECTOR_LOCKED,
    "m365.edge-unknown": EDGE_BLOCKED,
    "m365.edge-unknown.5.4.1": EDGE_BLOCKED,
}
GUESS = " The reply itself is ambiguous: this is the likeliest reading, and nothing is concluded from it."
TEMPORARY = " It was a temporary refusal: it may be different later."
SAYS_SO_ALREADY = (
    frozenset({V.ACCEPTED, V.GREYLISTED, V.RATE_LIMITED, V.SERVICE_UNAVAILABLE, V.MAILBOX_FULL}) | NO_REPLY
)
"""Their texts say it already, or no reply did."""

DOMAINS: dict[DomainVerdict, Advice] = {
    DomainVerdict.DNS_FAILED: Advice(
        "The domain's MX records could not be looked up, so nothing was asked.",
        "Ask again later and with another --resolver. The receiver checks its name servers and DNSSEC.",
    ),
    DomainVerdict.NO_DOMAIN: Advice(
        "The domain does not exist in DNS.",
        "Check the spelling. If it is right, the domain has expired or was never delegated; its owner renews it.",
    ),
    DomainVerdict.NO_MAIL: Advice(
        "The domain says by a null MX that it takes no mail (RFC 7505).",
        "Nothing to do, unless it should: then the receiver replaces the null MX.",
    ),
    DomainVerdict.NO_ROUTE: Advice(
        "DNS names no host that mail could go to: neither MX nor address, or no exchange has an address.",
        "The receiver adds address records for its exchanges, or a null MX if it wants no mail.",
    ),
    DomainVerdict.SECONDARY_REJECTS_RELAY: Advice(
        "A secondary exchanger refuses the domain as a relay attempt: it was never told about it. Mail bounces "
        "there whenever "
        "the primary cannot be reached.",
        "Whoever runs the secondary adds the domain to its relay domains; else the receiver removes its MX record.",
    ),
    DomainVerdict.PRIMARY_REJECTS_RELAY: Advice(
        "The primary exchanger refuses the domain as a relay attempt: mail to the domain bounces.",
        "Check that the MX record names the right host. The receiver adds the domain to the host's accepted "
        "domains, or points the "
        "MX records to the host that has it.",
    ),
    DomainVerdict.REFUSES_US: Advice(
        "Every exchanger refuses us: our address, name, sender or session. About the domain this says nothing.",
        "Mend what the refusals name (blocklist, PTR record, HELO name, SPF) or ask from the organisation's real "
        "outgoing host.",
    ),
    DomainVerdict.UNDELIVERABLE: Advice(
        "No exchanger takes the domain's mail, each for the reason in its finding.",
        "Try from another network first. Then tell the receiver by other means than mail.",
    ),
    DomainVerdict.PRIMARY_BROKEN: Advice(
        "The primary exchanger does not work, a secondary may. It may be intended: a hidden primary that only "
        "the secondaries "
        "reach, or nolisting, where the first MX is dead on purpose.",
        "If mail arrives, nothing is urgent. The receiver says whether it is meant so; if not, it repairs the primary.",
    ),
    DomainVerdict.SECONDARY_BROKEN: Advice(
        "A secondary exchanger does not work: mail has nowhere to wait there while the primary is down.",
        "The receiver repairs it or removes its MX record; senders queue by themselves, so no secondary is "
        "better than a dead one.",
    ),
    DomainVerdict.ADDRESS_BROKEN: Advice(
        "One address does not work beside others of the same exchange or preference that do: one node of a "
        "load-balanced name differs.",
        "Senders try the next address, so mail arrives late rather than never. The receiver repairs that node or "
        "removes its address.",
    ),
    DomainVerdict.INCONCLUSIVE: Advice(
        "At least one exchanger left the question open: it deferred us, or its refusal does not say about what. "
        "A secondary that "
        "defers while the primary is up may be meant so, or be postscreen.",
        "Ask again later (--retry-transient), and ambiguous hosts with a recipient that exists (USER@DOMAIN).",
    ),
    DomainVerdict.RECIPIENT_REFUSED: Advice(
        "Every exchanger serves the domain, but one refused the recipient that was asked for.",
        "Check the recipient. If it was postmaster, the receiver should create it (RFC 5321 4.5.1); Microsoft "
        "365 tenants often have none.",
    ),
    DomainVerdict.OK: Advice(
        "Every exchanger of the domain takes mail for it from here.",
        "Nothing to do.",
    ),
}


def explain_probe(  # noqa: PLR0913 - the fields of a judgement and where it arose
    verdict: V,
    *,
    stage: Stage | None = None,
    role: Role | None = None,
    transient: bool = False,
    confidence: Confidence = Confidence.HIGH,
    rule: str | None = None,
) -> Advice:
    """What one probe's verdict means here, and what to do."""
    advice = special_case(verdict, stage, role, transient=transient, rule=rule) or PROBES[verdict]
    note = GUESS if confidence is Confidence.LOW else ""
    if transient and verdict not in SAYS_SO_ALREADY:
        note += TEMPORARY
    return advice._replace(meaning=advice.meaning + note) if note else advice


def special_case(
    verdict: V, stage: Stage | None, role: Role | None, *, transient: bool, rule: str | None
) -> Advice | None:
    """The text of a verdict that means something else here, if it does."""
    if rule in SPECIAL_RULES:
        return SPECIAL_RULES[rule]
    if verdict is V.AUTH_REQUIRED and stage is Stage.RCPT:
        return AUTH_AT_RCPT
    if role is Role.SECONDARY and verdict is V.RELAY_DENIED:
        return RELAY_AT_SECONDARY
    if role is Role.SECONDARY and transient and verdict in {V.GREYLISTED, V.SERVICE_UNAVAILABLE}:
        return DEFERRING_SECONDARY
    return None


def explain_domain(verdict: DomainVerdict) -> Advice:
    """What a domain's verdict means, and what to do."""
    return DOMAINS[verdict]
