"""A look told to people: what DNS says, each conversation as it happens, then what it means and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scanner.cli.conversation import Conversation
from scanner.cli.summary import words
from scanner.escape import safe_text
from scanner.judge import texts
from scanner.judge.advice import Advice, explain_domain, explain_probe
from scanner.run.look import LOCAL_NAME
from scanner.smtp.reply import text_of
from scanner.terms import About, DomainVerdict, ProbeVerdict, Role, SessionUse, Stage, Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.cli.screen import Screen
    from scanner.run.group import AskedProbe
    from scanner.run.look import Looked, Subject
    from scanner.run.plan import Plan, Planned
    from scanner.terms import DomainRoute, ExchangeRoute

COLOUR = {Standing.SERVES: "green", Standing.BROKEN: "red", Standing.UNDECIDED: "yellow"}
CALM = frozenset({DomainVerdict.OK, DomainVerdict.NO_MAIL})
OPEN = frozenset({DomainVerdict.INCONCLUSIVE, DomainVerdict.REFUSES_US, DomainVerdict.DNS_FAILED})
NOT_FOR_ITSELF = (
    "The host does not take mail for its own name or address. That may be as it should be: a mail host need not be a "
    "mail domain."
)
ASK_ABOUT_A_DOMAIN = "Ask whether this host takes mail for a domain: --recipient postmaster@DOMAIN."
NOBODY_ASKED = "Nobody was asked, so nothing is known."
INDENT = "    "


class Narrator:
    """Tells one look.

    Args:
        subject: what is looked at.
        port: that is asked.
        recipient_named: the recipient is the operator's, not postmaster by default.
        allowed: whether the fence lets a probe pass.
        screen: where it is told.
    """

    def __init__(
        self, subject: Subject, port: int, screen: Screen, *, recipient_named: bool, allowed: Callable[[Planned], bool]
    ) -> None:
        self.subject = subject
        self.port = port
        self.screen = screen
        self.recipient_named = recipient_named
        self.allowed = allowed
        self.conversation = Conversation(screen.line)

    def routed(self, route: DomainRoute, plan: Plan) -> None:
        """What DNS says."""
        name, line = self.subject.name, self.screen.line
        if self.subject.address is None:
            roles = {each.exchange.role for each in route.exchanges}
            if name == LOCAL_NAME:
                line(f"{name} is this machine, whatever DNS says (RFC 6761 6.3):")
            elif route.error and not route.exchanges:
                line(f"DNS about {name}: {safe_text(route.error)}")
            elif route.verdict is DomainVerdict.NO_ROUTE and roles == {Role.IMPLICIT}:
                line(f"DNS about {name}: neither MX nor address")
                return
            elif roles & {Role.DIRECT, Role.IMPLICIT}:
                line(f"DNS about {name}: no MX, so mail goes to the host itself (implicit MX, RFC 5321 5.1):")
            elif route.exchanges:
                order = ", the lowest number first" if len(route.exchanges) > 1 else ""
                line(f"DNS about {name}: {counted(route.exchange_count, 'exchanger')}{order}:")
            for text in table(route.exchanges):
                line(text)
        if route.verdict is DomainVerdict.NO_DOMAIN and "." not in name:
            self.screen.paragraph(
                "A name is looked up in DNS as it stands, without a search list or /etc/hosts: give the full one.",
                indent=INDENT,
            )
        self.notes((*route.notes, *plan.notes))

    def begins(self, planned: Planned) -> None:
        """Who is asked now."""
        dialled = planned.trouble is None and self.allowed(planned)
        who = click.style(self.place(planned), bold=True)
        self.gap()
        self.screen.line(f"connecting to {who}{part(planned)} …" if dialled else f"not dialled: {who}{part(planned)}")
        self.conversation.begin()

    def place(self, planned: Planned) -> str:
        """The exchange with its address and port."""
        name = self.subject.name if planned.exchange is None else planned.exchange.name
        address = planned.address
        if address is None:
            return safe_text(name)
        if self.subject.address is not None:
            return f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        return f"{safe_text(name)} [{address}]:{self.port}"

    def ended(self, probe: AskedProbe) -> None:
        """What it said, what that means, what to do."""
        self.conversation.end()
        judgement = probe.judgement
        verdict = click.style(judgement.verdict, fg=COLOUR[judgement.standing], bold=True)
        self.screen.line(f"=> {verdict} at {probe.answer.outcome.stage}: {safe_text(words(probe))}")
        outcome = probe.answer.outcome
        said = (safe_text(outcome.error),) if outcome.reply is not None and outcome.error else ()
        self.notes((*said, *probe.planned.notes, *probe.answer.notes))
        self.advise(self.advice(probe))

    def advice(self, probe: AskedProbe) -> Advice:
        """The judge's, except where only a host's own name was asked about."""
        judgement, exchange = probe.judgement, probe.planned.exchange
        role, stage = exchange and exchange.role, probe.answer.outcome.stage
        advice = advice_on(probe)
        about_the_recipient = stage is Stage.RCPT and judgement.about in {About.DOMAIN, About.RECIPIENT}
        if role is not Role.DIRECT or self.recipient_named or not about_the_recipient:
            return advice
        meaning = NOT_FOR_ITSELF if judgement.verdict is ProbeVerdict.RELAY_DENIED else advice.meaning
        return advice._replace(meaning=meaning, sender=ASK_ABOUT_A_DOMAIN, receiver=texts.NOTHING)

    def concluded(self, looked: Looked) -> None:
        """The domain's verdict, or what keeps it from being known."""
        if looked.host:
            self.rest_of_host(looked)
            return
        self.gap()
        name = click.style(self.subject.name, bold=True)
        if looked.verdict is not None:
            self.screen.line(f"{name}: {styled(looked.verdict)}")
            if looked.verdict is DomainVerdict.INCONCLUSIVE and not any(map(dialled, looked.probes)):
                self.screen.paragraph(NOBODY_ASKED, indent=INDENT)
            else:
                self.advise(explain_domain(looked.verdict))
            return
        takers = [self.place(probe.planned) for probe in looked.probes if accepted(probe)]
        self.screen.line(f"{name}: mail is taken by {', '.join(takers)}")
        self.screen.paragraph(f"{unasked(looked)}; --all asks, and gives the domain's verdict.", indent=INDENT)

    def rest_of_host(self, looked: Looked) -> None:
        """A host has no verdict but its probes'; addresses that were left out are said."""
        if looked.unasked:
            self.gap()
            self.screen.line(f"{unasked(looked)}; --all asks.")

    def gap(self) -> None:
        """An empty line between two parts."""
        if self.screen.lines:
            self.screen.line("")

    def advise(self, advice: Advice) -> None:
        """What it means, and what each side does next."""
        for text in (advice.meaning, *steps(advice)):
            self.screen.paragraph(text, indent=INDENT)

    def notes(self, notes: tuple[str, ...]) -> None:
        """Oddities, each once."""
        for note in dict.fromkeys(notes):
            self.screen.line(click.style(f"{INDENT}note: {safe_text(note)}", dim=True))


