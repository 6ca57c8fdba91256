"""The tree into which `.ci/debs` unpacked NSD and the mail servers, and how their programs are run out of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREE = Path(os.environ.get("MXSWEEP_DEBS", ROOT / ".cache" / "debs"))

PACKAGES = (
    "nsd postfix exim4-daemon-light opensmtpd sendmail-bin sendmail-cf m4 libnss-wrapper libresolv-wrapper"
    " nmap nmap-common lua-lpeg"
)

NSD = TREE / "usr/sbin/nsd"
SMTP_SINK = TREE / "usr/sbin/smtp-sink"
POSTFIX_LIBRARIES = TREE / "usr/lib/postfix"
POSTFIX_DAEMONS = POSTFIX_LIBRARIES / "sbin"
POSTFIX_COMMANDS = TREE / "usr/sbin"
EXIM = TREE / "usr/sbin/exim4"
OPENSMTPD = TREE / "usr/sbin/smtpd"
SENDMAIL = TREE / "usr/libexec/sendmail/sendmail"
SENDMAIL_MACROS = TREE / "usr/share/sendmail/cf"
MAKEMAP = TREE / "usr/libexec/sendmail/makemap"
M4 = TREE / "usr/bin/m4"
NMAP = TREE / "usr/bin/nmap"
NMAP_DATA = TREE / "usr/share/nmap"


def missing_servers() -> list[str]:
    """What keeps the real servers from running here, each with its cure in words; empty where they can run."""
    needed = {
        "nsd": NSD,
        "postfix": POSTFIX_DAEMONS / "master",
        "smtp-sink": SMTP_SINK,
        "exim": EXIM,
        "opensmtpd": OPENSMTPD,
        "sendmail": SENDMAIL,
        "makemap": MAKEMAP,
        "sendmail-cf": SENDMAIL_MACROS,
        "m4": M4,
        "nmap": NMAP,
        "nmap's scripts": NMAP_DATA / "scripts/smtp-open-relay.nse",
    }
    absent = [name for name, path in needed.items() if not path.exists()]
    absent += [] if nss_wrapper() else ["libnss_wrapper"]
    absent += [] if resolv_wrapper() else ["libresolv_wrapper"]
    reasons = [f"no {', '.join(absent)} in {TREE} (run .ci/debs {TREE} {PACKAGES})"] if absent else []
    if os.geteuid() != 0:
        reasons.append("Postfix's master, OpenSMTPD and Sendmail run as root only, and this is not root")
    elif not may_chroot():
        reasons.append("OpenSMTPD and Sendmail run in a root directory of their own, and root may not chroot here")
    return reasons


def may_chroot() -> bool:
    """Whether root has the right to change its root directory, which a container may have taken from it."""
    return subprocess.run(["chroot", "/", "true"], capture_output=True, check=False).returncode == 0


def library_path() -> str:
    """LD_LIBRARY_PATH for the programs of the tree: Postfix's own libraries and those that the system lacks."""
    folders = [POSTFIX_LIBRARIES, *TREE.glob("usr/lib/*-linux-gnu*"), *TREE.glob("lib/*-linux-gnu*")]
    return ":".join(map(str, folders))


def environment() -> dict[str, str]:
    """The environment in which a program of the tree runs."""
    return {**os.environ, "LD_LIBRARY_PATH": library_path()}


def nss_wrapper() -> str | None:
    """The library that shows a program accounts of our own in place of /etc/passwd; None where it is missing."""
    return next(map(str, TREE.glob("usr/lib/*-linux-gnu*/libnss_wrapper.so")), None)


def resolv_wrapper() -> str | None:
    """The library that shows a program a resolv.conf of our own in place of the system's; None where it is missing."""
    return next(map(str, TREE.glob("usr/lib/*-linux-gnu*/libresolv_wrapper.so")), None)
