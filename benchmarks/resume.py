"""What it costs to go on with a run that was nearly done: reading back its output, by the number of finished items.

Nobody is asked: all items but none are done, so that it is the reading, comparing and counting alone that is measured.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import orjson

from benchmarks.bars import Bar, Part
from benchmarks.measure import module, run
from scanner.cli.audit import AuditRun
from scanner.cli.source import Source
from scanner.intake.lines import Intake
from scanner.pool.probe import Answer
from scanner.records.facts import DomainFacts, ProbeFacts, StartFacts
from scanner.records.record import encode_group, encode_start
from scanner.run.verdict import judge
from scanner.settings import Settings
from scanner.smtp.outcome import Outcome, Question
from scanner.smtp.reply import Reply
from scanner.terms import DomainVerdict, Exchange, Role, ServerFacts, SessionUse, Stage

if TYPE_CHECKING:
    from pathlib import Path

BITS_BAR = 8.0
"""Bits of memory a finished item may cost: two are kept, and an array that grows is copied now and then."""
HELO, RUN = "probe.bench", "0123456789abcdef"
HOSTS = 1000
SHORT = 50_000


class Resumed(NamedTuple):
    """One resumption."""

    items: int
    cpu_us: float
    peak_kib: int
    wall_s: float
    size_gb: float


def start() -> bytes:
    """The start record of the settings that the command will have."""
    settings = Settings(helo=HELO, resolver=("127.0.0.1:9",))
    effective = AuditRun(settings, Source(["x.example"], "-", Intake())).effective_settings()
    return encode_start(RUN, StartFacts("0.1.0", time.time(), "audit", effective))


def group(number: int) -> bytes:
    """A domain whose two exchanges took its mail, as most do."""
    server = ServerFacts(HELO, "mx.bench ESMTP Postfix", "Postfix", ("PIPELINING", "SIZE 10240000", "STARTTLS"))
    outcome = Outcome(Stage.RCPT, Reply(250, (b"2.1.5 Ok",)), sender_said=True, recipient_said=True)
    answer = Answer(outcome, time.time(), 1.25, server, "192.0.2.99", SessionUse.REUSED, 1)
    question = Question(f"postmaster@{HELO}", f"postmaster@d{number}.bench")
    probes = [
        ProbeFacts(
            number,
            f"d{number}.bench",
            Exchange(f"mx{host}.bench", 10 * place, role),
            f"192.0.2.{host % 250}",
            25,
            question,
            answer,
            judge(outcome),
        )
        for place, (host, role) in enumerate(((number % HOSTS, Role.PRIMARY), (7, Role.SECONDARY)), 1)
    ]
    return encode_group(RUN, probes, DomainFacts(number, f"d{number}.bench", DomainVerdict.OK, 2)).data


def resumed(items: int, directory: Path) -> Resumed:
    """Write so many items' records, in no order, and go on with them."""
    output, domains = directory / "resume.jsonl", directory / "resume.txt"
    with output.open("wb") as file, domains.open("w") as names:
        file.write(start())
        for block in range(0, items, 1000):
            file.writelines(group(number) for number in reversed(range(block, min(block + 1000, items))))
            names.writelines(f"d{number}.bench\n" for number in range(block, min(block + 1000, items)))
    size = output.stat().st_size
    command = module("scanner", "audit", "--helo", HELO, "--resolver", "127.0.0.1:9", "--quiet", "--resume")
    used = run([*command, "-o", str(output), "-i", str(domains)])
    with output.open("rb") as file:
        file.seek(-10_000, 2)
        ending = orjson.loads(file.readlines()[-1])
    if ending["items"] != items or ending["interrupted"]:
        raise RuntimeError(f"not all items were found done: {ending}")
    output.unlink()
    return Resumed(items, used.cpu_s / items * 1e6, used.peak_kib, used.wall_s, size / 1e9)


def measure(items: int, directory: Path) -> Part:
    """A long output beside a short one."""
    short, long = (resumed(number, directory) for number in (SHORT, items))
    bits = (long.peak_kib - short.peak_kib) * 1024 * 8 / (long.items - short.items)
    print("Resuming a run that was done: reading its output back")
    for each in (short, long):
        print(
            f"  {each.items:>9} items {each.size_gb:6.2f} GB {each.cpu_us:7.1f} µs an item"
            f" {each.peak_kib / 1024:7.1f} MB {each.wall_s:7.1f} s"
        )
    print(f"  {bits:.2f} bits of memory a finished item")
    figures = {"resume: bits an item": bits, "resume: cpu_us": long.cpu_us, "resume: peak_mb": long.peak_kib / 1024}
    return Part(figures, [Bar(f"resume: memory of {items} finished items", bits, BITS_BAR, "bits each")])
