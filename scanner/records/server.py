"""What a server said of itself, encoded once in a session and spliced into each of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from scanner.escape import cut, safe_text
from scanner.records.line import encode_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.records.shapes import ServerObject, TlsObject
    from scanner.terms import TlsFacts


def encode_server(
    helo: str | None,
    banner: str | None,
    software: str | None,
    extensions: Sequence[str],
    tls: TlsFacts | None,
) -> orjson.Fragment:
    """The `server` object, encoded once in a session and spliced into each of its records.

    Args:
        helo: the name that we said; None before HELO.
        banner: the greeting's lines without codes, joined by LF; None where none was read.
        software: a guess at the server's make.
        extensions: the keywords of the EHLO reply with their parameters; empty where it offers none or HELO was used.
        tls: None where TLS was not asked for.
    """
    shape: ServerObject = {
        "helo": helo and safe_text(helo),
        "banner": banner if banner is None else cut(banner),
        "software": software and safe_text(software),
        "extensions": [safe_text(extension) for extension in extensions],
        "tls": None if tls is None else encode_tls(tls),
    }
    return orjson.Fragment(encode_line(shape)[:-1])


def encode_tls(tls: TlsFacts) -> TlsObject:
    """The `tls` object of a server."""
    return {
        "version": tls.version and safe_text(tls.version),
        "cipher": tls.cipher and safe_text(tls.cipher),
        "verified": tls.verified,
        "error": tls.error and cut(safe_text(tls.error)),
    }


NO_SERVER = encode_server(None, None, None, (), None)
"""The `server` object of a probe that met none."""
