from __future__ import annotations

import os
import re
import resource
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from scanner.cli import means
from scanner.pool.families import Families
from scanner.pool.limits import Deadlines, Identity, Limits
from scanner.run.audit import Questions
from scanner.settings import Settings
from scanner.smtp.outcome import StartTls
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTS = """\
127.0.0.1   localhost
# 127.0.1.1 commented.example laptop
127.0.1.1   laptop.office.example laptop  # by the installer
::1         ip6-localhost
"""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str | None], str | None]:
    """This host's name, as it would be with a kernel's name and an /etc/hosts (None: unreadable)."""

    def named(nodename: str, hosts: str | None) -> str | None:
        here = os.uname()
        renamed = os.uname_result((here.sysname, nodename, here.release, here.version, here.machine))
        monkeypatch.setattr(os, "uname", lambda: renamed)
        file = tmp_path / "hosts"
        if hosts is not None:
            file.write_text(hosts)
        monkeypatch.setattr(means, "HOSTS_FILE", file)
        return means.this_host()

    return named


@pytest.mark.parametrize(
    ("nodename", "hosts", "name"),
    [
        ("mail.example", None, "mail.example"),
        ("laptop", HOSTS, "laptop.office.example"),
        ("laptop", HOSTS.replace("laptop.office.example laptop", "laptop laptop.office.example"), None),
        ("laptop", "127.0.0.1 localhost laptop\n", None),
        ("commented", HOSTS, None),
        ("laptop", None, None),
        ("laptop", "\n#\n127.0.0.1\n", None),
    ],
)
def test_the_full_name_is_the_kernels_or_the_first_beside_it_in_hosts(
    nodename: str, hosts: str | None, name: str | None, host: Callable[[str, str | None], str | None]
) -> None:
    assert host(nodename, hosts) == name


def test_who_we_are_is_checked_and_put_in_form() -> None:
    settings = Settings(helo="Mail.Example.", source="127.0.0.1", starttls="never")
    assert means.identity(settings) == Identity("mail.example", "127.0.0.1", StartTls.NEVER)
    assert means.identity(Settings(helo="[192.0.2.1]")).helo == "[192.0.2.1]"


def test_without_a_dotted_name_helo_has_to_be_said(host: Callable[[str, str | None], str | None]) -> None:
    host("laptop", None)
    with pytest.raises(UsageError, match="'laptop' has no domain: say --helo NAME"):
        means.identity(Settings())


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (Settings(helo="localhost"), "--helo: 'localhost'"),
        (Settings(helo="a b.example"), "--helo: "),
        (Settings(helo=""), "--helo: "),
        (Settings(helo="a.example", source="eth0"), "--source: 'eth0' is no IP address"),
        (Settings(helo="a.example", source="192.0.2.1"), "--source: 192.0.2.1 is no address of this host"),
    ],
)
def test_who_we_cannot_be_is_named_by_its_option(settings: Settings, fault: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(fault)}"):
        means.identity(settings)


def questions(settings: Settings, helo: str) -> Questions:
    return means.questions(settings, means.sender(settings, helo))


def test_without_options_postmaster_writes_to_postmaster() -> None:
    """RFC 5321 4.5.1: every domain takes mail for it."""
    assert questions(Settings(), "me.example") == Questions("postmaster@me.example", "postmaster@{domain}", 25)


def test_sender_and_recipient_are_taken_as_given() -> None:
    settings = Settings(sender="Me@Partner.EXAMPLE", recipient="info+{domain}@{domain}", port=2525)
    assert questions(settings, "x.example") == Questions("Me@partner.example", "info+{domain}@{domain}", 2525)


@pytest.mark.parametrize("null", ["", "<>"])
def test_the_null_sender_can_be_asked_for(null: str) -> None:
    assert questions(Settings(sender=null), "x.example").sender == ""


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (Settings(sender="nobody"), "--sender: "),
        (Settings(sender="a@b.example\r\nDATA"), "--sender: "),
        (Settings(recipient="{domain}"), "--recipient: "),
        (Settings(recipient="a@b.example>\r\nDATA"), "--recipient: "),
        (Settings(recipient="postmaster"), "--recipient: "),
        (Settings(port=0), "--port: 0 is no TCP port"),
        (Settings(port=65536), "--port: 65536 is no TCP port"),
    ],
)
def test_what_cannot_be_asked_is_named_by_its_option(settings: Settings, fault: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(fault)}"):
        questions(settings, "x.example")


def test_resolvers_are_addresses_with_or_without_a_port() -> None:
    settings = Settings(resolver=("192.0.2.53", "192.0.2.54:5353", "[2001:db8::53]:54"))
    assert means.resolvers(settings) == [("192.0.2.53", 53), ("192.0.2.54", 5353), ("2001:db8::53", 54)]
    with pytest.raises(UsageError, match=r"^--resolver: "):
        means.resolvers(Settings(resolver=("dns.example",)))


