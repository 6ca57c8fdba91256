"""Postfix from the unpacked tree: one master, one smtpd service per role, nothing installed, nothing delivered.

There is no queue manager and no delivery agent in its master.cf, so that a message could be taken but never leave.
It needs root (master insists), but no user or group of its own: Debian's `daemon` owns its files.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from tests.real import debs
from tests.real.ports import free_port
from tests.real.roles import DOWN, ServerRole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

START_LIMIT_S = 20.0

# Postfix wants an owner for its files that is not root, a second account without rights (`nobody`) and a group that is
# not the owner's. These come with Debian's base-passwd: they are on every machine.
MAIL_OWNER = "daemon"
SETGID_GROUP = "mail"

NOTHING: Mapping[str, str] = MappingProxyType({})

MAIN_CF = """\
compatibility_level = 3.7
queue_directory = {directory}/queue
data_directory = {directory}/data
daemon_directory = {daemons}
command_directory = {commands}
shlib_directory = {libraries}
meta_directory = {directory}/etc
mail_owner = {owner}
setgid_group = {group}
default_privs = nobody
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH={library_path} {resolving}
maillog_file = {directory}/log/mail.log
maillog_file_prefixes = {directory}/log

inet_protocols = ipv4
inet_interfaces = 127.0.0.1
# Nobody is at home here: a client on 127/8 is a stranger like any other.
mynetworks = 127.255.255.254/32
smtpd_client_event_limit_exceptions =
mydomain = mx.test
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
relay_domains =
relayhost =
disable_dns_lookups = yes
# No queue manager runs to say that the queue is being emptied; without its word each accepted RCPT would pause for 1 s.
in_flow_delay = 0
default_transport = discard
relay_transport = discard
virtual_transport = discard
local_transport = discard
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = none
"""

MASTER_CF = """\
postlog   unix-dgram n - n - 1 postlogd
cleanup   unix n - n - 0 cleanup
rewrite   unix - - n - - trivial-rewrite
anvil     unix - - n - 1 anvil
tlsmgr    unix - - n 1000? 1 tlsmgr
proxymap  unix - - n - - proxymap
dnsblog   unix - - n - 0 dnsblog
tlsproxy  unix - - n - 0 tlsproxy
"""

# Address verification asks the next host by a message without content: it takes a queue manager and an SMTP client.
# What else the queue manager finds is discarded, so that here too nothing leaves.
PROBING_MAIN_CF = """notify_classes =
address_verify_map =
address_verify_poll_delay = 1s
address_verify_poll_count = 10
address_verify_transport_maps = inline:{{ {routes} }}
"""

PROBING_MASTER_CF = """qmgr      unix n - n 300 1 qmgr
verify    unix - - n - 1 verify
smtp      unix - - n - - smtp
discard   unix - - n - - discard
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
"""


class MailServers(NamedTuple):
    """The running servers: role name to address, the port that is common to all, and where Postfix logs."""

    addresses: dict[str, str]
    port: int
    log: Path


def overrides(settings: Iterable[tuple[str, str]]) -> str:
    """Settings as master.cf writes them, one a line."""
    return "".join(f"    -o {{ {name} = {value} }}\n" for name, value in settings)


def services(role: ServerRole, port: int) -> str:
    """The role's lines of master.cf.

    Each role has its own rewrite service, for it is trivial-rewrite that says whether a domain is relayed, virtual or a
    stranger's, and it must know the same domains as the smtpd that asks.
    """
    common = [
        ("syslog_name", f"postfix/{role.name}"),
        ("myhostname", role.exchange),
        ("rewrite_service_name", f"rewrite-{role.name}"),
        *role.settings.items(),
    ]
    rewrite = f"rewrite-{role.name} unix - - n - - trivial-rewrite\n" + overrides(role.settings.items())
    if role.through == "postscreen":
        listening = f"{role.address}:{port} inet n - n - 1 postscreen\n" + overrides(
            [*common, ("smtpd_service_name", f"smtpd-{role.name}")]
        )
        return listening + f"smtpd-{role.name} pass - - n - - smtpd\n" + overrides(common) + rewrite
    return f"{role.address}:{port} inet n - n - - smtpd\n" + overrides(common) + rewrite


def lay_out(
    directory: Path, roles: list[ServerRole], port: int, resolver: str | None, verified_by: Mapping[str, str]
) -> None:
    """Configuration and directories, with the owners and modes that Postfix's own set-up gives them."""
    owner, group = pwd.getpwnam(MAIL_OWNER).pw_uid, grp.getgrnam(SETGID_GROUP).gr_gid
    directory.chmod(0o711)  # daemons that dropped root pass through
    for name in ("etc", "log", "queue", "queue/pid"):
        (directory / name).mkdir()
    for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private"):
        (directory / "queue" / name).mkdir(mode=0o700)
        os.chown(directory / "queue" / name, owner, -1)
    (directory / "queue/public").mkdir()
    (directory / "queue/public").chmod(0o710)
    os.chown(directory / "queue/public", owner, group)
    (directory / "data").mkdir(mode=0o700)
    os.chown(directory / "data", owner, -1)
    main = MAIN_CF.format(
        directory=directory,
        daemons=debs.POSTFIX_DAEMONS,
        commands=debs.POSTFIX_COMMANDS,
        libraries=debs.POSTFIX_LIBRARIES,
        library_path=debs.library_path(),
        owner=MAIL_OWNER,
        group=SETGID_GROUP,
        resolving=f"LD_PRELOAD={debs.resolv_wrapper()} RESOLV_WRAPPER_CONF={directory}/etc/resolv.conf"
        if resolver
        else "",
    )
    master = MASTER_CF + "".join(services(role, port) for role in roles)
    if resolver:
        (directory / "etc/resolv.conf").write_text(f"nameserver {resolver}\n")
    if verified_by:
        routes = ", ".join(f"{{ {domain} = smtp:[{host}]:{port} }}" for domain, host in verified_by.items())
        main += PROBING_MAIN_CF.format(routes=routes)
        master += PROBING_MASTER_CF
    (directory / "etc/main.cf").write_text(main)
    # Postfix reads a file again and again that was written in the last two seconds: it might be half of one.
    os.utime(directory / "etc/main.cf", (0, 0))
    (directory / "etc/master.cf").write_text(master)


