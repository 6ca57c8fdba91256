"""What each of the mail servers is: a Postfix smtpd on its own loopback address with its own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ZONE = "test"
"""Every partner domain is below it; Postfix's `relay_domains = test` takes in all that is below."""

DOWN = "127.1.0.99"
"""Nothing listens here: a host that is down for good."""

SENDER_HELO = "probe.test"
SENDER = f"postmaster@{SENDER_HELO}"
"""Who asks, in all these tests; the zone knows the name."""


class ServerRole(NamedTuple):
    """One listening service: its name (the exchange is `NAME.mx.test`), its address, its settings over the common ones.

    `through` names the service of master.cf that answers: smtpd itself, or postscreen before it.
    """

    name: str
    address: str
    settings: Mapping[str, str]
    through: str = "smtpd"

    @property
    def exchange(self) -> str:
        """Its name in DNS and in its greeting: lower case, no final dot."""
        return f"{self.name}.mx.{ZONE}"


def server_roles(mailboxes: list[str], policy: tuple[str, int], certificate: str, key: str) -> list[ServerRole]:
    """The servers of a run.

    Args:
        mailboxes: the addresses that the servers which know their users know.
        policy: where the greylisting service listens.
        certificate: path of the TLS server's certificate chain.
        key: path of its key.
    """
    table = f"inline:{{ {{ {' }, { '.join(f'{mailbox} = known' for mailbox in mailboxes)} }} }}"
    domains = ", ".join(sorted({mailbox.partition("@")[2] for mailbox in mailboxes}))
    serving = {"relay_domains": ZONE}
    return [
        ServerRole("primary", "127.1.0.1", {"virtual_mailbox_domains": domains, "virtual_mailbox_maps": table}),
        # As secondaries mostly are: knows the domains, not the users.
        ServerRole("secondary", "127.1.0.2", serving),
        ServerRole("table", "127.1.0.3", {**serving, "relay_recipient_maps": table}),
        # The classic find: was never told about the domain.
        ServerRole("stranger", "127.1.0.4", {}),
        ServerRole(
            "deferring", "127.1.0.5", {"smtpd_relay_restrictions": "permit_mynetworks, defer_unauth_destination"}
        ),
        ServerRole(
            "greylisting",
            "127.1.0.6",
            {**serving, "smtpd_recipient_restrictions": f"check_policy_service inet:{policy[0]}:{policy[1]}"},
        ),
        ServerRole(
            "tls",
            "127.1.0.7",
            {
                **serving,
                "smtpd_tls_security_level": "encrypt",
                "smtpd_tls_chain_files": f"{key}, {certificate}",
            },
        ),
        # One connection at a time, and the fixture holds it: whoever comes is one too many.
        ServerRole(
            "busy", "127.1.0.8", {**serving, "smtpd_client_connection_count_limit": "1", "smtpd_timeout": "3600s"}
        ),
        ServerRole(
            "blocking", "127.1.0.9", {**serving, "smtpd_delay_reject": "no", "smtpd_client_restrictions": "reject"}
        ),
        # The same, said at RCPT: Postfix's default.
        ServerRole("late", "127.1.0.10", {**serving, "smtpd_client_restrictions": "reject"}),
        ServerRole(
            "helo",
            "127.1.0.11",
            {**serving, "smtpd_helo_restrictions": f"check_helo_access inline:{{ {{ {SENDER_HELO} = REJECT }} }}"},
        ),
        ServerRole(
            "sender",
            "127.1.0.12",
            {**serving, "smtpd_sender_restrictions": f"check_sender_access inline:{{ {{ {SENDER} = REJECT }} }}"},
        ),
        # Deep tests without a memory: a greeting in two parts, and everybody is new and deferred at RCPT.
        ServerRole(
            "postscreen",
            "127.1.0.13",
            {
                "postscreen_greet_wait": "1s",
                "postscreen_cache_map": "",
                "postscreen_pipelining_enable": "yes",
                "postscreen_access_list": "",
                "postscreen_cache_cleanup_interval": "0",
            },
            through="postscreen",
        ),
    ]


def relaying_roles() -> list[ServerRole]:
    """Servers that relay for strangers, or seem to: for questions about open relays, never for a partner domain."""
    open_to_all = {"mynetworks": "127.0.0.0/8"}
    return [
        # The plain open relay: whoever asks is one of us.
        ServerRole("open", "127.1.2.1", open_to_all),
        # A backup exchanger that hands `user%elsewhere@domain` on to a primary which would send it elsewhere.
        ServerRole(
            "percent",
            "127.1.2.2",
            {
                "relay_domains": ZONE,
                "relay_recipient_maps": "regexp:{ {/%/ OK} }",
                "allow_percent_hack": "no",
                "allow_untrusted_routing": "yes",
            },
        ),
        # Takes any recipient and no message: open at RCPT, and at DATA, and closed all the same.
        ServerRole("late-data", "127.1.2.3", {**open_to_all, "smtpd_data_restrictions": "reject"}),
        ServerRole("late-message", "127.1.2.4", {**open_to_all, "smtpd_end_of_data_restrictions": "reject"}),
        ServerRole("closed", "127.1.2.5", {"relay_domains": ZONE}),
    ]
