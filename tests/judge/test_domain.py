"""A domain's verdict: each row of the table, the lines between the rows, and any combination whatever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.judge.domain import ROWS, ProbeResult, judge_domain
from scanner.judge.standing import about, standing
from scanner.terms import Confidence, DomainVerdict, ProbeVerdict, Role, Stage, Standing

V = ProbeVerdict
D = DomainVerdict


def probe(
    exchange: str,
    verdict: V,
    *,
    code: int | None = 550,
    confidence: Confidence = Confidence.HIGH,
    address: str = "192.0.2.1",
    stage: Stage | None = Stage.RCPT,
) -> ProbeResult:
    """A probe of `mx10` (primary, preference 10), `mx20`, `mx30` … (secondaries), `implicit` or `direct-x`."""
    name = exchange
    if name.startswith(("implicit", "direct")):
        preference, role = None, Role(name.split("-")[0])
    else:
        preference = int(name[2:4])
        role = Role.PRIMARY if preference == 10 else Role.SECONDARY
    return ProbeResult(
        exchange=name,
        preference=preference,
        role=role,
        address=address,
        verdict=verdict,
        standing=standing(verdict, stage, code, confidence),
        about=about(verdict, stage),
    )


def verdict_of(*results: ProbeResult) -> DomainVerdict:
    return judge_domain(results)


# --- row by row ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "primary", [V.ACCEPTED, V.REFUSED, V.CONNECT_TIMEOUT, V.GREYLISTED, V.USER_UNKNOWN, V.CLIENT_BLOCKED, V.DNS_FAILED]
)
@pytest.mark.parametrize("code", [550, 454])
def test_a_secondary_that_refuses_to_relay_is_the_headline_whatever_the_primary_says(primary: V, code: int) -> None:
    assert verdict_of(probe("mx10", primary), probe("mx20", V.RELAY_DENIED, code=code)) is D.SECONDARY_REJECTS_RELAY


def test_a_primary_that_refuses_to_relay_outranks_the_secondary_that_does() -> None:
    assert verdict_of(probe("mx10", V.RELAY_DENIED), probe("mx20", V.RELAY_DENIED)) is D.PRIMARY_REJECTS_RELAY
    assert verdict_of(probe("mx10", V.RELAY_DENIED), probe("mx20", V.ACCEPTED)) is D.PRIMARY_REJECTS_RELAY


@pytest.mark.parametrize("name", ["mx10", "implicit", "direct-a"])
def test_implicit_and_direct_exchanges_count_as_primary(name: str) -> None:
    assert verdict_of(probe(name, V.RELAY_DENIED)) is D.PRIMARY_REJECTS_RELAY


def test_one_primary_of_two_that_refuses_to_relay_is_enough() -> None:
    assert verdict_of(probe("mx10a", V.ACCEPTED), probe("mx10b", V.RELAY_DENIED)) is D.PRIMARY_REJECTS_RELAY


def test_a_relay_refusal_that_is_a_guess_is_no_finding() -> None:
    guess = probe("mx20", V.RELAY_DENIED, confidence=Confidence.LOW)
    assert verdict_of(probe("mx10", V.ACCEPTED), guess) is D.INCONCLUSIVE


def test_all_refuse_us() -> None:
    assert verdict_of(probe("mx10", V.CLIENT_BLOCKED), probe("mx20", V.PTR_REQUIRED)) is D.REFUSES_US
    assert verdict_of(probe("mx10", V.CLIENT_BLOCKED), probe("mx20", V.GREYLISTED, code=450)) is D.REFUSES_US


def test_greylisting_and_rate_limits_alone_are_inconclusive() -> None:
    assert verdict_of(probe("mx10", V.GREYLISTED), probe("mx20", V.RATE_LIMITED)) is D.INCONCLUSIVE


@pytest.mark.parametrize("other", [V.ACCEPTED, V.USER_UNKNOWN, V.EXCLUDED, V.LOCAL_ERROR, V.GIVEN_UP, V.DNS_FAILED])
def test_a_probe_that_serves_or_was_decided_by_no_server_keeps_it_from_being_all_refuse_us(other: V) -> None:
    assert verdict_of(probe("mx10", V.CLIENT_BLOCKED), probe("mx20", other)) is D.INCONCLUSIVE


def test_one_broken_probe_keeps_it_from_being_all_refuse_us() -> None:
    assert verdict_of(probe("mx10", V.CLIENT_BLOCKED), probe("mx20", V.REFUSED)) is D.SECONDARY_BROKEN


def test_excluded_alone_says_nothing() -> None:
    assert verdict_of(probe("mx10", V.EXCLUDED)) is D.INCONCLUSIVE


def test_undeliverable_is_every_probe_broken_whatever_the_causes() -> None:
    broken = [probe("mx10", V.REFUSED), probe("mx20", V.NOT_ACCEPTING), probe("mx30", V.SERVICE_UNAVAILABLE)]
    assert verdict_of(*broken) is D.UNDELIVERABLE
    assert verdict_of(probe("implicit", V.CONNECT_TIMEOUT)) is D.UNDELIVERABLE
    assert verdict_of(probe("mx10", V.AUTH_REQUIRED, code=530)) is D.UNDELIVERABLE


@pytest.mark.parametrize("secondary", [V.ACCEPTED, V.GREYLISTED, V.CLIENT_BLOCKED, V.DNS_FAILED])
def test_primary_broken_is_every_probe_of_every_lowest_preference_exchange(secondary: V) -> None:
    primaries = [
        probe("mx10a", V.REFUSED),
        probe("mx10a", V.CONNECT_TIMEOUT, address="2001:db8::1"),
        probe("mx10b", V.NO_ADDRESS),
    ]
    assert verdict_of(*primaries, probe("mx20", secondary)) is D.PRIMARY_BROKEN


def test_a_domain_of_which_only_secondaries_were_asked_has_no_broken_primary() -> None:
    assert verdict_of(probe("mx20", V.ACCEPTED), probe("mx30", V.ACCEPTED)) is D.OK


def test_one_primary_of_two_broken_is_an_address_not_the_primary() -> None:
    """Equal preferences are asked in any order (RFC 5321 5.1), so the other one stands in."""
    assert verdict_of(probe("mx10a", V.REFUSED), probe("mx10b", V.ACCEPTED)) is D.ADDRESS_BROKEN


def test_a_broken_primary_address_beside_one_that_defers_is_inconclusive() -> None:
    deferred = probe("mx10", V.GREYLISTED, code=450, address="192.0.2.2")
    assert verdict_of(probe("mx10", V.REFUSED), deferred, probe("mx20", V.ACCEPTED)) is D.INCONCLUSIVE


def test_secondary_broken_is_every_probe_of_one_secondary() -> None:
    dead = [probe("mx20", V.REFUSED), probe("mx20", V.CONNECT_TIMEOUT, address="2001:db8::1")]
    assert verdict_of(probe("mx10", V.ACCEPTED), *dead, probe("mx30", V.ACCEPTED)) is D.SECONDARY_BROKEN


def test_a_dead_secondary_is_said_before_an_open_question_elsewhere() -> None:
    assert verdict_of(probe("mx10", V.GREYLISTED, code=450), probe("mx20", V.REFUSED)) is D.SECONDARY_BROKEN


def test_two_secondaries_of_one_preference_are_judged_each() -> None:
    results = [probe("mx10", V.ACCEPTED), probe("mx20a", V.REFUSED), probe("mx20b", V.ACCEPTED)]
    assert verdict_of(*results) is D.SECONDARY_BROKEN


@pytest.mark.parametrize("name", ["mx10", "mx20", "implicit"])
def test_address_broken_is_one_node_beside_others_of_the_same_exchange_that_serve(name: str) -> None:
    nodes = [probe(name, V.ACCEPTED), probe(name, V.REFUSED, address="192.0.2.2")]
    others = [] if name != "mx20" else [probe("mx10", V.ACCEPTED)]
    assert verdict_of(*others, *nodes) is D.ADDRESS_BROKEN


def test_hosts_named_by_the_user_stand_beside_each_other() -> None:
    """Each node behind a load balancer, asked with --via: no preference, one level."""
    assert verdict_of(probe("direct-a", V.ACCEPTED), probe("direct-b", V.REFUSED)) is D.ADDRESS_BROKEN


@pytest.mark.parametrize("undecided", [V.GREYLISTED, V.SERVICE_UNAVAILABLE, V.CLIENT_BLOCKED, V.EXCLUDED, V.GIVEN_UP])
def test_one_open_question_is_inconclusive(undecided: V) -> None:
    assert verdict_of(probe("mx10", V.ACCEPTED), probe("mx20", undecided, code=450)) is D.INCONCLUSIVE


@pytest.mark.parametrize("refusal", [V.USER_UNKNOWN, V.MAILBOX_DISABLED, V.MAILBOX_FULL, V.RECIPIENT_RESTRICTED])
def test_recipient_refused_is_said_where_every_probe_serves(refusal: V) -> None:
    assert verdict_of(probe("mx10", V.ACCEPTED), probe("mx20", refusal)) is D.RECIPIENT_REFUSED
    assert verdict_of(probe("mx10", refusal, code=450)) is D.RECIPIENT_REFUSED


def test_an_open_question_outranks_a_refused_recipient() -> None:
    assert verdict_of(probe("mx10", V.USER_UNKNOWN), probe("mx20", V.GREYLISTED, code=450)) is D.INCONCLUSIVE


def test_ok_is_every_probe_accepted() -> None:
    assert verdict_of(probe("mx10", V.ACCEPTED), probe("mx20", V.ACCEPTED)) is D.OK


def test_where_nothing_was_asked_nothing_is_known() -> None:
    assert verdict_of() is D.INCONCLUSIVE


# --- any combination ----------------------------------------------------------------------------------------------

RESULTS = st.lists(
    st.builds(
        probe,
        st.sampled_from(["mx10a", "mx10b", "mx20a", "mx20b", "mx30a"]),
        st.sampled_from(list(V)),
        code=st.sampled_from([450, 550]),
        confidence=st.sampled_from(list(Confidence)),
        stage=st.sampled_from([Stage.BANNER, Stage.MAIL, Stage.RCPT]),
        address=st.sampled_from(["192.0.2.1", "2001:db8::1"]),
    ),
    min_size=1,
    max_size=6,
)


@given(RESULTS)
def test_the_first_row_that_applies_decides_and_none_applies_only_where_all_serve(results: list[ProbeResult]) -> None:
    applying = [verdict for verdict, applies in ROWS if applies(results)]
    assert judge_domain(results) is (applying[0] if applying else D.OK)
    if not applying:
        assert all(result.standing is Standing.SERVES for result in results)


@given(RESULTS)
def test_no_broken_probe_passes_for_ok_or_for_a_mere_refused_recipient(results: list[ProbeResult]) -> None:
    if any(result.standing is Standing.BROKEN for result in results):
        assert judge_domain(results) not in {D.OK, D.RECIPIENT_REFUSED}


@given(RESULTS, st.randoms())
def test_the_order_of_the_probes_does_not_matter(results: list[ProbeResult], random) -> None:  # noqa: ANN001 - hypothesis'
    shuffled = random.sample(results, len(results))
    assert judge_domain(shuffled) is judge_domain(results)


def test_the_rows_stand_in_the_order_of_the_contract() -> None:
    assert [verdict for verdict, _ in ROWS] == [
        D.SECONDARY_REJECTS_RELAY,
        D.PRIMARY_REJECTS_RELAY,
        D.REFUSES_US,
        D.UNDELIVERABLE,
        D.PRIMARY_BROKEN,
        D.SECONDARY_BROKEN,
        D.ADDRESS_BROKEN,
        D.INCONCLUSIVE,
        D.RECIPIENT_REFUSED,
    ]
