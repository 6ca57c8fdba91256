"""The c-ares channel under aiodns, driven from our own loop instead of by c-ares' thread; no other file knows c-ares.

Why: aiodns 4 drops `sock_state_cb` and forces an event thread, which wakes the loop across threads for each answer:
100 µs of CPU an MX query against NSD with 10 in flight (another sitting: 180-245), where this driver takes 57 (75). At
200 in flight answers come in heaps and the two are close. aiodns' own fall-back driver never removes a writer: a server
that truncates and then stalls over TCP kept a core busy for as long as it pleased. So `_make_channel` and the driver
are ours, and the rest is aiodns. All calls also stay on one thread, so that queries in flight can be counted and ended.
This file goes when aiodns accepts a `sock_state_cb` again, or drives channels without a thread.

What else c-ares 1.34 needs, as measured: it remembers every answer, without a limit on their number (1.4 KB a name, up
to an hour), and that costs as much as the rest of it: 26 µs a look-up with it, 15 without, in a bare loop. So it is
turned off; a question asked twice at one time is joined before it comes here, and exchanges are remembered by us. A
datagram that it cannot parse, whoever sent it, fails the socket and costs every query on it a try: seven of them, which
one hostile name gets by itself, and all that were in flight end as "unusable answer". Those are asked again `apart`. It
replaces the time-out asked for by five times the mean latency (at least 0.25 s), so that after many fast answers a slow
one counts as lost, and ignores late answers to earlier tries. Each try doubles that and takes off up to half of it at
random: the sixth waits 4 to 8 s. Of answers that take 6 s six tries got 12 in 25, seven all, within 20 s whatever the
dice say; three got none that takes a second.

pycares turns every record of an answer into objects, the authority's and the additional ones too, which nobody here
reads: 35 µs of Python for an MX answer of NSD. `answer_section` takes its parser's place and costs 3. `ask` calls
c-ares as pycares' `query` does, without its lock against other threads and its checks: 3 µs less.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import aiodns
import pycares
from pycares import _ffi, _lib  # type: ignore[attr-defined]  # its C interface, which it does not export

from scanner.resolve.answer import Answer, Record, RecordType, Status, select
from scanner.terms import LocalFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DNS_PORT = 53

ARES_VERSION_AT_LEAST = (1, 34, 8)
"""Earlier ones: CVE-2026-33630 (use after free), pointer chains that eat CPU, record counts that eat memory."""

OPTION_UDP_MAX_QUERIES, OPTION_QUERY_CACHE = 1 << 19, 1 << 21
"""ARES_OPT_UDP_MAX_QUERIES and ARES_OPT_QUERY_CACHE of ares.h, which pycares does not name."""

ON_ANSWER = _lib._query_dnsrec_cb  # noqa: SLF001 - what c-ares calls; it calls `answer_section`, then ours

RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024
"""All queries share one UDP socket: with the default buffer a burst of answers is lost, which looks like time-outs."""

TICK_AT_LEAST_S, TICK_AT_MOST_S = 0.005, 0.25
"""Bounds of the timer: c-ares' shortest time-out is 0.25 s, and a query asked after arming must not wait far longer."""

UNPRIVILEGED_PORT = 1024
"""From here on the kernel may give a resolver's port to a socket of ours."""

UNREADABLE = -1
"""Our own beside c-ares' codes. c-ares counts every response code that it does not know as a success; pycares drops the
code, and records that it cannot read. Never to be taken for "no such record"."""

TRIES_LOST = {pycares.errno.ARES_EBADRESP, pycares.errno.ARES_ETIMEOUT}
"""What a query may end in that was in flight beside one with an unusable answer."""

TYPES = {
    RecordType.MX: pycares.QUERY_TYPE_MX,
    RecordType.A: pycares.QUERY_TYPE_A,
    RecordType.AAAA: pycares.QUERY_TYPE_AAAA,
    RecordType.NS: pycares.QUERY_TYPE_NS,
    RecordType.PTR: pycares.QUERY_TYPE_PTR,
}

