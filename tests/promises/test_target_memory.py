"""What a dead, refusing or busy host costs, whatever number of domains lies behind it: a handful of dials."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.pool.servers import last_words
from tests.promises.process import Ran, mxsweep
from tests.promises.world import mail_of, world

if TYPE_CHECKING:
    from tests.pool.servers import Visit

DEAD, REFUSING, BUSY, GOOD = "127.30.20.1", "127.30.20.2", "127.30.20.3", "127.30.20.4"
REFUSAL = b"554 5.7.1 Service unavailable; client host blocked\r\n"
CLOCKS_S = 0.05


def behind(address: str, name: str, number: int) -> tuple[str, list[str]]:
    """A zone of so many domains with one exchange in common, and their names."""
    domains = [f"{name}{each}.example" for each in range(number)]
    records = f"mx.{name}.example. 60 A {address}\n"
    return records + "".join(f"{domain}. 60 MX 10 mx.{name}.example.\n" for domain in domains), domains


def probes_at(ran: Ran, address: str) -> list[dict[str, Any]]:
    return [probe for probe in ran.of_kind("probe") if probe["address"] == address]


def counted(probes: list[dict[str, Any]], *fields: str) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(probe[field] for field in fields) for probe in probes)


async def test_ten_thousand_domains_behind_a_dead_address_cost_two_dials_and_hold_up_nobody() -> None:
    zone, dead = behind(DEAD, "dead", 10_000)
    more, good = behind(GOOD, "good", 20)
    halved = [f"halved{number}.example" for number in range(200)]
    zone += more + "".join(mail_of(domain, GOOD, DEAD) for domain in halved)
    async with world(zone, {GOOD: {}}) as playing:
        options = [*playing.options, "--window", "500", "--fail-on", "none", "--quiet"]
        ran = await mxsweep("audit", *options, stdin="\n".join([*dead, *good, *halved]).encode())
    assert ran.code == 0
    assert ran.verdicts == (
        dict.fromkeys(dead, "undeliverable") | dict.fromkeys(good, "ok") | dict.fromkeys(halved, "secondary_broken")
    )
    probes = probes_at(ran, DEAD)
    assert counted(probes, "verdict", "stage", "session", "attempts") == {
        ("refused", "connect", "new", 2): 1,
        ("refused", "connect", "shared", 0): 10_199,
    }
    shared = [probe for probe in probes if probe["session"] == "shared"]
    assert counted(shared, "elapsed_ms", "source", "sender", "recipient") == {(0.0, None, None, None): 10_199}
    assert len({(probe["error"], probe["text"]) for probe in probes}) == 1
    order = [record["domain"] for record in ran.of_kind("domain")]
    assert set(order[:20]) == set(good), "the second dial comes some seconds later: nobody waits for it"


async def test_what_a_host_says_at_the_door_is_asked_once_and_told_in_the_same_words() -> None:
    zone, domains = behind(REFUSING, "refusing", 500)
    async with world(zone, {REFUSING: {"OPEN": REFUSAL}}) as playing:
        options = [*playing.options, "--window", "40", "--fail-on", "none"]
        ran = await mxsweep("audit", *options, stdin="\n".join(domains).encode())
        assert len(playing.servers[REFUSING].dials) <= 3, "two at the door together, and one alone"
    probes = probes_at(ran, REFUSING)
    assert len(probes) == 500
    assert counted(probes, "verdict", "stage", "code", "confidence", "rule") == {
        tuple(probes[0][field] for field in ("verdict", "stage", "code", "confidence", "rule")): 500
    }
    assert (probes[0]["verdict"], probes[0]["stage"], probes[0]["code"]) == ("client_blocked", "banner", 554)
    assert len({probe["text"] for probe in probes}) == 1
    assert len({str(probe["server"]) for probe in probes}) == 1
    assert set(ran.verdicts.values()) == {"refuses_us"}


async def test_without_memory_each_domain_asks_for_itself() -> None:
    zone, domains = behind(REFUSING, "refusing", 30)
    more, dead = behind(DEAD, "dead", 30)
    async with world(zone + more, {REFUSING: {"OPEN": REFUSAL}}) as playing:
        options = [*playing.options, "--target-memory", "0", "--fail-on", "none"]
        ran = await mxsweep("audit", *options, stdin="\n".join(domains + dead).encode())
        assert len(playing.servers[REFUSING].dials) == 30
    assert counted(ran.of_kind("probe"), "address", "session", "attempts") == {
        (REFUSING, "new", 1): 30,
        (DEAD, "new", 1): 30,
    }


async def test_a_busy_host_is_left_alone_and_then_takes_them_all() -> None:
    zone, domains = behind(BUSY, "busy", 40)

    def busy_at_first(visit: Visit) -> None:
        if visit.number < 2:
            last_words(b"421 4.3.2 too busy\r\n")(visit)  # type: ignore[operator]
        else:
            visit.say(b"220 mx.example\r\n")

    async with world(zone, {BUSY: {"OPEN": busy_at_first}}) as playing:
        options = [*playing.options, "--backoff", "1", "--per-target", "1"]
        ran = await mxsweep("audit", *options, stdin="\n".join(domains).encode())
        times = [dial.at for dial in playing.servers[BUSY].dials]
    assert (ran.code, set(ran.verdicts.values())) == (0, {"ok"})
    assert counted(probes_at(ran, BUSY), "attempts") == {(3,): 1, (1,): 39}
    assert times[1] - times[0] >= 1 - CLOCKS_S
    assert times[2] - times[1] >= 2 - CLOCKS_S
    assert len(times) == 2 + 4


async def test_a_host_that_stays_busy_is_told_so_after_three_attempts_and_the_run_ends() -> None:
    zone, domains = behind(BUSY, "busy", 200)
    async with world(zone, {BUSY: {"OPEN": last_words(b"421 4.3.2 too busy\r\n")}}) as playing:
        options = [*playing.options, "--backoff", "0.5", "--per-target", "1", "--fail-on", "none"]
        ran = await mxsweep("audit", *options, stdin="\n".join(domains).encode())
        assert len(playing.servers[BUSY].dials) == 3
    assert counted(probes_at(ran, BUSY), "stage", "code", "session", "attempts") == {
        ("banner", 421, "new", 3): 1,
        ("banner", 421, "shared", 0): 199,
    }


async def test_what_a_host_says_in_a_transaction_is_each_domains_own() -> None:
    def only_even(visit: Visit) -> None:
        number = int(visit.lines[-1].partition("@refusing")[2].partition(".")[0])
        visit.say(b"550 5.1.1 no such user\r\n" if number % 2 else b"250 2.1.5 Ok\r\n")

    zone, domains = behind(REFUSING, "refusing", 200)
    async with world(zone, {REFUSING: {"RCPT": only_even}}) as playing:
        ran = await mxsweep("audit", *playing.options, "--fail-on", "none", stdin="\n".join(domains).encode())
        asked = [line for lines in playing.servers[REFUSING].lines for line in lines if line.startswith("RCPT")]
    assert len(asked) == len(set(asked)) == 200
    assert {probe["domain"]: probe["code"] for probe in ran.of_kind("probe")} == {
        domain: 550 if number % 2 else 250 for number, domain in enumerate(domains)
    }
    assert "shared" not in {probe["session"] for probe in ran.of_kind("probe")}
