from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.cli.exits import run_command_line
from scanner.records.schema import schema_text

if TYPE_CHECKING:
    import pytest


def test_it_prints_the_contract_to_the_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run_command_line(["schema"]) == 0
    assert capfdbinary.readouterr() == (schema_text(), b"")
