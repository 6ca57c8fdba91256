r"""Which lines of a mail are a bounce's own words, and how they are encoded (RFC 2045 6.7, RFC 3462).

A bounce that was saved as a file is MIME: its text may be quoted-printable, it may say the same once more as HTML, and
it brings the message that did not arrive, which is nobody's reply. A text that is no mail passes as it is.
"""

from __future__ import annotations

import re

ENCODED = re.compile(r"=([2-7][0-9A-F])")
"""What stands for a printable character of ASCII; others stay as they are, no rule needs them."""
NOT_ITS_OWN = ("message/rfc822", "message/global;", "message/partial", "text/rfc822-headers", "text/html", "image/")
BOUNDARY = re.compile(r"--(?!-*$)[!-~]{1,72}")
NEXT_MAIL = re.compile(r"From \S+ ")
FOLDED_CHARS = 8192


class Encoding:
    """What the headers of a part say about the lines below them."""

    def __init__(self) -> None:
        self.boundary = ""
        self.quoted_printable = False
        self.passing_over = False
        self.begun = ""

    def see(self, name: str, value: str) -> None:
        """A header field, in lower case."""
        if name == "content-transfer-encoding":
            self.quoted_printable = value.startswith("quoted-printable")
        elif name == "content-type" and self.boundary:
            self.passing_over = value.startswith(NOT_ITS_OWN)

    def decode(self, line: str) -> str | None:
        """The line as it was meant; None while it has not ended, or where it is none of the bounce's own."""
        if BOUNDARY.fullmatch(line) and (not self.passing_over or line.startswith(self.boundary)):
            self.boundary = line.removesuffix("--")
            self.quoted_printable, self.passing_over, self.begun = False, False, ""
            return ""
        if self.passing_over:
            if NEXT_MAIL.match(line) is None:
                return None
            self.passing_over = False
        if not self.quoted_printable:
            return line
        whole = self.begun + ENCODED.sub(decoded, line.removesuffix("="))
        self.begun = whole if line.endswith("=") and len(whole) < FOLDED_CHARS else ""
        return None if self.begun else whole


def decoded(match: re.Match[str]) -> str:
    """One character of quoted-printable."""
    return chr(int(match.group(1), 16))
