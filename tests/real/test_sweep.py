"""`mxsweep sweep` against real servers that relay for strangers, or seem to, or do not."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.real import opensmtpd, sendmail
from tests.real.debs import ROOT
from tests.real.exim_roles import exims
from tests.real.inquiry import zone_text
from tests.real.nmap import Witnessed, smtp_open_relay
from tests.real.nsd import nsd
from tests.real.ports import resolver_address
from tests.real.postfix import postfix
from tests.real.roles import SENDER_HELO, ZONE, relaying_roles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

CANARY_DOMAIN = "canary.example"
CANARY = f"relaytest@{CANARY_DOMAIN}"
CLIENT = "127.9.0.1"
"""Sendmail relays for 127.0.0.1 whatever it is told."""
RUN_LIMIT_S = 60
CANARY_ZONE = f"""\
$ORIGIN {CANARY_DOMAIN}.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
@ MX 10 mx
mx A 127.3.0.1
"""


class Playing(NamedTuple):
    """The servers of each family, and the resolver."""

    families: dict[str, MailServers]
    resolver: tuple[str, int]


def asked_of(family: str, roles: Sequence[Any]) -> list[Any]:
    """The roles that this file is about; the others take their time."""
    names = {role for each, role, *_ in VERDICTS if each == family}
    return [role for role in roles if role.name in names]


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    address = resolver_address()
    with ExitStack() as stack:
        zones = {ZONE: zone_text({}, []), CANARY_DOMAIN: CANARY_ZONE}
        resolver = stack.enter_context(nsd(tmp_path_factory.mktemp("nsd"), zones, resolver=address))
        families = {
            "postfix": stack.enter_context(postfix(relaying_roles())),
            "exim": stack.enter_context(exims(address)),
            "opensmtpd": stack.enter_context(
                opensmtpd.opensmtpd(asked_of("opensmtpd", opensmtpd.ROLES), ["kept.test"])
            ),
            "sendmail": stack.enter_context(sendmail.sendmail(asked_of("sendmail", sendmail.ROLES), address)),
        }
        yield Playing(families, resolver)


def sweep(playing: Playing, family: str, *options: str) -> dict[str, dict[str, Any]]:
    """Each role's record."""
    servers = playing.families[family]
    command = [sys.executable, "-m", "scanner", "sweep", *servers.addresses.values(), "--port", str(servers.port)]
    command += ["--canary", CANARY, "--helo", SENDER_HELO, "--source", CLIENT, "--backoff", "0"]
    command += ["--resolver", f"{playing.resolver[0]}:{playing.resolver[1]}", "--rate", "0", "--target-rate", "0"]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    names = {address: name for name, address in servers.addresses.items()}
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return {names[record["address"]]: record for record in records if record["kind"] == "probe"}


@pytest.fixture(scope="module")
def swept(playing: Playing) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """Every family swept to RCPT and to DATA, with all tests."""
    return {
        (family, evidence): sweep(playing, family, "--tests", "all", "--evidence", evidence)
        for family in playing.families
        for evidence in ("rcpt", "data")
    }


Swept = dict[tuple[str, str], dict[str, dict[str, Any]]]

OPEN, LIKELY, CLOSED = "open_relay_suspected", "open_relay_likely", "closed"
VERDICTS = [
    ("postfix", "open", OPEN, LIKELY),
    ("postfix", "percent", OPEN, LIKELY),
    ("postfix", "closed", CLOSED, CLOSED),
    # Takes every recipient and no message: at RCPT it looks open, and DATA shows that it is not, or not yet.
    ("postfix", "late-data", OPEN, CLOSED),
    ("postfix", "late-message", OPEN, LIKELY),
    ("exim", "open", OPEN, LIKELY),
    ("exim", "stranger", CLOSED, CLOSED),
    ("exim", "prohibited", CLOSED, CLOSED),
    ("exim", "primary", CLOSED, CLOSED),
    ("exim", "banned", "client_blocked", "client_blocked"),
    ("exim", "helo", "helo_rejected", "helo_rejected"),
    ("opensmtpd", "open", OPEN, LIKELY),
    ("opensmtpd", "primary", CLOSED, CLOSED),
    ("opensmtpd", "stranger", CLOSED, CLOSED),
    ("opensmtpd", "later", "greylisted", "greylisted"),
    ("opensmtpd", "rdns", "ptr_required", "ptr_required"),
    ("sendmail", "open", OPEN, LIKELY),
    ("sendmail", "stranger", CLOSED, CLOSED),
]


