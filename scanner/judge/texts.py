# ruff: noqa: E501 - texts: each field is a line, however long
# fmt: off
"""What is said about each verdict and about the cases that administrators meet: texts, and nothing else.

`probe`, `explain`, the summary and the verdict reference (docs/verdicts.md) all say these. They name no option and no
command: what is read in a bounce concerns a mail server's settings. `sender` and `receiver` are said to these two.
"""

from __future__ import annotations

from typing import NamedTuple

from scanner.terms import About
from scanner.terms import DomainVerdict as D
from scanner.terms import ProbeVerdict as V


class Text(NamedTuple):
    """Sentences: what it means for the domain, what the sender checks, what the receiver does, whose matter it is.

    `whose`: None where what `WHOSE` says of the verdict's `about` is all there is to say.
    """

    meaning: str
    sender: str
    receiver: str
    whose: str | None = None


NOTHING = "Nothing to do."
WHOSE: dict[About, str] = {
    About.DOMAIN: "The domain's: of whoever keeps its DNS, or runs this host for it.",
    About.RECIPIENT: "The recipient's: the host takes the domain's mail.",
    About.US: "The sender's: it says nothing about the domain.",
    About.SERVER: "The server's, or the network's before it.",
    About.NONE: "Nobody's: it is as it should be.",
}

