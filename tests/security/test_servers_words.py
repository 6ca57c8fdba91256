"""Whatever a server, a certificate or DNS says, at whatever moment, comes out harmless at every way out."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import ssl
from functools import cache
from typing import TYPE_CHECKING

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scanner.terms import DomainVerdict
from tests.pool.servers import hang_up, silence, starttls
from tests.promises.process import ended, mxsweep, started
from tests.promises.world import World, mail_of, world
from tests.security.harmless import LIVING_LINE, OUR_COLOURS, check, check_records, nothing_was_run, terminal
from tests.security.payloads import PAYLOADS, as_label

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.pool.servers import Script

REPLIES: dict[str, Callable[[bytes], Script]] = {
    "banner": lambda said: {"OPEN": b"220 mx.example " + said + b"\r\n"},
    "refusing-banner": lambda said: {"OPEN": b"554-" + said + b"\r\n554 " + said + b"\r\n", "QUIT": hang_up},
    "no-banner": lambda said: {"OPEN": said + b"\r\n"},
    "ehlo": lambda said: {
        "EHLO": b"250-" + said + b"\r\n250-PIPELINING\r\n250-X" + said + b"\r\n250 " + said + b"\r\n"
    },
    "no-ehlo": lambda said: {"EHLO": b"502 " + said + b"\r\n", "HELO": b"550 " + said + b"\r\n"},
    "mail": lambda said: {"MAIL": b"550 5.7.1 " + said + b"\r\n"},
    "rcpt": lambda said: {"RCPT": b"554-5.7.1 " + said + b"\r\n554 5.7.1 " + said + b"\r\n"},
    "rcpt-later": lambda said: {"RCPT": b"450 4.7.1 " + said + b"\r\n"},
    "taken": lambda said: {"RCPT": b"250 2.1.5 " + said + b"\r\n", "RSET": b"250 " + said + b"\r\n"},
    "code": lambda said: {"RCPT": said[:3] + b" " + said + b"\r\n"},
    "enhanced": lambda said: {"RCPT": b"550 5." + said[:20] + b".1 " + said + b"\r\n"},
    "quit": lambda said: {"QUIT": said + b"\r\n"},
    "no-starttls": lambda said: {
        "EHLO": b"250-mx\r\n250 STARTTLS\r\n",
        "STARTTLS": b"454 4.7.0 " + said + b"\r\n",
    },
    "no-handshake": lambda said: {
        "EHLO": b"250-mx\r\n250 STARTTLS\r\n",
        "STARTTLS": b"220 go\r\n" + said + b"\r\n",
    },
}
SCRIPTS: dict[str, Script] = {
    f"127.41.{stage}.{number}": make(said)
    for stage, make in enumerate(REPLIES.values(), 1)
    for number, said in enumerate(PAYLOADS.values(), 1)
}
DOMAINS = {address: f"d{address.replace('.', '-')}.example" for address in SCRIPTS}
QUICK = ("--backoff", "0", "--reply-timeout", "2", "--connect-timeout", "2", "--starttls", "when-offered")
CANARY = "me@canary.example"

REPLY_ZONE = "".join(mail_of(domain, address) for address, domain in DOMAINS.items())
REPLY_ZONE += mail_of("canary.example", "127.41.200.1")
MUTE = mail_of("mute.example", "127.41.201.1")
LABELS = {number: as_label(payload) for number, payload in enumerate(PAYLOADS.values(), 1)}
PLACE = "127.41.100."
NAME_ZONE = "".join(
    f"n{number}.example. 60 MX 10 {label}.n{number}.example.\n{label}.n{number}.example. 60 A {PLACE}{number}\n"
    f"c{number}.example. 60 MX 10 mx.c{number}.example.\nmx.c{number}.example. 60 CNAME {label}.c{number}.example.\n"
    f"t{number}.example. 60 CNAME {label}.t{number}.example.\n"
    f"{number}.100.41.127.in-addr.arpa. 60 PTR {label}.evil.example.\n"
    for number, label in LABELS.items()
)
NAMED = [f"{kind}{number}.example" for number in LABELS for kind in "nct"]


@contextlib.asynccontextmanager
async def hostile() -> AsyncIterator[World]:
    async with world(REPLY_ZONE, SCRIPTS) as playing:
        yield playing


def audit_of(playing: World) -> list[str]:
    return ["audit", *playing.options, *QUICK]


@pytest.mark.parametrize("stage", REPLIES)
async def test_an_audit_of_servers_that_say_it_at_every_stage(stage: str) -> None:
    """A stage's servers are few enough to stand in the summary all, where every verdict is a finding."""
    domains = [DOMAINS[address] for addresses in looked_at(stage).values() for address in addresses]
    async with hostile() as playing:
        options = [*audit_of(playing), "--color", "always", "-v", "--fail-on", ",".join(DomainVerdict)]
        ran = await mxsweep(*options, "--progress", "plain", stdin="\n".join(domains).encode())
    assert ran.code == 1
    records = check_records(ran.stdout)
    assert {record["domain"] for record in records if record["kind"] == "domain"} == set(domains)
    assert records[-1]["interrupted"] is False
    assert [domain for domain in domains if domain not in ran.stderr] == []
    check(ran.stderr, ours=OUR_COLOURS)
    assert "Traceback" not in ran.stderr


