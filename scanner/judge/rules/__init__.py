"""The rules in the order in which they are weighed; the first that holds decides.

Wrappers and strong phrases, then enhanced codes that name one reason, then loose phrases, then the codes' broad fields,
then code and stage. Each rule states what a server family or a standard says, and names it.
"""

from __future__ import annotations

from scanner.judge.rules.clients import CLIENTS, LINKS, REPUTATION
from scanner.judge.rules.demands import CONTENT, NO_MAIL, QUOTA, RESTRICTIONS, SECURITY
from scanner.judge.rules.rule import Refusal, Rule
from scanner.judge.rules.strong import HELLO, RELAYING, REVERSE_DNS, SENDER_AUTHENTICATION
from scanner.judge.rules.weak import RATES, RECIPIENTS, SENDERS, SESSIONS
from scanner.judge.rules.wrappers import GREYLISTING, WRAPPERS

STRONG: tuple[Rule, ...] = (
    *GREYLISTING,
    *WRAPPERS,
    *RELAYING,
    *SENDER_AUTHENTICATION,
    *REVERSE_DNS,
    *HELLO,
    *REPUTATION,
    *CLIENTS,
    *RESTRICTIONS,
    *SECURITY,
    *QUOTA,
    *NO_MAIL,
    *CONTENT,
    *LINKS,
)
WEAK: tuple[Rule, ...] = (*RATES, *SENDERS, *RECIPIENTS, *SESSIONS)

__all__ = ["STRONG", "WEAK", "Refusal", "Rule"]
