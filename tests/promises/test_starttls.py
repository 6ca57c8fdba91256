"""STARTTLS that goes wrong, as records: what no real server does on purpose, and an attacker or a bug does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.pool.servers import POLITE, Visit, hang_up, reset, silence
from tests.promises.process import Ran, mxsweep
from tests.promises.world import mail_of, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pool.servers import Script, Step

DEMAND = b"530 5.7.0 Must issue a STARTTLS command first\r\n"
OFFERING = b"250-mx.example\r\n250 STARTTLS\r\n"
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"


def after_hello(last: Callable[[Visit], None]) -> Step:
    """Agree, and do the last thing when the client's first bytes of TLS come."""

    def step(visit: Visit) -> None:
        visit.say(b"220 go ahead\r\n")
        visit.ears = lambda _: last(visit)

    return step


STARTTLS: dict[str, Step] = {
    "alert": after_hello(lambda visit: visit.say(HANDSHAKE_FAILURE)),
    "garbage": after_hello(lambda visit: visit.say(b"no TLS here\r\n" * 10)),
    "reset": after_hello(reset),
    "close": after_hello(hang_up),
    "stall": after_hello(silence),
    "injected": lambda visit: visit.say(b"220 go ahead\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"),
    "later": b"454 4.7.0 TLS not available due to temporary reason\r\n",
    "gone": b"502 5.5.1 command not implemented\r\n",
}
HOSTS = {name: f"127.30.13.{number}" for number, name in enumerate(STARTTLS, 1)}
FAILED = ("tls_failed", "broken", "starttls", None, False)
EXPECTED: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("alert", "garbage", "reset", "close", "stall"), FAILED),
    "injected": ("protocol_error", "broken", "starttls", None, True),
    "later": ("tls_unavailable", "undecided", "starttls", 454, True),
    "gone": ("tls_unavailable", "undecided", "starttls", 502, False),
}
"""Verdict, standing, stage, code, transient."""


async def audited(mail: Any, *options: str) -> dict[str, dict[str, Any]]:
    """Each server's probe record, by its name."""
    scripts: dict[str, Script] = {
        HOSTS[name]: {"EHLO": OFFERING, "MAIL": mail, "STARTTLS": step} for name, step in STARTTLS.items()
    }
    zone = "".join(mail_of(f"{name}.example", address) for name, address in HOSTS.items())
    async with world(zone, scripts) as playing:
        options = (*playing.options, "--probe-timeout", "4", "--fail-on", "none", *options)
        ran: Ran = await mxsweep("audit", *options, stdin="\n".join(f"{name}.example" for name in HOSTS).encode())
    assert ran.code == 0
    return {record["domain"].removesuffix(".example"): record for record in ran.of_kind("probe")}


async def test_where_tls_is_demanded_what_goes_wrong_is_the_verdict() -> None:
    found = await audited(DEMAND)
    assert {
        name: tuple(record[field] for field in ("verdict", "standing", "stage", "code", "transient"))
        for name, record in found.items()
    } == EXPECTED
    for name, record in found.items():
        if EXPECTED[name] == FAILED:
            assert record["server"]["tls"]["error"]
            assert record["server"]["tls"]["version"] is None
        assert record["recipient"] is None, "what came in the clear after the 220 was never taken for an answer"


async def test_where_it_is_only_offered_the_plain_verdict_counts() -> None:
    """But for what was injected: there an attacker is on the line, or the server cannot be trusted to be in step."""
    found = await audited(POLITE["MAIL"], "--starttls", "when-offered")
    assert found.pop("injected")["verdict"] == "protocol_error"
    assert {name: (record["verdict"], record["stage"], record["attempts"]) for name, record in found.items()} == (
        dict.fromkeys(found, ("accepted", "rcpt", 2))
    )
    assert all(record["server"]["tls"]["error"] for record in found.values())