async def test_progress_for_programs_is_json() -> None:
    async with world(REPLY_ZONE + MUTE, {**SCRIPTS, "127.41.201.1": {"OPEN": silence}}) as playing:
        options = [*audit_of(playing), "--progress", "json", "--reply-timeout", "3.5"]
        ran = await mxsweep(*options, stdin="\n".join(["mute.example", *DOMAINS.values()]).encode())
    assert {record["domain"] for record in check_records(ran.stdout) if record["kind"] == "domain"} > set(
        DOMAINS.values()
    )
    check(ran.stderr)
    told = [orjson.loads(line) for line in ran.stderr.split("\n") if line.startswith("{")]
    assert told[-1]["items"] >= len(DOMAINS) // 2


async def test_on_a_terminal_only_the_living_line_moves_the_cursor(tmp_path: Path) -> None:
    listed = tmp_path / "in"
    listed.write_text("\n".join(DOMAINS.values()))
    async with hostile() as playing:
        arguments = (*audit_of(playing), "-i", str(listed), "-o", str(tmp_path / "out"))
        code, text = await terminal(*arguments, cwd=str(tmp_path))
    assert (code, "\x1b[2K" in text, "findings:" in text) == (1, True, True)
    check(text, ours=LIVING_LINE)
    check_records((tmp_path / "out").read_bytes())
    nothing_was_run(tmp_path)


async def test_whoever_asks_how_far_it_is_hears_nothing_of_theirs() -> None:
    """SIGUSR1, when all but one silent server have said it."""
    async with world(REPLY_ZONE + MUTE, {**SCRIPTS, "127.41.201.1": {"OPEN": silence}}) as playing:
        for form in ("none", "json"):
            options = [*audit_of(playing), "--progress", form, "--reply-timeout", "30", "--quiet"]
            async with started(*options) as process:
                assert process.stdin is not None
                process.stdin.write("\n".join(["mute.example", *list(DOMAINS.values())[:120]]).encode())
                process.stdin.close()
                assert process.stdout is not None
                for _ in range(100):
                    await process.stdout.readline()
                process.send_signal(signal.SIGUSR1)
                assert process.stderr is not None
                said = await process.stderr.readuntil(b"slowest")
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGINT)  # another one: two of a kind may be one
                ran = await ended(process)
            check(said + ran.stderr.encode())


async def test_a_sweep_of_the_same_servers() -> None:
    async with hostile() as playing:
        options = [*playing.options, *QUICK, "--canary", CANARY, "--tests", "all", "--progress", "plain"]
        ran = await mxsweep("sweep", *options, stdin="\n".join(SCRIPTS).encode())
    assert ran.code == 1
    records = check_records(ran.stdout)
    assert {record["address"] for record in records if record["kind"] == "probe"} == set(SCRIPTS)
    check(ran.stderr)
    assert "Traceback" not in ran.stderr


STEPS = list(REPLIES)
AT_ONCE = 14
"""Exchanges of one domain; more than 16 are cut."""


def looked_at(stage: str) -> dict[str, list[str]]:
    """Domains with the servers of a stage, a handful each."""
    prefix = f"127.41.{STEPS.index(stage) + 1}."
    addresses = [address for address in SCRIPTS if address.startswith(prefix)]
    return {f"p{start}.example": addresses[start : start + AT_ONCE] for start in range(0, len(addresses), AT_ONCE)}


