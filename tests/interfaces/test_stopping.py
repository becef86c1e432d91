"""The studio stops while it works: who waits is answered in the shape of its API, and streams end with an error."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.types import CallToolResult

from illustrious_studio.serve import answering
from illustrious_studio.servers import listen, port_of
from illustrious_studio.services.studio import Studio
from illustrious_studio.settings import Settings
from studio_for_tests import studio_for_tests

TOLD = "The studio is being stopped. Send this again when it runs."
SMALL: dict[str, Any] = {"prompt": "a cat", "width": 64, "height": 64, "steps": 4}
OF_OPENAI: dict[str, Any] = {"prompt": "a cat", "size": "64x64", "steps": 4}
CHAT: dict[str, Any] = {"model": "fake-chat", "messages": [{"role": "user", "content": "hello"}]}


@contextlib.asynccontextmanager
async def served(folder: Path, studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, which stops answering when the context ends; the client is closed later."""
    with listen("127.0.0.1", 0, "api") as listener:
        async with answering(Settings(data_dir=folder), studio, listener):
            yield httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(listener)}", timeout=60)


async def sent(folder: Path, path: str, body: dict[str, Any]) -> httpx.Response:
    """The answer to a request that is being worked on when the studio stops."""
    async with studio_for_tests(folder) as made:
        made.engine.go_on.clear()
        made.chat.go_on.clear()
        async with served(folder, made.studio) as http:
            asking = asyncio.create_task(http.post(path, json=body))
            working = [asyncio.create_task(one.wait()) for one in (made.engine.midway, made.chat.speaking)]
            await asyncio.wait([asking, *working], return_when=asyncio.FIRST_COMPLETED)
            for one in working:
                one.cancel()
        answer = await asking
        await http.aclose()
        made.chat.go_on.set()
        made.engine.go_on.set()
        return answer


@pytest.mark.parametrize(
    ("path", "body", "shape"),
    [
        ("/generate-image", SMALL, {"detail": TOLD, "code": "unavailable"}),
        ("/chat", {"message": "hello"}, {"detail": TOLD, "code": "unavailable"}),
        ("/v1/images/generations", OF_OPENAI, None),
        ("/v1/chat/completions", CHAT, None),
        ("/sdapi/v1/txt2img", SMALL, None),
    ],
)
async def test_who_waits_is_answered(tmp_path: Path, path: str, body: dict[str, Any], shape: Any) -> None:
    answer = await sent(tmp_path, path, body)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert TOLD in answer.text
    if shape is not None:
        assert answer.json() == shape
    elif path.startswith("/v1"):
        assert answer.json()["error"]["message"] == TOLD
    else:
        assert TOLD in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat", {"message": "hello", "stream": True}),
        ("/v1/chat/completions", CHAT | {"stream": True}),
        ("/v1/images/generations", OF_OPENAI | {"stream": True, "partial_images": 1}),
    ],
)
async def test_a_stream_ends_with_an_error(tmp_path: Path, path: str, body: dict[str, Any]) -> None:
    answer = await sent(tmp_path, path, body)
    assert answer.status_code in (200, 503)
    assert TOLD in answer.text
    if answer.status_code == 200:
        last = answer.text.rstrip().rpartition("\n\n")[2]
        assert TOLD in last


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_call_over_mcp_is_told_too(tmp_path: Path, era: str) -> None:
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        answered: asyncio.Future[CallToolResult] = asyncio.get_running_loop().create_future()

        async def host(address: str) -> None:
            async with Client(f"{address}/mcp", mode=era) as client:
                answered.set_result(await client.call_tool("generate_image", SMALL))

        async with served(tmp_path, made.studio) as http:
            calling = asyncio.create_task(host(str(http.base_url).rstrip("/")))
            await made.engine.midway.wait()
        answer = await asyncio.wait_for(answered, 30)
        assert answer.is_error
        assert TOLD in str(answer.content)
        await asyncio.wait([calling])
        await http.aclose()


async def test_what_was_asked_with_a_key_is_drawn_after_the_start(tmp_path: Path) -> None:
    headers = {"Idempotency-Key": "kept over the stop"}
    async with studio_for_tests(tmp_path) as made:
        made.engine.go_on.clear()
        async with served(tmp_path, made.studio) as http:
            asking = asyncio.create_task(http.post("/generate-image", json=SMALL, headers=headers))
            await made.engine.midway.wait()
        assert (await asking).status_code == 503
        await http.aclose()
    async with studio_for_tests(tmp_path) as made, served(tmp_path, made.studio) as http:
        assert (await http.post("/generate-image", json=SMALL, headers=headers)).status_code == 200
        assert len(made.engine.plans) == 1
        await http.aclose()
