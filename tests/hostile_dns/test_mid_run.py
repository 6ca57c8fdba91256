"""DNS that changes its mind, or goes mad about one name, while a run is under way."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import dns.message
import dns.rdatatype
import dns.rrset

from scanner.lab.nameserver import NameServer, Response
from tests.hostile_dns.case import ALLOWED_NET
from tests.hostile_dns.trial import GUARD, LOUD
from tests.pool.servers import POLITE, Server, hang_up, last_words
from tests.promises.process import Ran, ended, mxsweep, started
from tests.promises.world import World
from tests.resolve.script import Script, garbled

BUSY = {"OPEN": last_words(b"421 4.3.2 come back later\r\n", hang_up)}
BACKOFF_S = 1.5
"""Longer than the second for which an answer of TTL 0 is remembered."""
PAIRS = 10
LOOPBACK = ("127.0.0.1", "::1")


def allowed(number: int) -> str:
    """Where the pair's mail server is."""
    return f"127.60.203.{number + 1}"


class Rebinding(Script):
    """Two domains share an exchange, whose address is there for a moment (TTL 0) and then another.

    Of even pairs it is a mail server that may be dialled first, then loopback; of odd pairs the other way round.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ttl_s = 0
        self.turned = False
        self.add("probe.test", "A", "127.0.0.1")
        for number in range(PAIRS):
            for domain in (f"a{number}.example", f"b{number}.example"):
                self.add(domain, "MX", f"10 mx{number}.example.")
            self.rule(f"mx{number}.example", self.rebound)

    def rebound(self, query: dns.message.Message) -> Response:
        """The address of now."""
        question = query.question[0]
        number = int(question.name[0].decode().removeprefix("mx"))
        is_loopback = self.turned ^ bool(number % 2)
        message = dns.message.make_response(query)
        address = LOOPBACK[0] if is_loopback else allowed(number)
        if question.rdtype == dns.rdatatype.A:
            message.answer.append(dns.rrset.from_text(question.name, 0, "IN", "A", address))
        elif question.rdtype == dns.rdatatype.AAAA and is_loopback:
            message.answer.append(dns.rrset.from_text(question.name, 0, "IN", "AAAA", LOOPBACK[1]))
        return Response(message)


async def rebound(script: Rebinding, server: Server, notes: Path) -> Ran:
    """A run over the first of each pair, and when they are all done over the second, with the addresses turned."""
    async with NameServer(script) as names:
        options = [*World(names, {LOOPBACK[0]: server}).unfenced, "--allow-net", ALLOWED_NET]
        options += ["--backoff", str(BACKOFF_S), "--retry-transient", str(BACKOFF_S), "--quiet"]
        before = (sys.executable, GUARD, str(notes))
        async with started("audit", *options, env=LOUD, before=before) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("".join(f"a{number}.example\n" for number in range(PAIRS)).encode())
            stdout = b""
            while stdout.count(b'"kind":"domain"') < PAIRS:
                stdout += await process.stdout.readline()
            script.turned = True
            rest = await ended(process, "".join(f"b{number}.example\n" for number in range(PAIRS)).encode())
    return Ran(rest.code, stdout + rest.stdout, rest.stderr)


async def test_an_address_that_turns_to_loopback_between_two_looks_is_never_dialled() -> None:
    """Neither by the domain's second attempt, nor by another domain of the same exchange, whatever is remembered."""
    script = Rebinding()
    addresses = [*LOOPBACK, *map(allowed, range(PAIRS))]
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "dialled"
        async with Server(BUSY, addresses, later=[BUSY] * (PAIRS // 2 - 1) + [POLITE]) as server:
            ran = await rebound(script, server, notes)
        *dialled, _ = notes.read_text("utf-8").splitlines()
    arrived = {dial.address for dial in server.dials}
    assert arrived == set(dialled) == set(map(allowed, range(PAIRS)))
    assert ran.verdicts == {
        f"{half}{number}.example": "undeliverable" if (half == "b") ^ bool(number % 2) else "ok"
        for half in "ab"
        for number in range(PAIRS)
    }
    for probe in ran.of_kind("probe"):
        assert (probe["verdict"] == "address_forbidden") is (probe["address"] in LOOPBACK)
        assert (probe["session"] == "none") is (probe["address"] in LOOPBACK)
    assert any(probe["attempts"] > 1 for probe in ran.of_kind("probe"))


HONEST = 30
"""Few enough for the socket of this test's server to take them all seven times in a row."""


async def test_one_name_with_malformed_answers_fails_no_other_that_is_under_way() -> None:
    """c-ares fails the socket that all share, and costs each query on it a try, seven times in a row."""
    honest = [f"d{number}.example" for number in range(HONEST)]
    script = Script()
    script.add("probe.test", "A", "127.0.0.1")
    for domain in honest:
        script.add(domain, "MX", "0 .")
    script.rule("mad.example", garbled(lambda octets: octets[:20]))

    def answer(query: dns.message.Message, /, *, tcp: bool) -> Response:
        """The honest ones take their time: they are under way until the other has used up its tries."""
        response = script(query, tcp=tcp)
        name = query.question[0].name.to_text(omit_final_dot=True)
        return response._replace(delay_s=0.5) if name in honest else response

    async with NameServer(answer) as names:
        options = [*World(names, {}).unfenced, "--quiet", "--fail-on", "none"]
        ran = await mxsweep("audit", *honest, "mad.example", *options, env=LOUD)
        again = sum(names.asked[domain, "MX"] for domain in honest)
    assert ran.verdicts == dict.fromkeys(honest, "no_mail") | {"mad.example": "dns_failed"}
    assert again > HONEST, "they were not under way together: this shows nothing"
