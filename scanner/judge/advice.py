"""Which text explains a verdict here: the case that administrators know by name, else the verdict's own.

`scanner.judge.texts` holds what is said; this chooses, and adds what there is to add where the reply is a guess or
temporary, or a first exchange is dead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scanner.judge import texts
from scanner.judge.blocklists import lists_named
from scanner.judge.standing import NO_REPLY, about
from scanner.judge.texts import DOMAINS, PROBES, WHOSE, Text
from scanner.terms import About, Confidence, DomainVerdict, Role, Stage, Standing
from scanner.terms import ProbeVerdict as V

if TYPE_CHECKING:
    from collections.abc import Callable


class Advice(NamedTuple):
    """Sentences: what it means for the domain, whose matter it is, what the sender checks, what the receiver does."""

    meaning: str
    whose: str
    sender: str
    receiver: str


class Circumstances(NamedTuple):
    """What is known of one probe or one quoted reply beside its verdict; None or empty where it is not."""

    verdict: V
    stage: Stage | None = None
    role: Role | None = None
    transient: bool = False
    confidence: Confidence = Confidence.HIGH
    rule: str | None = None
    standing: Standing | None = None
    code: int | None = None
    text: str = ""
    sender: str = ""
    recipient: str = ""

    @property
    def at_secondary(self) -> bool:
        """A secondary said it."""
        return self.role is Role.SECONDARY

    @property
    def among_themselves(self) -> bool:
        """Sender and recipient are of one domain."""
        domains = {address.rpartition("@")[2].lower() for address in (self.sender, self.recipient)}
        return len(domains) == 1 and "" not in domains

    @property
    def asks_for_postmaster(self) -> bool:
        """The recipient is the one that every domain has."""
        return self.recipient.lower().startswith("postmaster@")


class Case(NamedTuple):
    """A text that is more exact than the verdict's own, and when it is. `name`: as administrators call it."""

    name: str
    verdict: V
    text: Text
    applies: Callable[[Circumstances], bool]


def by_rule(*rules: str) -> Callable[[Circumstances], bool]:
    """The case is the rule's that fired."""
    return lambda seen: seen.rule in rules


M365_EDGE = by_rule("m365.edge-unknown", "m365.edge-unknown.5.4.1")
CONNECTOR = by_rule("m365.tenant-inbound", "enhanced.X.7.51")
POSTSCREEN = by_rule("greylist.postscreen")
PUT_OFF = frozenset({V.GREYLISTED, V.SERVICE_UNAVAILABLE})
FORGERIES = frozenset({V.RELAY_DENIED, V.SENDER_REJECTED, V.SENDER_AUTH_FAILED, V.POLICY_REJECTED})
BUSY = frozenset({V.SERVICE_UNAVAILABLE, V.RATE_LIMITED})
AT_THE_DOOR = frozenset({V.CLIENT_BLOCKED, V.NOT_ACCEPTING, V.SERVICE_UNAVAILABLE, V.POLICY_REJECTED})

