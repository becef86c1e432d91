"""The running API for each test that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from running_api import Api, running_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(tmp_path / "data") as running:
        yield running
