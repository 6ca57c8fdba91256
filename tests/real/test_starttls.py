"""STARTTLS in its three modes against Postfix: what `tls` says of the certificate, and which verdict counts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import trustme

from tests.real import running
from tests.real.nsd import nsd
from tests.real.postfix import MailServers, postfix
from tests.real.roles import ZONE, ServerRole
from tests.real.running import ALLOWED, Record, zone_of_crowds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

LAST_YEAR = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
DEMANDING = {"smtpd_tls_security_level": "encrypt"}
WILLING = {"smtpd_tls_security_level": "may"}
SERVING = {"relay_domains": ZONE}
NO_TLS_OF_TODAY = {"smtpd_tls_protocols": "!SSLv2, !SSLv3, !TLSv1.1, !TLSv1.2, !TLSv1.3"}
"""Only TLS 1.0, which OpenSSL's defaults of today refuse; for mandatory TLS it is another setting."""


class Playing(NamedTuple):
    """Postfix in the roles of this file, the zone that names them, and whom the client is to trust."""

    servers: MailServers
    dns_server: tuple[str, int]
    trusted: Path


def chain(directory: Path, name: str, certificate: trustme.LeafCert) -> str:
    """Key and certificates in one file, as `smtpd_tls_chain_files` takes them."""
    file = directory / f"{name}.pem"
    file.write_bytes(certificate.private_key_pem.bytes() + b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    return str(file)


def tls_roles(directory: Path, ca: trustme.CA) -> list[ServerRole]:
    """One server a flaw. What demands TLS is asked by default; what only offers it, by a careful sender."""

    def host(name: str) -> str:
        return f"{name}.mx.{ZONE}"

    alone = trustme.CA()
    self_signed = directory / "alone.pem"
    self_signed.write_bytes(alone.private_key_pem.bytes() + alone.cert_pem.bytes())
    expired = ca.issue_cert(host("expired"), not_before=LAST_YEAR, not_after=LAST_YEAR + dt.timedelta(days=1))
    certificates = {
        "valid": chain(directory, "valid", ca.issue_cert(host("valid"))),
        "wrong": chain(directory, "wrong", ca.issue_cert("other.example")),
        "expired": chain(directory, "expired", expired),
        "unknown": chain(directory, "unknown", trustme.CA().issue_cert(host("unknown"))),
        "alone": str(self_signed),
        "old": chain(directory, "old", ca.issue_cert(host("old"))),
        "offering": chain(directory, "offering", ca.issue_cert(host("offering"))),
        "oldoffer": chain(directory, "oldoffer", ca.issue_cert(host("oldoffer"))),
        "hidden": chain(directory, "hidden", ca.issue_cert(host("hidden"))),
        "lame": chain(directory, "lame", ca.issue_cert(host("lame"))),
        "lameoffer": chain(directory, "lameoffer", ca.issue_cert(host("lameoffer"))),
    }
    settings: dict[str, dict[str, str]] = {
        **{name: dict(DEMANDING) for name in ("valid", "wrong", "expired", "unknown", "alone")},
        "old": {**DEMANDING, "smtpd_tls_mandatory_protocols": NO_TLS_OF_TODAY["smtpd_tls_protocols"]},
        "hidden": {**DEMANDING, "smtpd_discard_ehlo_keywords": "starttls"},
        # Offered, and then `454 4.7.0 TLS not available due to local problem`: what it trusts cannot be read.
        "lame": {**DEMANDING, "smtpd_tls_CAfile": str(directory / "nowhere.pem")},
        "offering": dict(WILLING),
        "oldoffer": {**WILLING, **NO_TLS_OF_TODAY},
        "lameoffer": {**WILLING, "smtpd_tls_CAfile": str(directory / "nowhere.pem")},
    }
    for name, file in certificates.items():
        settings[name]["smtpd_tls_chain_files"] = file
    return [
        ServerRole(name, f"127.1.9.{number}", {**SERVING, **own})
        for number, (name, own) in enumerate(settings.items(), 1)
    ]


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    directory = tmp_path_factory.mktemp("starttls")
    directory.chmod(0o755)
    ca = trustme.CA()
    trusted = directory / "ca.pem"
    ca.cert_pem.write_to_path(trusted)
    roles = tls_roles(directory, ca)
    zone = zone_of_crowds({role.name: (role.address, 1) for role in roles})
    with nsd(tmp_path_factory.mktemp("nsd"), {ZONE: zone}) as dns_server, postfix(roles) as servers:
        yield Playing(servers, dns_server, trusted)


Runs = dict[str, dict[str, Record]]


@pytest.fixture(scope="module")
def runs(playing: Playing, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """One audit of all servers in each mode: mode → server → its probe record."""
    found: Runs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(playing.trusted))
        for mode in ("when-required", "when-offered", "never"):
            done = running.audit(
                [f"d0.{name}.{ZONE}" for name in playing.servers.addresses],
                tmp_path_factory.mktemp(mode),
                playing.dns_server,
                playing.servers.port,
                *ALLOWED,
                "--starttls",
                mode,
            )
            found[mode] = {record["domain"].split(".")[1]: record for record in done.of_kind("probe")}
    return found


def verdict_of(record: Record) -> tuple[Any, ...]:
    return record["verdict"], record["standing"], record["stage"], record["code"], record["confidence"]


ACCEPTED = ("accepted", "serves", "rcpt", 250, "high")
DEMANDED = ("tls_required", "undecided", "mail", 530, "high")
NOT_TO_BE_HAD = ("tls_unavailable", "undecided", "starttls", 454, "high")
FAILED = ("tls_failed", "broken", "starttls", None, "high")

FLAWS = {
    "wrong": "Hostname mismatch, certificate is not valid for 'wrong.mx.test'.",
    "expired": "certificate has expired",
    "unknown": "unable to get local issuer certificate",
    "alone": "self-signed certificate",
}


@pytest.mark.parametrize("mode", ["when-required", "when-offered"])
def test_a_valid_certificate_is_verified(runs: Runs, mode: str) -> None:
    record = runs[mode]["valid"]
    assert verdict_of(record) == ACCEPTED
    tls = record["server"]["tls"]
    assert (tls["version"], tls["verified"], tls["error"]) == ("TLSv1.3", True, None)
    assert tls["cipher"].startswith("TLS_")
    assert "STARTTLS" not in record["server"]["extensions"], "what is offered inside TLS counts"
    assert record["attempts"] == 1


@pytest.mark.parametrize("mode", ["when-required", "when-offered"])
@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_of_the_certificate_is_reported_and_changes_no_verdict(runs: Runs, mode: str, flaw: str) -> None:
    record = runs[mode][flaw]
    assert verdict_of(record) == ACCEPTED
    tls = record["server"]["tls"]
    assert (tls["version"], tls["verified"], tls["error"]) == ("TLSv1.3", False, FLAWS[flaw])


@pytest.mark.parametrize("mode", ["when-required", "when-offered"])
def test_a_server_of_which_we_have_no_protocol_in_common_fails_the_handshake(runs: Runs, mode: str) -> None:
    """Where TLS is demanded there is no way in the clear: `when-offered` tries it and meets the demand."""
    record = runs[mode]["old"]
    assert verdict_of(record) == (FAILED if mode == "when-required" else DEMANDED)
    tls = record["server"]["tls"]
    assert (tls["version"], tls["verified"]) == (None, None)
    assert tls["error"].startswith("TLS handshake failed")


def test_starttls_that_is_demanded_and_refused_cannot_be_had(runs: Runs) -> None:
    record = runs["when-required"]["lame"]
    assert verdict_of(record) == NOT_TO_BE_HAD
    assert record["transient"]
    assert record["server"]["tls"]["error"].startswith("STARTTLS refused: 454 4.7.0 TLS not available")


def test_starttls_that_is_refused_where_it_is_demanded_meets_the_demand_in_the_clear(runs: Runs) -> None:
    record = runs["when-offered"]["lame"]
    assert verdict_of(record) == DEMANDED
    assert record["server"]["tls"]["error"].startswith("STARTTLS refused: 454 4.7.0 TLS not available")


@pytest.mark.parametrize("mode", ["when-required", "when-offered"])
def test_tls_that_is_demanded_and_not_offered_is_the_demands_own_refusal(runs: Runs, mode: str) -> None:
    record = runs[mode]["hidden"]
    assert verdict_of(record) == DEMANDED
    assert record["server"]["tls"] is None


def test_what_is_offered_is_taken_by_a_careful_sender_only(runs: Runs) -> None:
    assert {mode: verdict_of(found["offering"]) for mode, found in runs.items()} == dict.fromkeys(runs, ACCEPTED)
    assert {mode: bool(found["offering"]["server"]["tls"]) for mode, found in runs.items()} == {
        "when-required": False,
        "when-offered": True,
        "never": False,
    }


@pytest.mark.parametrize(
    ("server", "error"), [("oldoffer", "TLS handshake failed"), ("lameoffer", "STARTTLS refused: 454 4.7.0")]
)
def test_an_offer_that_cannot_be_taken_up_costs_a_second_session_in_the_clear(
    runs: Runs, server: str, error: str
) -> None:
    record = runs["when-offered"][server]
    assert verdict_of(record) == ACCEPTED
    assert record["server"]["tls"]["error"].startswith(error)
    assert (record["server"]["tls"]["version"], record["attempts"]) == (None, 2)


@pytest.mark.parametrize("server", ["valid", "wrong", "old", "lame", "hidden"])
def test_never_is_never(runs: Runs, server: str) -> None:
    record = runs["never"][server]
    assert verdict_of(record) == DEMANDED
    assert record["server"]["tls"] is None
