"""A real database in a file, for each test its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from illustrious_studio.adapters.sql.database import Database


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/studio.db"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database(url) as database:
        yield database