PROBES: dict[V, Text] = {
    V.ACCEPTED: Text("The server said yes to the last question asked: it takes mail for the domain.",
        "Nothing to do. It is no proof that the mailbox exists: many servers take every recipient and bounce later.",
        NOTHING),
    V.USER_UNKNOWN: Text("The server takes mail for the domain but has no such mailbox.",
        "Check the spelling of the address; to test the domain, ask with one that exists.",
        "Create the mailbox or an alias, if there should be one."),
    V.MAILBOX_DISABLED: Text("The domain is served; the mailbox is known but disabled, suspended or moved.",
        "Ask the recipient for a current address.",
        "Enable or forward the mailbox, if it is still wanted."),
    V.MAILBOX_FULL: Text("The domain is served; the mailbox is over its quota.",
        "Send again later, or reach the recipient another way.",
        "Make room in the mailbox, or raise its quota."),
    V.RECIPIENT_RESTRICTED: Text("The domain is served; this mailbox or list takes no mail from this sender.",
        "Ask the recipient or the list's owner to be let in; to test the domain, ask with another recipient.",
        "Allow the sender, or mail from outside, if it is wanted."),
    V.RELAY_DENIED: Text("The server does not take mail for this domain: it holds it for a foreign one and refuses to relay.",
        "Check that the MX record names this host. If it is your own outgoing server that says so, log in to it, or have your address added to its networks.",
        "Add the domain to those that this host takes mail for (Postfix: `mydestination`, `virtual_mailbox_domains`, `relay_domains`), or take the host out of the MX records.",
        "The domain's: its MX record names the wrong host, or this host was never told about the domain."),
    V.NOT_ACCEPTING: Text("The host says that it takes no mail at all (RFC 7504), or that the domain takes none (RFC 7505).",
        "Check whether the domain is meant to receive mail.",
        "Let the MX records name hosts that take mail, or publish a null MX if the domain wants none."),
    V.AUTH_REQUIRED: Text("The server wants a login before it goes on. A submission host does that; a mail exchanger must not.",
        "Check that the host is an MX and the port is 25. If it is your own outgoing server, mend the user name or the password.",
        "Take mail for your domains on port 25 without a login; demand one on port 587."),
    V.ROUTING_ERROR: Text("The server cannot find out where this domain's mail goes next: a loop, a DNS fault, or no route.",
        "Look the domain's MX and address records up from outside.",
        "Check where this host sends the domain on to (transport, relay and DNS look-ups), and that no MX record leads back to it."),
    V.GREYLISTED: Text("The server puts first contacts off and takes the same message at a later try (RFC 6647).",
        "Ask again from the same address after five to fifteen minutes. A mail server's queue does so by itself.",
        "Nothing to do, unless the same address is still put off after hours.",
        "The sender's, for some minutes: it says nothing about the domain."),
    V.RATE_LIMITED: Text("The server says that it was asked too much or too often: connections, messages, recipients or errors.",
        "Ask again later and slower. If ordinary mail meets it too, find out what sends so much, or ask the receiver for the limits.",
        "Raise the limit for the sending address, if its mail is wanted."),
    V.CLIENT_BLOCKED: Text("The server refuses the sending host's address or network: a blocklist, a bad reputation, or a ban of its own.",
        "Look the address up in the common blocklists, mend what it is listed for, then ask for removal. Ask from another address to learn about the domain.",
        "Allow the address if its mail is wanted; the log names the list or the rule that refused it."),
    V.PTR_REQUIRED: Text("The server wants the sending host's address to have a name in reverse DNS that resolves back to it.",
        "Have the owner of the address set a PTR record with the host's name, give that name the same address, and say it in EHLO.",
        "Nothing to do. If many senders meet it, check this host's resolver."),
    V.HELO_REJECTED: Text("The server does not take the name that the sending host said in EHLO or HELO.",
        "Say a full host name that resolves to the sending address: not localhost, not a bare word, not the receiver's own name.",
        NOTHING),
    V.SENDER_REJECTED: Text("The server refuses the sender's address or its domain.",
        "Use a sender that exists, in a domain with MX or address records, and not in the recipient's own domain.",
        "Look up which list or check refused the sender, if it is a genuine one."),
    V.SENDER_AUTH_FAILED: Text("The server checked SPF, DKIM or DMARC of the sender's domain, and the check failed.",
        "Let the domain's SPF record cover the sending address and sign with DKIM, or send through the hosts that the record names.",
        "Nothing to do. Forwarding breaks SPF: let forwarders that you trust pass."),
    V.TLS_REQUIRED: Text("The server wants an encrypted session before it goes on (RFC 3207).",
        "Use STARTTLS. If the server demands it and does not offer it, nobody can send there.",
        "Offer STARTTLS with a certificate that works, or stop demanding it."),
    V.TLS_UNAVAILABLE: Text("TLS could not be started: the server refused STARTTLS, or does not offer it. Whether it takes the domain's mail is not known.",
        "Ask in the clear to learn what the server says then.",
        "Check this host's certificate, key and TLS settings; its log says why TLS does not start."),
    V.POLICY_REJECTED: Text("The server refuses by a policy of its own and does not say which.",
        "Change one thing at a time - sending address, sender, recipient - to see what it depends on.",
        "Find the refusal in the log by its time and the sending address: the rule that fired stands there.",
        "The sender's, until the receiver says otherwise: the reply does not tell whom the policy is about."),
    V.CONTENT_REJECTED: Text("The server refuses the message: its size, its form, or what a filter takes it for. After an accepted RCPT the domain is served.",
        "Send a small plain message to see whether mail is taken at all; then look at size, attachments and links.",
        "Find in the log which limit or filter refused it, and correct it if it was wrong.",
        "The sender's: it is about the message, not the domain."),
    V.SERVICE_UNAVAILABLE: Text("The server cannot take mail now: overloaded, out of space, shutting down, or ill.",
        "Ask again later; tell the receiver if it lasts for hours.",
        "Check load, disk space and the log of this host, and of what it asks: filters, databases, DNS."),
    V.PROTOCOL_ERROR: Text("The two sides did not understand each other: a command refused as syntax or out of order, or a reply against the rules.",
        "Check addresses and EHLO name for odd characters, and that nothing is sent before the server has answered.",
        "Check that no firewall rewrites SMTP on the way; some turn commands that they do not know into XXXX.",
        "The server's, unless the command that it refuses was wrong."),
    V.UNCLASSIFIED: Text("No rule knows this reply; its text is kept as the server said it.",
        "Read the text, and ask the receiver where it does not tell.",
        "Find the refusal in the log by its time and the sending address.",
        "Not known: the reply does not tell."),
    V.REFUSED: Text("Nothing listens on the port: the connection was refused at once.",
        "Try from another network: some firewalls refuse only certain addresses.",
        "Start the mail service or open the firewall for port 25, or take the host out of the MX records."),
    V.CONNECT_TIMEOUT: Text("No answer to the attempt to connect: the host is down, or packets are dropped on the way.",
        "Check that your own network lets port 25 out, which many providers and clouds do not; then try from another network.",
        "Check the host and its firewall, or take it out of the MX records."),
    V.UNREACHABLE: Text("The network says that no way leads to the address.",
        "Try from another network, and the other address family.",
        "Check the host's address records and its provider's routing."),
    V.REPLY_TIMEOUT: Text("The connection stands, but the server did not answer in time.",
        "Wait longer, since some delay the greeting on purpose; then try from another address.",
        "Check load, and what the host waits for: reverse DNS, blocklists, filters, databases."),
    V.DISCONNECTED: Text("The server closed or reset the connection without a reply. Some do that to addresses that they ban.",
        "Ask from another address.",
        "Look for the sending address in the log and in the firewall."),
    V.NOT_SMTP: Text("What answers on the port does not speak SMTP.",
        "Check the port.",
        "Check what listens there: a web server, a TLS port such as 465, or a port forwarded to the wrong machine."),
    V.TLS_FAILED: Text("STARTTLS was agreed, and the handshake failed.",
        "Ask in the clear to learn what the server says then.",
        "Check certificate, key, protocol versions and ciphers of this host."),
    V.NO_ADDRESS: Text("The exchange has no address in DNS, so no mail can reach it.",
        "Look the name up yourself, also through another resolver.",
        "Give the name an A or AAAA record, or remove the MX record. An MX record must hold a host's name, not an address.",
        "The domain's: of whoever keeps its DNS."),
    V.ADDRESS_FORBIDDEN: Text("The exchange's address is private or reserved, so nobody outside can reach it; it was not dialled.",
        "Allow the network, if it is one of your own that you test.",
        "Publish a public address, and keep inside views of DNS inside.",
        "The domain's: of whoever keeps its DNS."),
    V.EXCLUDED: Text("The address or the domain is excluded from this run: nobody was asked.",
        "Take it off the list when its reason is gone.",
        NOTHING,
        "The sender's: its own list says so."),
    V.DNS_FAILED: Text("The exchange's addresses could not be looked up: its name servers failed or did not answer.",
        "Ask again later, and through another resolver.",
        "Check the name servers of the exchange's domain, and its DNSSEC.",
        "The name servers', or the resolver's that was asked."),
    V.GIVEN_UP: Text("The time for the whole probe was used up: the server was slow, but never silent long enough for another verdict.",
        "Ask this host alone, with more time.",
        "Check load, and what the host waits for: reverse DNS, blocklists, filters, databases."),
    V.LOCAL_ERROR: Text("The asking machine could not ask: no free port, no permission, or no route for this address family.",
        "Mend it here and ask again.",
        NOTHING,
        "The sender's: it says nothing about the server."),
}

