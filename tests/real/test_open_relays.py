"""OpenSMTPD and Sendmail as open relays: they take a message for anywhere, and keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real import opensmtpd, sendmail
from tests.real.inquiry import zone_text
from tests.real.nsd import nsd
from tests.real.ports import resolver_address
from tests.real.roles import SENDER, SENDER_HELO, ZONE
from tests.real.witness import Heard, hold

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.postfix import MailServers

pytestmark = pytest.mark.real

STRANGE = "any@elsewhere.invalid"
CLIENT = "127.9.0.1"


async def sent_through(servers: MailServers) -> Heard:
    """What the open server says in the end to one who leaves a message for elsewhere with it."""
    *before, decisive = await hold(
        servers.addresses["open"], servers.port, SENDER_HELO, SENDER, STRANGE, sending=True, source=CLIENT
    )
    assert [reply.stage for reply in before] == ["banner", "helo", "mail", "rcpt", "data"]
    return decisive


async def test_an_open_opensmtpd_takes_a_message_for_anywhere_and_keeps_it() -> None:
    roles = [role for role in opensmtpd.ROLES if role.name == "open"]
    with opensmtpd.opensmtpd(roles, ["kept.test"]) as servers:
        decisive = await sent_through(servers)
        queue = servers.log.parent.parent / "var/spool/smtpd/queue"
        (kept,) = queue.glob("*/*/message")
        assert (decisive.stage, decisive.code) == ("message", 250)
        assert decisive.text == f"2.0.0 {kept.parent.name} Message accepted for delivery"
        assert " mta " not in opensmtpd.sessions_logged(servers.log)


async def test_an_open_sendmail_takes_a_message_for_anywhere_and_keeps_it(tmp_path: Path) -> None:
    roles = [role for role in sendmail.ROLES if role.name == "open"]
    looked_up_at = resolver_address()
    with (
        nsd(tmp_path, {ZONE: zone_text({}, [])}, resolver=looked_up_at),
        sendmail.sendmail(roles, looked_up_at) as servers,
    ):
        decisive = await sent_through(servers)
        queue = servers.log.parent.parent / "var/spool/mqueue"
        (kept,) = queue.glob("qf*")
        assert (decisive.stage, decisive.code) == ("message", 250)
        assert decisive.text == f"2.0.0 {kept.name.removeprefix('qf')} Message accepted for delivery"
