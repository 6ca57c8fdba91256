from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING

import pytest

from scanner.addresses import Fence, Networks
from scanner.pool import dial as dialling
from scanner.pool.dial import DialFailed, Forbidden, dial, failed
from scanner.pool.watch import Dialling, Watch
from scanner.terms import LocalFault, ProbeVerdict, Target
from tests.pool.asking import LOOPBACK
from tests.pool.in_namespace import in_namespace
from tests.pool.servers import POLITE, Server, closed_port, reset, sockets, unanswered, until

if TYPE_CHECKING:
    from collections.abc import Callable

KERNEL_SAYS = {
    errno.ECONNREFUSED: ProbeVerdict.REFUSED,
    errno.ECONNRESET: ProbeVerdict.DISCONNECTED,
    errno.EPIPE: ProbeVerdict.DISCONNECTED,
    errno.ETIMEDOUT: ProbeVerdict.CONNECT_TIMEOUT,
    errno.EHOSTUNREACH: ProbeVerdict.UNREACHABLE,
    errno.ENETUNREACH: ProbeVerdict.UNREACHABLE,
    errno.EPERM: ProbeVerdict.LOCAL_ERROR,
    errno.EACCES: ProbeVerdict.LOCAL_ERROR,
    errno.EINVAL: ProbeVerdict.LOCAL_ERROR,
    errno.EAFNOSUPPORT: ProbeVerdict.LOCAL_ERROR,
    errno.EPROTONOSUPPORT: ProbeVerdict.LOCAL_ERROR,
}
OURS_AND_PASSING = ["EADDRNOTAVAIL", "EADDRINUSE", "EAGAIN", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]


class Caller(asyncio.Protocol):
    """Keeps what the loop says about the connection."""

    def __init__(self) -> None:
        self.made = False
        self.lost = asyncio.Event()

    def connection_made(self, _transport: asyncio.BaseTransport) -> None:
        self.made = True

    def connection_lost(self, _exc: Exception | None) -> None:
        self.lost.set()


async def knock(
    target: Target,
    caller: Callable[[], asyncio.Protocol] = asyncio.Protocol,
    *,
    fence: Fence = LOOPBACK,
    typed: bool = False,
    source: str | None = None,
    within_s: float = 5.0,
) -> asyncio.Transport:
    deadline = asyncio.get_running_loop().time() + within_s
    return await dial(target, caller, fence=fence, typed=typed, source=source, limit=Dialling(Watch(), deadline))


async def test_what_was_checked_is_what_is_connected() -> None:
    async with Server(POLITE, ["127.0.3.1", "127.0.3.2"]) as server:
        caller = Caller()
        transport = await knock(server.targets[1], lambda: caller)
        assert caller.made
        assert transport.get_extra_info("peername") == server.targets[1]
        transport.abort()
        await caller.lost.wait()
        assert [dial.address for dial in server.dials] == ["127.0.3.2"]


async def test_a_source_address_is_what_the_server_sees() -> None:
    async with Server() as server:
        transport = await knock(server.target, source="127.0.3.9")
        await until(lambda: bool(server.visits))
        assert server.visits[0].transport.get_extra_info("peername")[0] == "127.0.3.9"
        transport.abort()


@pytest.mark.parametrize("source", [None, "127.0.3.9"])
async def test_a_closed_port_has_refused(source: str | None) -> None:
    before = sockets()
    with closed_port() as target, pytest.raises(DialFailed) as caught:
        await knock(target, source=source)
    assert caught.value.verdict is ProbeVerdict.REFUSED
    assert str(caught.value) == "Connection refused (ECONNREFUSED)"
    await until(lambda: sockets() == before)


async def test_a_reset_right_after_the_handshake_is_a_server_that_hung_up_and_no_refusal() -> None:
    """The kernel has completed the connection; depending on who looks when, the dial or the connection says so."""
    heard = {"dial": 0, "lost": 0}
    async with Server({"OPEN": reset}) as server:
        for _ in range(100):
            caller = Caller()
            try:
                transport = await knock(server.target, lambda c=caller: c)  # type: ignore[misc]
            except DialFailed as error:
                heard["dial"] += 1
                assert error.verdict is ProbeVerdict.DISCONNECTED  # noqa: PT017 - both ways are right
            else:
                await caller.lost.wait()
                heard["lost"] += 1
                transport.abort()
    assert sum(heard.values()) == 100


