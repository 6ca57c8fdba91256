"""The eighteen pitfalls that real servers set for whoever reads their replies: each a test of its own."""

import pytest

from scanner.judge.reason import judge_reply
from scanner.terms import About, Confidence, Judgement, ProbeVerdict, Stage, Standing

V = ProbeVerdict


def at(stage: Stage | None, reply: str) -> Judgement:
    """The judgement of a reply as a telnet window shows it: `550 5.1.1 text`, lines separated by ` / `."""
    code, _, text = reply.partition(" ")
    return judge_reply(stage, int(code), None, text.replace(" / ", "\n"))


def at_rcpt(reply: str) -> V:
    return at(Stage.RCPT, reply).verdict


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in relay recipient table", V.USER_UNKNOWN),
        ("550 5.4.5 Daily SMTP relay quota exceeded, message rejected", V.RATE_LIMITED),
        ("550 Use the SMTP relay at your provider instead.", V.CLIENT_BLOCKED),
        ("550 5.1.1 Addressee unknown, relay=[192.0.2.1]", V.USER_UNKNOWN),
        ("550 I cannot deliver mail for <user@foreign.example>", V.RELAY_DENIED),
        ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", V.RELAY_DENIED),
        ("550 5.1.1 not accepting email for domain", V.RELAY_DENIED),
        ("550 User not found on relay server", V.USER_UNKNOWN),
        ("550 Your mail relay 192.0.2.1 is blocked", V.CLIENT_BLOCKED),
    ],
)
def test_pitfall_1_the_word_relay_is_neither_needed_nor_enough(reply: str, verdict: V) -> None:
    assert at_rcpt(reply) is verdict


@pytest.mark.parametrize(
    "words",
    [
        "Relaying denied",
        "Relay access denied",
        "relay not permitted",
        "relaying to that domain is prohibited",
        "relaying disallowed",
        "Relay rejected for policy reasons",
        "unable to relay",
        "you are not allowed to relay",
        "this host isn't allowed to relay",
        "mx.example does not relay",
        "we do not relay",
        "not in my list of allowed rcpthosts",
        "not a gateway",
        "requires authentication when sending to a non-local e-mail address",
        "cannot deliver mail for that host",
        "not accepting email for domain",
        "not configured to accept that recipient",
        "Delivery is not allowed to this address.",
        "local user only",
    ],
)
def test_every_known_relay_phrase_is_a_relay_refusal_whatever_the_code(words: str) -> None:
    for code in (450, 451, 454, 501, 503, 513, 550, 553, 554, 571):
        judged = judge_reply(Stage.RCPT, code, None, words)
        assert judged.verdict is V.RELAY_DENIED, code
        assert judged.confidence is Confidence.HIGH
        assert judged.standing is Standing.BROKEN


def test_pitfall_2_511_is_no_proof_that_the_domain_is_served() -> None:
    assert at_rcpt("550 5.1.1 not accepting email for domain") is V.RELAY_DENIED
    assert at_rcpt("553 5.1.1 Sorry, that domain isn't in my list of allowed rcpthosts.") is V.RELAY_DENIED
    assert at_rcpt("550 5.1.2 Relay not allowed.") is V.RELAY_DENIED
    assert at_rcpt("550 5.1.2 Mailbox does not exist.") is V.USER_UNKNOWN


def test_pitfall_3_access_denied_on_541_is_microsofts_unknown_mailbox_and_on_571_policy() -> None:
    assert at_rcpt("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)") is V.USER_UNKNOWN
    assert at_rcpt("550 5.4.1 Recipient address rejected: Access denied") is V.USER_UNKNOWN
    assert at_rcpt("550 5.4.1 Relay Access Denied") is V.RELAY_DENIED
    assert at_rcpt("554 5.7.1 <a@b.example>: Recipient address rejected: Access denied") is V.POLICY_REJECTED
    assert (
        at_rcpt("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup")
        is V.USER_UNKNOWN
    )
    assert at_rcpt("550 5.1.10 Recipient not found") is V.USER_UNKNOWN
    assert at_rcpt("556 5.1.10 Recipient address has null MX") is V.NOT_ACCEPTING


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("Service unavailable; Client host [192.0.2.1] blocked using bl.example", V.CLIENT_BLOCKED),
        ("Message content rejected, UBE, id=1", V.CONTENT_REJECTED),
        ("Relaying denied", V.RELAY_DENIED),
        ("<a@b.example>: Sender address rejected: not logged in", V.SENDER_REJECTED),
        ("Reverse DNS lookup for host 192.0.2.1 failed permanently.", V.PTR_REQUIRED),
        ("<x>: Helo command rejected: Access denied", V.HELO_REJECTED),
        ("Email rejected per SPF policy", V.SENDER_AUTH_FAILED),
        ("No such user!", V.USER_UNKNOWN),
        ("Message refused by local policy", V.POLICY_REJECTED),
    ],
)
def test_pitfall_4_571_alone_says_nothing(words: str, verdict: V) -> None:
    assert judge_reply(Stage.RCPT, 550, "5.7.1", words).verdict is verdict


