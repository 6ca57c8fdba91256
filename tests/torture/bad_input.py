"""Thousands of lines that cannot be used, among some that can: each is told by its number and costs nobody anything."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, NamedTuple

from tests.promises.process import mxsweep
from tests.promises.world import mail_of, world

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 7
EACH = 100
GOOD = 50
TOLD = re.compile(r"^mxsweep: line (\d+): .*; skipped$", re.MULTILINE)


class Tried(NamedTuple):
    """What came of it. `as_expected`: bad lines that were told by their number; `problems`: what else went wrong."""

    tried: int
    as_expected: int
    problems: list[str]


def word(chance: random.Random, size: int = 8) -> str:
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(size))


def with_inside(chance: random.Random, what: bytes) -> bytes:
    """A good name with something in the midst of a label."""
    return f"{word(chance)}x".encode() + what + f"x{word(chance)}.example".encode()


def as_object(**fields: object) -> bytes:
    return json.dumps(fields).encode()


CONTROLS = [bytes([code]) for code in (*range(1, 9), *range(11, 13), *range(14, 32), 127)]
KINDS: list[Callable[[random.Random], bytes]] = [
    lambda chance: with_inside(chance, chance.choice(CONTROLS)),
    lambda chance: with_inside(chance, b"\0"),
    lambda chance: with_inside(chance, b" "),
    lambda chance: with_inside(chance, b"\r"),
    lambda chance: with_inside(chance, b"\xff"),
    lambda chance: with_inside(chance, b"\xc3("),
    lambda chance: with_inside(chance, b"\xed\xa0\x80"),
    lambda chance: with_inside(chance, chance.choice([b"'", b'"', b"`", b"$", b"(", b";", b"|", b"&", b"\\", b"%"])),
    lambda chance: with_inside(chance, "\u202e".encode()),
    lambda chance: with_inside(chance, "\u2028".encode()),
    lambda chance: with_inside(chance, b".."),
    lambda chance: b"-" + word(chance).encode() + b".example",
    lambda chance: word(chance).encode() + b"-.example",
    lambda chance: b"." + word(chance).encode() + b".example",
    lambda chance: word(chance, 64).encode() + b".example",
    lambda chance: ".".join(word(chance, 60) for _ in range(5)).encode(),
    lambda chance: word(chance, 70_000).encode(),
    lambda chance: f"192.0.2.{chance.randrange(256)}".encode(),
    lambda chance: f"2001:db8::{chance.randrange(1, 9999):x}".encode(),
    lambda chance: b"xn--" + b"\x80" + word(chance).encode() + b".example",
    lambda chance: word(chance).encode() + b"@",
    lambda chance: b"@" + word(chance).encode() + b".example",
    lambda chance: f"{word(chance)} {word(chance)}@{word(chance)}.example".encode(),
    lambda chance: f"{word(chance)}>\x01{word(chance)}@{word(chance)}.example".encode(),
    lambda chance: f"{word(chance)}@{word(chance)}@{word(chance)}.example".encode(),
    lambda chance: f'"{word(chance)}@{word(chance)}.example'.encode(),
    lambda chance: f"{word(chance, 65)}@{word(chance)}.example".encode(),
    lambda chance: f"{word(chance)}@[192.0.2.1".encode(),
    lambda chance: f"{{{word(chance)}".encode(),
    lambda chance: as_object(domain=chance.random()),
    lambda chance: as_object(domain=[word(chance)]),
    lambda chance: as_object(domain=f"{word(chance)}.example", recipient=chance.randrange(100)),
    lambda chance: as_object(domain=f"{word(chance)}.example\r\nRCPT TO:<x@y.example>"),
    lambda chance: as_object(domain=f"{word(chance)}.example", recipient=f"{word(chance)}\r\nDATA@a.example"),
    lambda chance: as_object(domain=f"{word(chance)}.example", recipent=word(chance)),
    lambda chance: as_object(tag=word(chance)),
    lambda chance: as_object(domain=f"{word(chance)}.example", tag=word(chance, 5000)),
    lambda chance: as_object(domain=f"{word(chance)}.example", tag=2 ** chance.randint(64, 200)),
    lambda chance: f'{{"domain":"{word(chance)}.example","tag":{"[" * 40}{"]" * 40}}}'.encode(),
    lambda chance: f'{{"domain":"{word(chance)}.example","tag":"\\ud800"}}'.encode(),
    lambda chance: f'{{"domain":"{word(chance)}.example"}} {word(chance)}'.encode(),
]  # fmt: skip


async def tried() -> Tried:
    """Ask about all of them at once, good ones in between; nobody but the good may be looked up or asked for."""
    chance = random.Random(SEED)  # noqa: S311 - a seeded game
    lines: list[tuple[bool, bytes]] = [(False, kind(chance)) for kind in KINDS for _ in range(EACH)]
    lines += [(True, f"good{number}.example".encode()) for number in range(GOOD)]
    chance.shuffle(lines)
    zone = "".join(mail_of(f"good{number}.example", "127.31.6.1") for number in range(GOOD))
    async with world(zone, {"127.31.6.1": {}}) as playing:
        ran = await mxsweep("audit", *playing.options, stdin=b"".join(line + b"\n" for _, line in lines))
        looked_up = {name for name, _ in playing.names.asked}
        said = {line for visit in playing.servers["127.31.6.1"].visits for line in visit.lines if "RCPT" in line}
    bad = {number for number, (good, _) in enumerate(lines, 1) if not good}
    told = {int(number) for number in TOLD.findall(ran.stderr)}
    problems = [f"line {number}, {lines[number - 1][1]!r}, was taken" for number in sorted(bad - told)][:10]
    problems += [f"line {number} was refused" for number in sorted(told - bad)][:10]
    if ran.code != 0 or set(ran.verdicts) != {f"good{number}.example" for number in range(GOOD)}:
        problems.append(f"the good ones suffered: exit code {ran.code}")
    if ran.run["bad_lines"] != len(bad):
        problems.append(f"{ran.run['bad_lines']} bad lines were counted")
    if strangers := {name for name in looked_up if "good" not in name and name != "probe.test"}:
        problems.append(f"looked up: {sorted(strangers)[:5]}")
    if said != {f"RCPT TO:<postmaster@good{number}.example>" for number in range(GOOD)}:
        problems.append("a server was asked for somebody else")
    return Tried(len(bad), len(bad & told), problems)
