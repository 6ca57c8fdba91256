from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

import pytest
import trustme

from scanner.pool.limits import Deadlines
from scanner.pool.tls import Contexts, lenient
from scanner.smtp.outcome import StartTls
from scanner.terms import ProbeVerdict, Stage
from tests.pool.asking import ask, ended, means
from tests.pool.certificates import Flawed, flawed, serving
from tests.pool.servers import (
    POLITE,
    Server,
    Visit,
    drip,
    hang_up,
    last_words,
    play_dead,
    reset,
    silence,
    sockets,
    starttls,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scanner.pool.probe import Answer
    from scanner.pool.session import Means
    from tests.pool.servers import Script, Step

HOST = "mx.partner.example"
OFFERING = b"250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
DEMAND = b"530 5.7.0 Must issue a STARTTLS command first\r\n"
HASTY = Deadlines(connect_s=1, reply_s=0.3, probe_s=0.8)


class Authority(NamedTuple):
    """Who vouches, and the servers' contexts made of what it (or nobody) signed."""

    client: Contexts
    flawed: Flawed

    @property
    def valid(self) -> ssl.SSLContext:
        """The one without a fault."""
        return self.flawed.valid


@pytest.fixture(scope="module")
def authority() -> Authority:
    ca = trustme.CA()
    strict = ssl.create_default_context()
    ca.configure_trust(strict)
    return Authority(Contexts(strict, lenient()), flawed(ca, HOST))


def demanding(step: Step) -> Script:
    """A server that wants TLS before MAIL; after the handshake the same script goes on without the demand."""

    def mail(visit: Visit) -> None:
        visit.say(b"250 2.1.0 Ok\r\n" if visit.secured else DEMAND)

    def ehlo(visit: Visit) -> None:
        visit.say(b"250-mx.example\r\n250 8BITMIME\r\n" if visit.secured else OFFERING)

    return {"EHLO": ehlo, "MAIL": mail, "STARTTLS": step}


def willing(step: Step) -> Script:
    """A server that offers TLS and does not insist."""
    return {**demanding(step), "MAIL": POLITE["MAIL"]}


def trusting(
    authority: Authority, deadlines: Deadlines | None = None, when: StartTls = StartTls.WHEN_REQUIRED
) -> Means:
    deadlines = deadlines or Deadlines(connect_s=2, reply_s=2, probe_s=6)
    return means(deadlines, contexts=authority.client, starttls=when)


async def asked(server: Server, what: Means) -> Answer:
    before = sockets()
    answer = await ask(server.target, what, host=HOST)
    await until(lambda: all(visit.closed or visit.gone for visit in server.visits))
    await until(lambda: sockets().total() <= before.total() + len(server.visits))
    return answer


async def test_what_is_demanded_is_done_and_the_question_asked_again_inside(authority: Authority) -> None:
    async with Server(demanding(starttls(authority.valid))) as server:
        answer = await asked(server, trusting(authority))
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert (len(server.visits), answer.attempts) == (1, 1)
    assert answer.server.tls is not None
    assert answer.server.tls[:1] + answer.server.tls[2:] == ("TLSv1.3", True, None)
    assert answer.server.tls.cipher
    assert answer.server.extensions == ("8BITMIME",), "what was offered in the clear is forgotten"
    assert server.lines[0] == [
        "EHLO probe.example",
        "MAIL FROM:<postmaster@probe.example>",
        "STARTTLS",
        "EHLO probe.example",
        "MAIL FROM:<postmaster@probe.example>",
        "RCPT TO:<postmaster@partner.example>",
        "QUIT",
    ]


async def test_what_is_offered_and_not_demanded_is_left_alone(authority: Authority) -> None:
    async with Server(willing(starttls(authority.valid))) as server:
        answer = await asked(server, trusting(authority))
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.server.tls is None
    assert "STARTTLS" not in server.lines[0]


async def test_when_offered_secures_before_it_asks(authority: Authority) -> None:
    async with Server(willing(starttls(authority.valid))) as server:
        answer = await asked(server, trusting(authority, when=StartTls.WHEN_OFFERED))
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.server.tls is not None
    assert answer.server.tls.verified
    assert server.lines[0][:3] == ["EHLO probe.example", "STARTTLS", "EHLO probe.example"]


async def test_never_is_never(authority: Authority) -> None:
    async with Server(demanding(starttls(authority.valid))) as server:
        answer = await asked(server, trusting(authority, when=StartTls.NEVER))
    assert ended(answer.outcome) == (Stage.MAIL, 530)
    assert "STARTTLS" not in server.lines[0]


INVALID = {
    "wrong_name": "Hostname mismatch, certificate is not valid for 'mx.partner.example'.",
    "expired": "certificate has expired",
    "unknown": "unable to get local issuer certificate",
    "self_signed": "self-signed certificate",
}


@pytest.mark.parametrize("when", [StartTls.WHEN_REQUIRED, StartTls.WHEN_OFFERED])
@pytest.mark.parametrize("flaw", INVALID)
async def test_a_certificate_is_reported_and_not_enforced(authority: Authority, flaw: str, when: StartTls) -> None:
    """The verdict is that of the mail; OpenSSL's reason stands beside it. It takes two sessions at most."""
    async with Server(demanding(starttls(getattr(authority.flawed, flaw)))) as server:
        answer = await asked(server, trusting(authority, when=when))
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert len(server.visits) <= 2
    assert answer.server.tls is not None
    assert (answer.server.tls.version, answer.server.tls.verified) == ("TLSv1.3", False)
    assert answer.server.tls.error == INVALID[flaw]


async def test_the_systems_trust_is_what_the_operator_can_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL's SSL_CERT_FILE, as every other program of the host honours it."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with Server(demanding(starttls(serving(ca.issue_cert(HOST))))) as server:
        answer = await asked(server, means(contexts=Contexts()))
    assert answer.server.tls is not None
    assert answer.server.tls.verified


def once_spoken_to(last: Callable[[Visit], None]) -> Step:
    """Agree, and do the last thing when the client's hello comes."""

    def step(visit: Visit) -> None:
        visit.say(b"220 go ahead\r\n")
        visit.ears = lambda _: last(visit)

    return step


def saying(data: bytes) -> Callable[[Visit], None]:
    return lambda visit: visit.say(data)


HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"
FAILURES = {
    "alert": once_spoken_to(saying(HANDSHAKE_FAILURE)),
    "garbage": once_spoken_to(saying(b"no TLS here\r\n" * 10)),
    "reset": once_spoken_to(reset),
    "close": once_spoken_to(hang_up),
    "stall": once_spoken_to(silence),
    "drip": once_spoken_to(drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000, 0.05)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("how", FAILURES)
async def test_a_handshake_that_fails_is_the_servers_and_takes_no_longer_than_a_probe(
    authority: Authority, how: str
) -> None:
    async with Server(demanding(FAILURES[how])) as server:
        answer = await asked(server, trusting(authority, HASTY))
        assert server.visits[0].writes[-1:] != [b"QUIT\r\n"]
    assert ended(answer.outcome) == (Stage.STARTTLS, ProbeVerdict.TLS_FAILED)
    assert answer.outcome.reply is None
    assert answer.server.tls is not None
    assert answer.server.tls.error
    assert answer.elapsed_ms <= (HASTY.probe_s + 0.5 + 1) * 1000
    assert (len(server.visits), answer.attempts) == (1, 1)


@pytest.mark.parametrize("how", ["alert", "garbage", "reset", "close"])
async def test_when_offered_and_failing_the_question_is_asked_in_the_clear(authority: Authority, how: str) -> None:
    """As a sending server does: the plain verdict counts, and the record keeps what went wrong."""
    async with Server(willing(FAILURES[how])) as server:
        answer = await asked(server, trusting(authority, when=StartTls.WHEN_OFFERED))
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert (len(server.visits), answer.attempts) == (2, 2)
    assert answer.server.tls is not None
    assert answer.server.tls.version is None
    assert answer.server.tls.error
    assert "STARTTLS" not in server.lines[1]


async def test_a_stalling_handshake_that_nobody_demanded_is_asked_in_the_clear_too(authority: Authority) -> None:
    """Each session has the probe's time for itself: absolute, from its dial."""
    async with Server(willing(FAILURES["stall"])) as server:
        answer = await asked(server, trusting(authority, HASTY, StartTls.WHEN_OFFERED))
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.server.tls is not None
    assert answer.server.tls.error


async def test_a_refused_starttls_that_was_demanded_is_unavailable_with_its_code(authority: Authority) -> None:
    async with Server(demanding(b"454 4.7.0 TLS not available due to temporary reason\r\n")) as server:
        answer = await asked(server, trusting(authority))
    assert (answer.outcome.stage, answer.outcome.trouble) == (Stage.STARTTLS, ProbeVerdict.TLS_UNAVAILABLE)
    assert answer.outcome.reply is not None
    assert answer.outcome.reply.code == 454
    assert len(server.visits) == 1


async def test_a_refused_starttls_that_was_only_offered_is_asked_in_the_clear(authority: Authority) -> None:
    async with Server(willing(b"454 4.7.0 TLS not available due to temporary reason\r\n")) as server:
        answer = await asked(server, trusting(authority, when=StartTls.WHEN_OFFERED))
    assert ended(answer.outcome) == (Stage.RCPT, 250)
    assert answer.server.tls is not None
    assert "454" in str(answer.server.tls.error)


async def test_tls_that_is_demanded_and_not_offered_is_the_demands_refusal(authority: Authority) -> None:
    async with Server({"MAIL": DEMAND}) as server:
        answer = await asked(server, trusting(authority))
    assert ended(answer.outcome) == (Stage.MAIL, 530)


@pytest.mark.parametrize("injected", [b"250 injected\r\n", b"2", b"\r\n", b"garbage"])
async def test_bytes_after_the_220_to_starttls_are_never_replies(authority: Authority, injected: bytes) -> None:
    async with Server(demanding(lambda visit: visit.say(b"220 go ahead\r\n" + injected))) as server:
        answer = await asked(server, trusting(authority))
    assert ended(answer.outcome) == (Stage.STARTTLS, ProbeVerdict.PROTOCOL_ERROR)
    assert server.lines[0][-1] == "STARTTLS"


async def test_a_server_that_hangs_up_instead_of_a_handshake_has_failed_it(authority: Authority) -> None:
    async with Server(demanding(last_words(b"220 go ahead\r\n"))) as server:
        answer = await asked(server, trusting(authority, HASTY))
    assert ended(answer.outcome) == (Stage.STARTTLS, ProbeVerdict.TLS_FAILED)


async def test_a_reply_inside_tls_stands_though_the_server_cuts_the_line_without_a_farewell(
    authority: Authority,
) -> None:
    def refuse(visit: Visit) -> None:
        visit.say(b"550 5.1.1 no such user\r\n")
        visit.loop.call_later(0.05, visit.transport.abort)

    async with Server({**demanding(starttls(authority.valid)), "RCPT": refuse, "QUIT": silence}) as server:
        answer = await asked(server, trusting(authority))
    assert ended(answer.outcome) == (Stage.RCPT, 550)


async def test_a_dead_server_inside_tls_does_not_hold_the_socket(authority: Authority) -> None:
    """A polite TLS close waits for the peer's last record, 30 s of it (uvloop#471)."""
    async with Server({**demanding(starttls(authority.valid)), "RCPT": play_dead}) as server:
        before = sockets()
        what = trusting(authority, Deadlines(connect_s=1, reply_s=0.3, probe_s=3))
        answer = await ask(server.target, what, host=HOST)
        assert ended(answer.outcome) == (Stage.RCPT, ProbeVerdict.REPLY_TIMEOUT)
        await until(lambda: sockets().total() == before.total() + len(server.visits), within_s=2)


def test_the_lenient_context_looks_at_nothing() -> None:
    assert (lenient().check_hostname, lenient().verify_mode) == (False, ssl.CERT_NONE)


def test_the_strict_context_looks_at_everything() -> None:
    strict = Contexts().strict
    assert (strict.check_hostname, strict.verify_mode) == (True, ssl.CERT_REQUIRED)