CASES: tuple[Case, ...] = (
    Case("a Microsoft 365 tenant without postmaster", V.USER_UNKNOWN, texts.EDGE_UNKNOWN, M365_EDGE),
    Case("a tenant locked to its connector", V.POLICY_REJECTED, texts.CONNECTOR_LOCKED, CONNECTOR),
    Case(
        "a domain in no tenant", V.RELAY_DENIED, texts.TENANT_UNKNOWN,
        lambda seen: seen.verdict is V.RELAY_DENIED
        and (seen.rule == "enhanced.X.7.64" or "TenantAttribution" in seen.text),
    ),
    Case(
        "the sender in the recipient's own domain", V.RELAY_DENIED, texts.OWN_DOMAIN,
        lambda seen: seen.verdict in FORGERIES and seen.among_themselves,
    ),
    Case(
        "the forgotten secondary", V.RELAY_DENIED, texts.RELAY_AT_SECONDARY,
        lambda seen: seen.verdict is V.RELAY_DENIED and seen.at_secondary,
    ),
    Case(
        "a login at RCPT", V.AUTH_REQUIRED, texts.AUTH_AT_RCPT,
        lambda seen: seen.verdict is V.AUTH_REQUIRED and seen.stage is Stage.RCPT,
    ),
    Case("OpenSMTPD's `Invalid recipient`", V.USER_UNKNOWN, texts.INVALID_RECIPIENT, by_rule("user.invalid-recipient")),
    Case("Exim's `Unrouteable address`", V.ROUTING_ERROR, texts.UNROUTEABLE, by_rule("exim.unrouteable")),
    Case(
        "a domain without postmaster", V.USER_UNKNOWN, texts.NO_POSTMASTER,
        lambda seen: seen.verdict is V.USER_UNKNOWN and seen.asks_for_postmaster,
    ),
    Case(
        "postscreen at a secondary", V.GREYLISTED, texts.POSTSCREEN_SECONDARY,
        lambda seen: POSTSCREEN(seen) and seen.at_secondary,
    ),
    Case("postscreen", V.GREYLISTED, texts.POSTSCREEN, POSTSCREEN),
    Case(
        "a secondary that defers", V.SERVICE_UNAVAILABLE, texts.DEFERRING_SECONDARY,
        lambda seen: seen.at_secondary and seen.transient and seen.verdict in PUT_OFF,
    ),
    Case("address verification under way", V.GREYLISTED, texts.VERIFICATION_PENDING, by_rule("postfix.verify-pending")),
    Case("sender verification", V.SENDER_REJECTED, texts.SENDER_UNVERIFIED, by_rule("exim.sender-verify")),
    Case("postscreen's denylist", V.CLIENT_BLOCKED, texts.POSTSCREEN_DENIED, by_rule("postscreen.denylisted")),
    Case(
        "a listed client", V.CLIENT_BLOCKED, texts.LISTED,
        lambda seen: seen.verdict is V.CLIENT_BLOCKED and lists_named(seen.text) is not None,
    ),
    Case("an unwanted origin", V.CLIENT_BLOCKED, texts.UNWANTED_ORIGIN, by_rule("client.origin")),
    Case(
        "a greeting that refuses", V.CLIENT_BLOCKED, texts.GREETING_REFUSED,
        lambda seen: seen.stage is Stage.BANNER and not seen.transient and seen.verdict in AT_THE_DOOR,
    ),
    Case(
        "a 421", V.SERVICE_UNAVAILABLE, texts.CLOSING,
        lambda seen: seen.code == 421 and seen.verdict in BUSY,
    ),
)  # fmt: skip
"""In the order in which they are tried. `verdict`: the one that the case is most often met under."""

SAYS_SO_ALREADY = (
    frozenset({V.ACCEPTED, V.GREYLISTED, V.RATE_LIMITED, V.SERVICE_UNAVAILABLE, V.MAILBOX_FULL}) | NO_REPLY
)
"""Their texts say that it may pass, or no reply said anything."""
LISTED_AS = {"name": "the list that it names", "where": " there"}
"""What stands for the list where no reply names one."""
DEAD = frozenset({V.REFUSED, V.CONNECT_TIMEOUT, V.UNREACHABLE})


def explain_probe(  # noqa: PLR0913 - the fields of a judgement and where it arose
    verdict: V,
    *,
    stage: Stage | None = None,
    role: Role | None = None,
    transient: bool = False,
    confidence: Confidence = Confidence.HIGH,
    rule: str | None = None,
    standing: Standing | None = None,
    code: int | None = None,
    text: str | None = None,
    sender: str | None = None,
    recipient: str | None = None,
) -> Advice:
    """What one probe's verdict, or a quoted reply's, means here, and what to do.

    `text`, `sender` and `recipient`: what the server said, and what it was asked; for the cases that they tell apart.
    """
    seen = Circumstances(
        verdict, stage, role, transient, confidence, rule, standing, code, text or "", sender or "", recipient or ""
    )
    found = text_of(seen)
    meaning = found.meaning + "".join(additions(seen))
    return Advice(meaning, found.whose or WHOSE[about(verdict, stage)], found.sender, found.receiver)


def text_of(seen: Circumstances) -> Text:
    """The case's text, or the verdict's; the list's name filled in where one is named."""
    case = next((case for case in CASES if case.applies(seen)), None)
    if case is None:
        return PROBES[seen.verdict]
    if case.text is not texts.LISTED or (named := lists_named(seen.text)) is None:
        return case.text
    name, page = named
    filled = (text and text.format(name=name, where=f" ({page})" if page else "") for text in case.text)
    return Text(*filled)  # type: ignore[arg-type]  # its texts are texts


def additions(seen: Circumstances) -> list[str]:
    """What a guess, a temporary refusal and a first exchange that is dead add."""
    added = []
    if seen.confidence is Confidence.LOW:
        added.append(texts.LIKELIEST)
        if seen.standing in {None, Standing.UNDECIDED}:
            added.append(texts.NOT_CONCLUDED)
    if seen.transient and seen.verdict not in SAYS_SO_ALREADY:
        added.append(texts.TEMPORARY)
    if seen.role is Role.PRIMARY and seen.verdict in DEAD:
        added.append(texts.FIRST_EXCHANGER)
    return added


def explain_domain(verdict: DomainVerdict) -> Advice:
    """What a domain's verdict means, and what to do."""
    found = DOMAINS[verdict]
    return Advice(found.meaning, found.whose or WHOSE[About.DOMAIN], found.sender, found.receiver)
