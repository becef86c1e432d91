"""MCP's own conformance suite against the studio's endpoint: its guard, its bodies, its sessions, its streams.

The suite asks for tools and resources of its own, so they stand in place of the studio's. It needs Node.js 22, which
npm's registry has, too.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route

from conformance_fixtures import conformance_server
from illustrious_studio.interfaces.mcp.endpoint import McpEndpoint
from illustrious_studio.serve import guard_api
from npm import NEEDS_NODE, installed_by_npm
from serving import serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),
    # The suite's own version of the protocol still has logging and sampling, which the next one gives up (SEP-2577).
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
    NEEDS_NODE,
]

SUITE = "@modelcontextprotocol/conformance@0.1.16"
NODE = "node@22"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def programs(pytestconfig: pytest.Config) -> Path:
    return await installed_by_npm(pytestconfig, "conformance", SUITE, NODE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    async with contextlib.AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(McpEndpoint(conformance_server))
        app = Starlette(routes=[Route("/mcp", endpoint)])
        url = await stack.enter_async_context(serving(lambda port: guard_api(app, port)))
        yield f"{url}/mcp"


async def test_every_scenario_of_its_active_suite_passes(programs: Path, address: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(str(programs / "node"), str(programs / "conformance"), "server", "--url", address, "-o", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode(errors="replace")
    checks = [check for file in tmp_path.rglob("checks.json") for check in json.loads(file.read_text())]
    missed = [f"{check['id']}: {check.get('errorMessage')}" for check in checks if check["status"] != "SUCCESS"]
    assert missed == [], said
    assert process.returncode == 0, said
    assert len(checks) >= 40, said  # there are 30 scenarios
