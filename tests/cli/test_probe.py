"""`mxsweep probe`, run as a process against the lab and against servers that mean harm."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import signal
import sys
from typing import TYPE_CHECKING

import jsonschema_rs
import pexpect
import pytest

from scanner.cli.probe import StoppingNow
from scanner.escape import UNSAFE
from scanner.lab.lab import Lab
from scanner.lab.scenes import SCENES
from scanner.records.schema import schema_text
from tests.cli.probing import ROOT, RUN_LIMIT_S, Run, dripping, environment, finished, probe, serving, start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SGR = re.compile(r"\x1b\[[0-9;]*m")
"""The only control sequences that we print: colours."""


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with Lab() as running:
        yield running


@pytest.fixture
def ours(lab: Lab) -> tuple[str, ...]:
    """Who we are, and the lab's DNS, which knows it; where the server is not the lab's."""
    return ("--resolver", lab.resolver, "--helo", "probe.test", "--rate", "0", "--target-rate", "0")


ACCEPTS = (b"220 mx.test ESMTP\r\n", b"250 mx.test\r\n", b"250 ok\r\n", b"250 ok\r\n", b"221 bye\r\n")
SPITEFUL = (
    "220 \x1b]0;owned\x07\x1b[2J \x9b31m \u202egnp.exe \u2066 caf\u00e9 \r\x1b[1A overwritten\r\n".encode() + b"",
    b"250-mx.test\r\n250-\x1b[?1049h\xff\xfe\r\n250 \x00NUL\r\n",
    b"250 ok\r\n",
    b"550 5.1.1 \x1b[31m<you>\x1b[0m no such user \x9d\r\n",
    b"221 \x1b[3J",
)


async def test_every_exchanger_is_asked_and_the_forgotten_backup_found_and_explained(lab: Lab) -> None:
    run = await probe("forgotten-backup.example", "--all", *lab.options)
    assert run.status == 1
    assert "   10  mx.forgotten-backup.example  127.25.11.1\n" in run.out
    assert f"connecting to backup.isp.example [127.25.11.2]:{lab.port} (50, secondary) …\n" in run.out
    assert re.search(
        r"^ +\d+\.\d{3} < 554 5.7.1 <postmaster@forgotten-backup.example>: Relay access denied$", run.out, re.MULTILINE
    )
    assert re.search(r"^ +\d+\.\d{3} > RCPT TO:<postmaster@forgotten-backup.example>$", run.out, re.MULTILINE)
    assert "never told about the domain" in run.out
    assert "\nforgotten-backup.example: secondary_rejects_relay\n" in run.out
    assert run.err == ""


async def test_each_session_is_over_before_its_verdict_is_told(lab: Lab) -> None:
    """No session lingers under the next one's conversation."""
    run = await probe("all-well.example", "--all", *lab.options)
    assert run.status == 0
    assert "RSET" not in run.out
    for told in run.out.split("connecting to ")[1:]:
        conversation, _, rest = told.partition("=> accepted")
        assert "> QUIT" in conversation
        assert "QUIT" not in rest


async def test_the_first_that_takes_the_mail_ends_it_and_what_was_not_asked_is_said(lab: Lab) -> None:
    run = await probe("forgotten-backup.example", *lab.options)
    assert run.status == 0
    assert "connecting to backup.isp.example" not in run.out
    assert "1 more exchanger was not asked; --all asks" in run.out
    assert "secondary_rejects_relay" not in run.out
    assert "forgotten-backup.example: ok" not in run.out


async def test_a_dead_primary_is_a_finding_although_the_secondary_takes_the_mail(lab: Lab) -> None:
    run = await probe("primary-down.example", *lab.options)
    assert run.status == 1
    assert "=> refused at connect: Connection refused" in run.out
    assert "=> accepted at rcpt: 250" in run.out
    assert "primary-down.example: primary_broken" in run.out


async def test_the_tls_handshake_and_the_flaw_of_the_certificate_are_part_of_the_conversation(lab: Lab) -> None:
    run = await probe("tls-wanted.example", *lab.options)
    assert run.status == 0
    assert re.search(r"\* TLSv1\.[23] \S+, certificate not valid: self-signed certificate", run.out)
    assert run.out.index("> STARTTLS") < run.out.index("* TLSv1.")


DNS_DECIDES = [
    ("no-mail.example", 0, "null MX"),
    ("nothing-here.example", 1, "NXDOMAIN"),
    ("lost-dns.example", 3, "SERVFAIL"),
    ("no-address.example", 1, "neither MX nor address"),
]


@pytest.mark.parametrize(("domain", "status", "words"), DNS_DECIDES)
async def test_what_dns_decides_is_said_and_nobody_is_dialled(lab: Lab, domain: str, status: int, words: str) -> None:
    run = await probe(domain, *lab.options)
    assert run.status == status
    assert words in run.out
    assert "connecting to" not in run.out


