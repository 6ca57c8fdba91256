"""Who listens at the addresses of the zone, as data: host name of the zone → how it treats a client.

Texts of replies are what the named software or provider says, with names and addresses of the lab.
"""

from __future__ import annotations

from scanner.lab.impostor import Impostor
from scanner.lab.mailserver import GREYLIST_DELAY_S, Manners, Tls
from scanner.lab.servers import Wall

QMAIL_RELAY = "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"
MICROSOFT_RELAY = "550 5.7.64 TenantAttribution; Relay Access Denied SMTP"

CONDUCTS: dict[str, Manners | Impostor | Wall] = {
    # Mail arrives.
    "mx1.all-well.example": Manners(serves=("all-well.example",)),
    "mx2.all-well.example": Manners(serves=("all-well.example",)),
    "small-office.example": Manners(serves=("small-office.example",), ident="ESMTP Exim 4.98", pipelining=False),
    "mx1.fake-backup.example": Manners(serves=("fake-backup.example",)),
    "node7.hoster.example": Manners(serves=("cname-mx.example",)),
    "mx.old-server.example": Manners(
        serves=("old-server.example",), ident="SMTP service ready", relay="550 Relaying denied", extended=False
    ),
    "mx.slow-banner.example": Manners(
        serves=("slow-banner.example",),
        greeting_lines=("mx.slow-banner.example ESMTP Postfix", "Please wait while we look at you ..."),
    ),
    "mx.tls-wanted.example": Manners(serves=("tls-wanted.example",), tls=Tls.DEMANDED),
    "mx.dual-stack.example": Manners(serves=("dual-stack.example",)),
    "mx.open-relay.example": Manners(serves=("open-relay.example",), relay=None),
    # Someone was never told.
    "mx.forgotten-backup.example": Manners(serves=("forgotten-backup.example",)),
    "backup.isp.example": Manners(serves=("isp.example",)),
    "mx.forgotten-qmail.example": Manners(serves=("forgotten-qmail.example",)),
    "mail.old-isp.example": Manners(serves=("old-isp.example",), ident="ESMTP", relay=QMAIL_RELAY),
    "mx.day-of-need.example": Wall.CLOSED,
    "mx.old-hoster.example": Manners(
        serves=("old-hoster.example",), relay="550 5.7.1 <{recipient}>... Relaying denied"
    ),
    "tenant-gone.cloud.example": Manners(serves=("cloud.example",), relay=MICROSOFT_RELAY),
    "smtp.submission-as-mx.example": Manners(relay="530 5.7.0 Authentication required"),
    "web.takes-no-mail.example": Impostor(
        says=b"521 web.takes-no-mail.example does not accept mail (see RFC 7504)\r\n", replies=True
    ),
    # Hosts that are down, in part or whole.
    "mx1.primary-down.example": Wall.CLOSED,
    "mx2.primary-down.example": Manners(serves=("primary-down.example",)),
    "mx1.secondary-down.example": Manners(serves=("secondary-down.example",)),
    "mx2.secondary-down.example": Wall.CLOSED,
    "mx1.both-down.example": Wall.CLOSED,
    "mx2.both-down.example": Wall.CLOSED,
    "node1.farm.example": Manners(serves=("farm.example",)),
    "node2.farm.example": Manners(serves=("farm.example",)),
    "node3.farm.example": Wall.CLOSED,
    "mx.firewalled.example": Wall.FIREWALLED,
    "mx.silent.example": Impostor(),
    "mx.hangs-up.example": Impostor(hangs_up=True),
    "www.web-on-25.example": Impostor(
        # A web server waits for a request; a proxy in front of one says this when none comes.
        says=b"HTTP/1.0 408 Request Time-out\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n",
        hangs_up=True,
    ),
    "mx.tls-broken.example": Manners(serves=("tls-broken.example",), tls=Tls.BROKEN),
    # Hosts that object to us, or not today.
    "mx.greylisting.example": Manners(serves=("greylisting.example",), delay_s=GREYLIST_DELAY_S),
    "mx.busy.example": Impostor(
        says=b"421 4.7.0 mx.busy.example Error: too many connections from 127.0.0.1\r\n", hangs_up=True
    ),
    "mx1.deferring-backup.example": Manners(serves=("deferring-backup.example",)),
    "mx2.deferring-backup.example": Manners(
        serves=("deferring-backup.example",), recipient="451 4.3.0 <{recipient}>: Temporary lookup failure"
    ),
    "mx.blocklisted.example": Manners(
        serves=("blocklisted.example",),
        recipient="554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.blocklist.example",
    ),
    "mx.blocked-at-once.example": Impostor(
        says=b"554-mx.blocked-at-once.example\r\n"
        b"554 5.7.1 Client host [127.0.0.1] blocked using zen.blocklist.example\r\n",
        replies=True,
    ),
    "mx.no-reverse-name.example": Manners(
        serves=("no-reverse-name.example",),
        recipient="450 4.7.25 Client host rejected: cannot find your hostname, [127.0.0.1]",
    ),
    "mx.spf-strict.example": Manners(
        serves=("spf-strict.example",),
        mail="550 5.7.23 The sender's domain does not permit 127.0.0.1 to send mail for it (SPF)",
    ),
    "mx.tls-impossible.example": Manners(serves=("tls-impossible.example",), tls=Tls.IMPOSSIBLE),
    # The domain is served, the mailbox is the trouble.
    "mx.no-postmaster.example": Manners(
        serves=("no-postmaster.example",),
        recipient="550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in local recipient table",
    ),
    "mx.full-postmaster.example": Manners(
        serves=("full-postmaster.example",), recipient="452 4.2.2 <{recipient}>: mailbox is over quota"
    ),
    # Beside what DNS decides.
    "no-mail.example": Wall.CLOSED,
    "mx2.renamed-host.example": Manners(serves=("renamed-host.example",)),
}