ENDINGS: dict[int, tuple[Status, str | None]] = {
    pycares.errno.ARES_ENODATA: (Status.NODATA, None),
    pycares.errno.ARES_ENOTFOUND: (Status.NXDOMAIN, None),
    pycares.errno.ARES_ESERVFAIL: (Status.FAILED, "SERVFAIL"),
    pycares.errno.ARES_EREFUSED: (Status.FAILED, "REFUSED"),
    pycares.errno.ARES_ENOTIMP: (Status.FAILED, "NOTIMP"),
    pycares.errno.ARES_EFORMERR: (Status.FAILED, "FORMERR"),
    pycares.errno.ARES_EBADRESP: (Status.FAILED, "unusable answer"),
    UNREADABLE: (Status.FAILED, "unusable answer: no readable record, or an unknown response code"),
    pycares.errno.ARES_ETIMEOUT: (Status.SILENT, "no answer in time"),
    pycares.errno.ARES_ECONNREFUSED: (Status.UNREACHABLE, "resolver not reachable"),
    pycares.errno.ARES_ENOMEM: (Status.UNREACHABLE, "out of memory for a query"),
    pycares.errno.ARES_EFILE: (Status.UNREACHABLE, "no descriptor for a query"),
}
"""What c-ares' codes mean; any other is FAILED with c-ares' own words."""

type_of = {number: record_type for record_type, number in TYPES.items()} | {
    pycares.QUERY_TYPE_CNAME: RecordType.CNAME,
}


