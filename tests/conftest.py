"""Tests begin with every signal's usual meaning, whatever started them."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """`nohup` and background jobs of a shell ignore signals, and our command rightly goes on ignoring them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
