"""The Postfix servers that refuse: one service each, with the restriction, table or screen of a real site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real.roles import DOWN, SENDER, SENDER_HELO, ZONE, ServerRole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STORE = "127.1.1.1"
"""Knows its users: whom the verifying servers ask."""
NEXT = "127.1.1.2"
"""A next host that was never told about the domain."""
LATE = "127.1.1.3"
"""A next host that takes ten minutes to greet: nobody waits for that at RCPT."""

SERVING: Mapping[str, str] = {"relay_domains": ZONE}
SCREENING = {
    **SERVING,
    "postscreen_greet_wait": "1s",
    "postscreen_greet_action": "enforce",
    "postscreen_cache_map": "",  # no memory: nobody has ever passed before
    "postscreen_cache_cleanup_interval": "0",
    "postscreen_access_list": "",
}
DENYING = {**SCREENING, "postscreen_access_list": "cidr:{{127.0.0.0/8 reject}}"}

VERIFIED_BY = {
    "asking.test": STORE,
    "asked.test": STORE,
    "behind.test": NEXT,
    "pending.test": LATE,
    SENDER_HELO: NEXT,
}
"""Who is asked whether an address exists, by domain."""


def table(rows: Mapping[str, str]) -> str:
    """A look-up table as main.cf writes it in place."""
    return f"inline:{{ {', '.join(f'{{ {key} = {value} }}' for key, value in rows.items())} }}"


def known(mailboxes: Iterable[str]) -> str:
    """The table of a server that knows these."""
    return table(dict.fromkeys(mailboxes, "known"))


USERS = {
    "virtual_mailbox_domains": "users.test, asking.test, asked.test",
    "virtual_mailbox_maps": known(["info@users.test"]),
}

RECIPIENTS = {
    "full.test": "452 4.2.2 Mailbox is full",
    "over.test": "552 5.2.2 Quota exceeded (mailbox for user is full)",
    "disabled.test": "550 5.2.1 This mailbox has been disabled",
    "members.test": "REJECT 5.7.2 Only members may post to this list",
    "left.test": "REJECT 5.1.2 We no longer accept mail for this domain",
    "plain.test": "REJECT",
}
CLIENTS = {"127.0.0.1": "REJECT 5.7.1 Your network is on our blocklist"}
SENDERS = {SENDER: "550 5.7.1 We have had too much from this sender"}
HELOS = {SENDER_HELO: "REJECT 5.7.1 You are not who you say"}


def at_rcpt(restriction: str) -> dict[str, str]:
    """A server that takes the domains and has one more condition."""
    return {**SERVING, "smtpd_recipient_restrictions": restriction}


SETTINGS: Mapping[str, Mapping[str, str]] = {
    "taking": SERVING,
    "deferring": {"smtpd_relay_restrictions": "permit_mynetworks, defer_unauth_destination"},
    # Access maps with texts of their own.
    "access": at_rcpt(f"check_recipient_access {table(RECIPIENTS)}"),
    "client": {**SERVING, "smtpd_client_restrictions": f"check_client_access {table(CLIENTS)}"},
    "sender": {**SERVING, "smtpd_sender_restrictions": f"check_sender_access {table(SENDERS)}"},
    "helo": {**SERVING, "smtpd_helo_restrictions": f"check_helo_access {table(HELOS)}"},
    # DNS decides.
    "dnsbl": at_rcpt("reject_rbl_client zen.test"),
    "dnsbl-door": {**SERVING, "smtpd_client_restrictions": "reject_rbl_client zen.test", "smtpd_delay_reject": "no"},
    "dbl": at_rcpt("reject_rhsbl_sender dbl.test"),
    "resolving": at_rcpt("reject_unknown_sender_domain"),
    "resolving-550": {**at_rcpt("reject_unknown_sender_domain"), "unknown_address_reject_code": "550"},
    "helo-resolving": {**SERVING, "smtpd_helo_restrictions": "reject_unknown_helo_hostname"},
    "ptr": {
        **SERVING,
        "smtpd_client_restrictions": "reject_unknown_client_hostname",
        "smtpd_peername_lookup": "no",  # as if no name led back to us: the system's resolver is not asked
    },
    # Address verification.
    "verifying": at_rcpt("reject_unverified_recipient"),
    "verifying-550": {**at_rcpt("reject_unverified_recipient"), "unverified_recipient_reject_code": "550"},
    "verifying-once": {**at_rcpt("reject_unverified_recipient"), "address_verify_poll_count": "1"},
    "verifying-sender": at_rcpt("reject_unverified_sender"),
    # Tables of users and of where mail goes.
    "relocated": {**SERVING, "relocated_maps": table({"postmaster@moved.test": "info@users.test"})},
    "unlisted": {**USERS, "relay_domains": "home.test", "smtpd_reject_unlisted_sender": "yes"},
    "local-450": {
        "mydestination": "local.test",
        "local_recipient_maps": known(["info@local.test"]),
        "unknown_local_recipient_reject_code": "450",
    },
    "alias": {
        "virtual_alias_domains": "alias.test",
        "virtual_alias_maps": table({"info@alias.test": "info@users.test"}),
    },
    # In trouble of its own: maintenance, a full disk, a policy service that is down.
    "retry": {**SERVING, "transport_maps": table({"maintenance.test": "retry:4.3.2 system under maintenance"})},
    "disk": {**SERVING, "message_size_limit": str(10**17)},
    "policy": {**at_rcpt(f"check_policy_service inet:{DOWN}:9"), "smtpd_policy_service_try_limit": "1"},
}

SCREENS: Mapping[str, Mapping[str, str]] = {
    "screened": SCREENING,
    "deep": {**SCREENING, "postscreen_non_smtp_command_enable": "yes"},
    "vetoing": {**SCREENING, "postscreen_allowlist_interfaces": "!127.1.1.0/24, static:all"},
    "deny-door": {**DENYING, "postscreen_denylist_action": "drop"},
    "deny-late": {**DENYING, "postscreen_denylist_action": "enforce"},
    "screened-dnsbl": {**SCREENING, "postscreen_dnsbl_sites": "zen.test", "postscreen_dnsbl_action": "enforce"},
    "screened-drop": {**SCREENING, "postscreen_dnsbl_sites": "zen.test", "postscreen_dnsbl_action": "drop"},
}
"""postscreen in front of an smtpd that takes the domains."""


def refusing_roles() -> list[ServerRole]:
    """All of them, on addresses of 127.1.1.0/24."""
    fixed = [
        ServerRole("store", STORE, USERS),
        ServerRole("stranger", NEXT, {}),
        ServerRole("late", LATE, {**SCREENING, "postscreen_greet_wait": "600s"}, "postscreen"),
    ]
    others = [(name, settings, "smtpd") for name, settings in SETTINGS.items()]
    others += [(name, settings, "postscreen") for name, settings in SCREENS.items()]
    return fixed + [
        ServerRole(name, f"127.1.1.{number}", settings, through)
        for number, (name, settings, through) in enumerate(others, len(fixed) + 1)
    ]
