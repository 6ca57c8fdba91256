"""OpenSMTPD from the unpacked tree: one smtpd, one listener per role, in a root directory of its own.

It is started with deliveries and sending paused, and its resolver knows a hosts file only: a message could be taken but
never leave. It needs root, and the accounts that Debian built it for.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.real import debs, jail
from tests.real.ports import free_port
from tests.real.postfix import MailServers, wait_until_listening
from tests.real.roles import ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

END_LIMIT_S = 20.0

ACCOUNTS = ("opensmtpd", "opensmtpq")
"""Built in: who its processes become."""

USERS = ("info", "postmaster")
"""Local parts that a server which knows its users has, at each domain that it takes."""


class Role(NamedTuple):
    """One listener: its name (the exchange is `NAME.mx.test`), its address, its rules and its filter.

    `rules` are the actions and the tail of the matches of smtpd.conf: `for … action …`, each tied to this listener.
    """

    name: str
    address: str
    rules: tuple[str, ...] = ()
    filtered_by: str | None = None

    @property
    def exchange(self) -> str:
        """Its name in DNS and in its greeting."""
        return f"{self.name}.mx.{ZONE}"


BACKUP = ('for domain <served> action "backup"',)

ROLES = (
    # Users who are accounts, and users who are entries of a table: it refuses others in different words.
    Role("primary", "127.1.4.1", ('for domain <served> action "accounts"',)),
    Role("virtual", "127.1.4.2", ('for domain <served> action "virtual"',)),
    Role("secondary", "127.1.4.3", BACKUP),
    # A secondary that knows whom the primary knows.
    Role("listed", "127.1.4.4", ('for domain <served> rcpt-to <mailboxes> action "backup"',)),
    # Was never told about the domain.
    Role("stranger", "127.1.4.5"),
    # For questions about open relays, never for a partner domain.
    Role("open", "127.1.4.6", ('for any action "relay"',)),
    # The filters of smtpd.conf's manual page, in its words, and one that defers in our own.
    Role("rdns", "127.1.4.7", BACKUP, "rdns"),
    Role("fcrdns", "127.1.4.8", BACKUP, "fcrdns"),
    Role("later", "127.1.4.9", BACKUP, "later"),
)

CONFIGURATION = """\
table anyone {{ "127.0.0.0/8" }}
table served {{ {domains} }}
table mailboxes {{ {mailboxes} }}
table accounts {{ {accounts} }}
table entries {{ {entries} }}

filter "rdns" phase connect match !rdns disconnect "550 no rDNS is so 80s"
filter "fcrdns" phase connect match !fcrdns disconnect "550 no FCrDNS is so 80s"
filter "later" phase rcpt-to match src <anyone> reject "451 4.7.1 Please try again later"

action "accounts" maildir "/tmp" userbase <accounts>
action "virtual" maildir "/tmp" virtual <entries>
action "backup" relay backup
action "relay" relay

{listeners}
"""


def listener(role: Role, port: int) -> str:
    """The role's lines of smtpd.conf."""
    filtered = f' filter "{role.filtered_by}"' if role.filtered_by else ""
    listening = f'listen on {role.address} port {port} hostname {role.exchange} tag "{role.name}"{filtered}\n'
    return listening + "".join(f'match tag "{role.name}" from any {rule}\n' for rule in role.rules)


def configuration(roles: Sequence[Role], domains: Sequence[str], port: int) -> str:
    """All of smtpd.conf."""
    mailboxes = [f"{user}@{domain}" for domain in domains for user in USERS]
    return CONFIGURATION.format(
        domains=", ".join(f'"{domain}"' for domain in domains),
        mailboxes=", ".join(f'"{mailbox}"' for mailbox in mailboxes),
        accounts=", ".join(f'"{user}" = "101:101:/tmp"' for user in USERS),
        entries=", ".join(f'"{mailbox}" = "root"' for mailbox in mailboxes),
        listeners="\n".join(listener(role, port) for role in roles),
    )


def lay_out(directory: Path, smtpd_conf: str) -> Path:
    """The jail with its configuration and queue; the path of the program in it."""
    files = {
        "etc/smtpd.conf": smtpd_conf,
        "etc/mailname": f"opensmtpd.mx.{ZONE}\n",
        # Its own resolver reads these two. Nobody is asked, so that a client on 127/8 has no name.
        "etc/resolv.conf": "lookup file\n",
        "etc/hosts": "",
    }
    program = jail.lay_out(directory, debs.OPENSMTPD, ACCOUNTS, files)
    (directory / "etc/smtpd.conf").chmod(0o600)  # one that others may write it does not read
    (directory / "var/lib/opensmtpd/empty").mkdir(parents=True)
    (directory / "var/spool/smtpd").mkdir(mode=0o711)
    return program


@contextmanager
def opensmtpd(roles: Sequence[Role], domains: Sequence[str]) -> Iterator[MailServers]:
    """Run the roles' listeners for as long as the block lasts.

    Args:
        roles: who answers where.
        domains: what they serve, those that serve anybody.

    Raises:
        RuntimeError: they did not all greet in time; with the end of the log.
    """
    directory = Path(tempfile.mkdtemp(prefix="mxsweep-opensmtpd-"))
    port = free_port(role.address for role in roles)
    with ExitStack() as running:
        running.callback(shutil.rmtree, directory)
        program = lay_out(directory, configuration(roles, domains, port))
        log = directory / "tmp/log"
        server = jail.start(directory, [program, "-d", "-P", "mda", "-P", "mta"], log)
        running.callback(jail.end, server)
        wait_until_listening(server, [(role.address, port) for role in roles], log)
        yield MailServers({role.name: role.address for role in roles}, port, log)


def sessions_logged(log: Path) -> str:
    """What smtpd logged, once every session in it has its closing line.

    Raises:
        RuntimeError: sessions are still open after 20 s.
    """
    deadline = time.monotonic() + END_LIMIT_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        text = log.read_text()
        if text.count(" smtp connected ") == text.count(" smtp disconnected "):
            return text
        pause.wait(0.02)
    raise RuntimeError(f"sessions still open: {text[-2000:]}")
