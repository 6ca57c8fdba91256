"""What a server said of itself, as the `server` object of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.escape import cut, safe_text

if TYPE_CHECKING:
    from scanner.records.shapes import ServerObject, TlsObject
    from scanner.terms import ServerFacts, TlsFacts


def server_object(server: ServerFacts) -> ServerObject:
    """The `server` object; all but the banner is one line each."""
    return {
        "helo": server.helo and safe_text(server.helo),
        "banner": server.banner and cut(server.banner),
        "software": server.software and safe_text(server.software),
        "extensions": [safe_text(extension) for extension in server.extensions],
        "tls": server.tls and tls_object(server.tls),
    }


def tls_object(tls: TlsFacts) -> TlsObject:
    """The `tls` object of a server."""
    return {
        "version": tls.version and safe_text(tls.version),
        "cipher": tls.cipher and safe_text(tls.cipher),
        "verified": tls.verified,
        "error": tls.error and cut(safe_text(tls.error)),
    }
