"""Servers' TLS contexts, by what is wrong with their certificates."""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
from pathlib import Path
from typing import NamedTuple

import trustme

LAST_YEAR = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


class Flawed(NamedTuple):
    """One context without a fault, and four with one."""

    valid: ssl.SSLContext
    wrong_name: ssl.SSLContext
    expired: ssl.SSLContext
    unknown: ssl.SSLContext
    self_signed: ssl.SSLContext


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def serving_pem(*parts: bytes) -> ssl.SSLContext:
    """A server with a key and a chain as they are."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "chain.pem"
        pem.write_bytes(b"".join(parts))
        context.load_cert_chain(pem)
    return context


def flawed(ca: trustme.CA, host: str) -> Flawed:
    """Certificates for a host: of this authority, or of one that nobody trusts."""
    stranger = trustme.CA()
    return Flawed(
        serving(ca.issue_cert(host)),
        serving(ca.issue_cert("other.example")),
        serving(ca.issue_cert(host, not_before=LAST_YEAR, not_after=LAST_YEAR + dt.timedelta(days=1))),
        serving(stranger.issue_cert(host)),
        serving_pem(stranger.private_key_pem.bytes(), stranger.cert_pem.bytes()),
    )
