"""`mxsweep audit`, run as a process against real servers: every record, and what the servers saw of us."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.real import running
from tests.real.postfix import MailServers, sessions_logged
from tests.real.roles import SENDER, SENDER_HELO, ZONE
from tests.real.running import ALLOWED, Record
from tests.real.scenes import SCENES, Expected, Scene
from tests.real.witness import hold

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

HELD = 1
"""The session that keeps the busy server busy."""


class Audit(NamedTuple):
    """One finished run: its exit code, its records in order, what Postfix logged meanwhile."""

    status: int
    records: list[Record]
    log: str

    def groups(self) -> dict[int, list[Record]]:
        """The records of each item by its number."""
        groups: dict[int, list[Record]] = defaultdict(list)
        for record in self.records:
            if record["kind"] in {"probe", "domain"}:
                groups[record["seq"]].append(record)
        return groups


def audit(lines: list[str], directory: Path, dns_server: tuple[str, int], servers: MailServers, *options: str) -> Audit:
    """Run the command over the input lines and read what it wrote; who turns us away is not waited for."""
    sessions_logged(servers.log, 0, HELD)
    offset = len(servers.log.read_text())
    done = running.audit(lines, directory, dns_server, servers.port, "--backoff", "0", *options)
    return Audit(done.status, done.records, sessions_logged(servers.log, offset, HELD))


@pytest.fixture(scope="module")
def audited(dns_server: tuple[str, int], mail_servers: MailServers, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """All scenes in one run."""
    directory = tmp_path_factory.mktemp("audit")
    return audit([scene.line for scene in SCENES], directory, dns_server, mail_servers, *ALLOWED)


each_scene = pytest.mark.parametrize(
    ("seq", "scene"), list(enumerate(SCENES)), ids=[scene.line.replace("@", "-at-") for scene in SCENES]
)


def exchange_name(expected: Expected, scene: Scene) -> str:
    return f"{expected.exchange}.mx.{ZONE}" if expected.exchange else scene.domain


@each_scene
def test_every_domain_gets_its_verdict_last_in_its_group(audited: Audit, seq: int, scene: Scene) -> None:
    *probes, domain = audited.groups()[seq]
    assert [record["kind"] for record in probes] == ["probe"] * len(scene.probes)
    assert (domain["kind"], domain["domain"], domain["verdict"]) == ("domain", scene.domain, scene.verdict)


@each_scene
def test_every_probe_says_who_was_asked_and_what_it_means(
    audited: Audit, mail_servers: MailServers, seq: int, scene: Scene
) -> None:
    *probes, _ = audited.groups()[seq]
    found = {
        (
            probe["exchange"],
            probe["address"],
            probe["role"],
            probe["verdict"],
            probe["standing"],
            probe["stage"],
            probe["code"],
        )
        for probe in probes
    }
    assert found == {
        (
            exchange_name(expected, scene),
            mail_servers.addresses[expected.server] if expected.server else expected.address,
            expected.role,
            expected.verdict,
            expected.standing,
            expected.stage,
            expected.code,
        )
        for expected in scene.probes
    }


@each_scene
def test_no_verdict_about_these_servers_is_a_guess(audited: Audit, seq: int, scene: Scene) -> None:
    """Postfix puts an enhanced code into each reply below its door, and says what it means in words that are known."""
    *probes, _ = audited.groups()[seq]
    assert {probe["confidence"] for probe in probes} <= {"high"}, scene.line
    for probe in probes:
        assert probe["enhanced"] == (probe["text"].partition(" ")[0] if probe["code"] else None)


def test_the_software_is_named_where_the_server_says_it(audited: Audit) -> None:
    """A postscreen that turns us away says it too: in its greeting's first part."""
    probes = [record for record in audited.records if record["kind"] == "probe"]
    named = [probe["server"]["software"] for probe in probes if "ESMTP Postfix" in (probe["server"]["banner"] or "")]
    assert named
    assert set(named) == {"Postfix"}
    assert {probe["server"]["software"] for probe in probes if probe["server"]["banner"] is None} == {None}


@each_scene
def test_the_domain_counts_its_probes_and_lists_what_is_not_accepted(audited: Audit, seq: int, scene: Scene) -> None:
    *probes, domain = audited.groups()[seq]
    assert domain["probes"] == len(scene.probes)
    for standing in ("serves", "broken", "undecided"):
        counted = domain["serving" if standing == "serves" else standing]
        assert counted == sum(expected.standing == standing for expected in scene.probes)
    assert {(finding["exchange"], finding["address"], finding["verdict"]) for finding in domain["findings"]} == {
        (probe["exchange"], probe["address"], probe["verdict"]) for probe in probes if probe["verdict"] != "accepted"
    }