# The cases, each under the verdict that it makes more exact.
NO_POSTMASTER = Text("The domain is served but has no postmaster, whom RFC 5321 4.5.1 asks of every domain. Other recipients may be fine.",
    "Ask with a recipient that exists.",
    "Create postmaster, if only as an alias.")
EDGE_UNKNOWN = Text("Microsoft 365 takes mail for the domain but knows no such recipient (directory-based edge blocking). Many tenants have no postmaster.",
    "Ask with a recipient that exists.",
    "Make postmaster an alias (RFC 5321 4.5.1). If mailboxes are elsewhere (hybrid), check that the recipient is synchronised to the tenant.")
INVALID_RECIPIENT = Text("`Invalid recipient` is what OpenSMTPD says to a foreign domain and to an unknown user alike: the host was never told about the domain, or only the mailbox is missing.",
    "Ask with a recipient that exists, and with postmaster: if one is taken, the domain is served.",
    "Look whether any `match … for domain` in smtpd.conf takes the domain, then whether the user exists.",
    "The recipient's or the domain's: the reply does not tell.")
UNROUTEABLE = Text("`Unrouteable address` is what Exim says where no router takes an address: a foreign domain, one whose next host it cannot find, or an unknown user.",
    "Ask with a recipient that exists, and with postmaster: if one is taken, the domain is served.",
    "Run `exim -bt ADDRESS` on the host: it says which routers decline and why.",
    "The recipient's or the domain's: the reply does not tell.")
RELAY_AT_SECONDARY = Text("This secondary was never told about the domain and refuses it as a relay attempt. Nobody notices until the primary is down; then mail bounces instead of waiting.",
    "Tell the receiver, who cannot see it from inside.",
    "Have the domain added to the secondary's relay domains, or remove its MX record: sending servers keep mail in their queues anyway.",
    "The domain's: of whoever runs the secondary, often a provider.")
OWN_DOMAIN = Text("The sender is in the recipient's own domain, and many servers refuse their own domains from strangers, as a forgery or as a relay attempt. Other senders may be taken.",
    "Ask again with a sender in another domain before concluding anything.",
    "Nothing to do, unless it was a host of yours: then let it log in, or name its address.",
    "The sender's, until it was asked with another sender.")
