"""TLS as sending servers do it: certificates are looked at and reported, never a reason to go away (RFC 7435).

OpenSSL checks a certificate only while it shakes hands, and Python does not tell the result of a check that was not
enforced. So the first handshake enforces it; where it fails by the certificate alone, the question is asked once more
in a session that does not look, and the record says `verified: false` with OpenSSL's reason.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.escape import safe_text
from scanner.smtp.outcome import Again
from scanner.smtp.states import State
from scanner.terms import TlsFacts

if TYPE_CHECKING:
    from scanner.pool.wire import Wire


def lenient() -> ssl.SSLContext:
    """A context that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Contexts:
    """One pair for all sessions; made at the start, while descriptors are plenty."""

    strict: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    lenient: ssl.SSLContext = field(default_factory=lenient)


async def secure(wire: Wire, contexts: Contexts, host: str, *, verify: bool, limit_s: float) -> TlsFacts:
    """Shake hands on the wire and tell its dialogue how that went.

    Args:
        wire: its dialogue has agreed on TLS.
        contexts: with and without a look at the certificate.
        host: the name (or address) that the certificate should carry.
        verify: look at the certificate.
        limit_s: for the whole handshake.
    """
    transport = wire.transport
    if transport is None or transport.is_closing():
        wire.dialogue.tls_failed("closed by the server before the handshake")
        return TlsFacts(error="closed by the server before the handshake")
    context = contexts.strict if verify else contexts.lenient
    wire.handshaking = True
    try:
        secured = await wire.loop.start_tls(
            transport, wire, context, server_hostname=host, ssl_handshake_timeout=max(limit_s, 0.001)
        )
    except ssl.SSLCertVerificationError as error:
        reason = safe_text(error.verify_message or str(error))
        wire.dialogue.tls_failed(reason, Again.UNVERIFIED if verify else None)
        return TlsFacts(verified=False, error=reason)
    except (ssl.SSLError, OSError) as error:
        reason = why(error)
        wire.dialogue.tls_failed(reason)
        return TlsFacts(error=reason)
    finally:
        wire.handshaking = False
    if secured is None:
        raise TypeError("start_tls gave no transport")
    wire.transport = secured
    if wire.dialogue.state is State.OVER:  # the clock was faster
        return TlsFacts(error="the handshake was not done in time")
    wire.dialogue.secured()
    ssl_object = secured.get_extra_info("ssl_object")
    cipher = ssl_object.cipher()
    return TlsFacts(ssl_object.version(), cipher and cipher[0], verify)


def why(error: OSError) -> str:
    """The failure in words, OpenSSL's where it has some."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return safe_text(f"TLS handshake failed: {error.reason.lower().replace('_', ' ')}")
    if isinstance(error, ConnectionAbortedError):
        return "TLS handshake failed: not done in time"
    return safe_text(f"TLS handshake failed: {error.strerror or error or type(error).__name__}")
