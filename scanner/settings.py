"""Each option once: name, default, unit, help, and where its default comes from.

The command line, the environment (`MXSWEEP_…`), a `--config` file, the documentation and the `start` record all read it
here. A setting belongs to the commands that its `commands` names.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any, NamedTuple

AUDIT = "audit"
PROBE = "probe"
SWEEP = "sweep"
ALL = (AUDIT, PROBE, SWEEP)
RUNS = (AUDIT, SWEEP)
"""Commands that write records of many."""


class Option(NamedTuple):
    """What the command line needs to know of a setting, beside its type and default."""

    help: str
    source: str
    commands: tuple[str, ...] = ALL
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    short: str | None = None
    unit: str | None = None
    least: float | None = None
    flag_only_short: bool = False
    name: str | None = None


def option(default: Any, text: str, source: str, **more: Any) -> Any:  # noqa: ANN401 - as dataclasses.field  # noqa: ANN401 - as dataclasses.field
    """A field with its option beside it."""
    return field(default=default, metadata={"option": Option(text, source, **more)})


def option_of(setting: Field[Any]) -> Option:
    """A field's option."""
    found: Option = setting.metadata["option"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The effective settings of a run."""

    input: str = option(
        "-", "Read items from FILE, one a line.", "as cat and jq", commands=RUNS, metavar="FILE", short="-i"
    )
    output: str = option(
        "-",
        "Write records to FILE (mode 0600); an existing one is refused.",
        "as sort -o",
        commands=RUNS,
        metavar="FILE",
        short="-o",
    )
    force: bool = option(False, "Replace an existing output file.", "nothing is lost unasked", commands=RUNS)
    resume: bool = option(
        False,
        "Go on with the interrupted run of an existing -o FILE; a missing one is begun.",
        "the output is the journal",
        commands=RUNS,
    )
    sync_every: float = option(
        1.0,
        "How long records may be in the file and not on the disk.",
        "a second's work is what a power failure costs",
        commands=RUNS,
        unit="s",
        least=0,
        metavar="DURATION",
    )
    max_time: float | None = option(
        None,
        "Admit nothing more after so long, let what is under way end (exit code 3); --resume goes on. [none]",
        "a nightly run ends before the morning",
        commands=RUNS,
        unit="s",
        least=0.001,
        metavar="DURATION",
    )
    strict: bool = option(
        False, "Stop at the first bad input line (exit code 2).", "one typo must not cost a night", commands=RUNS
    )
    via: tuple[str, ...] = option(
        (),
        "Ask these hosts about the domains instead of their MX, repeatable. [each domain's MX]",
        "as dig @HOST: ask there, whatever DNS says",
        commands=(AUDIT,),
        metavar="HOST[,HOST…]",
    )
    helo: str | None = option(
        None,
        "Name said in EHLO: should resolve to this host and back. [this host's name]",
        "RFC 5321 4.1.1.1",
        metavar="NAME",
    )
    sender: str | None = option(
        None,
        "Address said in MAIL FROM; '' is the null sender. [postmaster@HELO]",
        "deliverable by RFC 5321 4.5.1",
        metavar="ADDRESS",
    )
    recipient: str | None = option(
        None,
        "Address said in RCPT TO; {domain} is filled in. [postmaster@{domain}]",
        "every domain must take it: RFC 5321 4.5.1",
        commands=(AUDIT, PROBE),
        metavar="ADDRESS",
    )
    port: int = option(25, "TCP port of the exchanges.", "RFC 5321", commands=(AUDIT, PROBE), least=1)
    ports: tuple[int, ...] = option(
        (), "TCP port to ask at, repeatable. [25]", "RFC 5321", commands=(SWEEP,), metavar="PORT", name="port"
    )
    canary: str | None = option(
        None,
        "A mailbox of yours at a domain that none of the targets handles; required.",
        "a host that serves a test's domain is no relay",
        commands=(SWEEP,),
        metavar="ADDRESS",
    )
    tests: str = option(
        "basic",
        "Relay tests: basic, all, or names.",
        "basic finds nearly all relays with five questions",
        commands=(SWEEP,),
        metavar="basic|all|NAME,…",
    )
    evidence: str = option(
        "rcpt",
        "How far a test goes; data: to DATA's 354, where the connection is dropped.",
        "no message leaves",
        commands=(SWEEP,),
        choices=("rcpt", "data", "deliver"),
    )
    yes: bool = option(
        False,
        "Sweep ranges of more than 2^24 addresses too.",
        "a slip in a prefix must not reach the world",
        commands=(SWEEP,),
    )
    shuffle: bool = option(
        False, "Visit the targets in a pseudo-random order.", "no subnet is hammered", commands=(SWEEP,)
    )
    seed: int = option(0, "Which order --shuffle makes.", "the same for all shards", commands=(SWEEP,), least=0)
    shard: str | None = option(
        None, "Only every Nth target, from the Ith on.", "as zmap's shards", commands=(SWEEP,), metavar="I/N"
    )
    resolver: tuple[str, ...] = option(
        (), "DNS server to ask, repeatable. [the system's]", "/etc/resolv.conf", metavar="HOST[:PORT]"
    )
    source: str | None = option(None, "Local address to connect from.", "the kernel's choice", metavar="ADDRESS")
    concurrency: int = option(
        500, "Connections at once.", "a tenth of what a small host can hold", commands=RUNS, least=1
    )
    per_target: int = option(
        2, "Connections at once to one address.", "below every limit seen in the field", commands=RUNS, least=1
    )
    rate: float = option(50.0, "Connections a second over all; 0: no limit.", "polite on a shared line", least=0)
    target_rate: float = option(
        1.0,
        "Connections a second to one address, burst 2; 0: no limit.",
        "what a small mail server does itself",
        least=0,
    )
    window: int = option(
        20_000,
        "Probes in memory; items that wait for a busy target wait on disk.",
        "some 100 MB",
        commands=RUNS,
        least=1,
    )
    connect_timeout: float = option(10.0, "For a connection.", "three SYNs of Linux (1, 3, 7 s)", unit="s", least=0.001)
    reply_timeout: float = option(
        30.0,
        "For a whole reply; the greeting's is twice that.",
        "tarpits wait 20 s; RFC 5321 4.5.3.2 allows 5 min",
        unit="s",
        least=0.001,
    )
    probe_timeout: float = option(180.0, "For a whole probe, from its dial.", "six slow replies", unit="s", least=0.001)
    transactions_per_session: int = option(
        10, "Questions in one session.", "Exim drops a client at the 12th RSET", commands=RUNS, least=1
    )
    errors_per_session: int = option(
        8, "Refusals in one session.", "Postfix slows from the 10th, hangs up at the 20th", commands=RUNS, least=1
    )
    target_memory: float = option(
        300.0,
        "How long what a target says before a transaction holds for its other probes; 0: each finds out for itself.",
        "ten thousand domains behind one dead address",
        commands=(AUDIT,),
        unit="s",
        least=0,
    )
    backoff: float = option(
        60.0,
        "Pause of an address that turns us away for now, then twice that, then its word counts; 0: at once.",
        "one connection limit's usual window",
        commands=RUNS,
        unit="s",
        least=0,
    )
    retry_transient: float | None = option(
        None,
        "Ask what may differ later once more, after so long. [never]",
        "greylisting lets in after 1 to 10 minutes",
        commands=(AUDIT,),
        unit="s",
        least=0,
        metavar="DELAY",
    )
    starttls: str = option(
        "when-required",
        "When to secure a session.",
        "the shortest conversation that gives a true answer",
        choices=("when-required", "when-offered", "never"),
    )
    ask_postmaster: bool = option(
        False,
        "Where a refused recipient leaves it open whether the domain is served, ask for its postmaster too.",
        "RFC 5321 4.5.1: a served domain has one; one RCPT more than was asked for",
        commands=(AUDIT, PROBE),
    )
    allow_net: tuple[str, ...] = option(
        (), "Dial these reserved or own addresses all the same, repeatable.", "the fence", metavar="CIDR"
    )
    exclude: tuple[str, ...] = option(
        (),
        "Never dial these; wins over everything, repeatable.",
        "an opt-out is honoured in a minute",
        metavar="CIDR|FILE",
    )
    exclude_domain: tuple[str, ...] = option(
        (), "Never ask about these domains and their subdomains, repeatable.", "the same, by name", metavar="NAME|FILE"
    )
    ipv4: bool = option(False, "IPv4 only.", "both, where both have a route", short="-4", flag_only_short=True)
    ipv6: bool = option(False, "IPv6 only.", "both, where both have a route", short="-6", flag_only_short=True)
    no_port_check: bool = option(
        False,
        "Go on when port 25 looks blocked from here.",
        "measuring our own firewall is no audit",
        commands=(AUDIT,),
    )
    dry_run: bool = option(
        False, "Resolve nothing, dial nothing: say what would be asked.", "look before a big run", commands=RUNS
    )
    fail_on: str | None = option(
        None,
        "Verdicts that make exit code 1, or 'none'. [the findings]",
        "cron tells only of these",
        commands=RUNS,
        metavar="VERDICT,…",
    )
    verbose: bool = option(False, "Say more on stderr.", "quiet enough for cron", commands=RUNS, short="-v")
    quiet: bool = option(False, "No progress, no summary; errors only.", "the same", commands=RUNS)
    progress: str = option(
        "auto",
        "Progress on stderr.",
        "a line on a terminal, nothing elsewhere",
        commands=RUNS,
        choices=("auto", "plain", "json", "none"),
    )
    all: bool = option(
        False, "Ask every exchanger, also after one has taken the mail.", "a sender stops there", commands=(PROBE,)
    )
    json: bool = option(
        False, "Print records, as the audit does, in place of the conversation.", "for programs", commands=(PROBE,)
    )
    color: str = option("auto", "Colours on the terminal.", "NO_COLOR, TERM=dumb", choices=("auto", "always", "never"))


def settings_of(command: str) -> list[Field[Any]]:
    """The settings that a command has."""
    return [setting for setting in fields(Settings) if command in option_of(setting).commands]


def option_name(setting: Field[Any]) -> str:
    """The long option, without dashes; a file's key and, in capitals, the environment variable's tail."""
    return option_of(setting).name or setting.name.replace("_", "-")
