"""Sendmail from the unpacked tree: one daemon per role, its sendmail.cf made by m4, in a root directory of its own.

Nothing runs its queue and what it accepts is queued only: a message could be taken but never leave. It needs root, a
name server, for it looks up who connects and who sends, and a client whose address is not 127.0.0.1: that one it
relays for, whatever its configuration says.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.real import debs, jail
from tests.real.ports import free_port
from tests.real.postfix import MailServers, wait_until_listening
from tests.real.roles import ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ACCOUNTS = ("smmsp", "info")
"""Who its queue of local mail would belong to, and its only user; postmaster is an alias."""

ALIASES = {"postmaster": "root", "@": "@"}
"""The last one says that the table is whole."""


class Role(NamedTuple):
    """One daemon: its name (the exchange is `NAME.mx.test`), its address, its lines of sendmail.mc.

    `tables` are its keyed files by name, each with its rows.
    """

    name: str
    address: str
    macros: str = ""
    tables: Mapping[str, Mapping[str, str]] = {}

    @property
    def exchange(self) -> str:
        """Its name in DNS and in its greeting."""
        return f"{self.name}.mx.{ZONE}"


def relaying(*macros: str) -> str:
    """A server that relays for the domains below `test`, with more lines."""
    return "\n".join([f"RELAY_DOMAIN(`{ZONE}')", *macros])


def table(name: str) -> str:
    """Where a role's keyed file lies, as a feature's argument; an access table tells failed look-ups apart."""
    return f"`hash{' -T<TMPF>' if name.endswith('access') else ''} /etc/mail/{name}'"


SERVED = ("kept.test", "forgotten.test", "entries.test")
"""Whose users those servers know that know any."""

LOCAL = f"LOCAL_DOMAIN(`{' '.join(SERVED)}')"

BARRED = "127.9.0.4"
"""A client that the access table refuses."""

ROLES = (
    # Users who are accounts, and users who are rows of a table that ends with a text for all others.
    Role("primary", "127.1.5.1", LOCAL),
    Role(
        "virtual",
        "127.1.5.2",
        f"{LOCAL}\nVIRTUSER_DOMAIN(`entries.test')\nFEATURE(`virtusertable', {table('virtual-users')})",
        {"users": {"info@entries.test": "info", "@entries.test": "error:nouser 550 No such user here"}},
    ),
    Role("secondary", "127.1.5.3", relaying()),
    # Was never told about the domain.
    Role("stranger", "127.1.5.4"),
    # For questions about open relays, never for a partner domain.
    Role("open", "127.1.5.5", "FEATURE(`promiscuous_relay')"),
    Role(
        "access",
        "127.1.5.6",
        relaying(f"FEATURE(`access_db', {table('access-access')})", "FEATURE(`blocklist_recipients')"),
        {
            "access": {
                "To:full.test": "ERROR:4.2.2:452 Mailbox full",
                "To:gone.test": "REJECT",
                f"Connect:{BARRED}": "REJECT",
            }
        },
    ),
    Role("rdns", "127.1.5.7", relaying("FEATURE(`require_rdns')")),
    # Always short of disk, however much there is.
    Role("disk", "127.1.5.8", relaying("define(`confMIN_FREE_BLOCKS', `1000000000000')")),
    # One connection a minute from each client.
    Role(
        "rate",
        "127.1.5.9",
        relaying(f"FEATURE(`access_db', {table('rate-access')})", "FEATURE(`ratecontrol', `nodelay', `terminate')"),
        {"access": {"ClientRate:": "1"}},
    ),
    # Bars who talks before it greets, which it does after half a second.
    Role("pause", "127.1.5.10", relaying("FEATURE(`greet_pause', `500')")),
)

MACROS = """\
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{exchange}')dnl
define(`ALIAS_FILE', `/etc/mail/aliases')dnl
define(`STATUS_FILE', `/run/{name}.st')dnl
define(`HELP_FILE', `/etc/mail/helpfile')dnl
define(`QUEUE_DIR', `/var/spool/mqueue')dnl
define(`confPID_FILE', `/run/{name}.pid')dnl
define(`confDELIVERY_MODE', `queueonly')dnl
define(`confTO_IDENT', `0')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr={address}, Port={port}')dnl
{macros}
MAILER(`local')dnl
MAILER(`smtp')dnl
"""


def lay_out(directory: Path, roles: Sequence[Role], port: int, resolver: str) -> Path:
    """The jail with each role's sendmail.cf and tables; the path of the program in it."""
    files = {
        "etc/nsswitch.conf": "hosts: files dns\n",
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/resolv.conf": f"nameserver {resolver}\n",
        "etc/mail/aliases": "postmaster: root\n",
    }
    program = jail.lay_out(directory, debs.SENDMAIL, ACCOUNTS, files)
    (directory / "var/spool/mqueue").mkdir(mode=0o700)
    make_map(directory / "etc/mail/aliases.db", ALIASES)
    for role in roles:
        macros = MACROS.format(**role._asdict() | {"exchange": role.exchange, "port": port})
        (directory / f"etc/mail/{role.name}.cf").write_text(configured(macros))
        for name, rows in role.tables.items():
            make_map(directory / "etc/mail" / f"{role.name}-{name}.db", rows)
    return program


def configured(macros: str) -> str:
    """The sendmail.cf that m4 makes of a sendmail.mc."""
    command = [debs.M4, f"-D_CF_DIR_={debs.SENDMAIL_MACROS}/", debs.SENDMAIL_MACROS / "m4/cf.m4", "-"]
    return subprocess.run(
        command, input=macros, env=debs.environment(), capture_output=True, text=True, check=True
    ).stdout


def make_map(path: Path, rows: Mapping[str, str]) -> None:
    """A keyed file, as sendmail's own tool makes it of lines of key and value."""
    subprocess.run(
        [debs.MAKEMAP, "-C", "/dev/null", "hash", path],
        input="".join(f"{key}\t{value}\n" for key, value in rows.items()),
        env=debs.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # that /tmp, above us, may be written by all
        text=True,
        check=True,
    )


@contextmanager
def sendmail(roles: Sequence[Role], resolver: str) -> Iterator[MailServers]:
    """Run the roles' daemons for as long as the block lasts.

    Args:
        roles: who answers where.
        resolver: address of the name server that they ask, on port 53.

    Raises:
        RuntimeError: they did not all greet in time; with what they said.
    """
    directory = Path(tempfile.mkdtemp(prefix="mxsweep-sendmail-"))
    port = free_port(role.address for role in roles)
    with ExitStack() as running:
        running.callback(shutil.rmtree, directory)
        program = lay_out(directory, roles, port, resolver)
        log = directory / "tmp/log"
        for role in roles:
            command = [program, "-C", f"/etc/mail/{role.name}.cf", "-X", f"/tmp/{role.name}.traffic", "-bD"]
            daemon = jail.start(directory, command, log)
            running.callback(jail.end, daemon)
            wait_until_listening(daemon, [(role.address, port)], log)
        yield MailServers({role.name: role.address for role in roles}, port, log)
