"""Real servers for the tests of this folder.

Where they cannot run the tests are left out, in one plain line; in CI that is an error.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.real.debs import missing_servers
from tests.real.greylist import greylist
from tests.real.nsd import nsd
from tests.real.postfix import MailServers, postfix
from tests.real.roles import ZONE, ServerRole, server_roles
from tests.real.scenes import MAILBOXES, zone_text

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent

pytest.register_assert_rewrite("tests.real.inquiry")  # so that its checks say what differs

LEFT_OUT = pytest.StashKey[str]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the folder's tests out where the servers are missing; the summary says so.

    Raises:
        pytest.UsageError: the servers are missing where they must not be (CI=true, MXSWEEP_REAL=required): there a
            test that silently did not run would pass for one that passed.
    """
    ours = [item for item in items if HERE in item.path.parents]
    missing = "; ".join(missing_servers()) if ours else ""
    if not missing:
        return
    if os.environ.get("CI") == "true" or os.environ.get("MXSWEEP_REAL") == "required":
        raise pytest.UsageError(f"the tests against real servers cannot run: {missing}")
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in set(ours)]
    config.stash[LEFT_OUT] = f"left out: {len(ours)} tests against real servers: {missing}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One plain line for what did not run."""
    if LEFT_OUT in config.stash:
        terminalreporter.write_line(config.stash[LEFT_OUT], yellow=True)


@pytest.fixture(scope="session")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerRole]]:
    """The mail servers of the run, with the certificate and the greylisting service that two of them need."""
    directory = tmp_path_factory.mktemp("certificate")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    issued = trustme.CA().issue_cert(f"tls.mx.{ZONE}")
    issued.private_key_pem.write_to_path(key)
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    with greylist() as policy:
        yield server_roles(MAILBOXES, policy, str(certificate), str(key))


@pytest.fixture(scope="session")
def dns_server(roles: list[ServerRole], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """NSD with the zone of all partner domains: its address and port."""
    with nsd(tmp_path_factory.mktemp("nsd"), {ZONE: zone_text(roles)}) as server:
        yield server


@pytest.fixture(scope="session")
def mail_servers(roles: list[ServerRole]) -> Iterator[MailServers]:
    """Postfix in all its roles; the busy one is kept busy, by a connection that is held to the end."""
    with postfix(roles) as servers, socket.create_connection((servers.addresses["busy"], servers.port)) as holder:  # noqa: TID251 - a test's client of a literal loopback address
        assert holder.recv(1000).startswith(b"220 ")
        yield servers