def test_pitfall_4_without_a_text_571_is_policy_with_low_confidence() -> None:
    judged = judge_reply(Stage.RCPT, 550, "5.7.1", "5.7.1")
    assert (judged.verdict, judged.confidence, judged.rule) == (V.POLICY_REJECTED, Confidence.LOW, "enhanced.X.7.1")


@pytest.mark.parametrize(
    "reply",
    [
        "454 4.7.1 <a@b.example>: Relay access denied",
        "450 Relaying denied",
        "451 relay not permitted!",
        "500 relaying prohibited",
        "501 This system is not configured to relay mail",
        "503 5.7.1 Relay not allowed",
        "503 This mail server requires authentication when attempting to send to a non-local e-mail address.",
        "513 Relaying denied.",
        "530 5.7.1 Relaying not allowed without authentication",
        "553 Relaying disallowed",
        "571 a@b.example prohibited. We do not relay",
    ],
)
def test_pitfall_5_relay_refusals_stand_on_any_code_and_a_4xx_is_one_too(reply: str) -> None:
    judged = at(Stage.RCPT, reply)
    assert judged.verdict is V.RELAY_DENIED
    assert judged.standing is Standing.BROKEN
    assert judged.transient is reply.startswith("4")


def test_pitfall_6_530_at_rcpt_is_about_the_domain_and_elsewhere_about_us() -> None:
    at_recipient = at(Stage.RCPT, "530 SMTP authentication is required.")
    assert at_recipient[:3] == (V.AUTH_REQUIRED, Standing.BROKEN, About.DOMAIN)
    at_sender = at(Stage.MAIL, "530 SMTP authentication is required.")
    assert at_sender[:3] == (V.AUTH_REQUIRED, Standing.UNDECIDED, About.US)


def test_pitfall_7_ptr_explains_a_relay_refusal_and_the_wrapper_comes_first() -> None:
    assert at_rcpt("550 5.7.1 <a@b.example>... Relaying denied. IP name lookup failed [192.0.2.1]") is V.RELAY_DENIED
    assert at_rcpt("550 5.7.1 Relaying denied. IP name possibly forged [192.0.2.1]") is V.RELAY_DENIED
    spammer = "553 5.7.1 <x[192.0.2.1]>: Client host rejected: Relaying denied - Your IP identified as spammer"
    assert at_rcpt(spammer) is V.CLIENT_BLOCKED


@pytest.mark.parametrize(
    "reply",
    [
        "554 5.7.1 <x[192.0.2.1]>: Client host rejected: Access denied",
        "504 5.5.2 <probe>: Helo command rejected: need fully-qualified hostname",
        "554 5.7.1 <a@b.example>: Sender address rejected: Access denied",
        "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]",
    ],
)
def test_pitfall_8_refusals_held_back_until_rcpt_are_about_us_and_decide_nothing(reply: str) -> None:
    judged = at(Stage.RCPT, reply)
    assert (judged.standing, judged.about) == (Standing.UNDECIDED, About.US)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (
            "451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451",
            V.GREYLISTED,
        ),
        ("451 Please try again later.", V.GREYLISTED),
        ("451 4.7.1 Try again later", V.GREYLISTED),
        ("450 4.7.1 This mail is temporarily denied (#4.7.1)", V.GREYLISTED),
        ("452 4.2.2 Greylisted, please try again in a few moments.", V.GREYLISTED),
        ("421 4.7.0 Try again later, closing connection. x - gsmtp", V.RATE_LIMITED),
        ("421 mx.example Service unavailable - try again later", V.SERVICE_UNAVAILABLE),
    ],
)
def test_pitfall_9_greylisting_without_the_word_and_the_word_against_the_code(reply: str, verdict: V) -> None:
    assert at_rcpt(reply) is verdict


