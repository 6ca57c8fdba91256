"""A DNS responder for counting costs: its own process, canned answers, no parsing beyond the end of the question.

Every name has `MX 10 mx.<name>`; every A question gets 127.0.0.9, every other one an answer without records. A script:
it says its port on standard output and ends when its standard input is closed.
"""

import select
import socket
import sys

ANSWERED, NO_RECORDS = b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00", b"\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00"
OF_QUESTION = b"\xc0\x0c"  # a compression pointer to the name in the question
HOUR = b"\x00\x00\x0e\x10"
RECORDS = {
    15: OF_QUESTION + b"\x00\x0f\x00\x01" + HOUR + b"\x00\x07\x00\x0a\x02mx" + OF_QUESTION,
    1: OF_QUESTION + b"\x00\x01\x00\x01" + HOUR + b"\x00\x04\x7f\x00\x00\x09",
}


def reply(query: bytes) -> bytes:
    end = query.index(0, 12) + 1
    record = RECORDS.get(query[end + 1])
    return query[:2] + (ANSWERED if record else NO_RECORDS) + query[12 : end + 4] + (record or b"")


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        here.bind(("127.0.0.1", 0))
        sys.stdout.write(f"{here.getsockname()[1]}\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([sys.stdin, here], [], [])[0]:
            for _ in range(256):
                try:
                    query, asker = here.recvfrom(4096, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
                here.sendto(reply(query), asker)


if __name__ == "__main__":
    main()
