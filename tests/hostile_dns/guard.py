"""Run the command and write down each address that it dials: `guard.py FILE PYTHON -m scanner ARGUMENT...`.

The function that connects is wrapped, behind the fence: what is not loopback never leaves this machine, even where the
fence is broken, and is in the file all the same. So is whatever is asked of the system's own look-up of names. The last
line is how long the command took: `seconds of CPU, seconds of the clock`.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from scanner.terms import Target

LOOK_UPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def main() -> None:
    """The command, watched."""
    file, sys.argv = Path(sys.argv[1]), ["mxsweep", *sys.argv[5:]]
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from scanner.__main__ import main as command  # noqa: PLC0415 - after the path is set
    from scanner.pool import dial  # noqa: PLC0415 - the same

    real = dial.connect

    def note(line: str) -> None:
        with file.open("a", encoding="utf-8") as notes:
            notes.write(f"{line}\n")

    async def connect(target: Target, factory: Callable[[], asyncio.Protocol], source: str | None) -> asyncio.Transport:
        note(target.address)
        if not ipaddress.ip_address(target.address).is_loopback:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        return await real(target, factory, source)

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event in LOOK_UPS:
            note(f"{event} {arguments[0]!r}")

    file.touch()
    sys.addaudithook(heard)
    dial.connect = connect
    began = time.monotonic()
    try:
        command()
    finally:
        note(f"{time.process_time()} {time.monotonic() - began}")


if __name__ == "__main__":
    main()