def test_hosts_in_place_of_mx_are_names_and_addresses_in_their_order_each_once() -> None:
    settings = Settings(via=("MX1.Example., 192.0.2.1,[192.0.2.2]", "2001:DB8::1,[2001:db8::2],[IPv6:2001:db8::3]"))
    hosts = ("mx1.example", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8::3")
    assert means.via(settings) == hosts
    assert means.via(Settings(via=("a.example,b.example", "mx.bücher.example,B.example,a.example,"))) == (
        "a.example",
        "b.example",
        "mx.xn--bcher-kva.example",
    )
    assert means.via(Settings()) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "names no host"),
        (" , ", "names no host"),
        ("a.example,b c", "'b c' is no domain"),
        ("127.1", "'127.1' is no domain: it ends in a number"),
        ("300.1.1.1", "'300.1.1.1' is no domain"),
        ("a.example:25", "'a.example:25': a port is said with --port"),
        ("[2001:db8::1]:25", "'[2001:db8::1]:25': a port is said with --port"),
        ("fe80::1%eth0", "'fe80::1%eth0': an address with a scope id cannot be asked"),
        ("info@a.example", "'info@a.example' is a mailbox, not a host"),
        ("10.0.0.0/8", "'10.0.0.0/8' is no domain"),
        (",".join(f"mx{number}.example" for number in range(17)), "17 hosts; at most 16"),
    ],
)
def test_what_is_no_host_to_ask_is_named(text: str, fault: str) -> None:
    with pytest.raises(UsageError, match=f"^--via: {re.escape(fault)}"):
        means.via(Settings(via=("good.example", text) if "," not in text else (text,)))


def test_time_outs_go_where_they_belong() -> None:
    settings = Settings(connect_timeout=1, reply_timeout=2, probe_timeout=3)
    assert means.deadlines(settings) == Deadlines(connect_s=1, reply_s=2, probe_s=3)


@pytest.fixture
def descriptors(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], list[tuple[int, int]]]:
    """A process with a soft and a hard limit on its descriptors; gives what is set afterwards."""

    def limited(soft: int, hard: int) -> list[tuple[int, int]]:
        changes: list[tuple[int, int]] = []
        monkeypatch.setattr(resource, "getrlimit", lambda _which: (soft, hard))
        monkeypatch.setattr(resource, "setrlimit", lambda _which, limit: changes.append(limit))
        return changes

    return limited


UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "concurrency", "changes"),
    [
        (1024, 4096, 500, []),
        (256, 4096, 500, [(564, 4096)]),
        (256, UNLIMITED, 500, [(564, UNLIMITED)]),
        (UNLIMITED, UNLIMITED, 500, []),
        (256, 300, 236, [(300, 300)]),
        (20, 20, 1, [(20, 20)]),
    ],
)
def test_connections_keep_within_what_the_process_may_open(
    soft: int,
    hard: int,
    concurrency: int,
    changes: list[tuple[int, int]],
    descriptors: Callable[[int, int], list[tuple[int, int]]],
) -> None:
    """The soft limit is raised first; where the hard one does not suffice that is said, not met in mid-run."""
    made, said = descriptors(soft, hard), list[str]()
    limits = means.limits(Settings(rate=7, target_rate=3, per_target=4), said.append)
    assert limits == Limits(concurrency, 4, 7, 3)
    assert made == changes
    assert said == (
        []
        if concurrency == 500
        else [f"--concurrency lowered to {concurrency}: this process may open {hard} descriptors"]
    )


def test_the_fence_allows_what_is_named_and_excludes_before_it_allows() -> None:
    fence = means.fence(Settings(allow_net=("127.0.0.0/8",), exclude=("127.0.0.2",)))
    verdicts = [fence.check(address, typed=False) for address in ("127.0.0.1", "127.0.0.2", "10.0.0.1", "192.88.1.1")]
    assert [each and each.verdict.value for each in verdicts] == [None, "excluded", "address_forbidden", None]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [(Settings(allow_net=("lo",)), "--allow-net: "), (Settings(exclude=("10.0.0.1/8",)), "--exclude: ")],
)
def test_a_fence_that_cannot_be_drawn_is_named_by_its_option(settings: Settings, fault: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(fault)}"):
        means.fence(settings)


def test_our_own_addresses_are_behind_the_fence() -> None:
    assert ip_address("127.0.0.1") in means.fence(Settings()).own


def test_one_family_only_leaves_the_other_out() -> None:
    only_4, only_6 = means.families(Settings(ipv4=True)), means.families(Settings(ipv6=True))
    assert only_4.missing_for("2001:db8::1") == "-4 asks IPv4 only"
    assert only_6.missing_for("192.0.2.1") == "-6 asks IPv6 only"
    with pytest.raises(UsageError, match="-4 and -6 exclude each other"):
        means.families(Settings(ipv4=True, ipv6=True))


def test_a_family_without_a_route_is_asked_within_allow_net(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.pool.families.has_route", lambda _version: False)
    families = means.families(Settings(allow_net=("::1/128",)))
    assert isinstance(families, Families)
    assert families.missing_for("::1") is None
    assert families.missing_for("2001:db8::1") == "no route for IPv6 on this machine"


def test_a_typed_host_on_our_own_networks_needs_no_route_to_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.pool.families.has_route", lambda _version: False)
    typed = means.families(Settings(), typed=True)
    assert [typed.missing_for(address) for address in ("127.0.0.1", "10.0.0.1", "::1", "fd00::1")] == [None] * 4
    assert typed.missing_for("198.41.0.4") == "no route for IPv4 on this machine"
    assert means.families(Settings(ipv4=True), typed=True).missing_for("::1") == "-4 asks IPv4 only"


def test_domains_are_excluded_with_what_lies_below_them() -> None:
    excluded = means.excluded_names(Settings(exclude_domain=("Partner.example.",)))
    assert [excluded.matches(name) for name in ("partner.example", "a.partner.example", "apartner.example")] == [
        True,
        True,
        False,
    ]
