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


async def test_a_wrong_key_is_told_for_every_client(tmp_path: Path) -> None:
    async with running_api(tmp_path, key=KEY) as api:
        found = await outcomes(api.url, "another-key-of-some-length")
    assert list(found) == EVERYONE
    for one in found.values():
        assert "expected 200, came 401: This studio asks for a key." in one.said, one


async def test_a_studio_that_is_not_there_is_told_for_every_client() -> None:
    found = await outcomes("http://127.0.0.1:9")
    assert list(found) == EVERYONE
    for one in found.values():
        assert "no answer (" in one.said, one


async def test_a_checkpoint_that_cannot_draw_fails_just_those_who_draw(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.faults = [OutOfMemory("Too large. Choose a smaller size.") for _ in range(20)]
    async with running_api(tmp_path, engine=engine) as api:
        found = await outcomes(api.url)
    assert [name for name, one in found.items() if one.passed] == ["MCP hosts", TIDYING_UP]
    assert found["curl"].said == "POST /generate-image: expected 200, came 507: Too large. Choose a smaller size."
    assert found["OpenAI SDK"].said.startswith("POST /v1/images/generations: expected 200, came 507: Too large.")
    assert found["SillyTavern"].said.startswith("POST /sdapi/v1/txt2img: expected 200, came 507: Too large.")
