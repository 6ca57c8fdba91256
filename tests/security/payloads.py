"""What hostile text looks like: one table for every way in."""

from __future__ import annotations

MARK = "forged"
"""Stands at the beginning of the line that a payload would like to write. No line of ours begins so."""

PAYLOADS: dict[str, bytes] = {
    "CSI: clear the screen": b"\x1b[2J\x1b[1;31mred\x1b[0m",
    "CSI: report that is typed back": b"\x1b[6n\x1b[5n\x1b[c",
    "OSC: title and clipboard": b"\x1b]0;owned\x07\x1b]52;c;Y3VybA==\x1b\\",
    "DCS and APC": b"\x1bP$q q\x1b\\\x1b_Gi=1;AAAA\x1b\\",
    "CR over the line": b"554 no\r" + MARK.encode(),
    "LF and a line of its own": b"no\n" + MARK.encode() + b': {"kind":"run"}',
    "CRLF and a header": b"no\r\nBcc: x@evil.example\r\n\r\n" + MARK.encode(),
    "CRLF and a command": b"no\r\nRCPT TO:<x@evil.example>\r\nDATA\r\n" + MARK.encode(),
    "NUL": b"a\x00b\x00",
    "BEL, BS, DEL": b"\x07\x08\x08\x7f",
    "VT, FF, FS-US": b"\x0b\x0c\x1c\x1d\x1e\x1f",
    "C1 as UTF-8": b"\xc2\x9b2J\xc2\x9d0;owned\xc2\x9c\xc2\x85" + MARK.encode(),
    "C1 as bytes": b"\x9b2J\x9d0;owned\x9c\x85",
    "bidi override": "\u202egpj.exe\u202c \u2066x\u2069 \u061c\u200e\u200f".encode(),
    "U+2028 and U+2029": f"a\u2028{MARK}\u2029{MARK}".encode(),
    "lone surrogates": b"\xed\xa0\x80 \xed\xbf\xbf",
    "no UTF-8": b"\xff\xfe \xc0\xaf \xe2\x82 \xf8\x88\x80\x80\x80",
    "shell: substitution": b"$(touch owned) `touch owned` ${IFS}",
    "shell: separators": b"; touch owned | touch owned && touch owned > owned &",
    "shell: quotes": b"'; touch owned; ' \"; touch owned; \" \\",
    "HTML": b'"><script>alert(1)</script><img src=x onerror=alert(1)> &lt;',
    "format strings": b"%s%s%n%d %(x)s {0} {x!r} {} ${x} {{7*7}}",
    "rich markup": b"[red]x[/red] [link=http://evil.example]y[/link]",
    "JSON breakers": b'"}\\n{"kind":"run","schema":1}\\u001b[2J \\" \\',
    "JSON escapes of controls": b"\\u001b[2J \\u0000 \\ud800 \\x1b",
    "paths and options": b"../../etc/passwd -o/etc/passwd --config=/dev/stdin",
    "100 KB": b"A" * 100_000,
    "100 KB of ESC": b"\x1b[2J" * 25_000,
}

BLEND = b" ".join(payload for name, payload in PAYLOADS.items() if not name.startswith("100 KB"))
"""All of them in one text, where a way in is one value and each costs a process."""


def as_argument(payload: bytes) -> str:
    """Fit for a command line or an environment variable, which hold no NUL."""
    return payload.replace(b"\0", b"").decode("utf-8", "surrogateescape")


def as_label(payload: bytes) -> str:
    r"""One label of DNS in a zone file, each octet as `\DDD` (RFC 1035 5.1)."""
    return "".join(f"\\{octet:03d}" for octet in payload[:60])