TENANT_UNKNOWN = Text("Microsoft 365 finds no tenant to take this mail: the domain is in none, or a connector no longer matches the sending host's address or certificate.",
    "If the host sends through a connector of its own tenant, compare the address and the certificate that the connector names with those in use.",
    "Add the domain to the tenant's accepted domains, or let the MX records name the host that serves it now.",
    "The domain's: of its tenant, or of the tenant whose connector is used.")
AUTH_AT_RCPT = Text("The server demands a login before it takes this recipient: it does not serve the domain for strangers. James, hMailServer and Postal say it where others say `relay denied`.",
    "Credentials are no help, since other sites' mail comes without any. Check that the MX record names this host.",
    "Add the domain to this host, or take the host out of the MX records.",
    "The domain's: its MX record names a submission host, or this host was never told about the domain.")
CONNECTOR_LOCKED = Text("This Microsoft 365 tenant takes mail only through its partner connector, from named addresses or certificates. Whoever comes past the filter in front is refused, whatever the recipient.",
    "Send to the hosts that the MX records name, not to the tenant itself (`….mail.protection.outlook.com`).",
    "If an MX record names the tenant, remove it and keep the filter's, or open the connector.",
    "The sender's where it goes past the MX records; the receiver's where one of them names the tenant.")
POSTSCREEN = Text("Postfix's postscreen puts a new client off once after its deep tests (450 4.3.2), and lets it in when it comes again.",
    "Ask again from the same address after some minutes. A mail server's queue does so by itself.",
    "Nothing to do. If senders with many addresses wait long, drop the deep tests or list them in `postscreen_access_list`.",
    "The sender's, for some minutes: it says nothing about the domain.")
POSTSCREEN_SECONDARY = Text("Postscreen puts the client off at a secondary. If `postscreen_allowlist_interfaces` leaves this address out, it is never let in here, however often it asks, unless it met the primary first.",
    "Nothing to do while the primary takes the mail. Else ask the primary, then this host again.",
    "If it is meant so, nothing. Know that with the primary down this secondary takes mail only from clients that the primary has let in before.",
    "The sender's while the primary takes mail; the receiver's if it is down.")
DEFERRING_SECONDARY = Text("The secondary puts the client off. While the primary is up that may be meant so: some secondaries take mail only when it is down, or from clients that met it first.",
    "Nothing to do if the primary takes the mail; else ask again later.",
    "Check that the secondary takes mail when the primary is down.")
POSTSCREEN_DENIED = Text("Postfix's postscreen turns the client away: it is on a blocklist, or failed a test before the greeting. The reply sounds as if the host were ill, but is about the client.",
    "Look the address up in the common blocklists, and make sure that nothing is sent before the whole greeting has come.",
    "Allow the address in `postscreen_access_list`, if its mail is wanted.")
LISTED = Text("The sending host's address is on a list that the reply names: {name}.",
    "Look the address up{where}, mend what it is listed for, then ask for removal. Ask from another address to learn about the domain.",
    "Allow the address if its mail is wanted, or stop using the list.")
UNWANTED_ORIGIN = Text("The server takes no mail straight from where the sending host is: a dynamic or residential range, a country, or an open relay or proxy.",
    "Send through the provider's outgoing server, or from a fixed address with a PTR record.",
    "Allow the address if its mail is wanted.")
GREETING_REFUSED = Text("The server turns the client away with its greeting (RFC 5321 3.1), before anything was asked: that is about the sending host's address or about the whole host, never about one domain.",
    "Ask from another address. If everybody is turned away, the host offers no SMTP and the MX record is wrong.",
    "Find in the log why the client was refused. Take the host out of the MX records if it takes no mail.",
    "The sender's or the server's: the reply does not tell.")
SENDER_UNVERIFIED = Text("The server checks whether the sender could be answered, by DNS or by asking the sender's own mail host (a callout), and that failed.",
    "Use a sender that its own exchangers accept, also in mail from the null sender (RFC 5321 4.5.5), and let the receiver's host in there.",
    "Make a callout that gets no answer a temporary refusal: a host that is down is no forgery.")
VERIFICATION_PENDING = Text("The server asks the host behind it whether the recipient exists, and has no answer yet (address verification).",
    "Ask again after some minutes.",
    "If it does not end, check that this host reaches the next one and gets an answer to RCPT there.")
CLOSING = Text("The server ends the session (421, RFC 5321 3.8): it is shutting down, too busy, or counts too many connections of this address.",
    "Ask again later, with fewer connections.",
    "Check load and connection limits of this host.")