@each_scene
async def test_an_independent_client_hears_the_same_from_the_same_server(
    audited: Audit, mail_servers: MailServers, seq: int, scene: Scene
) -> None:
    """The reply that decided, word for word, as aiosmtplib reads it when it says what we say."""
    *probes, _ = audited.groups()[seq]
    roles = {address: role for role, address in mail_servers.addresses.items()}
    for probe in probes:
        role = roles.get(probe["address"])
        if role is None:  # nothing listens there, or there is no address: nobody to hear
            assert (probe["code"], probe["text"]) == (None, None)
            continue
        heard = await hold(
            probe["address"], mail_servers.port, SENDER_HELO, SENDER, scene.recipient, starttls=role == "tls"
        )
        assert (probe["stage"], probe["code"], probe["text"]) == heard[-1]


@each_scene
def test_the_server_is_described_as_it_presents_itself(audited: Audit, seq: int, scene: Scene) -> None:
    *probes, _ = audited.groups()[seq]
    servers = {exchange_name(expected, scene): expected.server for expected in scene.probes}
    for probe in probes:
        if probe["stage"] == "rcpt" and len(servers) == len(probes):
            assert f"{servers[probe['exchange']]}.mx.{ZONE} ESMTP Postfix" in probe["server"]["banner"]
            assert probe["server"]["helo"] == SENDER_HELO
            assert (probe["sender"], probe["recipient"]) == (SENDER, scene.recipient)


def test_the_output_is_whole(audited: Audit) -> None:
    """One `start`, each item once and its group in one piece, one `run` that counts them; findings make exit code 1."""
    first, *middle, last = audited.records
    assert (first["kind"], last["kind"]) == ("start", "run")
    order = [record["seq"] for record in middle]
    assert [seq for seq, before in zip(order, [None, *order], strict=False) if seq != before] == list(
        dict.fromkeys(order)
    )
    assert sorted(set(order)) == list(range(len(SCENES)))
    assert sum(record["kind"] == "domain" for record in middle) == len(SCENES)
    assert (last["items"], last["bad_lines"], last["interrupted"]) == (len(SCENES), 0, False)
    assert audited.status == 1


def test_the_tls_that_was_asked_for_is_reported_and_not_enforced(audited: Audit) -> None:
    probe = next(record for record in audited.records if record.get("domain") == "secret.test")
    assert probe["server"]["tls"]["version"].startswith("TLSv1.")
    assert probe["server"]["tls"]["verified"] is False


@pytest.mark.parametrize(
    ("line", "kind", "note"),
    [
        ("alias.test", "domain", "mx is a cname"),
        ("users.test", "domain", "no postmaster"),
        ("twins.test", "probe", "same address"),
    ],
)
def test_what_is_odd_but_harmless_is_noted(audited: Audit, line: str, kind: str, note: str) -> None:
    group = audited.groups()[[scene.line for scene in SCENES].index(line)]
    assert any(note in said for record in group if record["kind"] == kind for said in record["notes"])


def test_servers_see_polite_sessions_and_no_message(audited: Audit) -> None:
    """Postfix's own account of us: sessions that end with QUIT, nothing sent, nothing said out of turn."""
    assert audited.log.count("]: connect from") > 0
    assert "data=" not in audited.log
    assert "PREGREET" not in audited.log
    assert "improper command pipelining" not in audited.log
    for line in audited.log.splitlines():
        # A certificate that nobody signed ends its session with the handshake; the next one does not look.
        if "]: disconnect from" in line and "rcpt=" in line and "starttls=0/1" not in line:
            assert " quit=1" in line, line


def test_without_leave_nothing_on_loopback_is_dialled(
    dns_server: tuple[str, int], mail_servers: MailServers, tmp_path: Path
) -> None:
    """DNS names 127.1.0.x for every exchange; the servers see no connection."""
    done = audit(["ok.test", "forgotten.test", "implicit.test"], tmp_path, dns_server, mail_servers)
    probes = [record for record in done.records if record["kind"] == "probe"]
    assert len(probes) == 5
    assert {(probe["verdict"], probe["stage"], probe["session"]) for probe in probes} == {
        ("address_forbidden", "connect", "none")
    }
    assert "connect from" not in done.log
    assert "CONNECT from" not in done.log