@contextmanager
def postfix(
    roles: list[ServerRole], *, resolver: str | None = None, verified_by: Mapping[str, str] = NOTHING
) -> Iterator[MailServers]:
    """Run the roles' servers for as long as the block lasts.

    Args:
        roles: who answers where.
        resolver: address of the name server that they ask, on port 53; without one they must not ask any.
        verified_by: for a domain, the address of the one among them that knows its users: roles that verify addresses
            ask there.

    Raises:
        RuntimeError: they did not all greet in time; with the end of Postfix's log.
    """
    # Not below pytest's own directory: that is closed (0700) to the account that the daemons change to.
    directory = Path(tempfile.mkdtemp(prefix="mxsweep-postfix-"))
    port = free_port([*(role.address for role in roles), DOWN])
    lay_out(directory, roles, port, resolver, verified_by)
    log = directory / "log/mail.log"
    master = subprocess.Popen(
        [debs.POSTFIX_DAEMONS / "master", "-d", "-c", directory / "etc"],
        env=debs.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_listening(master, [(role.address, port) for role in roles], log)
        yield MailServers({role.name: role.address for role in roles}, port, log)
    finally:
        end(master)
        shutil.rmtree(directory)


def wait_until_listening(master: subprocess.Popen[bytes], listeners: list[tuple[str, int]], log: Path) -> None:
    """Dial each until it says something; waiting is waiting for master to die, which it must not."""
    deadline = time.monotonic() + START_LIMIT_S
    waiting = list(listeners)
    while waiting:
        with socket.socket() as caller:
            caller.settimeout(START_LIMIT_S)
            if caller.connect_ex(waiting[-1]) == 0 and caller.recv(1000):
                waiting.pop()
                continue
        try:
            master.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
        said = log.read_text() if log.exists() else "no log"
        raise RuntimeError(f"nobody greets on {waiting[-1]} (exit {master.returncode}): {said[-3000:]}")


def sessions_logged(log: Path, offset: int, held: int) -> str:
    """What Postfix logged from the offset on, once every session in the whole log but `held` has its closing line.

    The log is written by a process of its own, a little after the fact; a session is logged when it begins and ends.

    Raises:
        RuntimeError: sessions are still open after 20 s.
    """
    deadline = time.monotonic() + START_LIMIT_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        text = log.read_text()
        if text.count("]: connect from") == text.count("]: disconnect from") + held:
            return text[offset:]
        pause.wait(0.02)
    raise RuntimeError(f"sessions still open: {text[offset:][-2000:]}")


def end(master: subprocess.Popen[bytes]) -> None:
    """End master and, in its process group (its own: it leads a session), the daemons that outlive it."""
    master.terminate()
    try:
        master.wait(timeout=START_LIMIT_S)
    finally:
        with suppress(ProcessLookupError):  # all gone with it
            os.killpg(master.pid, signal.SIGKILL)
