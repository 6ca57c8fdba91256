"""Settings cut into what the rooms need: small frozen values, checked, each fault named by its option."""

from __future__ import annotations

import os
import resource
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.addresses import TABLE, Address, Fence, Networks
from scanner.cli.subject import parse_subject
from scanner.intake.exclusions import exclude_domains, exclude_networks
from scanner.intake.names import BLANKS, parse_helo, parse_mailbox, parse_sender
from scanner.pool.families import Families
from scanner.pool.interfaces import own_addresses
from scanner.pool.limits import Deadlines, Identity, Limits, SessionLimits
from scanner.resolve.channel import parse_resolver
from scanner.resolve.mx import EXCHANGES_AT_MOST
from scanner.run.audit import Questions
from scanner.run.verdict import leaves_open
from scanner.smtp.outcome import StartTls
from scanner.terms import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scanner.intake.exclusions import DomainSet
    from scanner.settings import Settings
    from scanner.smtp.outcome import Outcome

DESCRIPTORS_SPARE = 64
"""For DNS, the output, the loop and lazily opened files."""
EXAMPLE_DOMAIN = "example.com"
HOSTS_FILE = Path("/etc/hosts")


def identity(settings: Settings) -> Identity:
    """Who we are.

    Raises:
        UsageError: no dotted host name and no --helo; a bad --helo or --source.
    """
    helo = settings.helo if settings.helo is not None else this_host()
    if helo is None:
        raise UsageError(f"this host's name {os.uname().nodename!r} has no domain: say --helo NAME")
    try:
        helo = parse_helo(helo)
    except UsageError as error:
        raise UsageError(f"--helo: {error}") from None
    return Identity(helo, checked_source(settings.source), StartTls(settings.starttls))


def this_host() -> str | None:
    """This host's name with its domain, if it has one.

    Asks the kernel and /etc/hosts (whose first name beside the host's own is, by Debian's convention, the full one),
    never DNS: the answer would depend on the weather.
    """
    name = os.uname().nodename
    if "." in name:
        return name
    try:
        lines = HOSTS_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        names = line.partition("#")[0].split()[1:]
        if name in names and "." in names[0]:
            return names[0]
    return None


def checked_source(source: str | None) -> str | None:
    """A local address that can be bound.

    Raises:
        UsageError: it is none.
    """
    if source is None:
        return None
    try:
        address = ip_address(source)
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6) as sock:
            sock.bind((str(address), 0))
    except ValueError:
        raise UsageError(f"--source: {source!r} is no IP address") from None
    except OSError as error:
        raise UsageError(f"--source: {source} is no address of this host ({error.strerror})") from None
    return str(address)


def sender(settings: Settings, helo: str) -> str:
    """Who is said to send.

    Raises:
        UsageError: a --sender that cannot be said.
    """
    try:
        return parse_sender(settings.sender if settings.sender is not None else f"postmaster@{helo}")
    except UsageError as error:
        raise UsageError(f"--sender: {error}") from None


def questions(settings: Settings, sender: str) -> Questions:
    """What is asked.

    Raises:
        UsageError: a --recipient that cannot be said, a --port that is none.
    """
    recipient = settings.recipient if settings.recipient is not None else "postmaster@{domain}"
    try:
        parse_mailbox(recipient.replace("{domain}", EXAMPLE_DOMAIN))
    except UsageError as error:
        raise UsageError(f"--recipient: {error}") from None
    return Questions(sender, recipient, checked_port(settings.port))


def checked_port(port: int) -> int:
    """A TCP port.

    Raises:
        UsageError: it is none.
    """
    if not 0 < port < 65536:
        raise UsageError(f"--port: {port} is no TCP port")
    return port


def resolvers(settings: Settings) -> list[tuple[str, int]]:
    """The DNS servers to ask; none: the system's.

    Raises:
        UsageError: names the value that is no address.
    """
    try:
        return [parse_resolver(text) for text in settings.resolver]
    except UsageError as error:
        raise UsageError(f"--resolver: {error}") from None


