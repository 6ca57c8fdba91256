"""Asked by dnspython's own client, in a thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rrset
import pytest
import uvloop

from scanner.lab.nameserver import NameServer, Response

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = dns.message.make_query("X.example", "MX")


def reply(query: dns.message.Message, count: int = 1) -> dns.message.Message:
    message = dns.message.make_response(query)
    values = [f"{number} mx{number}.a-name-of-some-length.example." for number in range(count)]
    message.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "MX", *values))
    return message


def honest(query: dns.message.Message, /, *, tcp: bool) -> Response:
    del tcp
    return Response(reply(query))


async def ask_udp(server: NameServer, query: dns.message.Message = QUESTION) -> dns.message.Message:
    return await asyncio.to_thread(dns.query.udp, query, server.address, timeout=5, port=server.port)


async def ask_tcp(server: NameServer) -> dns.message.Message:
    return await asyncio.to_thread(dns.query.tcp, QUESTION, server.address, timeout=5, port=server.port)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.4.5.6", "::1"])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_it_answers_on_udp_and_tcp_of_one_port_and_counts(
    address: str, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def ask() -> None:
        async with NameServer(honest, address) as server:
            assert server.port > 0
            assert await ask_udp(server) == await ask_tcp(server)
            assert dict(server.asked) == {("x.example", "MX"): 2}
            assert dict(server.asked_by_tcp) == {("x.example", "MX"): 1}

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(ask())


async def test_an_answer_too_large_for_a_datagram_is_cut_and_whole_over_tcp() -> None:
    """RFC 1035 4.2.1: 512 octets where the question has no EDNS option, else what that says."""

    def answer(query: dns.message.Message, /, *, tcp: bool) -> Response:
        del tcp
        return Response(reply(query, 30))

    async with NameServer(answer) as server:
        plain = await ask_udp(server)
        wide = await ask_udp(server, dns.message.make_query("x.example", "MX", use_edns=True, payload=4096))
        assert plain.flags & dns.flags.TC
        assert not wide.flags & dns.flags.TC
        assert len(wide.answer[0]) == len((await ask_tcp(server)).answer[0]) == 30


async def test_raw_octets_are_sent_as_they_are() -> None:
    def answer(query: dns.message.Message, /, *, tcp: bool) -> Response:
        del tcp
        return Response(reply(query).to_wire()[:11])

    async with NameServer(answer) as server:
        for ask in (ask_udp, ask_tcp):
            with pytest.raises(dns.message.ShortHeader):
                await ask(server)


async def test_over_tcp_it_can_reset() -> None:
    async with NameServer(lambda _query, *, tcp: Response(reset=tcp)) as server:
        with pytest.raises(ConnectionResetError):
            await ask_tcp(server)


class Client(asyncio.DatagramProtocol):
    """Collects datagrams; `seen` is set by each."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []
        self.seen = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        del addr
        self.datagrams.append(data)
        self.seen.set()


async def connected(server: NameServer) -> tuple[asyncio.DatagramTransport, Client]:
    loop = asyncio.get_running_loop()
    return await loop.create_datagram_endpoint(Client, remote_addr=(server.address, server.port))


async def test_an_answer_can_be_sent_twice() -> None:
    async with NameServer(lambda query, *, tcp: Response(reply(query), copies=1 if tcp else 2)) as server:
        transport, client = await connected(server)
        transport.sendto(QUESTION.to_wire())
        while len(client.datagrams) < 2:
            client.seen.clear()
            await client.seen.wait()
        transport.close()
    assert client.datagrams[0] == client.datagrams[1]


async def test_what_is_no_question_is_dropped_and_the_next_is_answered() -> None:
    async with NameServer(honest) as server:
        transport, client = await connected(server)
        for rubbish in (b"", b"\0", QUESTION.to_wire()[:12] + b"\xff", dns.message.Message().to_wire()):
            transport.sendto(rubbish)
        transport.sendto(QUESTION.to_wire())
        await client.seen.wait()
        transport.close()
        assert (len(client.datagrams), server.asked.total()) == (1, 1)


async def test_silence_and_delays_leave_nothing_behind_and_waiting_answers_are_counted() -> None:
    asked = asyncio.Event()

    def answer(query: dns.message.Message, /, *, tcp: bool) -> Response:
        del tcp
        if server.asked.total() == 4:
            asked.set()
            return Response()
        return Response(reply(query), delay_s=60)

    async with NameServer(answer) as server:
        transport, client = await connected(server)
        for _ in range(4):
            transport.sendto(QUESTION.to_wire())
        await asked.wait()
        assert (server.waiting, server.waiting_peak) == (3, 3)
    assert (server.waiting, server.protocols, client.datagrams) == (0, set(), [])
    transport.close()


async def test_a_delayed_answer_comes_when_it_is_due() -> None:
    async with NameServer(lambda query, *, tcp: Response(reply(query), delay_s=0.02 + tcp)) as server:
        assert (await ask_udp(server)).answer
        assert server.waiting == 0


async def test_a_server_can_come_back_in_its_place() -> None:
    async with NameServer(honest) as first:
        await ask_tcp(first)
    async with NameServer(honest, first.address, first.port) as second:
        assert second.port == first.port
        assert (await ask_udp(second)).answer
        assert (await ask_tcp(second)).answer
    with pytest.raises(OSError, match="refused"):
        await ask_tcp(first)


async def test_a_taken_port_is_an_error() -> None:
    async with NameServer(honest) as first:
        with pytest.raises(OSError, match="in use"):
            await NameServer(honest, first.address, first.port).__aenter__()
