"""Every host of the lab, as a client meets it, against the verdict that its scene promises."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from scanner.lab.hosts import CONDUCTS
from scanner.lab.impostor import Impostor
from scanner.lab.mailserver import Manners
from scanner.lab.scenes import SCENES
from scanner.lab.servers import Wall
from scanner.terms import ProbeVerdict

if TYPE_CHECKING:
    from conftest import Dial

    from scanner.lab.lab import Lab

ENDS_WITH = {
    ("all-well.example", "mx1.all-well.example"): r"250 2\.1\.5 Ok",
    ("small-office.example", "small-office.example"): r"250 2\.1\.5 Ok",
    ("cname-mx.example", "node7.hoster.example"): r"250 2\.1\.5 Ok",
    ("slow-banner.example", "mx.slow-banner.example"): r"250 2\.1\.5 Ok",
    ("open-relay.example", "mx.open-relay.example"): r"250 2\.1\.5 Ok",
    ("farm.example", "node2.farm.example"): r"250 2\.1\.5 Ok",
    ("old-server.example", "mx.old-server.example"): r"503 .*HELO",
    ("forgotten-backup.example", "mx.forgotten-backup.example"): r"250 2\.1\.5 Ok",
    ("forgotten-backup.example", "backup.isp.example"): r"554 5\.7\.1 <.*>: Relay access denied",
    ("day-of-need.example", "backup.isp.example"): r"554 5\.7\.1 <.*>: Relay access denied",
    ("forgotten-qmail.example", "mail.old-isp.example"): r"553 sorry, .* rcpthosts \(#5\.7\.1\)",
    ("moved-away.example", "mx.old-hoster.example"): r"550 5\.7\.1 .*Relaying denied",
    ("tenant-gone.example", "tenant-gone.cloud.example"): r"550 5\.7\.64 .*Relay Access Denied",
    ("submission-as-mx.example", "smtp.submission-as-mx.example"): r"530 5\.7\.0 Authentication required",
    ("greylisting.example", "mx.greylisting.example"): r"450 4\.2\.0 .*Greylisted",
    ("deferring-backup.example", "mx2.deferring-backup.example"): r"451 4\.3\.0 ",
    ("blocklisted.example", "mx.blocklisted.example"): r"554 5\.7\.1 .*blocked using zen\.",
    ("no-reverse-name.example", "mx.no-reverse-name.example"): r"450 4\.7\.25 .*hostname",
    ("spf-strict.example", "mx.spf-strict.example"): r"503 .*MAIL",
    ("tls-wanted.example", "mx.tls-wanted.example"): r"503 .*MAIL",
    ("tls-impossible.example", "mx.tls-impossible.example"): r"503 .*MAIL",
    ("no-postmaster.example", "mx.no-postmaster.example"): r"550 5\.1\.1 .*User unknown",
    ("full-postmaster.example", "mx.full-postmaster.example"): r"452 4\.2\.2 .*over quota",
}
"""What RCPT of the postmaster is answered, after EHLO and MAIL, by host: the transcript behind the scene."""

GREETS_WITH = {
    "web.takes-no-mail.example": "521 ",
    "mx.blocked-at-once.example": "554-",
    "mx.busy.example": "421 4.7.0 ",
    "www.web-on-25.example": "HTTP/1.0 408 ",
    "mx.hangs-up.example": "",
}


@pytest.mark.parametrize(("domain", "host"), ENDS_WITH, ids=lambda name: name)
async def test_a_host_with_manners_answers_the_postmaster_as_its_scene_says(
    lab: Lab, dial: Dial, domain: str, host: str
) -> None:
    async with dial(lab.zone.addresses(host)[0], lab.port) as telnet:
        assert (await telnet.reply())[-1].startswith(f"220 {host} ")
        last = await telnet.say(
            "EHLO probe.test", "MAIL FROM:<postmaster@probe.test>", f"RCPT TO:<postmaster@{domain}>"
        )
        assert re.match(ENDS_WITH[domain, host], last), last


@pytest.mark.parametrize("host", GREETS_WITH)
async def test_a_host_without_manners_says_its_sentence(lab: Lab, dial: Dial, host: str) -> None:
    async with dial(lab.zone.addresses(host)[0], lab.port) as telnet:
        assert (await telnet.line()).startswith(GREETS_WITH[host])
        assert bool(GREETS_WITH[host]) == bool(CONDUCTS[host].says)


async def test_the_silent_host_takes_the_connection_and_says_nothing(lab: Lab, dial: Dial) -> None:
    with pytest.raises(TimeoutError):
        async with dial(lab.zone.addresses("mx.silent.example")[0], lab.port) as telnet, asyncio.timeout(0.2):
            await telnet.line()


def test_every_host_is_met_above_or_stands_behind_a_wall() -> None:
    """Second machines that simply take mail are left to the scenes' own test."""
    met = {host for _, host in ENDS_WITH} | set(GREETS_WITH) | {"mx.silent.example", "mx.tls-broken.example"}
    unmet = {name: conduct for name, conduct in CONDUCTS.items() if name not in met and not isinstance(conduct, Wall)}
    assert all(conduct == Manners(serves=conduct.serves) and conduct.serves for conduct in unmet.values())
    assert not any(isinstance(conduct, Impostor) for conduct in unmet.values())


def test_a_host_serves_the_domains_that_it_accepts_and_not_those_it_denies_relay() -> None:
    """The lists of the hosts against the probes of the scenes."""
    served = {domain for conduct in CONDUCTS.values() if isinstance(conduct, Manners) for domain in conduct.serves}
    for scene in SCENES:
        if ProbeVerdict.ACCEPTED in scene.finds:
            assert scene.domain in served
        if ProbeVerdict.RELAY_DENIED in scene.finds and ProbeVerdict.ACCEPTED not in scene.finds:
            assert scene.domain not in served