@pytest.mark.parametrize("stage", STEPS)
async def test_a_conversation_that_is_shown_as_it_is_held(stage: str, tmp_path: Path) -> None:
    """All colours and a terminal; then the records of the same."""
    domains = looked_at(stage)
    scripts = {address: SCRIPTS[address] for addresses in domains.values() for address in addresses}
    async with world("".join(mail_of(name, *each) for name, each in domains.items()), scripts) as playing:
        options = [*playing.options, "--reply-timeout", "2", "--starttls", "when-offered", "--all"]
        for domain in domains:
            code, text = await terminal("probe", domain, *options, "--color", "always", cwd=str(tmp_path))
            assert code in (0, 1, 3), text
            check(text, ours=OUR_COLOURS)
            assert "Traceback" not in text
            ran = await mxsweep("probe", domain, *options, "--json")
            assert len(check_records(ran.stdout)) == len(domains[domain]) + 3  # start, domain, run
            check(ran.stderr)
    nothing_was_run(tmp_path)


# -- DNS ---------------------------------------------------------------------------------------------------------------


async def test_names_of_exchanges_aliases_and_reverse_names() -> None:
    async with world(
        NAME_ZONE + mail_of("canary.example", "127.41.200.1"), {key_0: {} for key_0 in places()}
    ) as playing:
        ran = await mxsweep("audit", *playing.options, *QUICK, stdin="\n".join(NAMED).encode())
        records = check_records(ran.stdout)
        assert {record["domain"] for record in records if record["kind"] == "domain"} == set(NAMED)
        check(ran.stderr)
        options = [*playing.options, *QUICK, "--canary", CANARY, "--tests", "all"]
        ran = await mxsweep("sweep", *options, stdin="\n".join(places()).encode())
        assert len([record for record in check_records(ran.stdout) if record["kind"] == "probe"]) == len(places())
        check(ran.stderr)
        for name in NAMED[:12]:
            _, text = await terminal("probe", name, *playing.options, "--reply-timeout", "2", "--color", "always")
            check(text, ours=OUR_COLOURS)


def places() -> list[str]:
    """One polite server for each name."""
    return [f"{PLACE}{number}" for number in LABELS]


# -- certificates ------------------------------------------------------------------------------------------------------


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(said: bytes, path: Path) -> ssl.SSLContext:
    """A server's context whose certificate says it in every field that has room for text."""
    text = said.replace(b"\0", b"").decode("utf-8", "replace")[:60] or "x"
    fields = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.LOCALITY_NAME)
    name = x509.Name([x509.NameAttribute(oid, text) for oid in fields])
    now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    names = [x509.DNSName(text.encode("ascii", "replace").decode()), x509.DNSName("other.example")]
    made = (
        x509.CertificateBuilder(
            name, name, key().public_key(), x509.random_serial_number(), now, now.replace(year=2120)
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key(), hashes.SHA256())
    )
    unsealed = serialization.NoEncryption()
    private = key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unsealed)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_fields_of_certificates(tmp_path: Path) -> None:
    scripts: dict[str, Script] = {}
    for number, payload in enumerate(PAYLOADS.values(), 1):
        context = certificate(payload, tmp_path / "pem")
        agreed = starttls(context, b"220 " + payload[:200] + b"\r\n")
        scripts[f"127.41.150.{number}"] = {"EHLO": b"250-mx\r\n250 STARTTLS\r\n", "STARTTLS": agreed}
    zone = "".join(mail_of(f"d{number}.example", address) for number, address in enumerate(scripts, 1))
    async with world(zone, scripts) as playing:
        listed = "\n".join(f"d{number}.example" for number in range(1, len(scripts) + 1)).encode()
        for trusted in ({}, {"SSL_CERT_FILE": str(tmp_path / "pem")}):
            ran = await mxsweep("audit", *playing.options, *QUICK, stdin=listed, env=trusted)
            records = check_records(ran.stdout)
            shaken = [each["server"]["tls"] for each in records if each["kind"] == "probe" and each["server"]["tls"]]
            assert sum(tls["verified"] is False for tls in shaken) > len(scripts) // 2
            check(ran.stderr)
        for domain in ("d1.example", "d6.example", "d14.example"):
            options = (*playing.options, "--starttls", "when-offered", "--color", "always")
            _, text = await terminal("probe", domain, *options)
            check(text, ours=OUR_COLOURS)
