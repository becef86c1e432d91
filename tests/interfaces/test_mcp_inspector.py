"""MCP by the inspector of its authors, on its command line: what a developer tries first.

It comes from npm, a second of Node.js for each call. Without Node.js, or without npm's registry, there is no inspector.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from npm import NEEDS_NODE, installed_by_npm
from running_api import Api, running_api

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),
    NEEDS_NODE,
]

INSPECTOR = "@modelcontextprotocol/inspector@0.15.0"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inspector(pytestconfig: pytest.Config) -> Path:
    return await installed_by_npm(pytestconfig, "inspector", INSPECTOR) / "mcp-inspector"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(tmp_path_factory.mktemp("mcp") / "data") as running:
        yield running


async def inspected(inspector: Path, api: Api, *asked: str) -> Any:
    """What it prints, which is the result as JSON."""
    process = await asyncio.create_subprocess_exec(
        *(str(inspector), "--cli", f"{api.url}/mcp", "--transport", "http", *asked),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, words = await process.communicate()
    assert process.returncode == 0, words.decode()
    return json.loads(out)


async def test_it_lists_the_tools_the_prompts_and_the_resources(inspector: Path, api: Api) -> None:
    tools, prompts, templates = await asyncio.gather(
        inspected(inspector, api, "--method", "tools/list"),
        inspected(inspector, api, "--method", "prompts/list"),
        inspected(inspector, api, "--method", "resources/templates/list"),
    )
    assert {"generate_image", "status"} < {tool["name"] for tool in tools["tools"]}
    assert "draw" in {prompt["name"] for prompt in prompts["prompts"]}
    assert any("studio://images/" in one["uriTemplate"] for one in templates["resourceTemplates"])


async def test_it_draws_and_shows_the_preview_first(inspector: Path, api: Api) -> None:
    arguments = ["prompt=a red apple", "steps=3", "seed=4", "width=128", "height=128"]
    drawn = await inspected(
        inspector, api, "--method", "tools/call", "--tool-name", "generate_image",
        *(part for argument in arguments for part in ("--tool-arg", argument)),
    )  # fmt: skip
    assert not drawn.get("isError"), drawn
    assert [block["type"] for block in drawn["content"]] == ["image", "text", "resource_link"]
    assert drawn["structuredContent"]["metadata"]["seed"] == 4
    read = await inspected(inspector, api, "--method", "resources/read", "--uri", drawn["content"][2]["uri"])
    assert read["contents"][0]["mimeType"] == "image/png"


async def test_it_shows_a_failure_as_a_sentence(inspector: Path, api: Api) -> None:
    refused = await inspected(
        inspector, api, "--method", "tools/call", "--tool-name", "generate_image", "--tool-arg", "prompt=a cat",
        "--tool-arg", "steps=1000",
    )  # fmt: skip
    assert refused["isError"]
    assert refused["content"][0]["text"] == "steps: must be at most 150"
