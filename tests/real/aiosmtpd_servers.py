"""aiosmtpd in this process: one server per role, each a handler as its manual shows them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aiosmtpd.controller import Controller

from tests.real.ports import free_port
from tests.real.postfix import MailServers
from tests.real.roles import ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN = "250 OK"


class Role(NamedTuple):
    """One server: its name (the exchange is `NAME.mx.test`), its address, and whom it takes mail for.

    Args:
        domains: what it takes; None is everything.
        users: local parts that it knows; None is everybody.
        breaks: its handler raises, as one does whose database is gone.
    """

    name: str
    address: str
    domains: frozenset[str] | None = None
    users: frozenset[str] | None = None
    breaks: bool = False

    @property
    def exchange(self) -> str:
        """Its name in DNS and in its greeting."""
        return f"{self.name}.mx.{ZONE}"


class Policy:
    """A handler that decides at RCPT; a message that somebody sends it forgets."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def handle_RCPT(  # noqa: N802 - aiosmtpd looks it up by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The reply to one recipient."""
        del server, session, options
        user, _, domain = address.partition("@")
        if self.role.breaks:
            raise ConnectionError("no database")
        if self.role.domains is not None and domain not in self.role.domains:
            return "550 not relaying to that domain"
        if self.role.users is not None and user not in self.role.users:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return TAKEN


@contextmanager
def aiosmtpd(roles: Sequence[Role]) -> Iterator[MailServers]:
    """Run the roles' servers, each in a thread of its own, for as long as the block lasts."""
    port = free_port(role.address for role in roles)
    with ExitStack() as running:
        for role in roles:
            controller = Controller(
                Policy(role), hostname=role.address, port=port, server_hostname=role.exchange, ready_timeout=20.0
            )
            controller.start()
            running.callback(controller.stop)
        yield MailServers({role.name: role.address for role in roles}, port, Path("/dev/null"))
