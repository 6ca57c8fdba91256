from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.lab.nameserver import NameServer
from scanner.resolve.resolver import Resolver
from tests.resolve.script import Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def server(script: Script) -> AsyncIterator[NameServer]:
    async with NameServer(script) as running:
        yield running


@pytest.fixture
async def resolver(server: NameServer) -> AsyncIterator[Resolver]:
    async with Resolver([(server.address, server.port)]) as running:
        yield running