# What is added to a meaning.
LIKELIEST = " The reply does not settle it: this is the likeliest reading."
NOT_CONCLUDED = " Nothing is concluded from it about the domain."
TEMPORARY = " It was a temporary refusal: it may be different later."
FIRST_EXCHANGER = " If a secondary takes the mail it may be meant so: a hidden primary that only the secondaries reach, or nolisting, a first MX that is dead on purpose."

DOMAINS: dict[D, Text] = {
    D.DNS_FAILED: Text("The domain's MX records could not be looked up, so nothing was asked.",
        "Ask again later, and through another resolver.",
        "Check the domain's name servers, and its DNSSEC.",
        "The name servers', or the resolver's that was asked."),
    D.NO_DOMAIN: Text("The domain does not exist in DNS.",
        "Check the spelling.",
        "Renew the registration, or have the domain delegated again.",
        "The sender's if it is misspelt; else the domain's owner's."),
    D.NO_MAIL: Text("The domain says by a null MX that it takes no mail (RFC 7505).",
        NOTHING,
        "Replace the null MX, if the domain should receive mail.",
        "The domain's: it is meant so."),
    D.NO_ROUTE: Text("DNS names no host that mail could go to: there is neither MX nor address, or no exchange has an address.",
        "Look the records up yourself, also through another resolver.",
        "Give the exchanges A or AAAA records, or publish a null MX if the domain wants no mail.",
        "The domain's: of whoever keeps its DNS."),
    D.SECONDARY_REJECTS_RELAY: Text("A secondary exchanger was never told about the domain and refuses it as a relay attempt. Mail bounces there whenever the primary cannot be reached.",
        "Tell the receiver, who cannot see it from inside.",
        "Have the domain added to the secondary's relay domains, or remove its MX record.",
        "The domain's: of whoever runs the secondary, often a provider."),
    D.PRIMARY_REJECTS_RELAY: Text("A primary exchanger refuses the domain as a relay attempt: mail to the domain bounces.",
        "Check the spelling of the domain, then tell the receiver by other means than mail.",
        "Add the domain to those that the host takes mail for, or let the MX records name the host that has it.",
        "The domain's: its MX record names the wrong host, or the host was never told about the domain."),
    D.REFUSES_US: Text("Every exchanger refuses the sending host: its address, name, sender or session. About the domain that says nothing.",
        "Mend what the refusals name (blocklist, PTR record, EHLO name, SPF), or ask from the host that sends the organisation's mail.",
        "Allow the sending address, if its mail is wanted.",
        "The sender's."),
    D.UNDELIVERABLE: Text("No exchanger takes the domain's mail, each for a reason of its own.",
        "Try from another network; then tell the receiver by other means than mail.",
        "Mend the exchangers, or let the MX records name hosts that take the domain's mail."),
    D.PRIMARY_BROKEN: Text("No primary exchanger works; a secondary may. It may be meant so: a hidden primary that only the secondaries reach, or nolisting, a first MX that is dead on purpose.",
        "Nothing to do if mail arrives; else tell the receiver.",
        "Mend the primary, if it is not meant so."),
    D.SECONDARY_BROKEN: Text("A secondary exchanger does not work: while the primary is down, mail cannot wait there.",
        "Tell the receiver; mail arrives as long as the primary is up.",
        "Mend the secondary or remove its MX record: sending servers keep mail in their queues, so none is better than a dead one."),
    D.ADDRESS_BROKEN: Text("One address does not work beside others that do: one node of a load-balanced name, or one of several equal exchangers, differs.",
        "Tell the receiver which address. Sending servers try the next one, so mail comes late rather than never, unless this one refuses it for good.",
        "Mend that node, or remove its address."),
    D.INCONCLUSIVE: Text("At least one exchanger left it open: it put the client off, or refused without saying about what. A secondary that defers while the primary is up may be meant so, or be postscreen.",
        "Ask again later, and where a refusal was ambiguous with a recipient that exists.",
        "Nothing to do, unless it stays so.",
        "Not known yet."),
    D.RECIPIENT_REFUSED: Text("Every exchanger serves the domain, but one refused the recipient that was asked.",
        "Check the recipient, or ask with one that exists.",
        "If it was postmaster, create it (RFC 5321 4.5.1); Microsoft 365 tenants often have none.",
        "The recipient's."),
    D.OK: Text("Every exchanger of the domain takes mail for it.",
        NOTHING,
        NOTHING,
        "Nobody's: it is as it should be."),
}