async def test_a_domain_gets_the_verdict_and_the_records_of_an_audit(lab: Lab) -> None:
    """One scene of the lab for each verdict: the same resolver, dialogue, judgement and schema."""
    scenes = list({scene.verdict: scene for scene in reversed(SCENES)}.values())
    validator = jsonschema_rs.validator_for(json.loads(schema_text()))
    gate = asyncio.Semaphore(4)

    async def one(domain: str) -> Run:
        async with gate:
            return await probe(domain, "--all", "--json", *lab.options)

    runs = await asyncio.gather(*(one(scene.domain) for scene in scenes))
    for scene, run in zip(scenes, runs, strict=True):
        for record in run.records:
            validator.validate(record)
        assert [record["verdict"] for record in run.kind("domain")] == [scene.verdict], scene.domain
        verdicts = sorted(record["verdict"] for record in run.kind("probe"))
        assert verdicts == sorted(scene.finds), scene.domain


async def test_json_puts_records_on_stdout_and_nothing_else(lab: Lab) -> None:
    run = await probe("forgotten-backup.example", "--all", "--json", *lab.options)
    assert [record["kind"] for record in run.records] == ["start", "probe", "probe", "domain", "run"]
    assert run.records[0]["command"] == "probe"
    assert run.records[0]["settings"]["all"] is True
    assert run.records[0]["settings"]["recipient"] == "postmaster@forgotten-backup.example"
    assert "concurrency" not in run.records[0]["settings"]
    assert run.records[-1]["interrupted"] is False
    assert run.status == 1


async def test_without_all_asked_there_is_no_domain_record_and_the_run_says_why(lab: Lab) -> None:
    run = await probe("forgotten-backup.example", "--json", *lab.options)
    assert [record["kind"] for record in run.records] == ["start", "probe", "run"]
    assert run.records[-1]["warnings"] == ["1 more exchanger was not asked (--all asks): no domain record"]
    assert run.status == 0


async def test_a_host_of_our_own_is_asked_without_a_permit_because_it_was_typed(
    lab: Lab, ours: tuple[str, ...]
) -> None:
    options = ["--port", str(lab.port), *ours]
    run = await probe("backup.isp.example", "--json", *options)
    (record,) = run.kind("probe")
    assert (record["domain"], record["exchange"], record["role"]) == (None, "backup.isp.example", "direct")
    assert record["recipient"] == "postmaster@backup.isp.example"
    assert record["verdict"] == "relay_denied"
    assert run.status == 1
    asked = await probe("forgotten-backup.example", "--json", *options)
    assert {record["verdict"] for record in asked.kind("probe")} == {"address_forbidden"}, "DNS named this one"


async def test_a_host_is_asked_whether_it_takes_mail_for_a_domain(lab: Lab) -> None:
    run = await probe("backup.isp.example", "--recipient", "postmaster@isp.example", *lab.options)
    assert run.status == 0
    assert "> RCPT TO:<postmaster@isp.example>" in run.out
    run = await probe("backup.isp.example", *lab.options)
    assert run.status == 1
    assert "--recipient postmaster@DOMAIN" in run.out


async def test_an_address_is_asked_for_the_postmaster_of_its_literal(ours: tuple[str, ...]) -> None:
    async with serving(*ACCEPTS) as port:
        run = await probe("127.0.0.1", "--port", port, "--json", *ours)
    (record,) = run.kind("probe")
    assert (record["domain"], record["exchange"], record["role"]) == (None, None, "direct")
    assert (record["address"], record["recipient"]) == ("127.0.0.1", "postmaster@[127.0.0.1]")
    assert record["verdict"] == "accepted"
    assert run.status == 0


async def test_a_mailbox_as_target_is_the_recipient_and_its_refusal_a_finding(lab: Lab) -> None:
    run = await probe("info@no-postmaster.example", "--json", *lab.options)
    (record,) = run.kind("probe")
    assert (record["recipient"], record["domain"]) == ("info@no-postmaster.example", "no-postmaster.example")
    assert run.kind("domain")[0]["verdict"] == "recipient_refused"
    assert run.status == 1
    unnamed = await probe("no-postmaster.example", "--json", *lab.options)
    assert unnamed.kind("domain")[0]["verdict"] == "recipient_refused"
    assert unnamed.status == 0


async def test_nothing_a_server_says_reaches_the_output_as_a_control_sequence(ours: tuple[str, ...]) -> None:
    async with serving(*SPITEFUL) as port:
        run = await probe("127.0.0.1", "--port", port, "--reply-timeout", "1", *ours)
    assert r"\x1b]0;owned\x07" in run.out
    assert "café" in run.out
    assert not UNSAFE.search(run.out.replace("\n", ""))
    assert "(no line end)" in run.out, "the last line never ended"


async def test_on_a_terminal_our_colours_are_the_only_control_sequences(ours: tuple[str, ...]) -> None:
    async with serving(*SPITEFUL) as port:
        shown = await asyncio.to_thread(in_a_terminal, "127.0.0.1", "--port", port, "--reply-timeout", "1", *ours)
    assert SGR.search(shown)
    plain = SGR.sub("", shown).replace("\r\n", "")
    assert not UNSAFE.search(plain)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
