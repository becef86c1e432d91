"""start.ready: from the start of the process until both ports answer, and until the whole UI is there.

The peer is a bare Gradio page mounted on a bare FastAPI app, started the same way.
"""

import asyncio
import os
import socket
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from illustrious_studio.bench.measure import Figure, in_turn, ratios, seconds
from illustrious_studio.interfaces.web.starting import STARTING
from illustrious_studio.settings import Settings

PEER = """
import sys, fastapi, gradio, uvicorn
with gradio.Blocks() as page:
    gradio.Textbox(label="Hello")
uvicorn.run(gradio.mount_gradio_app(fastapi.FastAPI(), page, path="/"), port=int(sys.argv[1]), log_level="error")
"""
LONGEST_START = 180.0
IDLE_SECONDS = 10.0


async def start_ready(settings: Settings, rounds: int) -> list[Figure]:
    """Ratios of start and memory, and the seconds until the ports answer."""
    answered: list[float] = []
    memory: list[tuple[int, int]] = []
    torch: list[float] = []

    async def ours() -> float:
        with tempfile.TemporaryDirectory() as folder:
            web, api = free_port(), free_port()
            command = [sys.executable, "-c", "from illustrious_studio.cli import main; main()", "serve"]
            command += ["--web-port", str(web), "--api-port", str(api), "--data-dir", folder]
            async with _Started(command) as process:
                both = asyncio.gather(process.answers(api, "/status"), process.answers(web, "/", starting=True))
                answered.append(max(await both))
                whole = await process.answers(web, "/")
                await asyncio.sleep(IDLE_SECONDS)
                memory.append((process.resident(), 0))
                torch.append(float(process.maps("libtorch")))
            return whole

    async def peer() -> float:
        port = free_port()
        async with _Started([sys.executable, "-c", PEER, str(port)]) as process:
            whole = await process.answers(port, "/")
            await asyncio.sleep(IDLE_SECONDS)
            memory[-1] = (memory[-1][0], process.resident())
            return whole

    mine, theirs = await in_turn(ours, peer, rounds)
    sizes = [a / b for a, b in memory[1:]]
    return [
        Figure("both ports answer", answered[1:], "under 2", " s"),
        Figure("whole UI, time ratio", ratios(mine, theirs), "1.25", "", seconds(mine), seconds(theirs)),
        Figure(
            "resident memory ratio",
            sizes,
            "1.3",
            "",
            f"{memory[-1][0] / 2**20:.0f} MiB",
            f"{memory[-1][1] / 2**20:.0f} MiB",
        ),
        Figure("torch in the serving process", torch[1:], "0"),
    ]


class _Started:
    """A child process, timed from its start, killed at the end."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    async def __aenter__(self) -> "_Started":
        self._began = time.perf_counter()
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=quiet, stderr=quiet)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.terminate()
        await self._process.wait()

    async def answers(self, port: int, path: str, *, starting: bool = False) -> float:
        """Seconds from the process's start until `path` answers 200 (and, by default, is no starting page)."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            while time.perf_counter() - self._began < LONGEST_START:
                try:
                    answer = await client.get(path)
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.is_success and (starting or STARTING not in answer.headers):
                    return time.perf_counter() - self._began
                await asyncio.sleep(0.02)
        raise TimeoutError(f"port {port} did not answer in {LONGEST_START:.0f} s")

    def resident(self) -> int:
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def maps(self, library: str) -> bool:
        """Whether the process has that library in memory (Linux)."""
        maps = Path(f"/proc/{self._process.pid}/maps")
        return library in maps.read_text() if os.name == "posix" and maps.exists() else False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
