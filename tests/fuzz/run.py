"""The fuzzer on one target: `python -m tests.fuzz.run TARGET [libFuzzer's options]`.

It begins with the committed corpus, and leaves what it finds in `.cache/fuzz/TARGET`: new inputs, and crashes under
names that begin with `crash-`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    with atheris.instrument_imports(include=["scanner"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - what is imported here is watched
    name, *options = sys.argv[1:] or [""]
    if name not in TARGETS:
        sys.exit(f"no target is called {name!r}: {', '.join(TARGETS)}")
    found = ROOT / ".cache" / "fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    begin = CORPUS / name
    places = [str(found), *([str(begin)] if begin.is_dir() else [])]
    atheris.Setup([sys.argv[0], f"-artifact_prefix={found}/", *options, *places], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
