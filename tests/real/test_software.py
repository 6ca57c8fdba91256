"""Real servers, asked by `mxsweep audit`: each is named by its record, and keeps its name to itself in vain.

A server that is to be added is one row of KINDS: how it is started, and what each of its hosts must be called.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.real import aiosmtpd_servers, exim, opensmtpd, sendmail
from tests.real.nsd import nsd
from tests.real.ports import free_port, resolver_address
from tests.real.postfix import MailServers, postfix
from tests.real.roles import SENDER_HELO, ZONE, ServerRole
from tests.real.running import ALLOWED, audit, zone_of_crowds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.real.running import Record

pytestmark = pytest.mark.real

REVERSE = "127.in-addr.arpa"
REVERSE_ZONE = f"$ORIGIN {REVERSE}.\n$TTL 300\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n@ NS ns.test.\n"

HUSHED = {"smtpd_banner": "$myhostname ESMTP"}
SCREENED = {
    "postscreen_greet_wait": "1s",
    "postscreen_cache_map": "",
    "postscreen_access_list": "",
    "postscreen_cache_cleanup_interval": "0",
    "postscreen_bare_newline_enable": "yes",
}

POSTFIX = [
    ServerRole("default", "127.1.11.1", {}),
    ServerRole("debian", "127.1.11.2", {"smtpd_banner": "$myhostname ESMTP $mail_name (Debian/GNU)"}),
    ServerRole("version", "127.1.11.3", {"smtpd_banner": "$myhostname ESMTP $mail_name ($mail_version)"}),
    ServerRole("hushed", "127.1.11.4", HUSHED),
    ServerRole(
        "mute", "127.1.11.5", {**HUSHED, "disable_vrfy_command": "yes", "smtpd_discard_ehlo_keywords": "chunking"}
    ),
    ServerRole("screened", "127.1.11.6", SCREENED, through="postscreen"),
    ServerRole("hushed-screened", "127.1.11.7", {**SCREENED, **HUSHED}, through="postscreen"),
    ServerRole("closed", "127.1.11.8", {**HUSHED, "smtpd_delay_reject": "no", "smtpd_client_restrictions": "reject"}),
    ServerRole("exim-ish", "127.1.11.9", {"smtpd_banner": "$myhostname ESMTP Exim 4.96"}),
]

EXIM = {
    "default": "127.1.12.1",
    "hushed": "127.1.12.2",
    "panel": "127.1.12.3",
    "postfix-ish": "127.1.12.4",
}
EXIM_BANNERS = {
    "hushed": "$primary_hostname ESMTP",
    "panel": r"$primary_hostname ESMTP Exim $version_number \\#2 $tod_full \\nWe do not authorize\\nbulk e-mail.",
    "postfix-ish": "$primary_hostname ESMTP Postfix",
}

SENDMAIL = [
    sendmail.Role("default", "127.1.13.1"),
    sendmail.Role("hushed", "127.1.13.2", "define(`confSMTP_LOGIN_MSG', `$j at your service')"),
]
OPENSMTPD = [opensmtpd.Role("default", "127.1.14.1", opensmtpd.BACKUP)]
AIOSMTPD = [aiosmtpd_servers.Role("default", "127.1.15.1")]


@contextmanager
def exims(resolver: str) -> Iterator[MailServers]:
    """One Exim, which greets by the address that was dialled."""
    del resolver
    port = free_port(EXIM.values())
    banner = "$smtp_active_hostname ESMTP Exim $version_number $tod_full"  # its own default
    for name, text in EXIM_BANNERS.items():
        banner = f"${{if eq{{$received_ip_address}}{{{EXIM[name]}}}{{{text}}}{{{banner}}}}}"
    configuration = f'smtp_banner = "{banner}"\n{exim.CONFIGURATION}'
    with exim.daemon(port, list(EXIM.values()), configuration, RELAYED="kept.test") as log:
        yield MailServers(dict(EXIM), port, log)


class Kind(NamedTuple):
    """One server: how it is started, given the address of a name server, and what each of its hosts must be called."""

    name: str
    start: Callable[[str], AbstractContextManager[MailServers]]
    software: dict[str, str | None]


KINDS = (
    Kind(
        "postfix",
        lambda _resolver: postfix(POSTFIX),
        {role.name: "Postfix" for role in POSTFIX} | {"version": r"Postfix 3\.[\d.]+", "exim-ish": None},
    ),
    Kind(
        "exim",
        exims,
        {"default": r"Exim 4\.\d+", "hushed": "Exim", "panel": r"Exim 4\.\d+", "postfix-ish": None},
    ),
    Kind(
        "sendmail",
        lambda resolver: sendmail.sendmail(SENDMAIL, resolver),
        {"default": r"Sendmail 8\.\d+\.[\d.]+", "hushed": "Sendmail"},
    ),
    Kind("opensmtpd", lambda _resolver: opensmtpd.opensmtpd(OPENSMTPD, ["kept.test"]), {"default": "OpenSMTPD"}),
    Kind("aiosmtpd", lambda _resolver: aiosmtpd_servers.aiosmtpd(AIOSMTPD), {"default": r"aiosmtpd 1\.[\d.]+"}),
)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def named(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kind, dict[str, Record]]:
    """A kind of server, and of each of its hosts the record of one probe."""
    kind: Kind = request.param
    looked_up_at = resolver_address()
    zones = {ZONE: zone_of_crowds({}), REVERSE: REVERSE_ZONE}
    with (
        nsd(tmp_path_factory.mktemp("nsd"), zones, resolver=looked_up_at) as resolver,
        kind.start(looked_up_at) as servers,
    ):
        via = ",".join(servers.addresses.values())
        options = ["--via", via, "--backoff", "0", *ALLOWED]
        ran = audit(["kept.test"], tmp_path_factory.mktemp("audit"), resolver, servers.port, *options)
    by_address = {record["address"]: record for record in ran.of_kind("probe")}
    return kind, {name: by_address[address] for name, address in servers.addresses.items()}


def test_a_real_server_is_called_by_its_name(named: tuple[Kind, dict[str, Record]]) -> None:
    kind, records = named
    assert set(records) == set(kind.software)
    for role, name in kind.software.items():
        server = records[role]["server"]
        assert server["banner"], role
        if name is None:
            assert server["software"] is None, server
        else:
            assert re.fullmatch(name, server["software"] or "null"), (role, server)


def test_who_hides_its_name_is_known_by_its_manners_alone(named: tuple[Kind, dict[str, Record]]) -> None:
    kind, records = named
    hidden = [role for role in records if "hushed" in role or role == "mute"]
    assert hidden or kind.name in {"opensmtpd", "aiosmtpd"}, "these two cannot be told to greet otherwise"
    for role in hidden:
        server = records[role]["server"]
        assert kind.name not in server["banner"].partition(" ")[2].lower()
        assert server["software"].lower() == kind.name
        assert server["helo"] == SENDER_HELO
        # Here it is not smtpd who answers EHLO, but postscreen itself: it cannot pipeline.
        assert ("PIPELINING" in server["extensions"]) == ("screened" not in role)
