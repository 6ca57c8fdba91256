"""Many domains of one Postfix: few sessions, all polite, counted in the server's log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.real.greylist import greylist
from tests.real.nsd import nsd
from tests.real.postfix import MailServers, postfix, sessions_logged
from tests.real.roles import ServerRole
from tests.real.running import ALLOWED, Audit, audit, crowd, zone_of_crowds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

SIZE = 300
GREY_SIZE = 5
ADDRESSES = {"kept": "127.1.0.31", "strange": "127.1.0.32", "grey": "127.1.0.33"}
GREY_DELAY_S = 1.0
UNBEARABLE = re.compile(r"too many|improper command|lost connection|timeout after|non-SMTP command")


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    """One that takes all below its name, one that was told of nothing, one that defers whom it has not seen before."""
    with greylist(GREY_DELAY_S) as (host, port):
        greylisting = {"smtpd_recipient_restrictions": f"check_policy_service inet:{host}:{port}"}
        settings = {"kept": {"relay_domains": "test"}, "strange": {}, "grey": {"relay_domains": "test"} | greylisting}
        with postfix([ServerRole(name, ADDRESSES[name], settings[name]) for name in ADDRESSES]) as running:
            sessions_logged(running.log, 0, held=0)
            yield running


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    zone = zone_of_crowds({name: (ADDRESSES[name], GREY_SIZE if name == "grey" else SIZE) for name in ADDRESSES})
    with nsd(tmp_path_factory.mktemp("nsd"), {"test": zone}) as running:
        yield running


class Asking:
    """A crowd asked, and what its server logged meanwhile."""

    def __init__(self, servers: MailServers, resolver: tuple[str, int], directory: Path) -> None:
        self.servers = servers
        self.resolver = resolver
        self.directory = directory
        self.log = ""

    def about(self, host: str, size: int, *options: str) -> Audit:
        offset = len(sessions_logged(self.servers.log, 0, held=0))
        ran = audit(crowd(host, size), self.directory, self.resolver, self.servers.port, *ALLOWED, *options)
        lines = sessions_logged(self.servers.log, offset, held=0).splitlines()
        self.log = "\n".join(line for line in lines if f"postfix/{host}/smtpd" in line)
        return ran

    @property
    def sessions(self) -> int:
        return self.log.count("]: connect from")


@pytest.fixture
def asking(servers: MailServers, resolver: tuple[str, int], tmp_path: Path) -> Asking:
    return Asking(servers, resolver, tmp_path)


@pytest.mark.parametrize(("options", "sessions"), [((), 31), (("--transactions-per-session", "100"), 4)])
def test_300_domains_that_one_postfix_accepts_take_few_sessions(
    asking: Asking, options: tuple[str, ...], sessions: int
) -> None:
    ran = asking.about("kept", SIZE, *options)
    assert [probe["verdict"] for probe in ran.of_kind("probe")] == ["accepted"] * SIZE
    assert (ran.status, {domain["verdict"] for domain in ran.of_kind("domain")}) == (0, {"ok"})
    assert 0 < asking.sessions <= sessions
    assert asking.log.count(" quit=1") == asking.sessions
    assert UNBEARABLE.search(asking.log) is None


def test_300_domains_that_one_postfix_refuses_take_few_sessions_within_its_patience(asking: Asking) -> None:
    """It answers a second later from the 10th error on (`smtpd_soft_error_limit`), and hangs up at the 20th."""
    ran = asking.about("strange", SIZE)
    facts = {(each["verdict"], each["standing"], each["stage"], each["code"]) for each in ran.of_kind("probe")}
    assert facts == {("relay_denied", "broken", "rcpt", 554)}
    assert (ran.status, {domain["verdict"] for domain in ran.of_kind("domain")}) == (1, {"primary_rejects_relay"})
    assert asking.log.count("Relay access denied") == len(ran.of_kind("probe")) == SIZE
    assert 0 < asking.sessions <= 38
    assert asking.log.count(" quit=1") == asking.sessions
    assert UNBEARABLE.search(asking.log) is None


def test_who_is_greylisted_is_accepted_when_asked_again(asking: Asking) -> None:
    ran = asking.about("grey", GREY_SIZE, "--retry-transient", "2")
    facts = [(each["verdict"], each["attempts"], each["code"]) for each in ran.of_kind("probe")]
    assert facts == [("accepted", 2, 250)] * GREY_SIZE
    assert (ran.status, {domain["verdict"] for domain in ran.of_kind("domain")}) == (0, {"ok"})
    assert asking.log.count("Greylisted, see") == GREY_SIZE


def test_who_is_greylisted_and_not_asked_again_stays_undecided(asking: Asking) -> None:
    """The server defers in earnest: without the option its word is the verdict."""
    ran = asking.about("grey", GREY_SIZE, "--recipient", "hostmaster@{domain}")
    facts = [(each["verdict"], each["standing"], each["attempts"]) for each in ran.of_kind("probe")]
    assert facts == [("greylisted", "undecided", 1)] * GREY_SIZE
