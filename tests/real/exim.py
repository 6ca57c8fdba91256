"""Exim from the unpacked tree: one daemon on a loopback address, every limit as it comes, nothing installed.

It takes mail for the domains below one name and queues it (`queue_only`, no runner): a message could be taken but never
leave. It needs neither root nor an account of its own: libnss_wrapper shows it the `Debian-exim` that it was built for.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.real import debs
from tests.real.ports import free_port
from tests.real.postfix import wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

END_LIMIT_S = 20.0

CONFIGURATION = """\
primary_hostname = exim.mx.test
spool_directory = @DIRECTORY@/spool
log_file_path = @DIRECTORY@/log/%slog
pid_file_path = @DIRECTORY@/exim.pid
local_interfaces = @ADDRESS@
daemon_smtp_ports = @PORT@
keep_environment = ^LD_ : ^NSS_
queue_only
log_selector = +smtp_connection
domainlist relay_to_domains = *.@RELAYED@
acl_smtp_rcpt = acl_check_rcpt

begin acl

# As in the configuration that Exim comes with.
acl_check_rcpt:
  require message = relay not permitted
          domains = +relay_to_domains
  accept
"""

BUILT_FOR = "Debian-exim"
"""The account that Debian's Exim changes to, by name: built in, no option says another."""


class EximServer(NamedTuple):
    """The running daemon, and its log of sessions and refusals."""

    address: str
    port: int
    log: Path


@contextmanager
def exim(address: str, relayed: str) -> Iterator[EximServer]:
    """Run it for as long as the block lasts; domains below `relayed` are taken, others refused.

    Raises:
        RuntimeError: it did not greet in time; with its log.
    """
    port = free_port([address])
    with daemon(port, [address], CONFIGURATION, RELAYED=relayed) as log:
        yield EximServer(address, port, log)


@contextmanager
def daemon(
    port: int, addresses: Sequence[str], configuration: str, resolver: str | None = None, **more: str
) -> Iterator[Path]:
    """An Exim on all the addresses, which asks the resolver at port 53; gives its log.

    In `configuration` `@DIRECTORY@`, `@ADDRESS@`, `@PORT@` and the names of `more` are filled in.
    """
    directory = Path(tempfile.mkdtemp(prefix="mxsweep-exim-"))
    filled = {"DIRECTORY": str(directory), "ADDRESS": " : ".join(addresses), "PORT": str(port), **more}
    for name, value in filled.items():
        configuration = configuration.replace(f"@{name}@", value)
    lay_out(directory, configuration)
    log = directory / "log/mainlog"
    preloaded = [str(debs.nss_wrapper())]
    if resolver is not None:
        (directory / "resolv.conf").write_text(f"nameserver {resolver}\noptions timeout:1 attempts:1\n")
        preloaded.append(str(debs.resolv_wrapper()))
    wrapped = {
        "LD_PRELOAD": ":".join(preloaded),
        "RESOLV_WRAPPER_CONF": str(directory / "resolv.conf"),
        "NSS_WRAPPER_PASSWD": str(directory / "passwd"),
        "NSS_WRAPPER_GROUP": str(directory / "group"),
    }
    process = subprocess.Popen(
        [debs.EXIM, "-C", directory / "exim.conf", "-bdf"],
        env=debs.environment() | wrapped,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_listening(process, [(address, port) for address in addresses], log)
        yield log
    finally:
        process.terminate()
        process.wait(timeout=END_LIMIT_S)
        shutil.rmtree(directory)


def lay_out(directory: Path, configuration: str) -> None:
    """Configuration, accounts and directories. Exim must not be root: started by root it becomes `daemon`."""
    account = pwd.getpwnam("daemon") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    directory.chmod(0o755)
    (directory / "exim.conf").write_text(configuration)
    (directory / "passwd").write_text(
        f"root:x:0:0::/:/bin/false\n{BUILT_FOR}:x:{account.pw_uid}:{account.pw_gid}::{directory}:/bin/false\n"
    )
    (directory / "group").write_text(f"{BUILT_FOR}:x:{account.pw_gid}:\n")
    for name in ("spool", "log"):
        (directory / name).mkdir()
        os.chown(directory / name, account.pw_uid, account.pw_gid)


def sessions_logged(log: Path, offset: int) -> str:
    """What Exim logged from the offset on, once every session in it has its closing line.

    Raises:
        RuntimeError: sessions are still open after 20 s.
    """
    deadline = time.monotonic() + END_LIMIT_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        text = log.read_text()[offset:]
        if opened(text) == closed(text):
            return text
        pause.wait(0.02)
    raise RuntimeError(f"sessions still open: {text[-2000:]}")


def opened(text: str) -> int:
    """How many sessions begin in a piece of the log."""
    return text.count("(TCP/IP connection count = ")


def closed(text: str) -> int:
    """How many end in it: by QUIT, by the client's hanging up, or dropped for a limit."""
    return sum(text.count(ending) for ending in (" closed by ", " lost", " dropped: "))
