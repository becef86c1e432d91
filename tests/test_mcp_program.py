"""MCP with the real program: `mcp` as a desktop host starts it, and the studio stopping while a host is connected."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from program import ROOT, pictures, running_program

pytestmark = [pytest.mark.model, pytest.mark.timeout(400)]


@asynccontextmanager
async def desktop_host(data_dir: Path, **environment: str) -> AsyncIterator[Client]:
    """A host that starts `python app.py mcp`."""
    command = [str(ROOT / "app.py"), "mcp", "--data-dir", str(data_dir), "--ollama-base-url", "none"]
    started = StdioServerParameters(command=sys.executable, args=command, env={**os.environ, **environment})
    async with Client(started) as client:
        yield client


async def test_a_desktop_host_draws_without_a_running_studio(tmp_path: Path) -> None:
    async with desktop_host(tmp_path / "data") as client:
        drawn = await client.call_tool("generate_image", {"prompt": "a red apple", "steps": 8, "seed": 4})
        assert not drawn.is_error, drawn.content
        (png,) = (await client.read_resource(f"studio://images/{drawn.structured_content['id']}")).contents
        assert png.mime_type == "image/png"


async def test_a_desktop_host_uses_the_studio_that_runs_and_shows_its_key(tmp_path: Path) -> None:
    key = {"ILLUSTRIOUS_KEY": "a-key-of-some-length"}
    with running_program(tmp_path / "data", **key) as program:
        async with desktop_host(tmp_path / "data", **key) as client:
            assert (await client.call_tool("status")).structured_content["status"] == "running"
            held = {one.pid for one in psutil.Process().children(recursive=True)}
            assert program.process.pid in held
        refused = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "app.py"), "mcp", "--data-dir", str(tmp_path / "data")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, words = await refused.communicate()
        assert (out, refused.returncode) == (b"", 1)
        assert b"asks for a key" in words


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_ctrl_c_ends_everything_at_once_also_with_hosts_connected(tmp_path: Path, era: str) -> None:
    with running_program(tmp_path / "data") as program:
        await asyncio.to_thread(program.wait_for_models, "sdxl")
        drawing = asyncio.Event()

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            drawing.set()

        answered: asyncio.Future[CallToolResult] = asyncio.get_running_loop().create_future()

        async def draw() -> None:
            # In the older era, the host also holds a stream open on which the server may speak first.
            apple = {"prompt": "an apple", "steps": 150}
            async with Client(f"{program.api}/mcp", mode=era) as client:
                answered.set_result(await client.call_tool("generate_image", apple, progress_callback=tell))

        host = asyncio.create_task(draw())
        await drawing.wait()
        family = program.family()
        program.interrupt()
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=60)
        assert (alive, program.process.wait()) == ([], 0)
        assert pictures(tmp_path / "data") == []  # nobody waited for the 150 steps
        await asyncio.wait([host])
        assert "The studio is being stopped." in str(answered.result().content)
        assert "Traceback" not in program.log()
