"""The self-test against the real program with its small models, from the command line."""

import asyncio
import sys
from pathlib import Path

import pytest

from program import ROOT, running_program

pytestmark = [pytest.mark.model, pytest.mark.timeout(400)]


async def connect(data_dir: Path, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "app.py"), "connect", "--data-dir", str(data_dir), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_studio_that_runs_gets_along_with_every_program(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert await connect(folder, "--test") == (
        1,
        "No studio is running that could be tested. Start it: python app.py\n",
    )
    with running_program(folder) as program:
        await asyncio.to_thread(program.wait_for_models, "sdxl", "ollama")
        code, said = await connect(folder, "--test")
        assert code == 0, said
        assert said.count("passed") == 7, said
        assert program.get("/gallery")["items"] == []
        code, said = await connect(folder, "open webui")
        assert (code, f"URL: {program.api}/v1" in said, "Model IDs: SmolLM2" in said) == (0, True, True), said
    code, said = await connect(folder, "no such")
    assert code == 78
    assert said.startswith("No program is called no such. There are: MCP hosts, Open WebUI,")