@pytest.mark.parametrize("source", [None, "127.0.3.9"])
async def test_silence_is_a_connect_timeout_at_the_deadline_and_leaves_no_socket(source: str | None) -> None:
    loop = asyncio.get_running_loop()
    with unanswered() as target:
        before = sockets()
        began = loop.time()
        with pytest.raises(DialFailed) as caught:
            await knock(target, source=source, within_s=0.2)
        assert 0.15 < loop.time() - began < 0.2 + 0.5
        assert caught.value.verdict is ProbeVerdict.CONNECT_TIMEOUT
        await until(lambda: sockets() == before)


@pytest.mark.parametrize("number", KERNEL_SAYS, ids=errno.errorcode.get)
async def test_the_verdict_is_named_where_the_errno_is_caught(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def kernel(*_: object) -> asyncio.Transport:
        raise OSError(number, "")

    monkeypatch.setattr(dialling, "connect", kernel)
    with pytest.raises(DialFailed) as caught:
        await knock(Target("127.0.0.1", 25))
    assert caught.value.verdict is KERNEL_SAYS[number]
    assert errno.errorcode[number] in str(caught.value)


@pytest.mark.parametrize("name", OURS_AND_PASSING)
def test_our_shortage_is_nobodys_verdict(name: str) -> None:
    fault = failed(Target("127.0.0.1", 25), OSError(getattr(errno, name), ""))
    assert isinstance(fault, LocalFault)
    assert name in str(fault)


async def test_a_descriptor_that_the_loop_takes_for_anothers_costs_one_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop#653: RuntimeError, File descriptor 9 is used by transport."""

    async def poisoned(*_: object) -> asyncio.Transport:
        raise RuntimeError("File descriptor 9 is used by transport")

    monkeypatch.setattr(dialling, "connect", poisoned)
    with pytest.raises(DialFailed, match="File descriptor 9") as caught:
        await knock(Target("127.0.0.1", 25))
    assert caught.value.verdict is ProbeVerdict.LOCAL_ERROR


async def test_a_cancelled_dial_leaves_no_socket() -> None:
    with unanswered() as target:
        before = sockets()
        for source in (None, "127.0.3.9"):
            async with asyncio.TaskGroup() as tasks:
                dials = [tasks.create_task(knock(target, source=source)) for _ in range(20)]
                await until(lambda: sockets().total() >= before.total() + 20)
                for each in dials:
                    each.cancel()
            await until(lambda: sockets() == before)


async def test_a_forbidden_address_is_refused_before_anything_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        pytest.fail("it was dialled")

    monkeypatch.setattr(dialling, "connect", never)
    with pytest.raises(Forbidden) as caught:
        await knock(Target("127.0.0.1", 25), fence=Fence())
    assert caught.value.ban.verdict is ProbeVerdict.ADDRESS_FORBIDDEN
    assert "--allow-net" in str(caught.value)
    with pytest.raises(Forbidden) as caught:
        await knock(Target("127.0.0.1", 25), typed=True, fence=Fence(exclude=Networks.from_text(["127.0.0.1"])))
    assert caught.value.ban.verdict is ProbeVerdict.EXCLUDED


async def test_names_are_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loops take an address for what it is; a resolver between the fence and the dial would undo the fence."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    async with Server() as server:
        (await knock(server.target)).abort()
    with pytest.raises(Forbidden):
        await knock(Target("localhost", server.port), typed=True)


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_routes_of_our_kernel_say_unreachable_or_are_ours() -> None:
    assert await in_namespace("routes") == {
        "unreachable": ["unreachable", "No route to host (EHOSTUNREACH)"],
        "prohibit": ["local_error", "Permission denied (EACCES)"],
        "blackhole": ["local_error", "Invalid argument (EINVAL)"],
    }


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_a_connection_to_itself_is_a_closed_port() -> None:
    """A closed port in the range of our own ports is met by TCP's simultaneous open; one time in 830, measured."""
    for verdict, reason in (await in_namespace("self-connect")).values():
        assert (verdict, reason) == ("refused", "connected to itself: nobody listens there")
