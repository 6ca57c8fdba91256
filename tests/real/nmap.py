"""nmap's smtp-open-relay script, run against the same servers: an independent witness, with traps of its own."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, NamedTuple

from tests.real import debs

if TYPE_CHECKING:
    from collections.abc import Iterable

RUN_LIMIT_S = 120
OPEN = re.compile(r"Server is an open relay \((\d+)/16 tests\)")
CLOSED = "Server doesn't seem to be an open relay, all tests failed"


class Witnessed(NamedTuple):
    """What it says of one address: how many of its 16 shapes were accepted; None where it could not tell, and why."""

    accepted: int | None
    said: str


def library_path() -> str:
    """For nmap, whose numerical libraries lie in folders of their own."""
    return ":".join([debs.library_path(), *map(str, debs.TREE.glob("usr/lib/*-linux-gnu*/*as"))])


def smtp_open_relay(addresses: Iterable[str], port: int, canary: str) -> dict[str, Witnessed]:
    """Each address with what the script says; it asks for the canary, from `antispam` at the canary's domain.

    Raises:
        AssertionError: nmap did not run to its end.
    """
    local_part, _, domain = canary.partition("@")
    arguments = f"smtp-open-relay.domain={domain},smtp-open-relay.to={local_part}"
    command = [debs.NMAP, "--datadir", debs.NMAP_DATA, "-Pn", "-n", "-sT", "-p", str(port), "-oX", "-"]
    command += ["--script", "+smtp-open-relay", "--script-args", arguments, *addresses]
    done = subprocess.run(
        list(map(str, command)),
        env=debs.environment() | {"LD_LIBRARY_PATH": library_path()},
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {}
    for host in ET.fromstring(done.stdout).iter("host"):  # noqa: S314 - our own nmap's
        address = host.find("address")
        script = host.find(".//script[@id='smtp-open-relay']")
        assert address is not None
        said = "" if script is None else script.attrib["output"].strip()
        opened = OPEN.search(said)
        accepted = int(opened.group(1)) if opened else 0 if CLOSED in said else None
        found[address.attrib["addr"]] = Witnessed(accepted, said)
    return found
