"""Programs in processes of their own, timed from their start: the studio itself, and its peers."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil

from illustrious_studio.interfaces.web.starting import STARTING

LONGEST_START = 180.0
SERVE = [sys.executable, "-c", "from illustrious_studio.cli.parser import main; main()", "serve"]


@contextlib.asynccontextmanager
async def whole_studio(folder: str, *options: str) -> AsyncIterator[tuple[str, "Started"]]:
    """The studio with everything loaded, its pages too; the address of its API."""
    web, api = free_port(), free_port()
    command = [*SERVE, "--web-port", str(web), "--api-port", str(api), "--data-dir", folder, *options]
    async with Started(command) as process, httpx.AsyncClient(trust_env=False) as client:
        await process.answers(web, "/")
        address = f"http://127.0.0.1:{api}"
        while not all((await client.get(f"{address}/status")).json()["models"].values()):
            await asyncio.sleep(0.2)
        yield address, process


@contextlib.asynccontextmanager
async def replayed(kind: str, port: int, url: str = "") -> AsyncIterator[int]:
    """A server of `replay.py` on that port, once it answers; the id of its process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "illustrious_studio.bench.replay", kind, str(port), url
    )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


class Started:
    """A child process, timed from its start, killed at the end."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    async def __aenter__(self) -> "Started":
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

    def processor(self) -> float:
        """Processor seconds it has used, its children's not."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

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