def test_pitfall_10_a_521_or_554_greeting_is_about_us_unless_it_says_that_no_mail_is_taken() -> None:
    assert at(Stage.BANNER, "521 5.3.2 Service currently unavailable").verdict is V.CLIENT_BLOCKED
    assert (
        at(Stage.BANNER, "521 5.7.1 Service unavailable; client [192.0.2.1] blocked using x").verdict
        is V.CLIENT_BLOCKED
    )
    assert at(Stage.BANNER, "554 mx.example ESMTP not accepting connections").verdict is V.CLIENT_BLOCKED
    assert at(Stage.BANNER, "521 mx.example").verdict is V.NOT_ACCEPTING
    assert at(Stage.BANNER, "554 mx.example does not accept mail").verdict is V.NOT_ACCEPTING
    assert at(Stage.BANNER, "554 No SMTP service here").verdict is V.NOT_ACCEPTING


@pytest.mark.parametrize(
    ("enhanced", "words", "verdict"),
    [
        ("4.7.23", "The IP address sending this message does not have a PTR record setup", V.PTR_REQUIRED),
        ("4.7.23", "SPF validation failed", V.SENDER_AUTH_FAILED),
        ("4.7.23", "odd", V.SENDER_AUTH_FAILED),
        ("4.7.27", "rate limited because SPF authentication didn't pass for this message", V.SENDER_AUTH_FAILED),
        ("4.7.27", "odd", V.SENDER_REJECTED),
        ("4.7.29", "rate limited because this message wasn't sent over a TLS connection", V.TLS_REQUIRED),
        ("4.7.30", "rate limited because DKIM authentication didn't pass", V.SENDER_AUTH_FAILED),
        ("4.7.28", "odd", V.RATE_LIMITED),
        ("4.7.38", "odd", V.RATE_LIMITED),
    ],
)
def test_pitfall_11_vendors_reuse_registered_codes_so_the_text_comes_first(
    enhanced: str, words: str, verdict: V
) -> None:
    assert judge_reply(Stage.RCPT, 421, enhanced, words).verdict is verdict


def test_pitfall_12_the_basic_code_alone_tells_transience() -> None:
    contradicting = judge_reply(Stage.RCPT, 550, "4.7.23", "No PTR record found (msg ID = x)")
    assert (contradicting.verdict, contradicting.transient) == (V.PTR_REQUIRED, False)
    assert judge_reply(Stage.RCPT, 452, "5.5.3", "max of 1000 recipients reached").transient is True
    quoted = at(
        Stage.RCPT,
        "550 <a@b.example>: Recipient address rejected: undeliverable address: host x said: 450 4.1.1 User unknown",
    )
    assert (quoted.verdict, quoted.transient) == (V.USER_UNKNOWN, False)
    deferred = at(Stage.RCPT, "450 4.1.1 unverified address: host x said: 550 5.1.1 User unknown")
    assert (deferred.verdict, deferred.transient) == (V.USER_UNKNOWN, True)


@pytest.mark.parametrize(
    "noise", ["192.5.7.8", "552@b.example", "535 KB", "id 5.7.25 of the queue", "said: 450 4.2.2 x"]
)
def test_pitfall_12_numbers_inside_a_text_are_never_codes(noise: str) -> None:
    judged = judge_reply(Stage.RCPT, 550, None, f"something about {noise} happened")
    assert judged.rule == "stage.rcpt.550"


def test_pitfall_12_an_enhanced_code_of_class_2_in_a_refusal_is_ignored() -> None:
    assert judge_reply(Stage.RCPT, 550, "2.1.5", "2.1.5 x").rule == "stage.rcpt.550"


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.0 <a@b.example>: Sender address rejected: User unknown in virtual mailbox table",
        "550 Verification failed for <a@b.example> / Response: 550 User unknown / Sender verify failed",
        "450 4.1.7 <a@b.example>: Sender address rejected: unverified address: host x said: 550 5.1.1 No such user",
    ],
)
def test_pitfall_13_a_user_unknown_inside_a_sender_wrapper_is_the_senders(reply: str) -> None:
    assert at_rcpt(reply) is V.SENDER_REJECTED


