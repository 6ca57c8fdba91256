"""A root directory of its own for a server that insists on fixed paths, on accounts by name and on being root.

What such a program needs is little enough to be laid out: itself, its libraries, the lists of accounts, the files it is
configured by. chroot(2) is a right that root has in most containers too, where mounts are refused; nothing outside of
the directory is touched, and nothing is left when it is gone.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real import debs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

END_LIMIT_S = 20.0

FOLDERS = ("dev", "etc", "lib", "run", "tmp", "usr/sbin", "var/spool")
PATH_OF_LIBRARY = re.compile(r"(/\S+) \(0x")


def libraries(program: Path) -> list[Path]:
    """The shared libraries that a program of the tree is run with, the loader among them: of the tree or the system's.

    Raises:
        RuntimeError: one of them is in neither.
    """
    said = subprocess.run(["ldd", program], env=debs.environment(), capture_output=True, text=True, check=True).stdout
    if "not found" in said:
        raise RuntimeError(f"{program} lacks a library: {said}")
    return [Path(found) for found in PATH_OF_LIBRARY.findall(said)]


def lay_out(jail: Path, program: Path, accounts: Sequence[str], files: Mapping[str, str]) -> Path:
    """Fill an empty directory as root.

    Args:
        jail: the directory.
        program: of the unpacked tree; it is put into /usr/sbin.
        accounts: who there is beside root, numbered from 101; each with a group of its own. What they own is theirs
            only in here: outside, the numbers mean whoever has them.
        files: path below the jail to text, such as "etc/hosts".

    Returns:
        The program's path inside.
    """
    for name in FOLDERS:
        (jail / name).mkdir(parents=True)
    jail.chmod(0o755)
    (jail / "var/run").symlink_to("../run")
    # Read it is empty, and nobody looks at what is written: this needs no device node, which a /tmp may forbid.
    (jail / "dev/null").touch()
    (jail / "dev/null").chmod(0o666)
    for library in libraries(program):
        is_loader = library.name.startswith("ld-")  # programs name it by its path; the others are found in /lib
        into = jail / library.relative_to("/") if is_loader else jail / "lib" / library.name
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, into)
    shutil.copy(program, jail / "usr/sbin" / program.name)
    numbered = {"root": 0, **{name: number for number, name in enumerate(accounts, start=101)}}
    listed = {
        "etc/passwd": "".join(f"{name}:x:{number}:{number}::/tmp:/bin/false\n" for name, number in numbered.items()),
        "etc/group": "".join(f"{name}:x:{number}:\n" for name, number in numbered.items()),
    }
    for name, text in {**listed, **files}.items():
        (jail / name).parent.mkdir(parents=True, exist_ok=True)
        (jail / name).write_text(text)
    return Path("/usr/sbin") / program.name


def start(jail: Path, command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    """Run a command inside, as the leader of a session of its own; what it says is added to the log."""
    with log.open("ab") as said:
        return subprocess.Popen(
            ["chroot", jail, *command],
            env={"PATH": os.environ["PATH"], "LANG": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server and whatever process of its session outlives it."""
    server.terminate()
    try:
        server.wait(timeout=END_LIMIT_S)
    finally:
        with suppress(ProcessLookupError):  # all gone with it
            os.killpg(server.pid, signal.SIGKILL)
