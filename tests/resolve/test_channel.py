from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pycares
import pytest
import uvloop

from scanner.lab.nameserver import NameServer
from scanner.resolve import channel as channel_module
from scanner.resolve.answer import Answer, RecordType, Status
from scanner.resolve.channel import Channel, end_if_met_itself, parse_resolver
from scanner.terms import LocalFault, UsageError
from tests.resolve.script import Script, garbled, section, silent, truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    import dns.message

    from scanner.lab.nameserver import Response


@pytest.mark.parametrize(
    ("text", "resolver"),
    [
        ("127.0.0.1", ("127.0.0.1", 53)),
        (" 127.0.0.1:5353 ", ("127.0.0.1", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]", ("::1", 53)),
        ("[0::0:1]:5353", ("::1", 5353)),
        ("2001:db8::5:53", ("2001:db8::5:53", 53)),
        ("192.0.2.1:65535", ("192.0.2.1", 65535)),
    ],
)
def test_a_resolver_is_an_address_with_or_without_port(text: str, resolver: tuple[str, int]) -> None:
    assert parse_resolver(text) == resolver


@pytest.mark.parametrize(
    "text",
    ["", ":53", "127.0.0.1:0", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:65536", "127.0.0.1:-1",
     "127.0.0.1:\uff15",
     "127.0.0.1:53a", "dns.example", "dns.example:53", "localhost", "127.1", "0177.0.0.1", "[::1", "[::1]53", "[::1]:",
     "[127.0.0.1]:53", "::1]:53", "fe80::1%lo", "1.2.3.4,5.6.7.8", "https://192.0.2.1/"],
)  # fmt: skip
def test_what_is_no_resolver_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_resolver(text)
    assert repr(text) in str(refused.value)


async def ask(channel: Channel, name: str, record_type: RecordType = RecordType.A) -> Answer | None:
    future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
    channel.ask(name, record_type, future.set_result)
    return await future


def here(*servers: NameServer) -> Channel:
    return Channel([(server.address, server.port) for server in servers])


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_it_asks_on_either_loop_and_leaves_nothing_behind(
    new_loop: Callable[[], asyncio.AbstractEventLoop], script: Script
) -> None:
    script.add("x.example", "MX", "10 Mx.example.")

    async def look() -> None:
        async with NameServer(script) as server:
            channel = here(server)
            answer = await ask(channel, "x.example", RecordType.MX)
            assert answer is not None
            assert [(record.preference, record.value) for record in answer.records] == [(10, "Mx.example")]
            await channel.close()
            assert (channel.in_flight, channel._read_fds, channel._write_fds) == (0, set(), set())

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(look())


async def test_ipv6_resolvers_are_asked(script: Script) -> None:
    script.add("x.example", "A", "192.0.2.1")
    async with NameServer(script, "::1") as server:
        channel = here(server)
        answer = await ask(channel, "x.example")
        await channel.close()
    assert answer is not None
    assert answer.records[0].value == "192.0.2.1"


async def test_a_second_resolver_answers_where_the_first_is_gone(script: Script) -> None:
    script.add("x.example", "A", "192.0.2.1")
    async with NameServer(script) as gone:
        pass
    async with NameServer(script) as server:
        channel = here(gone, server)
        answer = await ask(channel, "x.example")
        await channel.close()
    assert answer is not None
    assert answer.status is Status.FOUND


async def test_without_a_resolver_the_systems_are_asked() -> None:
    system = pycares.Channel()
    channel = Channel()
    assert channel.servers == system.servers != []
    await channel.close()
    system.close()


async def test_a_server_that_truncates_and_hangs_over_tcp_costs_no_cpu(script: Script, server: NameServer) -> None:
    """A writer still watched once it is writable keeps a core busy: 7.6 s of CPU in 7.6 s with aiodns' own driver."""
    script.rule("x.example", truncated, silent)
    channel = here(server)
    channel.ask("x.example", RecordType.MX, lambda _: None)
    began, cpu_began = time.monotonic(), time.process_time()
    await asyncio.sleep(1)
    cpu_s, wall_s = time.process_time() - cpu_began, time.monotonic() - began
    assert server.asked_by_tcp[("x.example", "MX")] >= 1
    await channel.close()
    assert cpu_s < 0.2 * wall_s


async def test_a_lost_question_is_sent_again(script: Script, server: NameServer) -> None:
    script.rule(
        "x.example",
        lambda query: silent(query) if server.asked.total() == 1 else section("x.example. 300 IN A 192.0.2.1")(query),
    )
    channel = here(server)
    answer = await ask(channel, "x.example")
    await channel.close()
    assert answer is not None
    assert answer.status is Status.FOUND
    assert server.asked.total() == 2


async def test_a_malformed_answer_to_one_question_is_the_end_of_no_other(script: Script, server: NameServer) -> None:
    """c-ares fails the whole socket: seven times, and all that were in flight ended as "unusable answer"."""
    honest = section("x.example. 300 IN A 192.0.2.1")
    script.rule("bad.example", garbled(lambda wire: wire[:20]))
    script.rule("x.example", lambda query: honest(query) if server.asked["bad.example", "A"] >= 7 else silent(query))
    channel = here(server)
    ends = [asyncio.get_running_loop().create_future() for _ in range(2)]
    channel.ask("x.example", RecordType.A, ends[0].set_result)
    channel.ask("bad.example", RecordType.A, ends[1].set_result)
    assert [(await end).status for end in ends] == [Status.FOUND, Status.FAILED]
    assert channel.in_flight == 0
    await channel.close()


async def test_tries_that_others_malformed_answers_have_cost_are_given_back(script: Script, server: NameServer) -> None:
    """Of two tries one is lost with the socket, the other as it happens: that is no silence yet."""
    honest = section("x.example. 300 IN A 192.0.2.1")
    found: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
    channel = Channel([(server.address, server.port)], try_timeout_s=0.1, tries=2)

    def bad(query: dns.message.Message) -> Response:
        if server.asked["bad.example", "A"] == 2:
            channel.ask("x.example", RecordType.A, found.set_result)
        return garbled(lambda wire: wire[:20])(query)

    script.rule("bad.example", bad)
    script.rule("x.example", lambda query: honest(query) if server.asked["x.example", "A"] > 2 else silent(query))
    await ask(channel, "bad.example")
    answer = await found
    await channel.close()
    assert answer is not None
    assert answer.status is Status.FOUND


async def test_closing_ends_what_is_asked_apart_too(script: Script, server: NameServer) -> None:
    ends: list[Answer | None] = []
    asked = asyncio.Event()

    def rule(query: dns.message.Message) -> Response:
        if server.asked["x.example", "A"] <= 7:
            return garbled(lambda wire: wire[:20])(query)
        asked.set()
        return silent(query)

    script.rule("x.example", rule)
    channel = here(server)
    channel.ask("x.example", RecordType.A, ends.append)
    await asked.wait()
    assert channel.in_flight == 1
    await channel.close()
    assert channel.apart is not None
    assert (ends, channel.in_flight, channel.apart.in_flight, channel.apart._read_fds) == ([None], 0, 0, set())


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_socket_that_met_itself_can_ask_nothing_and_others_are_left_alone(address: str) -> None:
    """It would read its own question, which c-ares takes for an answer without records."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as itself, socket.socket(family, socket.SOCK_DGRAM) as other:
        itself.bind((address, 0))
        end_if_met_itself(itself.fileno())  # not connected yet
        itself.connect(itself.getsockname())
        other.connect(itself.getsockname())
        for asking in (itself, other):
            end_if_met_itself(asking.fileno())
        with pytest.raises(BrokenPipeError):
            itself.send(b"question")
        assert other.send(b"question") == 8


async def test_every_socket_to_an_unprivileged_port_is_looked_at(
    script: Script, server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    monkeypatch.setattr(channel_module, "end_if_met_itself", looked_at.append)
    script.add("x.example", "A", "192.0.2.1")
    channel = here(server)
    await ask(channel, "x.example")
    await channel.close()
    assert len(looked_at) == 1


async def test_c_ares_remembers_no_answer(script: Script, server: NameServer) -> None:
    """It would remember every one of them, without a limit: 267 MB after 200,000 names."""
    script.add("x.example", "A", "192.0.2.1")
    channel = here(server)
    for _ in range(3):
        await ask(channel, "x.example")
    await channel.close()
    assert server.asked.total() == 3


async def test_a_query_that_c_ares_refuses_ends_once(server: NameServer) -> None:
    """No answer can be that of an empty label; c-ares calls back itself, and says so by its return value as well."""
    ends: list[Answer | None] = []
    channel = here(server)
    channel.ask("x..example", RecordType.A, ends.append)
    assert ([end and end.status for end in ends], channel.in_flight) == ([Status.FAILED], 0)
    await channel.close()
    assert not server.asked


async def test_a_channel_that_is_closed_cannot_be_asked(server: NameServer) -> None:
    channel = here(server)
    await channel.close()
    with pytest.raises(TypeError):
        channel.ask("x.example", RecordType.A, lambda _: None)
    assert channel.in_flight == 0
    channel.process(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)


async def test_closing_ends_every_query_before_it_returns(script: Script, server: NameServer) -> None:
    ends: list[Answer | None] = []
    channel = here(server)
    for number in range(50):
        script.rule(f"d{number}.example", silent)
        channel.ask(f"d{number}.example", RecordType.A, ends.append)
    assert channel.in_flight == 50
    await channel.close()
    assert (ends, channel.in_flight, channel._read_fds) == ([None] * 50, 0, set())
    await channel.close()


async def test_sockets_and_timer_go_when_nothing_is_asked(script: Script, server: NameServer) -> None:
    script.add("x.example", "A", "192.0.2.1")
    channel = here(server)
    await ask(channel, "x.example")
    assert channel._read_fds == channel._write_fds == set()
    channel._timer_cb()
    assert channel._timer is None
    await channel.close()


async def test_a_c_ares_with_known_holes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pycares, "ARES_VERSION", "1.34.6")
    with pytest.raises(LocalFault, match=r"1\.34\.6"):
        Channel()