@pytest.mark.parametrize(
    "name", ["greylist-agency.example", "relay-access-denied.example", "spf-dmarc.example", "quota-exceeded.example"]
)
@pytest.mark.parametrize(
    "form",
    [
        "<user@{}>: Recipient address rejected: User unknown",
        "user@{} User unknown",
        "User unknown at {}",
        "[{}] No such user",
    ],
)
def test_pitfall_14_an_echoed_name_is_no_reason(name: str, form: str) -> None:
    assert judge_reply(Stage.RCPT, 550, "5.1.1", form.format(name)).verdict is V.USER_UNKNOWN


@pytest.mark.parametrize(
    "reply",
    [
        "550 Invalid recipient",
        "550 Invalid recipient: <user@foreign.example>",
        "550 Unrouteable address",
        "551 not our customer",
        "550 Administrative prohibition",
        "550 Rejected",
        "550 rejected",
        "550 Access denied",
    ],
)
@pytest.mark.parametrize("stage", [Stage.RCPT, None])
def test_pitfall_15_ambiguous_texts_have_low_confidence_and_decide_nothing(reply: str, stage: Stage | None) -> None:
    judged = at(stage, reply)
    assert (judged.confidence, judged.standing) == (Confidence.LOW, Standing.UNDECIDED)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", V.CLIENT_BLOCKED),
        ("550 permanent failure for one or more recipients (user@b.example:blocked)", V.CLIENT_BLOCKED),
        ("550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [abc.uk1]", V.USER_UNKNOWN),
        ("550 Host network not allowed", V.CLIENT_BLOCKED),
        ("550 5.7.1 No such user!", V.USER_UNKNOWN),
        ("554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", V.USER_UNKNOWN),
        ("554 5.7.1 <user@aol.com> account has been disabled", V.MAILBOX_DISABLED),
    ],
)
def test_pitfall_16_vendors_have_texts_of_their_own(reply: str, verdict: V) -> None:
    judged = at(Stage.RCPT, reply)
    assert (judged.verdict, judged.confidence) == (verdict, Confidence.HIGH)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("550 Utilisateur inconnu", V.USER_UNKNOWN),
        ("550 5.1.1 Adresse d au moins un destinataire invalide", V.USER_UNKNOWN),
        ("550 5.1.1 Adresse destinataire invalide", V.USER_UNKNOWN),
        ("552 Boite du destinataire pleine", V.MAILBOX_FULL),
        ("552 Boîte du destinataire pleine", V.MAILBOX_FULL),
        (r"552 Bo\xeete du destinataire pleine", V.MAILBOX_FULL),
        ("550 Nie ma takiego konta", V.USER_UNKNOWN),
        ("550 Benutzer hat zuviele Mails auf dem Server", V.MAILBOX_FULL),
        ("550 destin. Sconosciuto", V.USER_UNKNOWN),
        ("450 Rechazo temporal, intentelo mas tarde", V.GREYLISTED),
    ],
)
def test_pitfall_17_servers_speak_their_operators_language(reply: str, verdict: V) -> None:
    judged = at(Stage.RCPT, reply)
    assert (judged.verdict, judged.confidence) == (verdict, Confidence.HIGH)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("450 4.3.2 Service currently unavailable", V.GREYLISTED),
        ("554 Too many nonmail commands", V.RATE_LIMITED),
        ("550 5.7.51 TenantInboundAttribution; There is a partner connector configured", V.POLICY_REJECTED),
        ("550 5.7.64 TenantAttribution; Relay Access Denied", V.RELAY_DENIED),
        ("451 4.7.500 Server busy. Please try again later from [192.0.2.1].", V.RATE_LIMITED),
        ("451 4.7.500 Server busy", V.RATE_LIMITED),
        ("451 4.7.500 Access denied, please try again later", V.CLIENT_BLOCKED),
    ],
)
def test_pitfall_18_late_joiners(reply: str, verdict: V) -> None:
    assert at_rcpt(reply) is verdict
