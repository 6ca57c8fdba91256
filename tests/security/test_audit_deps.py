"""The offline half of `make audit-deps`, and what the other half's end means."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pycares
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def audit() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("audit_deps", ROOT / ".ci" / "audit_deps.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit_deps"] = module
    spec.loader.exec_module(module)
    return module


def test_what_is_installed_is_within_the_pins_and_the_pins_begin_behind_known_faults(audit: Any) -> None:
    installed = {each.metadata["Name"].lower(): each.version for each in importlib.metadata.distributions()}
    assert audit.problems_of(audit.pins(), installed, pycares.ARES_VERSION) == []


def test_every_fault_is_one_of_a_dependency(audit: Any) -> None:
    assert {fault.package for fault in audit.FAULTS} <= audit.pins().keys()


@pytest.mark.parametrize(
    ("pin", "installed", "c_ares", "problem"),
    [
        ("orjson>=3.11.5,<4", "3.11.9", "1.34.9", "orjson: the pin allows 3.11.5, before 3.11.6 (CVE-2025-67221"),
        ("orjson<4", "3.11.9", "1.34.9", "orjson: the pin allows anything"),
        ("orjson>=3.11.6,<4", "4.0", "1.34.9", "orjson 4.0: pyproject.toml asks for"),
        ("orjson>=3.11.6,<4", None, "1.34.9", "orjson is not installed"),
        ("orjson>=3.11.6,<4", "3.11.9", "1.34.6", "pycares carries c-ares 1.34.6"),
    ],
)
def test_what_is_wrong_is_said(audit: Any, pin: str, installed: str | None, c_ares: str, problem: str) -> None:
    pinned = audit.pins() | {"orjson": Requirement(pin)}
    found = {each.metadata["Name"].lower(): each.version for each in importlib.metadata.distributions()}
    found["orjson"] = installed
    if installed is None:
        del found["orjson"]
    [sentence] = audit.problems_of(pinned, found, c_ares)
    assert problem in sentence


@pytest.mark.parametrize(
    ("code", "out", "err", "verdict"),
    [
        (0, "", "No known vulnerabilities found\n", 0),
        (0, "rich Dependency not found on PyPI and could not be audited\n", "No known vulnerabilities found\n", 3),
        (1, "orjson 3.9 GHSA-x\n", "Found 1 known vulnerability in 1 package\n", 1),
        (1, "", "ConnectionError: no route\n", 3),
    ],
)
def test_an_audit_that_could_look_up_nothing_is_no_clean_one(
    audit: Any, code: int, out: str, err: str, verdict: int
) -> None:
    assert audit.verdict(code, out, err) == verdict