async def test_a_terminal_without_colours_gets_none(variables: dict[str, str], ours: tuple[str, ...]) -> None:
    async with serving(*ACCEPTS) as port:
        shown = await asyncio.to_thread(in_a_terminal, "127.0.0.1", "--port", port, *ours, variables=variables)
    assert "accepted at rcpt" in shown
    assert "\x1b" not in shown


async def test_colours_can_be_had_in_a_pipe(ours: tuple[str, ...]) -> None:
    async with serving(*ACCEPTS) as port:
        run = await probe("127.0.0.1", "--port", port, "--color", "always", *ours)
    assert SGR.search(run.out)


def in_a_terminal(*arguments: str, variables: dict[str, str] | None = None) -> str:
    """What a terminal of 120 columns gets to see."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "scanner", "probe", *arguments],
        cwd=str(ROOT),
        env=environment({"TERM": "xterm"} | (variables or {})),
        dimensions=(50, 120),
        timeout=RUN_LIMIT_S,
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


async def test_names_in_dns_cannot_speak_to_the_terminal_either() -> None:
    import dns.flags  # noqa: PLC0415 - this test only
    import dns.message  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415

    from scanner.lab.nameserver import NameServer, Response  # noqa: PLC0415

    def answer(query: dns.message.Message, /, *, tcp: bool) -> Response:  # noqa: ARG001 - the same over both
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if query.question[0].rdtype == dns.rdatatype.MX:
            name = query.question[0].name.to_text()
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", r"10 \027[31mred\155.evil.example."))
        return Response(response)

    async with NameServer(answer) as server:
        own = ("--resolver", f"{server.address}:{server.port}", "--helo", "probe.test")
        run = await probe("evil.example", *own)
    assert "not a host name" in run.out
    assert not UNSAFE.search(run.out.replace("\n", ""))
    assert run.status == 1


async def test_lines_are_shown_when_they_come_and_an_impatient_interrupt_ends_it_tidily(ours: tuple[str, ...]) -> None:
    """A silent server would be waited for a minute; the operator has seen enough."""
    async with serving(b"220-wait\r\n") as port:
        process = await start("127.0.0.1", "--port", port, *ours)
        assert process.stdout is not None
        async with asyncio.timeout(RUN_LIMIT_S):
            seen = await process.stdout.readuntil(b"220-wait\n")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        run = await finished(process)
    assert b"connected from 127.0.0.1" in seen
    assert run.status == 3
    assert run.err == "mxsweep: interrupted\n"


async def test_a_signal_ends_the_look_at_once_and_a_second_one_changes_nothing() -> None:
    async def looking() -> None:
        async with asyncio.timeout(None) as limit:
            stopping = StoppingNow(limit, lambda: None)
            stopping.ask()
            stopping.ask()
            due = limit.when()
            assert due is not None
            assert due <= asyncio.get_running_loop().time()
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await looking()


async def test_an_interrupted_run_says_so_in_its_records(ours: tuple[str, ...]) -> None:
    async with serving(b"") as port:
        process = await start("127.0.0.1", "--port", port, "--json", *ours)
        assert process.stdout is not None
        async with asyncio.timeout(RUN_LIMIT_S):
            begun = json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        run = await finished(process)
    assert begun["kind"] == "start"
    assert [record["kind"] for record in run.records] == ["run"]
    assert run.records[0]["interrupted"] is True
    assert run.status == 3


async def test_a_reader_that_goes_away_ends_it_quietly(ours: tuple[str, ...]) -> None:
    async with dripping() as port:
        line = shlex.join([sys.executable, "-m", "scanner", "probe", "127.0.0.1", "--port", port, *ours])
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            line + " | head -n 1; exit ${PIPESTATUS[0]}",
            cwd=ROOT,
            env=environment({}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        run = await finished(process)
    assert run.status == 3
    assert run.out.startswith("connecting to 127.0.0.1:")
    assert run.err == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing argument"),
        (("127.0.0.1:25",), "--port"),
        (("no domain",), "is no domain"),
        (("partner.example", "--port", "0"), "--port"),
        (("partner.example", "--concurrency", "5"), "--concurrency"),
        (("partner.example", "-4", "-6"), "exclude each other"),
    ],
)
async def test_what_cannot_be_used_is_exit_2_with_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    run = await probe(*arguments, "--helo", "probe.test")
    assert run.status == 2
    assert words in run.err
    assert run.out == ""


async def test_an_excluded_address_is_not_dialled_although_it_was_typed(ours: tuple[str, ...]) -> None:
    async with serving(*ACCEPTS) as port:
        run = await probe("127.0.0.1", "--port", port, "--exclude", "127.0.0.0/8", *ours)
    assert "not dialled: 127.0.0.1" in run.out
    assert "=> excluded at connect" in run.out


async def test_nothing_is_dialled_that_may_never_be(ours: tuple[str, ...]) -> None:
    run = await probe("224.0.0.1", *ours)
    assert "not dialled" in run.out
    assert "=> address_forbidden at connect" in run.out
    assert run.status == 1
