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
"""`info` is its only user; postmaster is an alias."""

ALIASES = "postmaster: root\nMAILER-DAEMON: postmaster\n"


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


MACROS = """\
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{exchange}')dnl
define(`ALIAS_FILE', `text:/etc/mail/aliases')dnl
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
        "etc/mail/aliases": ALIASES,
    }
    program = jail.lay_out(directory, debs.SENDMAIL, ACCOUNTS, files)
    (directory / "var/spool/mqueue").mkdir(mode=0o700)
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
