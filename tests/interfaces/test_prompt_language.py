"""What is not there or not done here gets the same answer by every way in, and nothing is drawn."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest, Origin
from running_api import Api, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEAKS = {"accept": "application/json, text/event-stream"}
CASES = [
    pytest.param("a cat <hypernet:x:1>", "prompt has <hypernet:x:1> (a hypernetwork)", id="hypernetwork"),
    pytest.param("a red apple <lora:x:1>", "There is no LoRA 'x'", id="civitai-lora"),
    pytest.param("an apple, embedding:EasyNegative", "There is no embedding 'EasyNegative'", id="comfyui-embedding"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(tmp_path_factory.mktemp("language")) as running:
        yield running


async def posted(api: Api, path: str, body: dict[str, Any]) -> str:
    answer = await api.http.post(path, json=body)
    assert answer.status_code in (400, 422), answer.text
    return answer.text


async def by_rest(api: Api, prompt: str) -> str:
    return await posted(api, "/generate-image", {"prompt": prompt})


async def by_jobs(api: Api, prompt: str) -> str:
    return await posted(api, "/jobs", {"prompt": "an apple", "negative_prompt": prompt})


async def by_a1111(api: Api, prompt: str) -> str:
    return await posted(api, "/sdapi/v1/txt2img", {"prompt": prompt})


async def by_openai(api: Api, prompt: str) -> str:
    return await posted(api, "/v1/images/generations", {"prompt": prompt})


async def by_mcp(api: Api, prompt: str) -> str:
    call = {"name": "generate_image", "arguments": {"prompt": prompt}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    start = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    opened = await api.http.post("/mcp", json={**body, "method": "initialize", "params": start}, headers=SPEAKS)
    session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
    answer = await api.http.post("/mcp", json=body, headers={**SPEAKS, **session})
    assert "isError" in answer.text
    return answer.text


async def by_chat(api: Api, prompt: str) -> str:
    return (await api.http.post("/chat", json={"message": f"#generate {prompt}"})).text


async def by_page(api: Api, prompt: str) -> str:
    with pytest.raises(InvalidRequest) as raised:
        await api.studio.images.start_images(ImageRequest(prompt=prompt), 1, Origin(way="create"))
    return json.dumps(raised.value.detail)


WAYS = [by_rest, by_jobs, by_a1111, by_openai, by_mcp, by_chat, by_page]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("prompt", "said"), CASES)
async def test_it_is_refused_by_name(
    api: Api, way: Callable[[Api, str], Awaitable[str]], prompt: str, said: str
) -> None:
    answer = await way(api, prompt)
    assert said in answer
    assert api.engine.plans == []
