"""Warnings: on stderr when they arise, each once, and kept for the records."""

from __future__ import annotations

import click

KEPT = 100
"""More different warnings than these help nobody."""


class Warnings:
    """What the operator was told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        """Say and keep a sentence; the same one again is not news."""
        if text in self.texts or len(self.texts) >= KEPT:
            return
        self.texts.append(text)
        click.echo(f"mxsweep: warning: {text}", err=True)
