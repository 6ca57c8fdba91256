"""What each of the Exims is: one daemon, a loopback address a role, told apart by the address that was dialled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.real.exim import daemon
from tests.real.ports import free_port
from tests.real.postfix import MailServers

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = (
    "primary", "secondary", "stranger", "verifying", "callout", "grey", "serial", "unrouteable", "prohibited", "helo",
    "banned", "listed", "full", "looping", "open",
)  # fmt: skip
"""open: for questions about open relays, never for a partner domain."""
ADDRESSES = {name: f"127.1.6.{number}" for number, name in enumerate(NAMES, 1)}

# `@NAME@` is filled in: Exim has braces of its own.
CONFIGURATION = """\
ROLE = ${extract{$received_ip_address}{@ROLES@}}

primary_hostname = exim.mx.test
smtp_active_hostname = ${if def:received_ip_address{ROLE.mx.test}{exim.mx.test}}
spool_directory = @DIRECTORY@/spool
log_file_path = @DIRECTORY@/log/%slog
pid_file_path = @DIRECTORY@/exim.pid
local_interfaces = @ADDRESS@
daemon_smtp_ports = @PORT@
keep_environment = ^LD_ : ^NSS_ : ^RESOLV_
queue_only
disable_ipv6
log_selector = +smtp_connection
pipelining_advertise_hosts = ${if eq{ROLE}{serial}{}{*}}
acl_smtp_connect = acl_connect
acl_smtp_helo = acl_helo
acl_smtp_rcpt = acl_rcpt

begin acl

acl_connect:
  drop    condition = ${if eq{ROLE}{banned}}
          message = $sender_host_address is not welcome here
  accept

acl_helo:
  deny    condition = ${if eq{ROLE}{helo}}
          message = Invalid HELO name (See RFC2821 4.1.1.1)
  accept

acl_rcpt:
  accept  condition = ${if eq{ROLE}{open}}
  deny    condition = ${if eq{ROLE}{stranger}}
          message = relay not permitted
  deny    condition = ${if eq{ROLE}{prohibited}}
  deny    condition = ${if eq{ROLE}{verifying}}
          !verify = sender
  deny    condition = ${if eq{ROLE}{callout}}
          !verify = sender/callout=5s,no_cache
  deny    condition = ${if eq{ROLE}{listed}}
          dnslists = bl.test
          message = $sender_host_address is in a black list at $dnslist_domain
  defer   condition = ${if eq{ROLE}{grey}}
          condition = ${if !exists{@DIRECTORY@/spool/seen-${sha1:$local_part@$domain}}}
          condition = ${run{/usr/bin/touch @DIRECTORY@/spool/seen-${sha1:$local_part@$domain}}{yes}{yes}}
          message = Greylisted, please try again later
  accept  condition = ${if !inlist{ROLE}{primary:unrouteable:full:looping}}
  require verify = recipient
  accept

begin routers

# A mailbox that is known, in the ways of cPanel's hosts: who is not, is told so by name.
known:
  driver = accept
  condition = ${if eq{ROLE}{primary}}
  local_parts = postmaster : info
  transport = nowhere

unknown:
  driver = redirect
  condition = ${if eq{ROLE}{primary}}
  allow_fail
  data = :fail: No Such User Here

full:
  driver = redirect
  condition = ${if eq{ROLE}{full}}
  allow_fail
  data = :fail: Mailbox is full

elsewhere:
  driver = dnslookup
  condition = ${if inlist{ROLE}{looping:verifying:callout}}
  self = fail
  transport = remote

begin transports

nowhere:
  driver = appendfile
  file = /dev/null

remote:
  driver = smtp
  port = @PORT@
"""


@contextmanager
def exims(resolver: str) -> Iterator[MailServers]:
    """All of them, for as long as the block lasts. `resolver`: the address that answers their DNS, at port 53."""
    port = free_port(ADDRESSES.values())
    roles = " ".join(f"{address}={name}" for name, address in ADDRESSES.items())
    with daemon(port, list(ADDRESSES.values()), CONFIGURATION, resolver, ROLES=roles) as log:
        yield MailServers(dict(ADDRESSES), port, log)