def parse_resolver(text: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353` → (canonical address, port).

    c-ares itself takes `:0` for port 53, an empty text for no server at all and 99999 for an error without words.

    Raises: UsageError naming the text: no address (a host name would need a resolver first), a port out of range.
    """
    host, colon, port = text.strip(), "", ""
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not bracket or ":" not in host or colon not in {"", ":"}:
            raise UsageError(f"resolver {text!r}: not [IPv6 address] or [IPv6 address]:port")
    elif host.count(":") == 1:
        host, colon, port = host.partition(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise UsageError(f"resolver {text!r}: {host!r} is not an IP address (host names are not looked up)") from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise UsageError(f"resolver {text!r}: addresses with a scope are not supported")
    if not colon:
        return str(address), DNS_PORT
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise UsageError(f"resolver {text!r}: the port must be 1 to 65535")
    return str(address), int(port)


def server_text(address: str, port: int) -> str:
    """A server as c-ares reads and messages name it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Channel(aiodns.DNSResolver):
    """One c-ares channel on the running loop; use it from that loop's thread only.

    Args:
        resolvers: (address, port) each; none: the system's, as resolv.conf says now.
        try_timeout_s, tries: of c-ares' first try, and how many tries with growing time-outs.
        lone: a UDP socket for each query, so that a bad answer to one is the end of that one only.

    `in_flight` counts queries until c-ares' own callback, whoever still waits for them. `apart` is a lone channel for
    what got an unusable answer here, be it a neighbour's; None in a lone one.

    Raises: LocalFault where the c-ares that pycares carries is too old, or no channel can be had.
    """

    def __init__(
        self,
        resolvers: Sequence[tuple[str, int]] = (),
        *,
        try_timeout_s: float = 0.5,
        tries: int = 7,
        lone: bool = False,
    ) -> None:
        version = tuple(int(part) for part in pycares.ARES_VERSION.split(".")[:3])
        if version < ARES_VERSION_AT_LEAST:
            raise LocalFault(
                f"pycares carries c-ares {pycares.ARES_VERSION}, which has known holes: pycares 5.2.1 or later"
            )
        self.in_flight = 0
        self.unusable = 0  # how many answers were, so far
        self.lone = lone
        loop = asyncio.get_running_loop()
        super().__init__(
            loop=loop, timeout=try_timeout_s, tries=tries, socket_receive_buffer_size=RECEIVE_BUFFER_OCTETS
        )
        self.servers = [server_text(*resolver) for resolver in resolvers] or self._channel.servers
        self._channel.servers = self.servers
        self.may_meet_itself = any(port >= UNPRIVILEGED_PORT for _, port in resolvers)
        self.apart = None if lone else Channel(resolvers, try_timeout_s=try_timeout_s, tries=tries, lone=True)

    def _make_channel(self, **options: object) -> tuple[bool, pycares.Channel]:
        """A channel without an event thread; overrides aiodns'."""
        try:
            channel = pycares.Channel(sock_state_cb=self._sock_state_cb, timeout=self._timeout, **options)  # type: ignore[arg-type]  # aiodns passes them on untyped
            forget_answers(channel, queries_per_socket=1 if self.lone else 0)
        except pycares.AresError as error:
            raise LocalFault(f"no DNS channel: {error}") from error
        return False, channel

    def ask(self, name: str, record_type: RecordType, done: Callable[[Answer | None], None]) -> None:
        """Send one query; `done(answer)` is called once, perhaps before this returns; None: the channel was closed.

        `name` must be sane: c-ares cuts it at a NUL, reads backslashes as escapes and takes "" for the root.
        """
        channel, c_name, number = c_channel(self._channel), name.encode("ascii"), TYPES[record_type]
        landed = partial(self.landed, (name, record_type), done, self.unusable)
        handle = self._channel._register_callback_handle(landed)  # type: ignore[no-untyped-call]  # noqa: SLF001 - kept until c-ares calls
        self.in_flight += 1
        code = _lib.ares_query_dnsrec(channel, c_name, pycares.QUERY_CLASS_IN, number, ON_ANSWER, handle, _ffi.NULL)
        if code != _lib.ARES_SUCCESS and pycares._handle_to_channel.pop(handle, None):  # noqa: SLF001 - else it has called
            landed(None, code)
        if self._timer is None and self.in_flight:
            self._start_timer()

    def landed(
        self,
        question: tuple[str, RecordType],
        done: Callable[[Answer | None], None],
        unusable: int,
        records: list[Record] | None,
        code: int | None,
    ) -> None:
        """c-ares' callback: must not raise, its caller is C. `unusable`: how many answers were when it was asked."""
        if code in TRIES_LOST and self.apart is not None:
            self.unusable += code == pycares.errno.ARES_EBADRESP
            if self.unusable > unusable:
                self.apart.ask(*question, partial(self.landed_apart, done))
                return
        self.in_flight -= 1
        if records is not None:
            done(select(*question, records))
        elif code in {pycares.errno.ARES_ECANCELLED, pycares.errno.ARES_EDESTRUCTION}:
            done(None)
        else:
            number = pycares.errno.ARES_EBADRESP if code is None else code
            status, error = ENDINGS.get(number) or (Status.FAILED, text(pycares.errno.strerror(number)))
            done(Answer(status, error=error))

    def landed_apart(self, done: Callable[[Answer | None], None], answer: Answer | None) -> None:
        """What the lone channel says."""
        self.in_flight -= 1
        done(answer)

    async def close(self) -> None:
        """Every `done(None)` is called before it returns, timers are cancelled, the loop forgets the sockets."""
        await super().close()
        if self.apart is not None:
            await self.apart.close()

    def process(self, readable_fd: int, writable_fd: int) -> None:
        """Let c-ares read or write; ARES_SOCKET_BAD stands for none."""
        if not self._closed:
            _lib.ares_process_fd(c_channel(self._channel), readable_fd, writable_fd)

    def _sock_state_cb(self, fd: int, readable: bool, writable: bool) -> None:  # noqa: FBT001 - c-ares' signature
        """What c-ares wants to know of a socket; both false: it is about to be closed. Overrides aiodns'."""
        if self._closed:  # called from pycares' thread that destroys the channel; the loop has forgotten the socket
            return
        if readable and fd not in self._read_fds:
            if self.may_meet_itself:
                end_if_met_itself(fd)
            self.loop.add_reader(fd, self.process, fd, pycares.ARES_SOCKET_BAD)
            self._read_fds.add(fd)
        elif not readable and fd in self._read_fds:
            self._read_fds.discard(fd)
            self.loop.remove_reader(fd)
        if writable and fd not in self._write_fds:
            self.loop.add_writer(fd, self.process, pycares.ARES_SOCKET_BAD, fd)
            self._write_fds.add(fd)
        elif not writable and fd in self._write_fds:
            self._write_fds.discard(fd)
            self.loop.remove_writer(fd)

    def _start_timer(self) -> None:
        """Arm the one timer for c-ares' next time-out; overrides aiodns'."""
        due_s: float = self._channel.timeout()  # type: ignore[no-untyped-call]
        due_s = min(max(due_s, TICK_AT_LEAST_S), TICK_AT_MOST_S)
        self._timer = self.loop.call_later(due_s, self._timer_cb)

    def _timer_cb(self) -> None:
        """Let c-ares see to its time-outs; overrides aiodns'."""
        self.process(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        self._timer = None
        if self.in_flight:
            self._start_timer()


def c_channel(channel: pycares.Channel) -> Any:  # noqa: ANN401 - a C pointer
    """The c-ares channel in pycares'; TypeError where it is closed."""
    return channel._channel[0]  # type: ignore[index]  # noqa: SLF001 - as its own methods do


def forget_answers(channel: pycares.Channel, queries_per_socket: int) -> None:
    """Give pycares' channel a c-ares channel that is like its own but remembers no answers.

    `queries_per_socket`: after how many a UDP socket is closed; 0: never. Raises: AresError.
    """
    options, given, forgetful = _ffi.new("struct ares_options *"), _ffi.new("int *"), _ffi.new("ares_channel *")
    code = _lib.ares_save_options(c_channel(channel), options, given)
    if code == _lib.ARES_SUCCESS:
        options.qcache_max_ttl, options.udp_max_queries = 0, queries_per_socket
        wanted = given[0] | OPTION_QUERY_CACHE | (OPTION_UDP_MAX_QUERIES if queries_per_socket else 0)
        code = _lib.ares_init_options(forgetful, options, wanted)
    _lib.ares_destroy_options(options)
    if code != _lib.ARES_SUCCESS:
        raise pycares.AresError(code, pycares.errno.strerror(code))
    _lib.ares_destroy(c_channel(channel))
    channel._channel = forgetful  # noqa: SLF001


def answer_section(dnsrec: object) -> tuple[list[Record] | None, int | None]:
    """An answer's first section, its records of the types in `type_of`, or a code that says why not.

    In the place of `pycares.parse_dnsrec`, which c-ares' callback calls by its name.
    """
    if not dnsrec:
        return None, pycares.errno.ARES_EBADRESP
    records: list[Record] = []
    readable = False
    for number in range(_lib.ares_dns_record_rr_cnt(dnsrec, _lib.ARES_SECTION_ANSWER)):
        rr = _lib.ares_dns_record_rr_get_const(dnsrec, _lib.ARES_SECTION_ANSWER, number)
        if not rr:
            continue
        try:
            record = read_record(rr)
        except ValueError:  # of a type that pycares does not know either
            continue
        readable = True
        if record is not None:
            records.append(record)
    return (records, None) if readable else (None, UNREADABLE)


pycares.parse_dnsrec = answer_section


def end_if_met_itself(fd: int) -> None:
    """Make a UDP socket fail that the kernel gave the port of the resolver it is connected to, on the same address.

    It would read its own questions, and c-ares takes a question for an answer without records: of 799,000 look-ups at
    a closed port of the kernel's ephemeral range on loopback, 4,808 ended as NODATA. Ended, it is an error to c-ares,
    which opens another.
    """
    met = socket.socket(fileno=fd)
    try:
        if met.getsockname() == met.getpeername():
            met.shutdown(socket.SHUT_RDWR)
    except OSError:  # not connected (yet): nothing can be said, and nothing has been sent
        pass
    finally:
        met.detach()


def read_record(rr: object) -> Record | None:
    """One of c-ares' records in our words; None for one of another type than those in `type_of`.

    Raises: ValueError for a type that cannot be read.
    """
    number = _lib.ares_dns_rr_get_type(rr)
    record_type = type_of.get(number)
    if record_type is RecordType.MX:
        value, preference = (
            c_text(_lib.ares_dns_rr_get_str(rr, _lib.ARES_RR_MX_EXCHANGE)),
            _lib.ares_dns_rr_get_u16(rr, _lib.ARES_RR_MX_PREFERENCE),
        )
    elif record_type is RecordType.CNAME:
        value, preference = c_text(_lib.ares_dns_rr_get_str(rr, _lib.ARES_RR_CNAME_CNAME)), 0
    elif record_type is RecordType.PTR:
        value, preference = c_text(_lib.ares_dns_rr_get_str(rr, _lib.ARES_RR_PTR_DNAME)), 0
    else:
        data = pycares.extract_record_data(rr, number)  # type: ignore[no-untyped-call]
        value, preference = text(getattr(data, "addr", "")), 0
    if record_type is None:
        return None
    return Record(c_text(_lib.ares_dns_rr_get_name(rr)), record_type, _lib.ares_dns_rr_get_ttl(rr), value, preference)


def c_text(words: object) -> str:
    """A C string as text; NULL is empty. c-ares escapes in names what is not ASCII."""
    return _ffi.string(words).decode("ascii", "backslashreplace") if words else ""


def text(words: str | bytes) -> str:
    """Words of pycares as text; it hands out bytes where they are not ASCII."""
    return words if isinstance(words, str) else words.decode("ascii", "backslashreplace")
