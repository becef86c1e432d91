"""The self-test of the Connect page: against studios that work, and against some that do not."""

from pathlib import Path

from pydantic import SecretStr

from fakes import FakeEngine
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.interfaces.clients.client import Access
from illustrious_studio.interfaces.clients.selftest import CLIENTS, TIDYING_UP, Outcome, replay_all
from running_api import running_api

KEY = "a-key-of-some-length"
EVERYONE = [*(client.name for client in CLIENTS), TIDYING_UP]


async def outcomes(url: str, key: str | None = None) -> dict[str, Outcome]:
    return {one.name: one async for one in replay_all(Access(url=url, key=SecretStr(key) if key else None))}


async def test_every_client_passes_and_nothing_is_left_in_the_gallery(tmp_path: Path) -> None:
    async with running_api(tmp_path, key=KEY) as api:
        assert [(one.name, one.said) for one in (await outcomes(api.url, KEY)).values()] == [
            (name, "") for name in EVERYONE
        ]
        assert (await api.studio.gallery.page()).items == []
        assert api.engine.orders
