"""`make audit-deps`: are the dependencies free of known faults?

First our own table, offline: what is installed is within the pins, and the pins begin where known faults end. Then the
advisories that pip-audit knows of. Exit 0: both are clean; 1: a fault; 3: the advisories could not be had, so that
nothing is known of faults found since.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pycares
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
UNREACHABLE = 3
LIMIT_S = 300


class Fault(NamedTuple):
    """A known fault of a dependency, and the version in which it is gone."""

    package: str
    fixed_in: str
    name: str


FAULTS = (
    Fault("aiosmtplib", "5.1.3", "GHSA-v3q9-hj7j-63hq, GHSA-vxj7-4xrp-5vr4: injection into commands and STARTTLS"),
    Fault("aiodns", "4.0.4", "the resolver without query_dns and its races"),
    Fault("pycares", "5.2.1", "races of close and submit; c-ares before 1.34.8"),
    Fault("uvloop", "0.23", "uvloop#738: a descriptor closed twice"),
    Fault("orjson", "3.11.6", "CVE-2025-67221: recursion ends the process"),
)
"""What docs/dependencies.md tells of; the pins must begin at or behind it."""
C_ARES_AT_LEAST = Version("1.34.8")
"""CVE-2026-33630, CVE-2025-62408, CVE-2025-31498: use after free on answers of strangers."""


def pins() -> dict[str, Requirement]:
    """The runtime dependencies of pyproject.toml, by name."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return {requirement.name: requirement for requirement in map(Requirement, found)}


def problems_of(pinned: dict[str, Requirement], installed: dict[str, str], c_ares: str) -> list[str]:
    """What is wrong, in sentences."""
    problems = [
        f"{name} {installed.get(name, 'is not installed')}: pyproject.toml asks for {requirement.specifier}"
        for name, requirement in pinned.items()
        if name not in installed or not requirement.specifier.contains(installed[name])
    ]
    for fault in FAULTS:
        before = before_the_fix(fault, pinned.get(fault.package))
        if before is not None:
            problems.append(f"{fault.package}: the pin allows {before}, before {fault.fixed_in} ({fault.name})")
    if Version(c_ares) < C_ARES_AT_LEAST:
        problems.append(f"pycares carries c-ares {c_ares}: {C_ARES_AT_LEAST} is the first without known holes")
    return problems


def before_the_fix(fault: Fault, pin: Requirement | None) -> str | None:
    """The lowest version that a pin allows, if the fault is in it; None where it cannot be."""
    if pin is None:
        return "anything"
    lowest = next((each.version for each in pin.specifier if each.operator in (">=", "==", "~=")), None)
    if lowest is None:
        return "anything"
    return lowest if Version(lowest) < Version(fault.fixed_in) else None


def advisories(names: list[str]) -> int:
    """What pip-audit says of the installed ones; it is installed on demand."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "pip-audit"]
    requirements = "\n".join(f"{name}=={importlib.metadata.version(name)}" for name in names)
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--no-deps", "--disable-pip"]
    try:
        subprocess.run(pip, check=True, timeout=LIMIT_S)  # noqa: S603 - our own command
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, "--requirement", "/dev/stdin"],
            input=requirements, capture_output=True, text=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip
    except (subprocess.SubprocessError, OSError) as error:
        print(f"advisories: pip-audit could not be run: {error}")
        return UNREACHABLE
    code = verdict(done.returncode, done.stdout, done.stderr)
    print(done.stdout, end="")
    if code == UNREACHABLE:
        print("advisories: not all could be had, so nothing is known of faults found since the pins were set")
    else:
        print(done.stderr, end="")
    return code


def verdict(code: int, out: str, err: str) -> int:
    """What its end means: it also ends well where it could look up nothing at all."""
    if code and "Found " in err and "vulnerabilit" in err:
        return 1
    return UNREACHABLE if code or "could not be audited" in out else 0


def main() -> int:
    """Both."""
    pinned = pins()
    installed = {each.metadata["Name"].lower(): each.version for each in importlib.metadata.distributions()}
    problems = problems_of(pinned, installed, pycares.ARES_VERSION)
    for problem in problems:
        print(problem)
    if problems:
        return 1
    print(f"known faults: none in the {len(pinned)} runtime dependencies")
    return advisories(sorted(pinned))


if __name__ == "__main__":
    sys.exit(main())
