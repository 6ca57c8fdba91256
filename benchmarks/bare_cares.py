"""A bare c-ares loop: the least that an MX look-up costs with c-ares and its packets. Answers are counted, not read.

It runs the c-ares that pycares carries, the one that mxsweep runs (a C program would be built against the system's, an
older one with another cost), and leaves pycares' objects out: queries go straight into the C function, whose callback
counts, and the sockets are watched by one epoll. `python -m benchmarks.bare_cares DOMAINS --resolver H:P` prints one
JSON line.
"""

from __future__ import annotations

import argparse
import select
from contextlib import suppress
from pathlib import Path

import pycares
from pycares import _ffi, _lib  # type: ignore[attr-defined]  # its C interface, which it does not export

from benchmarks.usage import Usage
from scanner.resolve.channel import forget_answers

IN_FLIGHT = 200
SILENCE_S = 30.0
RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024
TRY_TIMEOUT_S, TRIES = 0.5, 7
TICK_S = 0.25
"""The channel's settings are those of `scanner.resolve`."""

QUESTION = (_lib.ARES_CLASS_IN, _lib.ARES_REC_TYPE_MX)
CALLBACK = _lib._query_dnsrec_cb  # noqa: SLF001 - as above


class Answers:
    """How many came, and how many of them were answers and no errors."""

    landed = good = 0


@_ffi.def_extern(name="_query_dnsrec_cb")  # in the place of pycares' own
def count(_: object, status: int, __: int, ___: object) -> None:
    """c-ares' callback."""
    Answers.landed += 1
    Answers.good += status == _lib.ARES_SUCCESS


def watched(poll: select.epoll, fd: int, *, readable: bool, writable: bool) -> None:
    """What c-ares wants to know of a socket."""
    mask = (select.EPOLLIN if readable else 0) | (select.EPOLLOUT if writable else 0)
    with suppress(FileNotFoundError):  # a new one
        poll.unregister(fd)
    if mask:
        poll.register(fd, mask)


def ask_all(domains: list[str], server: str) -> None:
    """Ask for the MX of all, IN_FLIGHT at once."""
    with select.epoll() as poll:
        channel = pycares.Channel(
            sock_state_cb=lambda fd, readable, writable: watched(poll, fd, readable=readable, writable=writable),
            timeout=TRY_TIMEOUT_S,
            tries=TRIES,
            socket_receive_buffer_size=RECEIVE_BUFFER_OCTETS,
        )
        forget_answers(channel)
        channel.servers = [server]
        within = channel._channel[0]  # noqa: SLF001 - the C channel
        asked = silent = 0
        while Answers.landed < len(domains):
            while asked < len(domains) and asked - Answers.landed < IN_FLIGHT:
                _lib.ares_query_dnsrec(within, domains[asked].encode(), *QUESTION, CALLBACK, _ffi.NULL, _ffi.NULL)
                asked += 1
            ready = poll.poll(TICK_S)
            silent = 0 if ready else silent + 1
            assert silent * TICK_S < SILENCE_S, f"{Answers.landed} of {len(domains)} answers, then silence"
            for fd, mask in ready:
                reads = fd if mask & ~select.EPOLLOUT else pycares.ARES_SOCKET_BAD
                writes = fd if mask & select.EPOLLOUT else pycares.ARES_SOCKET_BAD
                _lib.ares_process_fd(within, reads, writes)
            if not ready:
                _lib.ares_process_fd(within, pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        channel.close()


def main() -> None:
    """Read the list, look it up, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domains", type=Path)
    parser.add_argument("--resolver", required=True)
    options = parser.parse_args()
    domains = options.domains.read_text().split()
    usage = Usage.start()
    ask_all(domains, options.resolver)
    print(usage.line(len(domains)))
    assert Answers.good == len(domains), f"only {Answers.good} of {len(domains)} have an answer"


if __name__ == "__main__":
    main()
