"""The scenes are what they say: an independent resolver and an independent client find what each is set up to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.resolver
import pytest

from tests.real.roles import DOWN, SENDER, SENDER_HELO, ZONE
from tests.real.scenes import SCENES, Scene
from tests.real.witness import hold

if TYPE_CHECKING:
    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

each_scene = pytest.mark.parametrize("scene", SCENES, ids=[scene.line.replace("@", "-at-") for scene in SCENES])


@pytest.fixture(scope="session")
def resolver(dns_server: tuple[str, int]) -> dns.resolver.Resolver:
    """dnspython, asking NSD."""
    asking = dns.resolver.Resolver(configure=False)
    asking.nameservers, asking.port = [dns_server[0]], dns_server[1]
    asking.lifetime = 5.0
    return asking


def addresses(resolver: dns.resolver.Resolver, name: str) -> set[str]:
    """The name's IPv4 addresses; none where it has none or does not exist."""
    try:
        return {record.address for record in resolver.resolve(name, "A", search=False)}
    except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
        return set()


@each_scene
def test_dns_leads_to_the_servers_of_the_scene(
    resolver: dns.resolver.Resolver, mail_servers: MailServers, scene: Scene
) -> None:
    wanted = {
        (f"{expected.exchange}.mx.{ZONE}" if expected.exchange else scene.domain, address)
        for expected in scene.probes
        if (address := mail_servers.addresses[expected.server] if expected.server else expected.address)
    }
    try:
        answer = [(mx.preference, str(mx.exchange)) for mx in resolver.resolve(scene.domain, "MX", search=False)]
    except dns.resolver.NXDOMAIN:
        assert scene.verdict == "no_domain"
    except dns.resolver.NoNameservers:  # what dnspython makes of REFUSED
        assert scene.verdict == "dns_failed"
    except dns.resolver.NoAnswer:
        assert {(scene.domain, address) for address in addresses(resolver, scene.domain)} == wanted
    else:
        assert (scene.verdict == "no_mail") == (answer == [(0, ".")])
        exchanges = [name.removesuffix(".") for _, name in answer if name != "."]
        found = {(name, address) for name in exchanges for address in addresses(resolver, name)}
        twins = {(f"twin.mx.{ZONE}", mail_servers.addresses["primary"])}
        assert found - twins == wanted
        lowest = min(preference for preference, _ in answer)
        roles = {name.removesuffix("."): "primary" if mx == lowest else "secondary" for mx, name in answer}
        for expected in scene.probes:
            assert roles[f"{expected.exchange}.mx.{ZONE}"] == expected.role


@each_scene
async def test_each_server_of_the_scene_says_what_is_expected_of_it(mail_servers: MailServers, scene: Scene) -> None:
    for expected in scene.probes:
        if expected.server:
            heard = await hold(
                mail_servers.addresses[expected.server],
                mail_servers.port,
                SENDER_HELO,
                SENDER,
                scene.recipient,
                starttls=expected.server == "tls",
            )
            assert (heard[-1].stage, heard[-1].code) == (expected.stage, expected.code)


async def test_nobody_answers_where_a_host_is_down(mail_servers: MailServers) -> None:
    with pytest.raises(Exception, match="Connect call failed") as refusal:
        await hold(DOWN, mail_servers.port, SENDER_HELO, SENDER, "postmaster@ok.test")
    assert isinstance(refusal.value.__cause__, ConnectionRefusedError)