@pytest.mark.parametrize(
    ("family", "role", "rcpt", "data"), VERDICTS, ids=[f"{family}-{role}" for family, role, *_ in VERDICTS]
)
def test_each_server_gets_the_verdict_that_it_was_set_up_for(
    swept: Swept, family: str, role: str, rcpt: str, data: str
) -> None:
    found = {evidence: swept[family, evidence][role] for evidence in ("rcpt", "data")}
    assert {evidence: record["verdict"] for evidence, record in found.items()} == {"rcpt": rcpt, "data": data}
    for record in found.values():
        assert (record["standing"], record["domain"], record["source"]) == (None, None, CLIENT)
        assert len(record["tests"]) == 26


@pytest.mark.parametrize("family", ["postfix", "exim", "opensmtpd", "sendmail"])
def test_an_open_relay_is_found_by_plain_and_told_with_high_confidence(swept: Swept, family: str) -> None:
    record = swept[family, "rcpt"]["open"]
    assert (record["stage"], record["code"], record["confidence"], record["about"]) == ("rcpt", 250, "high", "server")
    assert (record["rule"], record["recipient"]) == ("relay.plain", CANARY)


def test_the_percent_hack_is_found_by_its_weak_test_with_low_confidence(swept: Swept) -> None:
    record = swept["postfix", "rcpt"]["percent"]
    assert (record["confidence"], record["rule"]) == ("low", "relay.percent-host")
    verdicts = {test["name"]: test["verdict"] for test in record["tests"]}
    assert verdicts["plain"] == "relay_denied"
    assert verdicts["percent-host"] == "accepted"


def test_a_catch_all_secondary_is_told_from_a_relay_by_its_controls(swept: Swept) -> None:
    """It takes any local part in its domain, its own host's name included, in nearly every shape."""
    verdicts = {test["name"]: test["verdict"] for test in swept["postfix", "rcpt"]["closed"]["tests"]}
    assert "accepted" not in verdicts.values()


@pytest.mark.parametrize("family", ["postfix", "exim", "opensmtpd", "sendmail"])
def test_no_server_was_given_a_message_nor_lost_its_patience(swept: Swept, playing: Playing, family: str) -> None:
    assert swept
    log = playing.families[family].log.read_text()
    for sign in ("nonmail", "too many errors", "synchronization error", "too many hops", "Message accepted", "<= "):
        assert sign not in log, sign


NMAP = ("postfix", "exim", "opensmtpd")
"""Not sendmail: nmap asks from 127.0.0.1, for which it relays."""
AGREED = {
    ("postfix", "open"): True,
    ("postfix", "percent"): True,
    ("postfix", "closed"): False,
    ("opensmtpd", "open"): True,
    ("opensmtpd", "primary"): False,
    ("opensmtpd", "stranger"): False,
    ("exim", "open"): True,
}
"""Whether both say that it relays."""
DIFFERENT = {
    ("postfix", "late-data"): "nmap stops at RCPT: this one refuses every message at DATA, so it is closed",
    ("opensmtpd", "later"): "nmap counts a deferral as a refusal: greylisted is not tested, and not closed",
    (
        "exim",
        "stranger",
    ): "nmap sends RSET 16 times and Exim drops it at the 12th, so it can tell nothing",
    ("exim", "primary"): "the same",
    ("exim", "helo"): "nmap gives no verdict, and no reason but the reply: we say helo_rejected",
}
"""Where it and we part, and why we are right."""


@pytest.fixture(scope="module")
def witnessed(playing: Playing) -> dict[tuple[str, str], Witnessed]:
    """Nmap's word on each server."""
    found = {}
    for family in NMAP:
        servers = playing.families[family]
        asked = {servers.addresses[role]: role for each, role in [*AGREED, *DIFFERENT] if each == family}
        for address, witness in smtp_open_relay(asked, servers.port, CANARY).items():
            found[family, asked[address]] = witness
    return found


@pytest.mark.parametrize(("family", "role"), AGREED, ids="-".join)
def test_nmap_says_the_same(swept: Swept, witnessed: dict[tuple[str, str], Witnessed], family: str, role: str) -> None:
    witness = witnessed[family, role]
    assert witness.accepted is not None, witness.said
    assert (witness.accepted > 0) is AGREED[family, role]
    assert (swept[family, "data"][role]["verdict"] == LIKELY) is AGREED[family, role]


@pytest.mark.parametrize(("family", "role"), DIFFERENT, ids="-".join)
def test_where_nmap_says_something_else_it_is_known_why(
    swept: Swept, witnessed: dict[tuple[str, str], Witnessed], family: str, role: str
) -> None:
    ours = swept[family, "data"][role]["verdict"]
    said = {
        ("postfix", "late-data"): (CLOSED, 16),
        ("opensmtpd", "later"): ("greylisted", 0),
        ("exim", "helo"): ("helo_rejected", None),
    }.get((family, role), (CLOSED, None))
    assert (ours, witnessed[family, role].accepted) == said, DIFFERENT[family, role]
