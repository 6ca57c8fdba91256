"""A town on loopback: twenty thousand domains, two hundred mail hosts, and what each says, by its number alone.

All of it is one process' callbacks, without parsing more than it must: it has to keep up with the command. It counts
who was asked for, how often, and how many connections stood at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from typing import TYPE_CHECKING, Self

from tests.pool.servers import bound, tcp_info

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAINS = 20_000
HOSTS = 200
ZONE = b"town.example"
HELO = "probe.town.example"
SUBNET = "127.41"
CLOSED = 7
"""Hosts of this kind do not listen."""
SLOW_FROM = 2000
"""A name server that fails is asked again, which takes seconds: none of those whom a short test asks about."""
HEADER_BYTES = 12
MX, A = 15, 1
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
GREETING, TURNED_AWAY = b"220 mx ESMTP\r\n", b"554 5.3.2 no mail here\r\n"
OK = b"250 2.0.0 Ok\r\n"


def domain(number: int) -> str:
    return f"d{number}.{ZONE.decode()}"


def address(host: int) -> str:
    return f"{SUBNET}.{host // 100 + 1}.{host % 100 + 1}"


def exchanges(number: int) -> list[int]:
    """The hosts of a domain's exchanges, the primary first; half of the domains have a secondary."""
    return [number % HOSTS] if number % 2 else [number % HOSTS, (number * 7 + 3) % HOSTS]


def reply_to_rcpt(host: int, number: int) -> bytes | None:
    """What a host says to a domain's recipient; None: it hangs up."""
    kind = host % 10
    if kind == 3:
        return b"554 5.7.1 Relay access denied\r\n"
    if kind == 4 and number % 4 == 0:
        return b"550 5.1.1 User unknown\r\n"
    if kind == 5:
        return b"450 4.2.0 Greylisted, try again later\r\n"
    if kind == 8 and number % 7 == 0:
        return None
    return b"250 2.1.5 Ok\r\n"


def labels(name: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\0"


def record(kind: int, data: bytes) -> bytes:
    """One RR of the name in the question."""
    return b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1" + (300).to_bytes(4) + len(data).to_bytes(2) + data


def answered(query: bytes) -> bytes:
    """The town's answer to a question (RFC 1035 4.1)."""
    end = query.index(0, HEADER_BYTES) + 1
    name, kind = query[HEADER_BYTES + 1 : HEADER_BYTES + 1 + query[HEADER_BYTES]].lower(), query[end + 1]
    code, records = look_up(name, kind)
    counts = b"\0\1" + len(records).to_bytes(2) + bytes(4)
    return query[:2] + bytes([0x81, 0x80 | code]) + counts + query[HEADER_BYTES : end + 4] + b"".join(records)


def look_up(name: bytes, kind: int) -> tuple[int, list[bytes]]:
    """Code and records."""
    if name[:2] == b"mx":
        return NOERROR, [record(A, socket.inet_aton(address(int(name[2:]))))] if kind == A else []
    if name[:1] != b"d":
        return NOERROR, [record(A, socket.inet_aton("127.0.0.1"))] if kind == A else []
    return of_domain(int(name[1:]), kind)


def of_domain(number: int, kind: int) -> tuple[int, list[bytes]]:
    """A domain's; a few have no mail, no name, or a broken name server."""
    if number % 97 == 0:
        return NXDOMAIN, []
    if number % 499 == 0 and number > SLOW_FROM:
        return SERVFAIL, []
    if kind != MX or number % 103 == 0:
        return NOERROR, []
    if number % 101 == 0:
        return NOERROR, [record(MX, b"\0\0\0")]
    names = enumerate((labels(b"mx%d." % host + ZONE) for host in exchanges(number)), 1)
    return NOERROR, [record(MX, (10 * place).to_bytes(2) + name) for place, name in names]


class Names(asyncio.DatagramProtocol):
    """The town's name server."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(answered(data), addr)


class Session(asyncio.Protocol):
    """One client at one host."""

    def __init__(self, town: Town, host: int) -> None:
        self.town = town
        self.host = host
        self.unread = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.town.came(self)
        if self.host % 10 == 6:
            transport.write(TURNED_AWAY)
            transport.close()
        else:
            transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        *lines, self.unread = (self.unread + data).split(b"\r\n")
        said = []
        for line in lines:
            verb = line[:4].upper()
            if verb == b"EHLO":
                said.append(b"250-mx\r\n250 PIPELINING\r\n")
            elif verb == b"RCPT":
                number = int(line[line.index(b"@d") + 2 :].partition(b".")[0])
                self.town.asked[number] += 1
                if (reply := reply_to_rcpt(self.host, number)) is None:
                    self.transport.write(b"".join(said))
                    self.transport.close()
                    return
                said.append(reply)
            else:
                said.append(OK)
        self.transport.write(b"".join(said))

    def connection_lost(self, _exc: Exception | None) -> None:
        self.town.went(self)


class Town:
    """All of it: `async with Town() as town`.

    Args:
        more: options for the command.

    Attributes:
        asked: RCPTs by the number of the domain.
        open: connections now, by host; `total` of them; `peak`: the most at one host, `total_peak`: at all.
    """

    def __init__(self, *more: str) -> None:
        self.more = more
        self.asked: Counter[int] = Counter()
        self.open: dict[int, set[Session]] = {}
        self.total = self.peak = self.total_peak = 0
        self.port = 0
        self.stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        names, _ = await loop.create_datagram_endpoint(Names, sock=datagrams())
        self.stack.callback(names.close)
        self.resolver = "{}:{}".format(*names.get_extra_info("sockname"))
        for host in range(HOSTS):
            held = self.stack.enter_context(bound(address(host), self.port))
            self.port = held.getsockname()[1]
            if host % 10 != CLOSED:
                listener = await loop.create_server(lambda host=host: Session(self, host), sock=held)  # type: ignore[misc]
                self.stack.callback(listener.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stack.aclose()

    def came(self, session: Session) -> None:
        """Count it. Who has closed does not count, even where a new connection is seen before the old one's end."""
        there = self.open.setdefault(session.host, set())
        there.add(session)
        self.total += 1
        if len(there) > self.peak:
            self.peak = max(self.peak, sum(tcp_info(each.transport).established for each in there))
        if self.total > self.total_peak:
            everybody = [each for sessions in self.open.values() for each in sessions]
            self.total_peak = max(self.total_peak, sum(tcp_info(each.transport).established for each in everybody))

    def went(self, session: Session) -> None:
        self.open[session.host].discard(session)
        self.total -= 1

    @property
    def options(self) -> list[str]:
        """The command's, against this town."""
        return [
            *("--resolver", self.resolver, "--port", str(self.port), "--allow-net", "127.0.0.0/8", "--helo", HELO),
            *("--rate", "0", "--target-rate", "0", "--backoff", "0", "--concurrency", "200", "--progress", "none"),
            *self.more,
        ]


def lines(count: int = DOMAINS) -> Iterator[str]:
    """The input."""
    return (f"{domain(number)}\n" for number in range(count))


def datagrams() -> socket.socket:
    """A socket that holds what comes while we are busy."""
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    held.setblocking(False)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    held.bind(("127.0.0.1", 0))
    return held
