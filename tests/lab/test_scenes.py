"""Scenes, zone, hosts, list and page say the same: whoever changes one of them hears of the others here."""

from __future__ import annotations

import re
from pathlib import Path

import dns.rcode
import dns.rdatatype
import pytest
from dns.name import from_text

from scanner.lab.hosts import CONDUCTS
from scanner.lab.lab import PARTNERS, ZONE
from scanner.lab.scenes import SCENES, Scene
from scanner.lab.zone import Zone
from scanner.terms import DomainVerdict, ProbeVerdict

ROOT = Path(__file__).parents[2]
BY_DNS_ALONE = {DomainVerdict.NO_DOMAIN, DomainVerdict.NO_MAIL, DomainVerdict.DNS_FAILED}
FORBIDDEN = "192.0.2.25"


@pytest.fixture(scope="module")
def zone() -> Zone:
    return Zone(ZONE.read_text("ascii"))


def names_in(listing: Path) -> list[str]:
    return [line for line in listing.read_text("ascii").splitlines() if line and not line.startswith("#")]


def hosts_asked(zone: Zone, domain: str) -> list[str]:
    """The names that a sender would turn to, in order of preference; the domain itself where it has no MX."""
    _, found = zone.look_up(from_text(domain), dns.rdatatype.MX)
    records = sorted((record.preference, record.exchange.to_text()) for rrset in found for record in rrset)
    return [exchange for _, exchange in records] or [domain]


def test_the_list_names_the_scenes_and_the_package_has_the_same_list() -> None:
    assert names_in(PARTNERS) == [scene.domain for scene in SCENES]
    assert (ROOT / "inputs/partners.txt").read_bytes() == PARTNERS.read_bytes()


def test_the_list_tells_what_each_domain_plays() -> None:
    lines = PARTNERS.read_text("ascii").splitlines()
    for scene in SCENES:
        assert lines[lines.index(scene.domain) - 1] == f"# {scene.plays}"


def test_every_name_is_reserved_and_no_scene_is_there_twice() -> None:
    domains = [scene.domain for scene in SCENES]
    assert len(set(domains)) == len(domains)
    assert all(domain.endswith((".example", ".test")) for domain in domains)


def test_every_verdict_that_an_audit_can_reach_is_played() -> None:
    assert {scene.verdict for scene in SCENES} == set(DomainVerdict)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.domain)
def test_a_scene_finds_one_verdict_for_each_address_that_its_dns_leads_to(zone: Zone, scene: Scene) -> None:
    rcode, _ = zone.look_up(from_text(scene.domain), dns.rdatatype.MX)
    assert rcode == {
        DomainVerdict.NO_DOMAIN: dns.rcode.NXDOMAIN,
        DomainVerdict.DNS_FAILED: dns.rcode.SERVFAIL,
    }.get(scene.verdict, dns.rcode.NOERROR)
    if scene.verdict in BY_DNS_ALONE:
        assert scene.finds == ()
        return
    probes: dict[str, bool] = {}
    for host in hosts_asked(zone, scene.domain):
        addresses = [record.address for record in look_up_addresses(zone, host)]
        probes.update(dict.fromkeys(addresses or [f"none for {host}"], bool(addresses)))
    assert [verdict != ProbeVerdict.NO_ADDRESS for verdict in scene.finds] == list(probes.values())


def look_up_addresses(zone: Zone, host: str) -> list:
    wanted = (dns.rdatatype.A, dns.rdatatype.AAAA)
    found = [rrset for rdtype in wanted for rrset in zone.look_up(from_text(host), rdtype)[1]]
    return [record for rrset in found if rrset.rdtype in wanted for record in rrset]


def test_every_address_of_the_zone_belongs_to_exactly_one_host(zone: Zone) -> None:
    """But for our own name's, and the one that must never be dialled."""
    held = [address for name in CONDUCTS for address in zone.addresses(name)]
    in_dns = {record.address for rrset in zone.records.values() for record in rrset if hasattr(record, "address")}
    assert len(held) == len(set(held))
    assert in_dns - set(held) == {"127.0.0.1", FORBIDDEN}
    assert all(zone.addresses(name) for name in CONDUCTS), "a host without address would play nothing"


def test_no_host_is_left_over(zone: Zone) -> None:
    """Each is asked in some scene, or is a node behind a name that is."""
    asked = {
        record.address
        for scene in SCENES
        for host in hosts_asked(zone, scene.domain)
        for record in look_up_addresses(zone, host)
    }
    assert [name for name in CONDUCTS if not asked.intersection(zone.addresses(name))] == ["no-mail.example"]


def test_the_page_lists_the_scenes_in_order_with_what_they_find() -> None:
    page = (ROOT / "docs/lab.md").read_text("utf-8")
    rows = re.findall(r"^\| `[a-z0-9-]+\.example` .*$", page, flags=re.MULTILINE)
    assert rows == [row_of(scene) for scene in SCENES]


def row_of(scene: Scene) -> str:
    finds = ", ".join(f"`{verdict}`" for verdict in scene.finds) or "none asked"
    return f"| `{scene.domain}` | {scene.plays} | `{scene.verdict}` | {finds} |"


def test_the_addresses_on_the_page_are_those_of_the_zone(zone: Zone) -> None:
    page = (ROOT / "docs/lab.md").read_text("utf-8")
    named = set(re.findall(r"\b127\.25\.\d+\.\d+\b", page))
    assert named
    assert named <= {address for name in CONDUCTS for address in zone.addresses(name)}


def test_the_wheel_ships_every_file_that_the_lab_reads() -> None:
    """The package data of pyproject.toml are lab/*.txt."""
    strangers = [
        path.name for path in PARTNERS.parent.iterdir() if path.suffix not in {".py", ".txt"} and path.is_file()
    ]
    assert strangers == []
