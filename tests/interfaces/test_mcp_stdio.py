"""MCP on stdin and stdout, as a desktop host starts it: a process that hands everything on to a studio."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ImageContent, PromptReference, ResourceLink, TextContent

from illustrious_studio.interfaces.http.guard import Guard
from illustrious_studio.interfaces.mcp.endpoint import studio_endpoint
from illustrious_studio.interfaces.mcp.tools import TOOLS
from running_api import Api
from serving import serving
from studio_for_tests import studio_for_tests

SOURCE = Path(__file__).resolve().parents[2] / "src"
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])
CAT: dict[str, Any] = {"prompt": "a cat", "steps": 5, "seed": 7, "width": 512, "height": 512}
PROGRAM = """
import asyncio, sys
from illustrious_studio.interfaces.mcp.relay import relay
asyncio.run(relay(sys.argv[1], {}, "1.2.3"))
"""


def relaying(url: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-c", PROGRAM, url], env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )


@asynccontextmanager
async def host(url: str, era: str = "auto") -> AsyncIterator[Client]:
    async with Client(relaying(url), mode=era) as client:
        yield client


@ERAS
async def test_a_host_finds_everything_that_is_there_over_http(api: Api, era: str) -> None:
    async with host(api.url, era) as client, Client(f"{api.url}/mcp") as direct:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("illustrious-studio", "1.2.3")
        assert client.instructions == direct.instructions
        assert (await client.list_tools()).tools == (await direct.list_tools()).tools
        assert (await client.list_prompts()).prompts == (await direct.list_prompts()).prompts
        assert (await client.get_prompt("draw", {"idea": "a fox"})).messages
        assert (await client.list_resource_templates()).resource_templates
        result = await client.call_tool("generate_image", CAT)
        preview, line, link = result.content
        assert isinstance(preview, ImageContent) and isinstance(line, TextContent) and isinstance(link, ResourceLink)
        assert result.structured_content["metadata"]["seed"] == 7
        assert (await client.list_resources()).resources[0].uri == link.uri
        assert await client.read_resource(link.uri) == await direct.read_resource(link.uri)
        variations = PromptReference(name="variations")
        completion = (await client.complete(variations, {"name": "image_id", "value": ""})).completion
        assert completion.values == [link.uri.rpartition("/")[2]]


@ERAS
async def test_steps_are_told_as_they_happen_and_cancelling_stops_the_drawing(api: Api, era: str) -> None:
    api.engine.go_on.clear()
    told: list[float] = []
    halfway = asyncio.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)
        if progress == 2:
            halfway.set()

    async with host(api.url, era) as client:
        call = asyncio.create_task(client.call_tool("generate_image", CAT, progress_callback=tell))
        await asyncio.wait_for(halfway.wait(), 30)
        call.cancel()
        await asyncio.wait_for(api.engine.stopped.wait(), 30)
        assert told == sorted(set(told))
        api.engine.go_on.set()
        assert not (await client.call_tool("generate_image", CAT)).is_error
    assert len((await api.http.get("/gallery")).json()["items"]) == 1


async def test_failures_are_those_of_the_studio(api: Api) -> None:
    async with host(api.url) as client:
        result = await client.call_tool("generate_image", CAT | {"steps": 0})
        assert (result.is_error, result.content) == (True, [TextContent(text="steps: must be at least 1")])
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("delete_image", {})
        with pytest.raises(MCPError, match="There is no such picture"):
            await client.read_resource("studio://images/" + "0" * 32)


async def test_a_studio_that_was_started_again_is_found_again(tmp_path: Path) -> None:
    @asynccontextmanager
    async def studio(port: int = 0) -> AsyncIterator[str]:
        async with (
            studio_for_tests(tmp_path / "data") as tested,
            studio_endpoint(tested.studio) as mcp,
            serving(lambda port: Guard(mcp, port=port), port) as url,
        ):
            yield url

    async with AsyncExitStack() as stack:
        async with studio() as url:
            client = await stack.enter_async_context(host(url))
            assert len((await client.list_tools()).tools) == len(TOOLS)
        failed = await client.call_tool("status")
        assert failed.is_error and "start it" in failed.model_dump()["content"][0]["text"]
        with pytest.raises(MCPError, match="does not answer"):
            await client.list_prompts()
        async with studio(int(url.rpartition(":")[2])):
            assert not (await client.call_tool("status")).is_error


async def test_nothing_but_the_protocol_is_on_stdout(api: Api) -> None:
    def line(number: int | None, method: str, **params: object) -> str:
        return json.dumps({"jsonrpc": "2.0", "method": method, "params": params} | ({"id": number} if number else {}))

    hello = line(
        1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "x", "version": "1"}
    )
    lines = [hello, line(None, "notifications/initialized"), "this is no JSON", line(2, "tools/call", name="status")]
    parameters = relaying(api.url)
    process = await asyncio.create_subprocess_exec(
        parameters.command, *parameters.args, env=parameters.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("".join(f"{one}\n" for one in lines).encode())
    said = [json.loads(await asyncio.wait_for(process.stdout.readline(), 60)) for _ in range(2)]
    process.stdin.close()
    said += [json.loads(one) async for one in process.stdout]
    assert {one["jsonrpc"] for one in said} == {"2.0"}
    answers = {one.get("id"): one for one in said}
    assert answers[1]["result"]["serverInfo"]["name"] == "illustrious-studio"
    assert answers[2]["result"]["structuredContent"]["status"] == "running"
    assert await asyncio.wait_for(process.wait(), 30) == 0  # the host closed it
