"""Records as runs write them, made short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"source": None, "tests": ["plain"], "evidence": "rcpt", "canary": "me@canary.example", "ports": [25]}


def probe(address: str, verdict: str = "closed", **more: Any) -> dict[str, Any]:
    """A sweep's record of a target."""
    record = {
        "kind": "probe", "seq": 0, "domain": None, "exchange": None, "address": address, "port": 25,
        "source": "127.0.0.1", "verdict": verdict, "standing": None, "stage": "rcpt", "code": 554, "enhanced": "5.7.1",
        "text": "5.7.1 Relay access denied", "transient": False, "error": None,
    }  # fmt: skip
    return record | more


def of_domain(domain: str, address: str, verdict: str, standing: str, **more: Any) -> dict[str, Any]:
    """An audit's record of an exchange."""
    return probe(address, verdict, domain=domain, exchange=f"mx.{domain}", standing=standing, **more)


def written(
    path: Path,
    *probes: dict[str, Any],
    command: str = "sweep",
    complete: bool | None = True,
    settings: dict[str, Any] | None = None,
) -> Path:
    """A run's output; `complete` None: killed before its last line."""
    head = {"kind": "start", "command": command, "settings": settings or SETTINGS, "started": "2026-01-01T00:00:00Z"}
    records: list[dict[str, Any]] = [head, *({**each, "seq": seq} for seq, each in enumerate(probes))]
    if complete is not None:
        records.append({"kind": "run", "interrupted": not complete})
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return path
