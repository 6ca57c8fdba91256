"""What is fuzzed: plain functions of bytes, each of which fails an assertion where a promise about its parser breaks.

The fuzzer (`run.py`) looks for bytes that lead somewhere new; `test_corpus.py` replays what it has found.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

import orjson

from scanner.addresses import literal_of, parse_address, parse_range
from scanner.escape import UNSAFE
from scanner.intake.lines import BadLine, Intake
from scanner.judge.reason import judge_reply
from scanner.judge.software import software_of
from scanner.quotations.text import quoted_in
from scanner.relay.patterns import host_of
from scanner.resolve.answer import Record, RecordType, Status, select
from scanner.resolve.mx import HOST_NAME, plan
from scanner.smtp import command
from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Ended, Outcome, Question, StartTls, TlsAgreed
from scanner.smtp.reply import LINE_KEPT_BYTES, REPLY_LIMIT_BYTES, REPLY_LIMIT_LINES, ReplyReader, enhanced_of, text_of
from scanner.targets.entries import Entry
from scanner.targets.intake import TargetIntake
from scanner.terms import Item, ProbeVerdict, Stage, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scanner.smtp.reply import Reply

LDH = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
COMMAND = re.compile(rb"(?:EHLO|HELO|MAIL FROM:|RCPT TO:|RSET|QUIT|STARTTLS|DATA)[\x20-\x7e]*\r\n")
QUESTION = Question("postmaster@probe.example", "postmaster@partner.example")
PIECES = 8
"""At most so many portions of what arrives."""


def pieces(data: bytes) -> list[bytes]:
    """The rest of the data cut where its first octets say."""
    if not data:
        return []
    number, rest = data[0] % PIECES, data[1:]
    cuts = sorted(octet * len(rest) // 256 for octet in rest[:number])
    return [rest[start:end] for start, end in zip([0, *cuts], [*cuts, len(rest)], strict=True)]


def check_text(text: str) -> None:
    """Fit for a record: each of its lines without a control character."""
    assert not any(UNSAFE.search(line) for line in text.split("\n"))
    assert orjson.loads(orjson.dumps(text)) == text


def replies_of(portions: Sequence[bytes]) -> tuple[list[Reply], str | None, Reply | None]:
    """What a reader makes of them; its memory stays bounded on the way."""
    reader = ReplyReader()
    replies: list[Reply] = []
    for portion in portions:
        replies += reader.receive(portion)
        held = len(reader.rest) + sum(map(len, reader.lines))
        assert held <= REPLY_LIMIT_BYTES + LINE_KEPT_BYTES + 2
        assert len(reader.lines) <= REPLY_LIMIT_LINES
    return replies, reader.garbage, reader.finish()


def reply(data: bytes) -> None:
    """The reply parser: whatever comes, replies with codes of SMTP or garbage, however it is cut."""
    portions = pieces(data)
    found = replies_of(portions)
    whole = replies_of([b"".join(portions)])
    assert found[0] == whole[0]
    assert (found[1] is None) == (whole[1] is None)
    for each in [*found[0], *filter(None, [found[2]])]:
        assert 200 <= each.code <= 599
        check_text(text_of(each))
        check_text(enhanced_of(each) or "")


def says(dialogue: Dialogue, portions: Sequence[bytes], end: int) -> Iterator[TlsAgreed | Ended]:
    """Play a server that says these, one after the other, whatever it is told."""
    for portion in portions:
        for line in filter(None, re.split(rb"(?<=\r\n)", dialogue.data_to_send())):
            assert COMMAND.fullmatch(line), line
            assert dialogue.banner is not None, "before the greeting"
        if portion == b"T" and dialogue.state == "securing" and not dialogue.owed:
            dialogue.secured()
        else:
            dialogue.receive_data(portion)
        yield from dialogue.events()
    if end % 3 == 0:
        dialogue.receive_eof()
    elif end % 3 == 1:
        dialogue.stop(ProbeVerdict.GIVEN_UP, "out of time")
    else:
        dialogue.tls_failed("handshake failed") if dialogue.state == "securing" else dialogue.receive_eof()
    yield from dialogue.events()


def dialogue(data: bytes) -> None:
    """The dialogue: one end for the question, whatever the server says and when; only commands leave it."""
    ways, portions = (data[0] if data else 0), pieces(data[1:])
    starttls = list(StartTls)[ways % len(StartTls)]
    playing = Dialogue(
        "probe.example",
        starttls=starttls,
        demands_tls=lambda _stage, said: b"TLS" in said.lines[-1],
        pipelining=bool(ways & 8),
    )
    playing.ask(QUESTION, last=bool(ways & 16))
    ended = [event.outcome for event in says(playing, portions, ways >> 5) if isinstance(event, Ended)]
    assert len(ended) == 1
    check_outcome(ended[0])
    assert not playing.data_to_send() or playing.state != "over"


def check_outcome(outcome: Outcome) -> None:
    """It has a reply, or says why there is none; both are fit for a record."""
    assert outcome.reply is not None or outcome.trouble is not None
    if outcome.reply is not None:
        assert 200 <= outcome.reply.code <= 599
        text = text_of(outcome.reply)
        check_text(text)
        judge_reply(outcome.stage, outcome.reply.code, enhanced_of(outcome.reply), text)
    check_text(outcome.error or "")


def items(data: bytes) -> None:
    """The input of an audit: the same items however it is cut, numbered, and fit to be asked about."""
    portions = pieces(data)
    found = fed(Intake(), portions)
    assert found == fed(Intake(), [b"".join(portions)])
    good = [each for each in found if isinstance(each, Item)]
    assert [each.seq for each in good] == list(range(len(good)))
    for item in good:
        assert LDH.fullmatch(item.domain), item
        assert orjson.loads(orjson.dumps(item.tag)) == item.tag
        if item.recipient is not None:
            said = command.rcpt(item.recipient)
            assert COMMAND.fullmatch(said), said
    for each in found:
        if isinstance(each, BadLine):
            check_text(each.reason)


def targets(data: bytes) -> None:
    """The input of a sweep."""
    portions = pieces(data)
    found = fed(TargetIntake(), portions)
    assert found == fed(TargetIntake(), [b"".join(portions)])
    for each in found:
        if isinstance(each, BadLine):
            check_text(each.reason)
        elif isinstance(each, Entry):
            assert (each.addresses is None) != (each.name is None)
            assert each.port is None or 0 < each.port < 65536
            assert each.name is None or LDH.fullmatch(each.name)
            if each.addresses is not None:
                bits = 32 if each.addresses.version == 4 else 128
                assert 0 <= each.addresses.first <= each.addresses.last < 2**bits


def fed(intake: Intake | TargetIntake, portions: Sequence[bytes]) -> list[object]:
    """All that it makes of them."""
    found: list[object] = []
    for portion in portions:
        found += intake.feed(portion)
    return [*found, *intake.finish()]


TYPES = list(RecordType)
NAMES = ("a.example", "b.example", "A.Example", "", "localhost", "192.0.2.1", "\\010.example", "x" * 64 + ".example")


def answers(data: bytes) -> None:
    """DNS: records of any owner, type and text in any order, to an answer, and MX to exchanges."""
    text = data.decode("utf-8", "surrogateescape").split("\n")
    records = []
    for line in text[:64]:
        owner, name, value = line[:1] or "a", line[1:2] or "m", line[2:]
        kind = TYPES[ord(name) % len(TYPES)]
        owned = NAMES[ord(owner) % len(NAMES)]
        records.append(Record(owned, kind, ord(owner), value or NAMES[ord(name) % len(NAMES)], len(value)))
    for kind in (RecordType.MX, RecordType.A):
        answer = select("a.example", kind, records)
        assert answer.status in (Status.FOUND, Status.NODATA)
        assert all(record.type is kind for record in answer.records)
        assert bool(answer.records) == (answer.status is Status.FOUND)
    found = [record for record in records if record.type is RecordType.MX]
    if found:
        planned = plan(found)
        assert len(planned.exchanges) <= 16
        for each in planned.exchanges:
            check_text(each.exchange.name)
            assert each.unusable is not None or HOST_NAME.fullmatch(each.exchange.name)
            check_text(each.unusable or "")


def quoted(data: bytes) -> None:
    """What `explain` is given: a log, a bounce, a telnet window."""
    text = data.decode("utf-8", "backslashreplace")
    for each in quoted_in(text.split("\n")):
        if each.code is not None:
            judge_reply(each.stage, each.code, each.enhanced, each.text or "")


def judged(data: bytes) -> None:
    """The judgement: a verdict for any code, stage and text."""
    if len(data) < 3:
        return
    text = data[3:].decode("utf-8", "backslashreplace")
    stage = [None, *Stage][data[0] % (len(Stage) + 1)]
    code = 200 + (data[1] << 8 | data[2]) % 400
    judgement = judge_reply(stage, code, None, text)
    assert judgement.rule
    assert judgement.transient == (400 <= code < 500)
    software_of(text, text, (text,))
    host_of(text)


def addresses(data: bytes) -> None:
    """Addresses and ranges: what is taken is what the standard library means by it."""
    text = data.decode("utf-8", "replace")
    try:
        address = parse_address(text)
    except UsageError:
        pass
    else:
        assert ipaddress.ip_address(str(address)) == address
        assert parse_address(literal_of(address)[1:-1].removeprefix("IPv6:")) == address
    try:
        found = parse_range(text)
    except UsageError:
        return
    assert found.first <= found.last


def commands(data: bytes) -> None:
    """Commands: one line of printable ASCII, or a refusal."""
    text = data.decode("utf-8", "surrogateescape")
    makers: list[Callable[[str], bytes]] = [command.mail, command.rcpt, command.bare_rcpt]
    for make in makers:
        try:
            said = make(text)
        except command.UnsafeArgument:
            continue
        assert COMMAND.fullmatch(said), said


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (reply, dialogue, items, targets, answers, quoted, judged, addresses, commands)
}
