"""The servers that relay for strangers, or seem to, do: what an independent client gets out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.real.postfix import MailServers, postfix
from tests.real.roles import SENDER, SENDER_HELO, relaying_roles
from tests.real.witness import hold

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

STRANGE = "any@elsewhere.invalid"
PERCENT = "any%elsewhere.invalid@ok.test"
DENIED = f"5.7.1 <{STRANGE}>: Relay access denied"


@pytest.fixture(scope="module")
def relays() -> Iterator[MailServers]:
    """Without a queue manager: what they take goes no further than their queue."""
    with postfix(relaying_roles()) as running:
        yield running


class Promise(NamedTuple):
    """A server, whom it is asked for, and the reply that decides: stage, code, how its text begins."""

    role: str
    recipient: str
    stage: str
    code: int
    text: str


PROMISES = [
    Promise("open", STRANGE, "message", 250, "2.0.0 Ok: queued as "),
    Promise("percent", PERCENT, "message", 250, "2.0.0 Ok: queued as "),
    Promise("percent", STRANGE, "rcpt", 554, DENIED),
    Promise("late-data", STRANGE, "data", 554, "5.7.1 <DATA>: Data command rejected: Access denied"),
    Promise("late-message", STRANGE, "message", 554, "5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied"),
    Promise("closed", PERCENT, "rcpt", 554, f"5.7.1 <{PERCENT}>: Relay access denied"),
    Promise("closed", STRANGE, "rcpt", 554, DENIED),
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.role}-{promise.recipient}")
async def test_the_server_relays_as_far_as_its_role_says(relays: MailServers, promise: Promise) -> None:
    address = relays.addresses[promise.role]
    *before, decisive = await hold(address, relays.port, SENDER_HELO, SENDER, promise.recipient, sending=True)
    assert (decisive.stage, decisive.code) == (promise.stage, promise.code)
    assert decisive.text.startswith(promise.text)
    assert all(200 <= reply.code < 400 for reply in before)


async def test_what_an_open_relay_took_stays_in_its_queue(relays: MailServers) -> None:
    await hold(relays.addresses["open"], relays.port, SENDER_HELO, SENDER, STRANGE, sending=True)
    queue = relays.log.parents[1] / "queue"
    assert [path for path in (queue / "incoming").rglob("*") if path.is_file()]
    assert "status=" not in relays.log.read_text()