def via(settings: Settings) -> tuple[str, ...]:
    """The hosts that are asked instead of each domain's MX, each once; none: MX decides.

    Raises:
        UsageError: names what is no host, or says that they are too many.
    """
    hosts = tuple(dict.fromkeys(host for text in settings.via for host in hosts_of(text)))
    if len(hosts) > EXCHANGES_AT_MOST:
        raise UsageError(f"--via: {len(hosts)} hosts; at most {EXCHANGES_AT_MOST} can be asked about a domain")
    return hosts


def hosts_of(text: str) -> list[str]:
    """Hosts of one --via: names in lower case and A-labels, addresses canonical.

    Raises:
        UsageError: names what is no host; an empty list is more likely an unset variable than a wish for MX.
    """
    parts = [part for part in text.split(",") if part.strip(BLANKS)]
    if not parts:
        raise UsageError("--via: names no host")
    try:
        subjects = [parse_subject(part) for part in parts]
    except UsageError as error:
        raise UsageError(f"--via: {error}") from None
    if mailbox := next((subject.recipient for subject in subjects if subject.recipient), None):
        raise UsageError(f"--via: {mailbox!r} is a mailbox, not a host")
    return [subject.address or subject.name for subject in subjects]


def session_limits(settings: Settings) -> SessionLimits:
    """How much one session carries.

    Raises:
        UsageError: no room for the postmaster that is to be asked too.
    """
    for name, most in (
        ("transactions", settings.transactions_per_session),
        ("errors", settings.errors_per_session),
    ):
        if settings.ask_postmaster and most < 2:
            raise UsageError(f"--ask-postmaster: asks in the same session, so --{name}-per-session must be at least 2")
    return SessionLimits(settings.transactions_per_session, settings.errors_per_session)


def doubts(settings: Settings) -> Callable[[Outcome], bool] | None:
    """Which outcomes have the postmaster asked too; None: none."""
    return leaves_open if settings.ask_postmaster else None


def deadlines(settings: Settings) -> Deadlines:
    """How long."""
    return Deadlines(settings.connect_timeout, settings.reply_timeout, settings.probe_timeout)


def limits(settings: Settings, warn: Callable[[str], None]) -> Limits:
    """How many and how fast; the connections lowered, with a warning, where descriptors do not suffice."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.concurrency + DESCRIPTORS_SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    concurrency = settings.concurrency
    if soft != resource.RLIM_INFINITY and soft < wanted:
        concurrency = max(1, soft - DESCRIPTORS_SPARE)
        warn(f"--concurrency lowered to {concurrency}: this process may open {soft} descriptors")
    return Limits(
        concurrency,
        settings.per_target,
        settings.rate,
        settings.target_rate,
        backoff_s=settings.backoff,
        memory_s=settings.target_memory,
    )


def allowed(settings: Settings, more: Iterable[str] = ()) -> Networks:
    """--allow-net, and `more` networks.

    Raises:
        UsageError: names the value that is no CIDR.
    """
    try:
        return Networks.from_text([*settings.allow_net, *more])
    except UsageError as error:
        raise UsageError(f"--allow-net: {error}") from None


def fence(settings: Settings) -> Fence:
    """What may be dialled.

    Raises:
        UsageError: names the CIDR, or the file and line, that cannot be used.
    """
    own: frozenset[Address] = own_addresses()
    return Fence(allowed(settings), exclude_networks(settings.exclude), own)


def families(settings: Settings, *, typed: bool = False) -> Families:
    """Which IP versions are asked. `typed`: the operator names the hosts; what is local needs no route out.

    Raises:
        UsageError: both -4 and -6.
    """
    if settings.ipv4 and settings.ipv6:
        raise UsageError("-4 and -6 exclude each other")
    only = 4 if settings.ipv4 else 6 if settings.ipv6 else None
    local = [str(row.network) for row in TABLE] if typed else []
    return Families.of_this_machine(only, allowed(settings, local))


def excluded_names(settings: Settings) -> DomainSet:
    """--exclude-domain.

    Raises:
        UsageError: names the domain, or the file and line, that cannot be used.
    """
    return exclude_domains(settings.exclude_domain)
