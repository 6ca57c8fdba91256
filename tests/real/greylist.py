"""A greylisting service as Postfix asks it (the policy delegation protocol); its answers are postgrey's."""

from __future__ import annotations

import socketserver
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ADVICE = "DEFER_IF_PERMIT 4.2.0 Greylisted, see http://postgrey.schweikert.ch/help/{domain}.html"
"""What postgrey answers for a triplet that it has not known for long enough."""

DELAY_S = 300.0
"""How old a triplet must be to pass: postgrey's default, longer than any run here."""


class Triplets(socketserver.ThreadingTCPServer):
    """Remembers when each (client, sender, recipient) was first seen."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, delay_s: float) -> None:
        super().__init__(("127.0.0.1", 0), PolicyRequest)
        self.delay_s = delay_s
        self.first_seen: dict[tuple[str, str, str], float] = {}

    def advice(self, client: str, sender: str, recipient: str) -> str:
        """What Postfix shall do with this recipient."""
        now = time.monotonic()
        age_s = now - self.first_seen.setdefault((client, sender, recipient), now)
        domain = recipient.partition("@")[2]
        return "DUNNO" if age_s >= self.delay_s else ADVICE.format(domain=domain)


class PolicyRequest(socketserver.StreamRequestHandler):
    """One connection of an smtpd: `name=value` lines up to an empty one, answered by `action=...`, again and again."""

    server: Triplets

    def handle(self) -> None:
        asked: dict[str, str] = {}
        for line in self.rfile:
            name, _, value = line.decode().rstrip("\n").partition("=")
            if name:
                asked[name] = value
                continue
            action = self.server.advice(asked["client_address"], asked["sender"], asked["recipient"])
            self.wfile.write(f"action={action}\n\n".encode())
            asked = {}


@contextmanager
def greylist(delay_s: float = DELAY_S) -> Iterator[tuple[str, int]]:
    """Run the service for as long as the block lasts; yields its address and port."""
    with Triplets(delay_s) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            host, port = server.server_address
            yield str(host), port
        finally:
            server.shutdown()
            serving.join()
