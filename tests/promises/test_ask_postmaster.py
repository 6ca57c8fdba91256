"""`--ask-postmaster`: a doubt is settled by one more RCPT in the same session; counted at the servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.promises.process import mxsweep
from tests.promises.world import World, mail_of, world

if TYPE_CHECKING:
    from tests.pool.servers import Script, Visit

SERVING, STRANGER, VAGUE, CLEAR = (f"127.30.12.{number}" for number in range(1, 5))
INVALID = b"550 Invalid recipient\r\n"
"""What OpenSMTPD says to a foreign domain and to an unknown user alike."""


def rcpt(postmaster: bytes, others: bytes) -> Script:
    def step(visit: Visit) -> None:
        visit.say(postmaster if visit.lines[-1].lower().startswith("rcpt to:<postmaster@") else others)

    return {"RCPT": step}


SCRIPTS: dict[str, Script] = {
    SERVING: rcpt(b"250 2.1.5 Ok\r\n", INVALID),
    STRANGER: rcpt(b"554 5.7.1 Relay access denied\r\n", INVALID),
    VAGUE: rcpt(INVALID, INVALID),
    CLEAR: rcpt(b"250 2.1.5 Ok\r\n", b"550 5.1.1 User unknown\r\n"),
}
ZONE = (
    mail_of("serving.example", SERVING)
    + mail_of("stranger.example", SERVING, STRANGER)
    + mail_of("vague.example", VAGUE)
    + mail_of("clear.example", CLEAR)
)
LISTED = b"anna@serving.example\nanna@stranger.example\nanna@vague.example\nanna@clear.example\n"


def rcpts_at(playing: World, address: str) -> list[list[str]]:
    """What each session there was asked."""
    return [[line for line in lines if line.startswith("RCPT")] for lines in playing.servers[address].lines]


async def test_standing_and_domain_verdict_follow_what_the_postmaster_was_answered() -> None:
    async with world(ZONE, SCRIPTS) as playing:
        ran = await mxsweep("audit", *playing.options, "--ask-postmaster", stdin=LISTED)
        for address in (STRANGER, VAGUE):
            [rcpts] = rcpts_at(playing, address)
            assert [line.partition("@")[0] for line in rcpts] == ["RCPT TO:<anna", "RCPT TO:<postmaster"]
        assert [len(rcpts) for rcpts in rcpts_at(playing, CLEAR)] == [1], "what is clear is not asked about"
    assert ran.verdicts == {
        "serving.example": "recipient_refused",
        "stranger.example": "secondary_broken",
        "vague.example": "inconclusive",
        "clear.example": "recipient_refused",
    }
    probes = {(probe["domain"], probe["address"]): probe for probe in ran.of_kind("probe")}
    assert all(probe["code"] == 550 and probe["recipient"].startswith("anna@") for probe in probes.values())
    assert {key: (probe["confidence"], probe["standing"], probe["notes"]) for key, probe in probes.items()} == {
        ("serving.example", SERVING): ("low", "serves", ["postmaster answered 250 2.1.5 Ok"]),
        ("stranger.example", SERVING): ("low", "serves", ["postmaster answered 250 2.1.5 Ok"]),
        ("stranger.example", STRANGER): ("low", "broken", ["postmaster answered 554 5.7.1 Relay access denied"]),
        ("vague.example", VAGUE): ("low", "undecided", ["postmaster answered 550 Invalid recipient"]),
        ("clear.example", CLEAR): ("high", "serves", []),
    }


async def test_off_by_default() -> None:
    async with world(ZONE, SCRIPTS) as playing:
        ran = await mxsweep("audit", "anna@serving.example", *playing.options)
        assert [len(rcpts) for rcpts in rcpts_at(playing, SERVING)] == [1]
    assert ran.verdicts == {"serving.example": "inconclusive"}


async def test_a_probe_asks_too_and_shows_it() -> None:
    async with world(ZONE, SCRIPTS) as playing:
        ran = await mxsweep("probe", "anna@serving.example", *playing.options, "--ask-postmaster", "--json")
        assert [len(rcpts) for rcpts in rcpts_at(playing, SERVING)] == [2]
    assert ran.verdicts == {"serving.example": "recipient_refused"}


@pytest.mark.parametrize("limit", ["transactions", "errors"])
async def test_it_needs_room_in_the_session(limit: str) -> None:
    ran = await mxsweep("audit", "a.example", "--ask-postmaster", f"--{limit}-per-session", "1", "--helo", "a.example")
    assert ran.code == 2
    assert f"--{limit}-per-session must be at least 2" in ran.stderr
