"""The API as it stands on its port: a whole studio with fake models, behind the guard, on a real server."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from fakes import FakeChat, FakeEngine, FakeVision
from illustrious_studio.interfaces.mcp.endpoint import studio_endpoint
from illustrious_studio.serve import guard_api, whole_api
from illustrious_studio.services.studio import Studio
from serving import serving
from studio_for_tests import studio_for_tests


@dataclass(frozen=True)
class Api:
    """A client of the running API, and what runs behind it."""

    http: httpx.AsyncClient
    url: str
    studio: Studio
    engine: FakeEngine
    chat: FakeChat
    vision: FakeVision
    closing: contextlib.AsyncExitStack
    """What is entered here is left with the API, before it stops."""


@contextlib.asynccontextmanager
async def running_api(folder: Path, *, key: str | None = None, **parts: object) -> AsyncIterator[Api]:
    async with contextlib.AsyncExitStack() as stack:
        tested = await stack.enter_async_context(studio_for_tests(folder, **parts))  # type: ignore[arg-type]
        mcp = await stack.enter_async_context(studio_endpoint(tested.studio))
        app = whole_api(tested.studio, mcp)
        url = await stack.enter_async_context(
            serving(lambda port: guard_api(app, port, key=key, on_refusal=tested.studio.refused.add))
        )
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60, trust_env=False))
        yield Api(http, url, tested.studio, tested.engine, tested.chat, tested.vision, stack)
