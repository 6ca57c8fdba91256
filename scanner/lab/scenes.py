"""The scenes of the lab: one domain each, what it plays, and what an audit should find, as data.

The zone (`zone.txt`) says where a scene's mail goes, `hosts.py` how the hosts there behave; `partners.txt` lists the
domains for the audit. A test holds all of them together. All names are reserved for such use (RFC 2606).
"""

from __future__ import annotations

from typing import NamedTuple

from scanner.terms import DomainVerdict as Domain
from scanner.terms import ProbeVerdict as Probe


class Scene(NamedTuple):
    """One domain of the lab.

    `plays` is a sentence for people. `verdict` is what a first audit says of the domain, `finds` what its probes say,
    in order of preference (probes of one preference in no order); none where DNS alone decides.
    """

    domain: str
    plays: str
    verdict: Domain
    finds: tuple[Probe, ...] = ()


SCENES = (
    # Mail arrives.
    Scene(
        "all-well.example",
        "Primary and secondary both take mail for the domain; this is how it should look.",
        Domain.OK,
        (Probe.ACCEPTED, Probe.ACCEPTED),
    ),
    Scene(
        "small-office.example",
        "No MX record at all: mail goes to the domain's own address (RFC 5321 5.1); the server offers no PIPELINING.",
        Domain.OK,
        (Probe.ACCEPTED,),
    ),
    Scene(
        "fake-backup.example",
        "Two exchanges in DNS, but both names lead to one machine: asked once, and the second name is a note.",
        Domain.OK,
        (Probe.ACCEPTED,),
    ),
    Scene(
        "cname-mx.example",
        "The exchange is a CNAME, which RFC 2181 10.3 forbids and most senders forgive: it works, with a note.",
        Domain.OK,
        (Probe.ACCEPTED,),
    ),
    Scene(
        "old-server.example",
        "A server from before ESMTP: refuses EHLO, takes HELO.",
        Domain.OK,
        (Probe.ACCEPTED,),
    ),
    Scene(
        "slow-banner.example",
        "A greeting of three lines with pauses between them, to catch clients that speak first, as postscreen does.",
        Domain.OK,
        (Probe.ACCEPTED,),
    ),
    Scene(
        "tls-wanted.example",
        "Says 530 until STARTTLS was done, then takes mail; its certificate is self-signed, which is noted only.",
        Domain.OK,
        (Probe.ACCEPTED,),
    ),
    Scene(
        "dual-stack.example",
        "One exchange with an IPv4 and an IPv6 address (on a machine without ::1 the lab leaves the latter out).",
        Domain.OK,
        (Probe.ACCEPTED, Probe.ACCEPTED),
    ),
    Scene(
        "open-relay.example",
        "Takes its own mail and everybody else's too: fine for an audit, the thing that a sweep looks for.",
        Domain.OK,
        (Probe.ACCEPTED,),
    ),
    # Someone was never told.
    Scene(
        "forgotten-backup.example",
        "The classic: the primary is fine, the provider's backup host was never told about the domain (Postfix).",
        Domain.SECONDARY_REJECTS_RELAY,
        (Probe.ACCEPTED, Probe.RELAY_DENIED),
    ),
    Scene(
        "forgotten-qmail.example",
        "The same with the words of qmail, which speaks of rcpthosts and never of relaying.",
        Domain.SECONDARY_REJECTS_RELAY,
        (Probe.ACCEPTED, Probe.RELAY_DENIED),
    ),
    Scene(
        "day-of-need.example",
        "The day on which it comes out: the primary is down, and the forgotten backup bounces all mail.",
        Domain.SECONDARY_REJECTS_RELAY,
        (Probe.REFUSED, Probe.RELAY_DENIED),
    ),
    Scene(
        "moved-away.example",
        "The domain left its hoster, its MX record did not: the only exchange no longer serves it.",
        Domain.PRIMARY_REJECTS_RELAY,
        (Probe.RELAY_DENIED,),
    ),
    Scene(
        "tenant-gone.example",
        "A cloud provider whose tenant was closed: a relay refusal with a code of the vendor's own (5.7.64).",
        Domain.PRIMARY_REJECTS_RELAY,
        (Probe.RELAY_DENIED,),
    ),
    Scene(
        "submission-as-mx.example",
        "The MX record names the submission host, which wants a log-in before it takes any recipient.",
        Domain.UNDELIVERABLE,
        (Probe.AUTH_REQUIRED,),
    ),
    Scene(
        "takes-no-mail.example",
        "The exchange greets with 521: a host that takes no mail at all (RFC 7504).",
        Domain.UNDELIVERABLE,
        (Probe.NOT_ACCEPTING,),
    ),
    # Hosts that are down, in part or whole.
    Scene(
        "primary-down.example",
        "The primary refuses connections, the secondary does its duty: mail arrives, late.",
        Domain.PRIMARY_BROKEN,
        (Probe.REFUSED, Probe.ACCEPTED),
    ),
    Scene(
        "secondary-down.example",
        "The secondary refuses connections, which nobody notices while the primary is up.",
        Domain.SECONDARY_BROKEN,
        (Probe.ACCEPTED, Probe.REFUSED),
    ),
    Scene(
        "both-down.example",
        "Nobody listens on either exchange.",
        Domain.UNDELIVERABLE,
        (Probe.REFUSED, Probe.REFUSED),
    ),
    Scene(
        "farm.example",
        "A load-balanced name with three addresses, one of which is down: every third mail waits.",
        Domain.ADDRESS_BROKEN,
        (Probe.ACCEPTED, Probe.ACCEPTED, Probe.REFUSED),
    ),
    Scene(
        "firewalled.example",
        "A firewall drops every packet to the exchange: the connection is never answered.",
        Domain.UNDELIVERABLE,
        (Probe.CONNECT_TIMEOUT,),
    ),
    Scene(
        "silent.example",
        "The connection stands, and then nothing: no greeting ever comes.",
        Domain.UNDELIVERABLE,
        (Probe.REPLY_TIMEOUT,),
    ),
    Scene(
        "hangs-up.example",
        "The connection stands and is closed at once, without a word.",
        Domain.UNDELIVERABLE,
        (Probe.DISCONNECTED,),
    ),
    Scene(
        "web-on-25.example",
        "A port forwarded to the wrong machine: a web proxy answers.",
        Domain.UNDELIVERABLE,
        (Probe.NOT_SMTP,),
    ),
    Scene(
        "tls-broken.example",
        "Demands STARTTLS, but has lost its certificate: every handshake fails.",
        Domain.UNDELIVERABLE,
        (Probe.TLS_FAILED,),
    ),
    # Hosts that object to us, or not today: these say nothing about the domain.
    Scene(
        "greylisting.example",
        "Defers whom it meets for the first time and takes the same mail some seconds later (RFC 6647).",
        Domain.INCONCLUSIVE,
        (Probe.GREYLISTED,),
    ),
    Scene(
        "busy.example",
        "Greets everybody with 421, too many connections.",
        Domain.INCONCLUSIVE,
        (Probe.RATE_LIMITED,),
    ),
    Scene(
        "deferring-backup.example",
        "The primary takes mail, the secondary puts it off with 451.",
        Domain.INCONCLUSIVE,
        (Probe.ACCEPTED, Probe.SERVICE_UNAVAILABLE),
    ),
    Scene(
        "blocklisted.example",
        "Our address is on a blocklist, which is said only at RCPT, as Postfix does.",
        Domain.REFUSES_US,
        (Probe.CLIENT_BLOCKED,),
    ),
    Scene(
        "blocked-at-once.example",
        "The same, said in the greeting (554).",
        Domain.REFUSES_US,
        (Probe.CLIENT_BLOCKED,),
    ),
    Scene(
        "no-reverse-name.example",
        "Wants our address to have a reverse name, with a 450 that will not go away by waiting.",
        Domain.REFUSES_US,
        (Probe.PTR_REQUIRED,),
    ),
    Scene(
        "spf-strict.example",
        "Checks SPF already at MAIL, and our sender does not pass.",
        Domain.REFUSES_US,
        (Probe.SENDER_AUTH_FAILED,),
    ),
    Scene(
        "tls-impossible.example",
        "Demands STARTTLS and does not offer it: nobody can send there.",
        Domain.REFUSES_US,
        (Probe.TLS_REQUIRED,),
    ),
    # The domain is served, the mailbox is the trouble.
    Scene(
        "no-postmaster.example",
        "The domain is served, but has no postmaster, which RFC 5321 4.5.1 asks of every domain.",
        Domain.RECIPIENT_REFUSED,
        (Probe.USER_UNKNOWN,),
    ),
    Scene(
        "full-postmaster.example",
        "The domain is served, but nobody reads its postmaster's mail: the mailbox is full.",
        Domain.RECIPIENT_REFUSED,
        (Probe.MAILBOX_FULL,),
    ),
    # What DNS alone decides.
    Scene(
        "no-mail.example",
        "Says with a null MX that it takes no mail (RFC 7505), although it has an address.",
        Domain.NO_MAIL,
    ),
    Scene(
        "nothing-here.example",
        "The domain does not exist: a typing error, or it has lapsed.",
        Domain.NO_DOMAIN,
    ),
    Scene(
        "lost-dns.example",
        "Its name servers fail (SERVFAIL): nothing can be said, and above all not that it has no MX.",
        Domain.DNS_FAILED,
    ),
    Scene(
        "no-address.example",
        "The name exists, with neither MX nor address.",
        Domain.NO_ROUTE,
        (Probe.NO_ADDRESS,),
    ),
    Scene(
        "dangling-mx.example",
        "The only MX record names a host that is gone from DNS.",
        Domain.NO_ROUTE,
        (Probe.NO_ADDRESS,),
    ),
    Scene(
        "address-as-mx.example",
        "The MX record holds an IP address in place of a name, which some panels allow and no sender follows.",
        Domain.NO_ROUTE,
        (Probe.NO_ADDRESS,),
    ),
    Scene(
        "renamed-host.example",
        "The primary was renamed and its MX record forgotten; the secondary still works.",
        Domain.PRIMARY_BROKEN,
        (Probe.NO_ADDRESS, Probe.ACCEPTED),
    ),
    Scene(
        "inside-address.example",
        "An inside view of DNS has leaked: the exchange has an address that is not for the public, never dialled.",
        Domain.UNDELIVERABLE,
        (Probe.ADDRESS_FORBIDDEN,),
    ),
)