def advice_on(probe: AskedProbe) -> Advice:
    """The judge's text on a probe."""
    judgement, exchange, outcome = probe.judgement, probe.planned.exchange, probe.answer.outcome
    return explain_probe(
        judgement.verdict,
        stage=outcome.stage,
        role=exchange and exchange.role,
        transient=judgement.transient,
        confidence=judgement.confidence,
        rule=judgement.rule,
        standing=judgement.standing,
        code=outcome.reply and outcome.reply.code,
        text=outcome.reply and text_of(outcome.reply),
        sender=probe.question.sender,
        recipient=probe.question.recipient,
    )


def steps(advice: Advice) -> list[str]:
    """What each side does; where there is nothing to do for either, that alone."""
    sides = {"Sender": advice.sender, "Receiver": advice.receiver}
    return [f"{side}: {text}" for side, text in sides.items() if text != texts.NOTHING] or [texts.NOTHING]


def table(routes: tuple[ExchangeRoute, ...]) -> list[str]:
    """Preferences, names and addresses in columns."""
    width = max((len(route.exchange.name) for route in routes), default=0)
    lines = []
    for route in routes:
        preference = "" if route.exchange.preference is None else f"{route.exchange.preference:>5}  "
        found = ", ".join(route.addresses) or safe_text(route.error or "no address")
        lines.append(f"{INDENT}{preference}{safe_text(route.exchange.name):<{width}}  {found}")
    return lines


def part(planned: Planned) -> str:
    """Which part an exchange plays."""
    exchange = planned.exchange
    return "" if exchange is None or exchange.preference is None else f" ({exchange.preference}, {exchange.role})"


def styled(verdict: DomainVerdict) -> str:
    """A domain's verdict in its colour."""
    colour = "green" if verdict in CALM else "yellow" if verdict in OPEN else "red"
    return click.style(verdict, fg=colour, bold=True)


def accepted(probe: AskedProbe) -> bool:
    """It takes the mail."""
    return probe.judgement.verdict is ProbeVerdict.ACCEPTED


def dialled(probe: AskedProbe) -> bool:
    """A connection was tried."""
    return probe.answer.session is not SessionUse.NONE


def unasked(looked: Looked) -> str:
    """How many were left out: exchangers, or addresses of one that was asked."""
    asked = {probe.planned.exchange for probe in looked.probes}
    exchanges = {planned.exchange for planned in looked.unasked} - asked
    if exchanges:
        return f"{counted(len(exchanges), 'more exchanger')} {'was' if len(exchanges) == 1 else 'were'} not asked"
    number = len(looked.unasked)
    return f"{number} more address was not asked" if number == 1 else f"{number} more addresses were not asked"


def counted(number: int, noun: str) -> str:
    """`1 exchanger`, `2 exchangers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
